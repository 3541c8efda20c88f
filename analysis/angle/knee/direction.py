"""Which way the knee bends, and which sensor sits where, from the physics of the knee.

A knee bends one way: from about -10 to 150 deg. Every source of an absolute angle, however rough, is
asked how likely the whole recording is under either sign; what the sources say is added up in nats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.angle.knee.centre import KneeCentre
from analysis.angle.knee.hinge import tangents
from firmware_bridge.samples import Float

_KNEE_RANGE_DEG = (-10.0, 150.0)
_LEVER_SD_DEG = 15.0
_POSE_SD_DEG = 5.0
_ALIKE_SD_DEG = 40.0
# One source alone never counts for more than this: a model can be wrong in ways it cannot know.
_LARGEST_RATIO = 8.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One source: the angle about the axes at which the knee is straight, for either direction."""

    straight_if_raised_deg: float
    straight_if_lowered_deg: float
    sd_deg: float


@dataclass(frozen=True, slots=True)
class Direction:
    """The sign that turns the angle about the axes as found into flexion, and how sure it is in nats."""

    sign: int
    log_likelihood_ratio: float


def lever_evidence(centre: KneeCentre, axes: tuple[Float, Float]) -> Evidence:
    """Straight is where the levers from the knee to both sensors point opposite ways."""
    angles, variance = [], _LEVER_SD_DEG**2
    sds = (centre.thigh_sd_m, centre.shank_sd_m), (centre.thigh_skin_m, centre.shank_skin_m)
    for axis, distal, sd in zip(axes, (-centre.thigh_m, centre.shank_m), np.hypot(*sds), strict=True):
        x, y = tangents(axis) @ distal
        angles.append(np.degrees(np.arctan2(y, x)))
        variance += np.degrees(np.arctan2(sd, np.hypot(x, y))) ** 2
    straight = float(angles[0] - angles[1])
    return Evidence(straight, straight, float(np.sqrt(variance)))


def alike_evidence(axes: tuple[Float, Float]) -> Evidence | None:
    """Straight is where both boxes point alike, as people tend to strap them; None where the axes deny it."""
    if float(axes[0] @ axes[1]) < 0.8:
        return None
    middle = axes[0] + axes[1]
    direction = tangents(middle / np.linalg.norm(middle))[0]
    angles = [np.degrees(np.arctan2(*(tangents(axis) @ direction)[::-1])) for axis in axes]
    straight = float(angles[0] - angles[1])
    return Evidence(straight, straight, _ALIKE_SD_DEG)


def pose_evidence(pose_angle_deg: float, flexion_deg: float) -> Evidence:
    """A reference pose: with a known flexion, the whole movement must fit what a knee can do."""
    return Evidence(pose_angle_deg - flexion_deg, pose_angle_deg + flexion_deg, _POSE_SD_DEG)


def judge(angle_deg: Float, evidence: list[Evidence]) -> Direction:
    """Weighs both signs of the angle (n,) about the axes, in degrees, against all the evidence."""
    low, high = np.percentile(angle_deg, [1, 99])
    total = 0.0
    for source in evidence:
        raised = _unlikely(
            low - source.straight_if_raised_deg, high - source.straight_if_raised_deg, source.sd_deg
        )
        lowered = _unlikely(
            source.straight_if_lowered_deg - high, source.straight_if_lowered_deg - low, source.sd_deg
        )
        total += float(np.clip(lowered - raised, -_LARGEST_RATIO, _LARGEST_RATIO))
    return Direction(1 if total >= 0 else -1, abs(total))


def _unlikely(low_deg: float, high_deg: float, sd_deg: float) -> float:
    """Minus the log likelihood of a movement between two flexions, whole turns removed."""
    middle = (low_deg + high_deg) / 2
    turns = 360.0 * np.round((middle - 70.0) / 360.0)
    low, high = low_deg - turns, high_deg - turns
    beyond = max(_KNEE_RANGE_DEG[0] - low, 0.0) ** 2 + max(high - _KNEE_RANGE_DEG[1], 0.0) ** 2
    # A movement within the range has its middle on the bent side, which breaks ties.
    return float(beyond + max(-middle + turns, 0.0) ** 2) / (2 * sd_deg**2)
