"""Bending and straightening as an alternation of turning points, told from noise by hysteresis."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from firmware_bridge.samples import Float

# Less travel than this is fidgeting in any of the named tests.
LEAST_TRAVEL_DEG = 8.0
# A movement counts as bend-and-straighten from this share of the typical one.
TRAVEL_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Drop:
    """One straightening: indices of the most bent and the straightest sample, and of what surrounds it.

    Attributes:
        before: index of the straightest sample before the peak, or of the first one.
        peak, valley: the turning points.
        after: index of the next most bent sample, or one past the last.
    """

    before: int
    peak: int
    valley: int
    after: int


def turning_points(angle_deg: Float, travel_deg: float) -> list[int]:
    """Indices of alternating extremes between which the angle travels at least `travel_deg`.

    Args:
        angle_deg: (n,); NaN is skipped.
        travel_deg: smaller reversals are no turning points.
    """
    index = np.flatnonzero(np.isfinite(angle_deg))
    if len(index) < 2:
        return []
    turns = np.flatnonzero(np.diff(np.sign(np.diff(angle_deg[index])))) + 1
    index = index[np.concatenate(([0], turns, [len(index) - 1]))]
    points: list[int] = []
    low = high = int(index[0])
    direction = 0
    for i in map(int, index[1:]):
        low = i if angle_deg[i] < angle_deg[low] else low
        high = i if angle_deg[i] >= angle_deg[high] else high
        if direction >= 0 and angle_deg[high] - angle_deg[i] >= travel_deg:
            points.append(high)
            direction, low = -1, i
        elif direction <= 0 and angle_deg[i] - angle_deg[low] >= travel_deg:
            points.append(low)
            direction, high = 1, i
    if direction:
        points.append(high if direction > 0 else low)
    return points


def find_drops(angle_deg: Float) -> list[Drop]:
    """Every straightening of a smoothed angle (n,), in order; small reversals and fidgeting are none."""
    drops = _drops(angle_deg, LEAST_TRAVEL_DEG)
    if not drops:
        return []
    travel = np.array([angle_deg[d.peak] - angle_deg[d.valley] for d in drops])
    typical = float(np.median(travel[travel >= travel.max() / 2]))
    return _drops(angle_deg, max(LEAST_TRAVEL_DEG, TRAVEL_SHARE * typical))


def _drops(angle_deg: Float, travel_deg: float) -> list[Drop]:
    points = turning_points(angle_deg, travel_deg)
    drops = []
    for k, (peak, valley) in enumerate(pairwise(points)):
        if angle_deg[peak] > angle_deg[valley]:
            before = points[k - 1] if k else 0
            after = points[k + 2] if k + 2 < len(points) else len(angle_deg)
            drops.append(Drop(before, peak, valley, after))
    return drops
