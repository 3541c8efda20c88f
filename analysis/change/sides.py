"""One knee beside the other."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.change.blocks import blocks_of, choose, tests_of
from analysis.change.checks import LEAST_REPETITIONS
from analysis.change.contrast import change_of
from analysis.change.reliability import OwnNoise, noise_of_test
from analysis.change.sessions import Measured
from analysis.change.verdict import Conditions, interval_of, noise_of
from firmware_bridge.session.model import TestName


@dataclass(frozen=True, slots=True)
class SideDifference:
    """How much less far this knee straightens than the other one, in one test.

    Attributes:
        phase: the block compared, of both sessions.
        difference_deg: smallest flexion held, this knee minus the other; positive = the other one
            straightens further.
        ci95_deg: of the difference, with the error of two strappings and two reference angles.
    """

    test: TestName | None
    phase: str
    difference_deg: float
    ci95_deg: tuple[float, float]


def side_differences(
    this: Measured, other: Measured, *, reliability: OwnNoise = None
) -> tuple[SideDifference, ...]:
    """Compares the same blocks of both knees, for every test and phase that both sessions hold.

    Empty where a session has no reference pose, since only absolute angles can be compared, and without
    the blocks that hold fewer than 3 values.

    Args:
        this, other: sessions of the two knees, close in time.
        reliability: the person's own repeats; published figures without.
    """
    if this.relative or other.relative:
        return ()
    found = []
    for test in tests_of(this.repetitions):
        mine, theirs = (choose(blocks_of(m.repetitions, test)) for m in (this, other))
        for phase, block in mine.items():
            partner = theirs.get(phase)
            if phase == "warmup" or partner is None or min(block.n, partner.n) < LEAST_REPETITIONS:
                continue
            # A knee that straightens further is, as a contrast, what is straighter "after".
            contrast = change_of(block, partner)
            zero_sd_deg = max((m.zero_sd_deg for m in (this, other) if m.zero_sd_deg > 0), default=0.0)
            conditions = Conditions(test, restrapped=True, zero_sd_deg=zero_sd_deg)
            noise = noise_of(contrast, noise_of_test(reliability, test), conditions)
            value = contrast.value_deg
            found.append(SideDifference(test, phase, value, interval_of(value, noise, (0.0, 0.0))))
    return tuple(found)
