"""One sensor's samples on their way to the common grid, as they come."""

from __future__ import annotations

from collections import deque
from math import inf

from analysis.angle.causal import Vector
from firmware_bridge.samples import ImuSamples

# What decides the rate of the grid where nobody says it.
RATE_SAMPLES = 64

Row = tuple[float, float, float, float, float, float, float]


class Feed:
    """Keeps the samples that the grid has not passed yet.

    Attributes:
        times: of the first samples, for the start and the rate of the grid.
    """

    __slots__ = ("_after", "_before", "_latest", "_waiting", "times")

    def __init__(self) -> None:
        self.times: list[float] = []
        self._waiting: deque[Row] = deque()
        self._latest = -inf
        self._before: Row | None = None
        self._after: Row | None = None

    def push(self, samples: ImuSamples) -> None:
        """Takes samples; those that are not finite, or not later than the last, are dropped."""
        for time_s, gyr, acc in zip(
            samples.time_s.tolist(), samples.gyr_rad_s.tolist(), samples.acc_m_s2.tolist(), strict=True
        ):
            row: Row = (time_s, *gyr, *acc)
            if time_s > self._latest and abs(sum(row)) < inf:
                self._latest = time_s
                self._waiting.append(row)
                if len(self.times) < RATE_SAMPLES:
                    self.times.append(time_s)

    def at(self, time_s: float) -> tuple[Vector, Vector, float] | None:
        """Rate, force and the length of the step around an instant; None while it is not covered yet.

        Instants must be asked for in order.
        """
        if self._before is None or self._after is None:
            if len(self._waiting) < 2:
                return None
            self._before, self._after = self._waiting.popleft(), self._waiting.popleft()
        while self._after[0] < time_s - 1e-9:
            if not self._waiting:
                return None
            self._before, self._after = self._after, self._waiting.popleft()
        t0, a, b, c, d, e, f = self._before
        t1, a1, b1, c1, d1, e1, f1 = self._after
        s = min(max((time_s - t0) / (t1 - t0), 0.0), 1.0)
        return (
            (a + s * (a1 - a), b + s * (b1 - b), c + s * (c1 - c)),
            (d + s * (d1 - d), e + s * (e1 - e), f + s * (f1 - f)),
            t1 - t0,
        )
