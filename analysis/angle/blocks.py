"""Blocks of samples, on which everything slow in the gyro's frame is computed: gravity, bias, heading."""

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
        rate_hz: of the samples.
        cut: (count,) blocks that hold a long gap: nothing is continued across them.
        of_sample: (n,) index of the block that represents each sample; next to a gap, the one on its side.
    """

    size: int
    count: int
    rate_hz: float
    cut: Bool
    of_sample: NDArray[np.int64]

    @classmethod
    def of(cls, carried: Bool, rate_hz: float, spacing_s: float) -> Blocks:
        """The blocks of a grid; a remainder shorter than one block belongs to the last one.

        Args:
            carried: (n,) False inside gaps that are too long to carry an orientation across.
            rate_hz: of the grid.
            spacing_s: length of a block, at most.
        """
        n = len(carried)
        size = 2 * int(spacing_s * rate_hz / 2) + 1
        count = max(1, n // size)
        cut = ~np.logical_and.reduceat(carried, np.arange(count) * size)
        of_sample = np.minimum(np.arange(n) // size, count - 1)
        if cut.any():
            # The number of lost samples so far: within a block it changes exactly at the gap.
            before = np.concatenate(([0], np.cumsum(~carried)))[:-1]
            first = before[of_sample * size]
            inside = cut[of_sample]
            moved = of_sample + np.where(inside, np.where(before > first, 1, -1), 0)
            moved = np.clip(moved, 0, count - 1)
            # Between two gaps in one block, neither neighbour lies on the same side of both.
            island = carried & (before[moved * size + size // 2] != before)
            of_sample = np.where(island, of_sample, moved)
        return cls(size, count, rate_hz, cut, of_sample)

    @property
    def spacing_s(self) -> float:
        """Length of a block, which is also the distance between two middles."""
        return self.size / self.rate_hz

    @property
    def middle(self) -> NDArray[np.int64]:
        """(count,) the middle sample of each block."""
        return np.arange(self.count) * self.size + self.size // 2

    def steps(self, step_s: float) -> NDArray[np.int64]:
        """First blocks of steps of at most about `step_s`, none of which reaches across a gap."""
        size = max(1, round(step_s * self.rate_hz / self.size))
        edges = np.flatnonzero(np.diff(self.cut, prepend=False)) if self.cut.any() else ()
        return np.union1d(np.arange(0, self.count, size), np.asarray(edges, dtype=np.int64))

    def mean(self, values: Float) -> Float:
        """Block means of (k, n) values, (k, count)."""
        blocks = values[:, : self.count * self.size].reshape(len(values), self.count, self.size)
        return np.asarray(blocks.mean(axis=2))

    def to_samples(self, values: Float) -> Float:
        """Block values (count,) on all samples, by linear interpolation between the middles."""
        return np.interp(np.arange(len(self.of_sample)), self.middle, values)
