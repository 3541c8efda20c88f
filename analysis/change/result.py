"""The answer: how much further the knee straightens, and whether that can be told from noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan
from typing import Literal

from firmware_bridge.findings import Finding, sentences
from firmware_bridge.session.model import TestName

Verdict = Literal["gained", "lost", "no detectable change", "not enough data"]


@dataclass(frozen=True, slots=True)
class Block:
    """The repetitions of one phase and test, as one value.

    Attributes:
        extension_deg: mean of the repetitions' extension values (smallest flexion held); absolute
            only if the track is.
        sd_deg: SD between repetitions; NaN below two.
        n: repetitions with a value.
        start_s, stop_s: first to last plateau.
        attempts: repetitions begun, those without a value included.
        strapping: 0 until the first `restrap` phase, then 1, and so on.
        track_sd_deg: one sigma that the angle estimation itself gives the plateaus, within one strapping.
        thigh_tilt_deg: mean inclination of the thigh over the plateaus; NaN where unknown.
        trend_deg: how much straighter the knee became from the first to the last repetition, by a fitted
            line; NaN unless that is beyond chance (1 %).
    """

    phase: str
    extension_deg: float
    sd_deg: float
    n: int
    start_s: float
    stop_s: float
    attempts: int = 0
    strapping: int = 0
    track_sd_deg: float = 0.0
    thigh_tilt_deg: float = nan
    trend_deg: float = nan


@dataclass(frozen=True, slots=True)
class Comparison:
    """Before against after for one named test. Positive changes are straighter.

    Attributes:
        test: the named test, or None where the phases name none.
        before, after: the blocks compared; `blocks` holds all of them by phase name.
        relative: True where no reference pose fixed the zero: absolute values must not be shown.
        control_change_deg, net_change_deg, net_change_ci95_deg: None without a rest block.
        detectable_change_deg: the smallest change (after - before) this set-up can tell from noise. With a
            rest block the interval of the net change has to exclude zero as well.
        detectable_change_source: in words, whose repeats or which citation it rests on.
        slip_deg: from the closing reference; positive = the same pose now reads straighter. None
            where there was no closing reference.
        verdict, reason: the verdict and one plain sentence on why.
        findings: what else could have made the change, or contradicts it.
        zero_sd_deg: one sigma of the absolute angle; None when relative or unknown.
    """

    test: TestName | None
    before: Block | None
    after: Block | None
    relative: bool
    change_deg: float | None
    change_ci95_deg: tuple[float, float] | None
    control_change_deg: float | None
    net_change_deg: float | None
    net_change_ci95_deg: tuple[float, float] | None
    detectable_change_deg: float | None
    detectable_change_source: str
    slip_deg: float | None
    verdict: Verdict
    reason: str
    blocks: Mapping[str, Block] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    zero_sd_deg: float | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences of the findings, each once."""
        return sentences(self.findings)
