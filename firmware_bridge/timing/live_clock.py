"""The causal clock fit: refitted every second while packets arrive; its output never decreases."""

from __future__ import annotations

from collections import deque

import numpy as np

from firmware_bridge.samples import Float, Int
from firmware_bridge.timing.clock_fit import KNOWN_SLOPE_SD, UNKNOWN_SLOPE_SD, Line, fit_line

_REFIT_EVERY_S = 1.0
# The output approaches a better fit at this relative rate, so that gyro integration sees no step ...
_SLEW = 0.1
# ... unless it is behind by more than this: then samples are missing anyway.
_JUMP_S = 0.05
_RECENT_PACKETS = 500


class LiveClock:
    """Turns the counter of one sensor into host time, causally.

    Of every second only the least delayed packet is kept; `fit_line` goes through these. A second that has
    only begun is left out: its first packet may be as late as a stall was long, and after a long silence a
    line through it would be that wrong for all the packets behind it.

    Args:
        unit_s: seconds per count, nominally.
        slope_sd: prior standard deviation of `unit_s`, relative.
    """

    def __init__(self, unit_s: float, slope_sd: float = UNKNOWN_SLOPE_SD) -> None:
        self._unit_s = unit_s
        self._line = Line(1.0, 0.0)
        self._prior, self._prior_sd = 1.0, slope_sd
        self._origin: int | None = None
        self._least_delayed: list[tuple[float, float]] = []
        self._refit_at_s = 0.0
        self._last_device_s = self._shift_s = 0.0
        self._last_host_s: float | None = None
        self._delays_s: deque[float] = deque(maxlen=_RECENT_PACKETS)

    @property
    def drift_ppm(self) -> float:
        """How fast the counter runs against the host, in parts per million."""
        return self._line.drift_ppm

    @property
    def delay_s(self) -> float:
        """Median delay of the recent packets over the line: a measure of the unknown constant delay."""
        return float(np.median(self._delays_s)) if self._delays_s else float("nan")

    def restart(self) -> None:
        """The counter restarted; its estimated rate is kept as the prior."""
        if self._origin is not None:
            self._prior, self._prior_sd = self._line.slope, KNOWN_SLOPE_SD
        self._origin = None

    @property
    def behind_s(self) -> float:
        """By how much the latest output differs from the line, which it approaches slowly."""
        return abs(self._shift_s)

    @property
    def running(self) -> bool:
        """Whether there is a line, as from the first packet on."""
        return self._origin is not None

    def line_s(self, position: int) -> float:
        """Host time of a count by the line of minimum delay as it is known now."""
        return self._line.offset_s + self._line.slope * (position - (self._origin or 0)) * self._unit_s

    def update(self, positions: Int, arrival_s: float, delay_s: float = 0.0) -> Float:
        """Takes in one packet and times its samples.

        Args:
            positions: (k,) counts of its samples without wraps, ascending, after all earlier ones.
            arrival_s: host time of arrival.
            delay_s: the minimum radio delay, where it is known, to be subtracted.

        Returns:
            (k,) host time of measurement, ascending over all calls.
        """
        first = self._origin is None
        origin = self._begin(int(positions[0])) if self._origin is None else self._origin
        device_s = np.asarray((positions - origin) * self._unit_s, dtype=np.float64)
        newest_s = float(device_s[-1])
        self._fit(newest_s, arrival_s)
        target_s = self._line.offset_s + self._line.slope * newest_s - delay_s
        self._delays_s.append(arrival_s - (target_s + delay_s))
        earliest_s = self._line.offset_s - delay_s
        shift_s = self._resume(earliest_s) if first else self._slew(target_s, newest_s)
        self._last_device_s, self._last_host_s, self._shift_s = newest_s, target_s + shift_s, shift_s
        host_s: Float = self._line.host_s(device_s) + (shift_s - delay_s)
        return host_s

    def _begin(self, position: int) -> int:
        self._origin, self._refit_at_s = position, _REFIT_EVERY_S
        self._line = Line(self._prior, np.inf)
        self._least_delayed = []
        return position

    def _fit(self, device_s: float, arrival_s: float) -> None:
        slope, offset_s = self._line.slope, arrival_s - self._line.slope * device_s
        kept = self._least_delayed
        second = device_s // _REFIT_EVERY_S
        if not kept or kept[-1][0] // _REFIT_EVERY_S != second:
            kept.append((device_s, arrival_s))
        elif offset_s < kept[-1][1] - slope * kept[-1][0]:
            kept[-1] = (device_s, arrival_s)
        if device_s >= self._refit_at_s:
            self._refit_at_s = (second + 1) * _REFIT_EVERY_S
            points = np.array(kept[:-1] or kept)
            self._line = fit_line(points[:, 0], points[:, 1], self._prior, self._prior_sd)
        slope = self._line.slope
        self._line = Line(slope, min(self._line.offset_s, arrival_s - slope * device_s))

    def _resume(self, earliest_s: float) -> float:
        """Offset from the line after a restart that keeps the output increasing."""
        return 0.0 if self._last_host_s is None else max(self._last_host_s + self._unit_s - earliest_s, 0.0)

    def _slew(self, target_s: float, newest_s: float) -> float:
        """Offset from the line that limits the slew rate of the output."""
        assert self._last_host_s is not None
        passed_s = self._line.slope * (newest_s - self._last_device_s)
        slowest_s = self._last_host_s + (1 - _SLEW) * passed_s
        fastest_s = self._last_host_s + (1 + _SLEW) * passed_s
        if target_s < slowest_s:
            return slowest_s - target_s
        return fastest_s - target_s if fastest_s < target_s < fastest_s + _JUMP_S else 0.0
