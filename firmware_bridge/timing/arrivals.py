"""Sensors without a clock: sample period, count and loss estimated from the arrival times."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from firmware_bridge.samples import Float, Int

_BLOCK_S = 2.0
_LOOK_S = 1.0
# Delays vary by up to a connection interval, so a smaller rise does not prove a loss.
SMALLEST_RISE_S = 0.02


def sample_period_s(positions: Int, arrival_s: Float) -> float:
    """The sample period by host time, robust to jitter, stalls, loss and counter restarts.

    The earliest arrival of every two-second block is nearly undelayed; the period is the median slope
    between those of neighbouring blocks.

    Args:
        positions: (n,) sample counts, without wraps.
        arrival_s: (n,) host time of arrival.

    Returns:
        Seconds per count; 1 where fewer than two arrivals differ.
    """
    if len(arrival_s) < 2 or positions[-1] == positions[0] or arrival_s[-1] <= arrival_s[0]:
        return 1.0
    overall = float((arrival_s[-1] - arrival_s[0]) / abs(positions[-1] - positions[0]))
    delay = arrival_s - overall * positions
    block = ((arrival_s - arrival_s[0]) // _BLOCK_S).astype(np.int64)
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    if len(starts) < 4:
        return overall
    stops = np.append(starts[1:], len(delay))
    earliest = np.array(
        [start + int(np.argmin(delay[start:stop])) for start, stop in zip(starts, stops, strict=True)]
    )
    counts, times = np.diff(positions[earliest]), np.diff(arrival_s[earliest])
    forward = (counts > 0) & (times > 0)
    return float(np.median(times[forward] / counts[forward])) if forward.any() else overall


def bridge_losses(positions: Int, arrival_s: Float, period_s: float, smallest_rise_s: float) -> Int:
    """Adds jumps to a count where samples must be missing that it did not count.

    After a stall the held packets arrive in a burst and the delay falls back; after a loss, or a pause in
    which the sensor did not count, the delay stays high. A lasting rise of the delay across a pause in the
    arrivals is therefore turned into a jump. Single lost samples are within the jitter and are not found:
    they look like a slightly slower sensor.

    Args:
        positions: (n,) sample counts, without wraps or restarts.
        arrival_s: (n,) host time of arrival.
        period_s: seconds per count.
        smallest_rise_s: smaller rises of the delay are ignored.

    Returns:
        (n,) sample counts that keep pace with the arrivals.
    """
    if len(positions) < 3:
        return positions
    delay = arrival_s - period_s * positions
    width = min(max(int(_LOOK_S / period_s), 2), len(delay))
    ahead = _sliding_minimum(delay, width)
    behind = _sliding_minimum(delay[::-1], width)[::-1]
    smallest = max(1.5 * period_s, smallest_rise_s)
    pauses = (np.diff(arrival_s) > 1.5 * period_s) & (ahead[1:] - behind[:-1] > smallest)
    skipped = np.zeros(len(delay), dtype=np.int64)
    since = 0
    for row in (np.flatnonzero(pauses) + 1).tolist():
        # Delays before the last jump do not apply to this one.
        rise = ahead[row] - delay[max(since, row - width) : row].min()
        if rise > smallest:
            skipped[row], since = round(rise / period_s), row
    return positions + np.cumsum(skipped)


def _sliding_minimum(values: Float, width: int) -> Float:
    """The smallest of each value and the `width` - 1 that follow it, (n,)."""
    padded = np.concatenate([values, np.full(width - 1, np.inf)])
    return np.asarray(sliding_window_view(padded, width).min(axis=1))


class LiveCount:
    """Causal form of `bridge_losses`: detects a lasting rise of the delay one second later.

    Args:
        period_s: the sample period.

    Attributes:
        lost: samples that must be missing so far.
    """

    def __init__(self, period_s: float) -> None:
        self.lost = 0
        self._period_s = period_s
        self._recent: deque[tuple[float, float]] = deque()

    def restart(self, silence_s: float) -> None:
        """The stream was interrupted, and the count goes on from here.

        Args:
            silence_s: time from the last sample to the next.
        """
        self.lost += max(round(silence_s / self._period_s) - 1, 0)
        self._recent.clear()

    def skip(self, arrival_s: float, delay_s: float) -> int:
        """By how much the count jumps after this packet; 0 without a detected loss.

        Args:
            arrival_s: host time of arrival.
            delay_s: how late the packet came by the count so far.
        """
        recent = self._recent
        recent.append((arrival_s, delay_s))
        if arrival_s - recent[0][0] < _LOOK_S:
            return 0
        floor_s = min(delay for _, delay in recent)
        while arrival_s - recent[0][0] >= _LOOK_S:
            recent.popleft()
        if floor_s <= max(1.5 * self._period_s, SMALLEST_RISE_S):
            return 0
        recent.clear()
        skipped = round(floor_s / self._period_s)
        self.lost += skipped
        return skipped
