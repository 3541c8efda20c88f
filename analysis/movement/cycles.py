"""Bending and straightening as alternating turning points, separated from noise by hysteresis.

The classes take samples in order and can be asked at any time; the functions pass an array through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from firmware_bridge.samples import Float

# Smaller movements are fidgeting in every named test.
LEAST_TRAVEL_DEG = 8.0
# A movement counts as bend-and-straighten if it travels at least this share of the typical one.
TRAVEL_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Drop:
    """One straightening: indices of the most bent and the straightest sample, and of their neighbours.

    Attributes:
        before: index of the straightest sample before the peak, or of the first one.
        peak, valley: the turning points.
        after: index of the next most bent sample, or one past the last.
    """

    before: int
    peak: int
    valley: int
    after: int


class TurningPoints:
    """Alternating extremes between which the angle travels at least `travel_deg`."""

    def __init__(self, travel_deg: float) -> None:
        self._travel_deg = travel_deg
        self._confirmed: list[tuple[int, float]] = []
        self._low: tuple[int, float] | None = None
        self._high: tuple[int, float] | None = None
        self._direction = 0

    def push(self, index: int, angle_deg: float) -> None:
        """Takes a sample. Samples between two local extremes may be left out."""
        here = (index, angle_deg)
        if self._low is None or self._high is None:
            self._low = self._high = here
            return
        if angle_deg < self._low[1]:
            self._low = here
        if angle_deg >= self._high[1]:
            self._high = here
        if self._direction >= 0 and self._high[1] - angle_deg >= self._travel_deg:
            self._confirmed.append(self._high)
            self._direction, self._low = -1, here
        elif self._direction <= 0 and angle_deg - self._low[1] >= self._travel_deg:
            self._confirmed.append(self._low)
            self._direction, self._high = 1, here

    def points(self) -> list[tuple[int, float]]:
        """The extremes so far as (index, angle); the last one may still move."""
        if not self._direction:
            return []
        newest = self._high if self._direction > 0 else self._low
        assert newest is not None
        return [*self._confirmed, newest]


class DropDetector:
    """Finds the straightenings of a smoothed angle; small reversals and fidgeting are none."""

    def __init__(self) -> None:
        self._length = 0
        self._fine = TurningPoints(LEAST_TRAVEL_DEG)
        self._points: list[tuple[int, float]] = []
        self._coarse: list[tuple[int, float]] = []

    def push(self, angle_deg: Float) -> None:
        """Takes the next samples (n,); NaN is skipped."""
        for index, value in _local_extremes(angle_deg):
            self._fine.push(self._length + index, value)
        self._length += len(angle_deg)

    def drops(self) -> list[Drop]:
        """Every straightening so far, in order."""
        points = self._fine.points()
        if points != self._points:
            self._points, self._coarse = points, _large(points)
        points, drops = self._coarse, []
        for k, (peak, valley) in enumerate(pairwise(points)):
            if peak[1] > valley[1]:
                before = points[k - 1][0] if k else 0
                after = points[k + 2][0] if k + 2 < len(points) else self._length
                drops.append(Drop(before, peak[0], valley[0], after))
        return drops


def _large(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Those turning points between which the angle travels a good part of the typical way; none without."""
    travels_deg = np.array([a[1] - b[1] for a, b in pairwise(points) if a[1] > b[1]])
    if not len(travels_deg):
        return []
    typical_deg = float(np.median(travels_deg[travels_deg >= travels_deg.max() / 2]))
    # A turning point of a larger travel is one of a smaller travel too.
    coarse = TurningPoints(max(LEAST_TRAVEL_DEG, TRAVEL_SHARE * typical_deg))
    for index, value in points:
        coarse.push(index, value)
    return coarse.points()


def turning_points(angle_deg: Float, travel_deg: float) -> list[int]:
    """Indices of alternating extremes between which the angle travels at least `travel_deg`.

    Args:
        angle_deg: (n,); NaN is skipped.
        travel_deg: smaller reversals are no turning points.
    """
    found = TurningPoints(travel_deg)
    for index, value in _local_extremes(angle_deg):
        found.push(index, value)
    return [index for index, _ in found.points()]


def find_drops(angle_deg: Float) -> list[Drop]:
    """Every straightening of a smoothed angle (n,), in order; see `DropDetector`."""
    detector = DropDetector()
    detector.push(angle_deg)
    return detector.drops()


def _local_extremes(angle_deg: Float) -> Iterator[tuple[int, float]]:
    """(index, angle) of the first, the last and every sample where the direction changes."""
    index = np.flatnonzero(np.isfinite(angle_deg))
    if len(index):
        turns = np.flatnonzero(np.diff(np.sign(np.diff(angle_deg[index])))) + 1
        index = index[np.unique(np.concatenate(([0], turns, [len(index) - 1])))]
    yield from zip(index.tolist(), angle_deg[index].tolist(), strict=True)
