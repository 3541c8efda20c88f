"""Interpolation of one sensor's stream on the common grid, as the samples arrive."""

from __future__ import annotations

from collections import deque
from math import inf

from analysis.angle.causal.sensor import Vector
from firmware_bridge.samples import ImuSamples

# Number of samples that decide the rate of the grid where it is not given.
RATE_SAMPLES = 64
# A step longer than this many sample intervals is a gap.
_LONG_STEPS = 2.5

Row = tuple[float, float, float, float, float, float, float]


class StreamResampler:
    """Keeps the samples that the grid has not passed yet.

    Attributes:
        times: of the first samples, for the start and the rate of the grid.
        shift_s: to take off the times (`grid.middle_shift_s`).
    """

    __slots__ = ("_after", "_before", "_earlier", "_latest", "_waiting", "shift_s", "times")

    def __init__(self) -> None:
        self.times: list[float] = []
        self.shift_s = 0.0
        self._waiting: deque[Row] = deque()
        self._latest = -inf
        self._earlier: Row | None = None
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
        time_s += self.shift_s
        if self._before is None or self._after is None:
            if len(self._waiting) < 2:
                return None
            self._before, self._after = self._waiting.popleft(), self._waiting.popleft()
        while self._after[0] < time_s - 1e-9:
            if not self._waiting:
                return None
            self._earlier, self._before, self._after = self._before, self._after, self._waiting.popleft()
        t0, t1 = self._before[0], self._after[0]
        s = min(max((time_s - t0) / (t1 - t0), 0.0), 1.0)
        row = [v + s * (w - v) for v, w in zip(self._before, self._after, strict=True)]
        if self._earlier is not None and t1 - t0 > _LONG_STEPS * (t0 - self._earlier[0]):
            # Across a gap: start with the slope of the past and end at the next sample.
            h = (t1 - t0) / (t0 - self._earlier[0])
            for k in range(1, 7):
                u, v, w = self._earlier[k], self._before[k], self._after[k]
                row[k] += s * (1.0 - s) * ((v - u) * h - (w - v)) * (1.0 - s)
        return (row[1], row[2], row[3]), (row[4], row[5], row[6]), t1 - t0
