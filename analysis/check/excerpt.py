"""A few short windows of a recording in which the leg moves, of both sensors at the same instants.

Whether two sensors agree is a question of minutes, not of hours: the windows are spread over the recording
and hold the most movement of their neighbourhood, so that the cost does not grow with its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float, ImuSamples

RATE_HZ = 50.0
# A gyro bias is looked for in seconds that turn less than this.
_STILL_RAD_S = 0.08
_LONGEST_GAP_S = 0.1
_COARSE_HZ = 10.0


@dataclass(frozen=True, eq=False, slots=True)
class Excerpt:
    """m windows of both sensors, block means at `RATE_HZ`, each sensor in its own frame.

    The shank's windows reach further by `margin` samples on either side.

    Attributes:
        start_s: (m,) of the thigh's windows.
        thigh_acc, thigh_gyr: (m, n, 3).
        shank_acc, shank_gyr: (m, n + 2 margin, 3).
        margin: samples.
    """

    start_s: Float
    thigh_acc: Float
    thigh_gyr: Float
    shank_acc: Float
    shank_gyr: Float
    margin: int = 0

    def part(self, windows: slice) -> Excerpt:
        """Some of the windows."""
        return Excerpt(
            self.start_s[windows],
            self.thigh_acc[windows],
            self.thigh_gyr[windows],
            self.shank_acc[windows],
            self.shank_gyr[windows],
            self.margin,
        )


def excerpt(
    thigh: ImuSamples, shank: ImuSamples, count: int, length_s: float, margin_s: float = 0.0
) -> Excerpt:
    """The windows with the most movement, one from each of `count` equal parts of the recording.

    Args:
        thigh, shank: with finite samples in order of time.
        count: at most so many windows; fewer where the recording is short or rests.
        length_s: of a window.
        margin_s: what the shank's windows reach further.
    """
    begin = moving_windows(thigh, shank, count, length_s, margin_s)
    n, margin = round(length_s * RATE_HZ), round(margin_s * RATE_HZ)
    before, wide = begin - margin_s, n + 2 * margin
    return Excerpt(
        begin,
        block_means(thigh, thigh.acc_m_s2, begin, n),
        block_means(thigh, thigh.gyr_rad_s, begin, n),
        block_means(shank, shank.acc_m_s2, before, wide),
        block_means(shank, shank.gyr_rad_s, before, wide),
        margin,
    )


def moving_windows(
    thigh: ImuSamples, shank: ImuSamples, count: int, length_s: float, margin_s: float = 0.0
) -> Float:
    """The starts of the windows of `excerpt`."""
    start_s = max(float(thigh.time_s[0]), float(shank.time_s[0])) + margin_s
    stop_s = min(float(thigh.time_s[-1]), float(shank.time_s[-1])) - margin_s
    windows = int((stop_s - start_s) / length_s)
    if windows < 1:
        return np.zeros(0)
    edges = np.asarray(start_s + np.arange(windows + 1) * length_s, dtype=np.float64)
    one, two = _movement(thigh, edges), _movement(shank, edges)
    lesser = np.minimum(one, two)
    moved = np.where(lesser > 0, lesser + 0.1 * np.maximum(one, two), 0.0)
    chosen = []
    for part in np.array_split(np.arange(windows), min(count, windows)):
        best = part[int(np.argmax(moved[part]))]
        if moved[best] > 0.0:
            chosen.append(best)
    return np.asarray(edges[np.array(chosen, dtype=int)])


def _movement(samples: ImuSamples, edges: Float) -> Float:
    """RMS rate in every window; 0 where the window has a gap."""
    rows = np.searchsorted(samples.time_s, edges)
    stride = max(1, int(len(samples) / max(edges[-1] - edges[0], 1e-9) / _COARSE_HZ))
    x, y, z = samples.gyr_rad_s[::stride].T
    rate2 = x * x + y * y + z * z
    total = np.concatenate(([0.0], np.cumsum(rate2)))
    coarse = np.minimum(-(-rows // stride), len(rate2))
    count = np.diff(coarse)
    rms = np.sqrt(np.diff(total[coarse]) / np.maximum(count, 1))
    whole = np.ones(len(rms), dtype=bool)
    for gap in np.flatnonzero(np.diff(samples.time_s) > _LONGEST_GAP_S):
        first, last = np.searchsorted(edges, samples.time_s[gap : gap + 2])
        whole[max(first - 1, 0) : last] = False
    return np.where((count > 2) & whole, rms, 0.0)


def block_means(samples: ImuSamples, quantity: Float, start_s: Float, n: int) -> Float:
    """Means of a quantity (k, 3) of the samples over n blocks from each start (m,): (m, n, 3)."""
    mean = np.empty((len(start_s), n, 3))
    if not len(start_s):
        return mean
    edges = start_s[:, None] + np.arange(n + 1) / RATE_HZ
    low, high = np.searchsorted(samples.time_s, edges[:, [0, -1]]).T
    first, stop = np.maximum(low - 2, 0), np.minimum(high + 2, len(samples))
    # Rows of each window, the shorter ones filled up with their last row, which adds nothing.
    longest = int((stop - first).max())
    rows = np.minimum(first[:, None] + np.arange(longest), stop[:, None] - 1)
    time_s = samples.time_s[rows]
    steps = np.diff(time_s)
    at = np.clip(edges, time_s[:, :1], time_s[:, -1:])
    right = np.clip(np.searchsorted(samples.time_s, at), first[:, None] + 1, stop[:, None] - 1)
    before, after = samples.time_s[right - 1], samples.time_s[right]
    share, length = (at - before) / (after - before), np.maximum(np.diff(at), 1e-9)
    rising, half = (after - before) * share, 0.5 * share
    ends = right - first[:, None] + (np.arange(len(rows)) * longest)[:, None]  # in a window's rows, laid out
    for axis in range(3):  # a long row each: numpy adds up along rows of three slowly
        values = quantity[:, axis][rows]
        area = np.zeros_like(values)
        np.cumsum((values[:, 1:] + values[:, :-1]) / 2 * steps, axis=1, out=area[:, 1:])
        left, rise = values.ravel()[ends - 1], values.ravel()[ends]
        rise -= left
        # The integral of straight lines between samples is a parabola within each step.
        integral = area.ravel()[ends - 1] + rising * (left + half * rise)
        mean[:, :, axis] = np.diff(integral) / length
    return mean


def resting_rate(samples: ImuSamples) -> Float:
    """(3,) gyro bias from the still seconds; zero where there are not enough of them."""
    rate = (len(samples) - 1) / max(float(samples.time_s[-1] - samples.time_s[0]), 1e-9)
    size = max(2, round(rate))
    count = len(samples) // size
    stride = max(1, count // 600)
    rows = (np.arange(0, count, stride) * size)[:, None] + np.arange(size)
    gyr = samples.gyr_rad_s[rows]
    mean = gyr.mean(axis=1)
    still = (np.abs(gyr - mean[:, None]).max(axis=(1, 2)) < _STILL_RAD_S) & (
        np.linalg.norm(mean, axis=1) < _STILL_RAD_S
    )
    return np.median(mean[still], axis=0) if np.count_nonzero(still) >= 2 else np.zeros(3)


def still_seconds(samples: ImuSamples, least: int = 0) -> tuple[NDArray[np.int64], Float]:
    """First rows of still seconds and the mean force (k, 3) in each; at most about 600 of them are read."""
    rate = (len(samples) - 1) / max(float(samples.time_s[-1] - samples.time_s[0]), 1e-9)
    size = max(2, round(rate), least)
    count = len(samples) // size
    stride = max(1, count // 600)
    rows = (np.arange(0, count, stride) * size)[:, None] + np.arange(size)
    gyr, acc = samples.gyr_rad_s[rows], samples.acc_m_s2[rows]
    turn = np.abs(gyr - gyr.mean(axis=1, keepdims=True)).max(axis=(1, 2))
    calm = np.abs(acc - acc.mean(axis=1, keepdims=True)).max(axis=(1, 2))
    still = (turn < _STILL_RAD_S) & (calm < 0.5)
    return rows[still, 0], acc[still].mean(axis=1)
