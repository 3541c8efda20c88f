"""The zero of the angle: the first reference pose, or else the straightest still posture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.angle.grid import Bool, Grid
from analysis.constants import STILL_DEG_S
from firmware_bridge.samples import Float
from firmware_bridge.session.model import ReferencePose

Rows = NDArray[np.int64]


def pose_rows(pose: ReferencePose, grid: Grid) -> Rows:
    """The known samples during a reference pose."""
    inside = (grid.time_s >= pose.time_s) & (grid.time_s < pose.time_s + pose.duration_s) & grid.known
    return np.flatnonzero(inside)


@dataclass(frozen=True, eq=False, slots=True)
class Zeroing:
    """The zero of one strapping.

    Attributes:
        zero_deg: to subtract from the angle about the hinge.
        rows: samples of the posture that defined it.
        pose: the reference pose, or None where the zero is the straightest still posture.
    """

    zero_deg: float
    rows: Rows
    pose: ReferencePose | None

    @property
    def posture_deg(self) -> float:
        """Angle about the hinge at the zero posture, which is not 0 deg of flexion where a pose is bent."""
        return self.zero_deg + (0.0 if self.pose is None else self.pose.flexion_deg)


def find_zero(angle_deg: Float, posed: Sequence[tuple[ReferencePose, Rows]], grid: Grid) -> Zeroing:
    """The first reference pose, else the straightest still posture.

    Args:
        angle_deg: (n,) about the hinge, positive for bending.
        posed: poses with the samples during each, none of them empty.
        grid: of the samples.
    """
    if posed:
        pose, rows = min(posed, key=lambda p: p[0].time_s)
        return Zeroing(float(np.median(angle_deg[rows])) - pose.flexion_deg, rows, pose)
    rows = straightest_still(angle_deg, grid)
    return Zeroing(float(np.median(angle_deg[rows])), rows, None)


def still_seconds(flexion_deg: Float, known: Bool, rate_hz: float) -> tuple[Rows, int]:
    """First rows of the full seconds in which the knee hardly moved, and their length in samples."""
    size = max(1, round(rate_hz))
    count = len(flexion_deg) // size
    blocks = flexion_deg[: count * size].reshape(count, size)
    whole = known[: count * size].reshape(count, size).all(axis=1)
    half = size // 2
    drift = 2 * np.abs(blocks[:, half:].mean(axis=1) - blocks[:, :half].mean(axis=1))
    still = whole & (drift < STILL_DEG_S) & (np.ptp(blocks, axis=1) < 2 * STILL_DEG_S)
    return np.flatnonzero(still) * size, size


def straightest_still(flexion_deg: Float, grid: Grid) -> Rows:
    """Rows of the still second with the least flexion; of the least flexion, where none is still."""
    starts, size = still_seconds(flexion_deg, grid.known, grid.rate_hz)
    if len(starts):
        levels = np.median(flexion_deg[starts[:, None] + np.arange(size)], axis=1)
        start = int(starts[int(np.argmin(levels))])
        return np.arange(start, start + size)
    rows = np.flatnonzero(grid.known)
    limit = np.percentile(flexion_deg[rows], 2)
    return rows[flexion_deg[rows] <= limit]
