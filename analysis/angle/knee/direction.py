"""The direction of bending: which sign of the angle about the axes is flexion.

A knee bends one way only, from about -10 to 150 deg. Every source of an absolute angle, however rough, gives
the likelihood of the whole recording under either sign. Their log-likelihood ratios are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.angle.knee.centre import KneeCentre
from analysis.angle.knee.hinge import tangents
from analysis.angle.knee.identification import Knee
from firmware_bridge.samples import Float

_KNEE_RANGE_DEG = (-10.0, 150.0)
_LEVER_SD_DEG = 15.0
_POSE_SD_DEG = 5.0
_MOUNTING_SD_DEG = 40.0
# Upper bound of one source's log-likelihood ratio, because its model may be wrong. Sensors are mounted alike
# in most recordings, not in all: the odds are taken as ten to one. An angle on a circle that is known to
# 90 deg only says next to nothing, whatever its Gaussian promises.
_LARGEST_RATIO = 8.0
_MOUNTING_RATIO = 2.3
_NOTHING_SD_DEG = 90.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One source: the angle about the axes at which the knee is straight, for either direction.

    `largest_ratio` bounds the log-likelihood ratio that it may have.
    """

    straight_if_raised_deg: float
    straight_if_lowered_deg: float
    sd_deg: float
    largest_ratio: float = _LARGEST_RATIO


@dataclass(frozen=True, slots=True)
class Direction:
    """The sign that makes the angle about the axes flexion, with the natural log-likelihood ratio for it.

    What contradicts the sign is taken off the ratio once more.
    """

    sign: int
    log_likelihood_ratio: float


def find_direction(angle_deg: Float, knee: Knee, poses: Sequence[tuple[Float, float]]) -> Direction:
    """The direction of bending from the levers, the mounting and the reference poses.

    Args:
        angle_deg: (n,) about the axes, where it is known.
        knee: with its axes as found.
        poses: angles about the axes during each reference pose, and its flexion in degrees.
    """
    evidence = [lever_evidence(knee.centre, knee.axes)]
    if (mounting := mounting_evidence(knee.axes)) is not None:
        evidence.append(mounting)
    evidence.extend(pose_evidence(float(np.median(during)), flexion) for during, flexion in poses)
    return judge(angle_deg, evidence)


def lever_evidence(centre: KneeCentre, axes: tuple[Float, Float]) -> Evidence:
    """Evidence from the levers: the knee is straight where they point in opposite directions."""
    angles, variance = [], _LEVER_SD_DEG**2
    sds = (centre.thigh_sd_m, centre.shank_sd_m), (centre.thigh_skin_m, centre.shank_skin_m)
    for axis, distal, sd in zip(axes, (-centre.thigh_m, centre.shank_m), np.hypot(*sds), strict=True):
        x, y = tangents(axis) @ distal
        angles.append(np.degrees(np.arctan2(y, x)))
        variance += np.degrees(np.arctan2(sd, np.hypot(x, y))) ** 2
    straight = float(angles[0] - angles[1])
    sd_deg = float(np.sqrt(variance))
    return Evidence(straight, straight, sd_deg, min(_LARGEST_RATIO, (_NOTHING_SD_DEG / sd_deg) ** 2))


def mounting_evidence(axes: tuple[Float, Float]) -> Evidence | None:
    """Evidence from mounting: the knee is straight where both sensors are oriented alike.

    None where the axes show that the sensors are mounted differently.
    """
    if float(axes[0] @ axes[1]) < 0.8:
        return None
    middle = axes[0] + axes[1]
    direction = tangents(middle / np.linalg.norm(middle))[0]
    angles = [np.degrees(np.arctan2(*(tangents(axis) @ direction)[::-1])) for axis in axes]
    straight = float(angles[0] - angles[1])
    return Evidence(straight, straight, _MOUNTING_SD_DEG, _MOUNTING_RATIO)


def pose_evidence(pose_angle_deg: float, flexion_deg: float) -> Evidence:
    """Evidence from a reference pose: it fixes the angle at which the knee is straight, for either sign."""
    return Evidence(pose_angle_deg - flexion_deg, pose_angle_deg + flexion_deg, _POSE_SD_DEG)


def judge(angle_deg: Float, evidence: list[Evidence]) -> Direction:
    """The more likely sign of the angle (n,) about the axes, in degrees, given all the evidence."""
    low, high = np.percentile(angle_deg, [1, 99])
    ratios = []
    for source in evidence:
        raised = _neg_log_likelihood(
            low - source.straight_if_raised_deg, high - source.straight_if_raised_deg, source.sd_deg
        )
        lowered = _neg_log_likelihood(
            source.straight_if_lowered_deg - high, source.straight_if_lowered_deg - low, source.sd_deg
        )
        ratios.append(float(np.clip(lowered - raised, -source.largest_ratio, source.largest_ratio)))
    total = sum(ratios)
    # Sources that contradict each other show that one model is wrong, and not which: twice the doubt.
    against = sum(abs(r) for r in ratios if r * total < 0)
    return Direction(1 if total >= 0 else -1, max(abs(total) - against, 0.0))


def _neg_log_likelihood(low_deg: float, high_deg: float, sd_deg: float) -> float:
    """Negative log-likelihood of a movement between two flexions, with whole turns removed."""
    middle = (low_deg + high_deg) / 2
    turns = 360.0 * np.round((middle - 70.0) / 360.0)
    low, high = low_deg - turns, high_deg - turns
    beyond = max(_KNEE_RANGE_DEG[0] - low, 0.0) ** 2 + max(high - _KNEE_RANGE_DEG[1], 0.0) ** 2
    # Tie-break: the middle of a movement lies on the bent side.
    return float(beyond + max(-middle + turns, 0.0) ** 2) / (2 * sd_deg**2)
