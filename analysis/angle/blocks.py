"""Blocks of samples, for everything that is slow in the frame a gyro keeps: gravity, bias, heading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.angle.grid import Bool
from firmware_bridge.samples import Float


@dataclass(frozen=True, eq=False, slots=True)
class Blocks:
    """`count` blocks of `size` samples (odd, so that a block has a middle sample).

    Attributes:
        cut: (count,) blocks that hold a long gap: nothing is continued across them.
        of_sample: (n,) the block that speaks for each sample; next to a gap, the one on its own side.
    """

    size: int
    count: int
    cut: Bool
    of_sample: NDArray[np.int64]

    @classmethod
    def of(cls, carried: Bool, rate_hz: float, spacing_s: float) -> Blocks:
        """The blocks of a grid; a rest of less than one block belongs to the last one."""
        n = len(carried)
        size = 2 * int(spacing_s * rate_hz / 2) + 1
        count = max(1, n // size)
        cut = ~np.logical_and.reduceat(carried, np.arange(count) * size)
        of_sample = np.minimum(np.arange(n) // size, count - 1)
        if cut.any():
            # How many lost samples lie before: it changes inside the block exactly where the gap is.
            before = np.concatenate(([0], np.cumsum(~carried)))[:-1]
            first = before[of_sample * size]
            inside = cut[of_sample]
            moved = of_sample + np.where(inside, np.where(before > first, 1, -1), 0)
            moved = np.clip(moved, 0, count - 1)
            # Between two gaps in one block, neither neighbour is on this side.
            island = carried & (before[moved * size + size // 2] != before)
            of_sample = np.where(island, of_sample, moved)
        return cls(size, count, cut, of_sample)

    @property
    def middle(self) -> NDArray[np.int64]:
        """(count,) the middle sample of each block."""
        return np.arange(self.count) * self.size + self.size // 2

    def steps(self, rate_hz: float, step_s: float) -> NDArray[np.int64]:
        """First blocks of steps of at most about `step_s`, none of which reaches across a gap."""
        size = max(1, round(step_s * rate_hz / self.size))
        edges = np.flatnonzero(np.diff(self.cut, prepend=False)) if self.cut.any() else ()
        return np.union1d(np.arange(0, self.count, size), np.asarray(edges, dtype=np.int64))

    def mean(self, values: Float) -> Float:
        """Block means of (k, n) values, (k, count)."""
        blocks = values[:, : self.count * self.size].reshape(len(values), self.count, self.size)
        return np.asarray(blocks.mean(axis=2))

    def to_samples(self, values: Float) -> Float:
        """Knot values (count,) on all samples by straight lines."""
        return np.interp(np.arange(len(self.of_sample)), self.middle, values)
