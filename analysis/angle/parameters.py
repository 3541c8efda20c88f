"""Every constant that a choice was made about, in one place, with how it was chosen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AngleParameters:
    """Constants of the angle estimation, independent of the sample rate.

    Attributes:
        max_gap_s: gaps up to this length are bridged by a straight line, longer ones stay gaps.
        gravity_tau_s: time constant of the gravity filter (cut-off sqrt(2) / (2 pi tau)).
        knot_s: spacing of the slow quantities (gravity, heading).
        gyro_floor_rad_s, gyro_share: standard deviation assumed of the gyro constraint, a floor plus a
            share of the two rates' common norm.
        elevation_sd: standard deviation assumed of the axes' elevation difference (sine of an angle).
        level_sd: standard deviation assumed of the axes' own elevation while the leg is upright.
        max_axis_samples: at most this many samples, evenly spread, enter the search for the axes.
    """

    max_gap_s: float = 0.1
    gravity_tau_s: float = 2.0
    knot_s: float = 0.05
    gyro_floor_rad_s: float = 0.1
    gyro_share: float = 0.15
    elevation_sd: float = 0.05
    level_sd: float = 0.1
    max_axis_samples: int = 3000


DEFAULTS = AngleParameters()
