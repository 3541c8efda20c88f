"""What is found in a flexion track."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

from firmware_bridge.session.model import PhaseName, TestName


@dataclass(frozen=True, slots=True)
class Plateau:
    """A still posture near full extension during [start_s, stop_s).

    Attributes:
        flexion_deg: median flexion over the plateau.
        sd_deg: one sigma of differences between such medians of like postures, within one strapping.
    """

    start_s: float
    stop_s: float
    flexion_deg: float
    sd_deg: float


@dataclass(frozen=True, slots=True)
class Repetition:
    """One bend-and-straighten inside one phase.

    Attributes:
        start_s, stop_s: [start_s, stop_s) on the session clock.
        phase, test: where it happened.
        peak_flexion_deg: the most bent angle (absolute only where the track is).
        extension: the best plateau of at least 1 s near full extension, or None if none was held.
        strapping: 0 until the first `restrap` phase, then 1, and so on.
        thigh_tilt_deg: median inclination of the thigh over the plateau, as a change from the first
            still posture of the session; NaN where unknown.
    """

    start_s: float
    stop_s: float
    phase: PhaseName
    test: TestName | None
    peak_flexion_deg: float
    extension: Plateau | None
    strapping: int = 0
    thigh_tilt_deg: float = nan


@dataclass(frozen=True, slots=True)
class Release:
    """The slow lengthening of one pandiculation, and the hold before it.

    Attributes:
        start_s, stop_s: from 5 % to 95 % of the excursion.
        metrics: named figures with units in their names: duration_s, mean_rate_deg_s, peak_rate_deg_s,
            rate_cv, pause_count, pause_s, reversal_count, submovement_count, sparc, tremor_deg,
            tremor_ratio, hold_s, hold_sd_deg, hold_rate_deg_s, relaxation_drift_deg,
            relaxation_rate_deg_s; NaN where not measurable.
    """

    start_s: float
    stop_s: float
    metrics: Mapping[str, float]
