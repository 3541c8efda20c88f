"""The clock fit while packets come in: a lower hull that grows, and time that never runs back."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

import numpy as np

from firmware_bridge.link.clock import KNOWN_SLOPE_SD, UNKNOWN_SLOPE_SD, Line, shrink_slope
from firmware_bridge.samples import Float, Int

# The output follows a better fit at this relative rate, so that gyro integration sees no jolt ...
_SLEW = 0.1
# ... unless it is behind by more than this: then samples are missing anyway.
_JUMP_S = 0.05
_RECENT_PACKETS = 500


class LowerHull:
    """The lower convex hull of points that come with ascending abscissae, and its edge under the centroid."""

    def __init__(self) -> None:
        self._x: list[float] = []
        self._y: list[float] = []
        self._sum_x = 0.0
        self._count = 0

    def add(self, x: float, y: float) -> None:
        """Adds a point; `x` must not be smaller than any before. Amortised constant time."""
        self._sum_x += x
        self._count += 1
        xs, ys = self._x, self._y
        if xs and x == xs[-1]:
            if y >= ys[-1]:
                return
            xs.pop()
            ys.pop()
        while len(xs) > 1 and (ys[-1] - ys[-2]) * (x - xs[-1]) >= (y - ys[-1]) * (xs[-1] - xs[-2]):
            xs.pop()
            ys.pop()
        xs.append(x)
        ys.append(y)

    def line(self, prior: float, prior_sd: float) -> Line:
        """The line of minimum delay, its slope weighed against the prior."""
        xs, ys = self._x, self._y
        if len(xs) == 1:
            return Line(prior, ys[0] - prior * xs[0])
        right = min(max(bisect_left(xs, self._sum_x / self._count), 1), len(xs) - 1)
        edge = (ys[right] - ys[right - 1]) / (xs[right] - xs[right - 1])
        slope = shrink_slope(edge, xs[-1] - xs[0], prior, prior_sd)
        # Sliding a line of another slope down onto the hull: it touches at a vertex next to the edge.
        while right < len(xs) - 1 and ys[right + 1] - ys[right] < slope * (xs[right + 1] - xs[right]):
            right += 1
        while right > 0 and ys[right] - ys[right - 1] > slope * (xs[right] - xs[right - 1]):
            right -= 1
        return Line(slope, ys[right] - slope * xs[right])


class LiveClock:
    """Turns the counter of one sensor into host time, causally.

    Args:
        unit_s: seconds per count, nominally.
        slope_sd: how far `unit_s` is trusted beforehand, relative.
    """

    def __init__(self, unit_s: float, slope_sd: float = UNKNOWN_SLOPE_SD) -> None:
        self._unit_s = unit_s
        self._prior, self._prior_sd = 1.0, slope_sd
        self._hull = LowerHull()
        self._origin: int | None = None
        self._line = Line(1.0, 0.0)
        self._last_device_s = 0.0
        self._last_host_s: float | None = None
        self._delays_s: deque[float] = deque(maxlen=_RECENT_PACKETS)

    @property
    def drift_ppm(self) -> float:
        """How fast the counter runs against the host, in parts per million."""
        return self._line.drift_ppm

    @property
    def delay_s(self) -> float:
        """Median delay of the recent packets over the line, a measure of how little one-way data can tell."""
        return float(np.median(self._delays_s)) if self._delays_s else float("nan")

    def restart(self) -> None:
        """The counter began anew; what was learned of its rate stays."""
        if self._origin is not None:
            self._prior, self._prior_sd = self._line.slope, KNOWN_SLOPE_SD
        self._hull, self._origin = LowerHull(), None

    def line_s(self, position: int) -> float:
        """Host time of a count by the line of minimum delay as it is known now."""
        return self._line.offset_s + self._line.slope * (position - (self._origin or 0)) * self._unit_s

    def update(self, positions: Int, arrival_s: float, delay_s: float = 0.0) -> Float:
        """Takes in one packet and times its samples.

        Args:
            positions: (k,) counts of its samples without wraps, ascending, after all earlier ones.
            arrival_s: host time of arrival.
            delay_s: the minimum radio delay, where it is known, to be taken off.

        Returns:
            (k,) host time of measurement, ascending over all calls.
        """
        first = self._origin is None
        if self._origin is None:
            self._origin = int(positions[0])
        device_s = np.asarray((positions - self._origin) * self._unit_s, dtype=np.float64)
        newest_s = float(device_s[-1])
        self._hull.add(newest_s, arrival_s)
        self._line = line = self._hull.line(self._prior, self._prior_sd)
        target_s = line.offset_s + line.slope * newest_s - delay_s
        self._delays_s.append(arrival_s - (target_s + delay_s))
        shift_s = 0.0
        if self._last_host_s is not None:
            if first:
                start_s = line.offset_s - delay_s
                shift_s = max(self._last_host_s + self._unit_s - start_s, 0.0)
            else:
                passed_s = line.slope * (newest_s - self._last_device_s)
                slowest_s = self._last_host_s + (1 - _SLEW) * passed_s
                fastest_s = self._last_host_s + (1 + _SLEW) * passed_s
                if target_s < slowest_s:
                    shift_s = slowest_s - target_s
                elif fastest_s < target_s < fastest_s + _JUMP_S:
                    shift_s = fastest_s - target_s
        self._last_device_s, self._last_host_s = newest_s, target_s + shift_s
        host_s: Float = line.host_s(device_s) + (shift_s - delay_s)
        return host_s
