"""The clocks of two sensors where the thigh rests, from the soft tissue under its sensor.

A thigh that lies on a table feels nothing of the knee's force, but its muscles change shape as the knee bends
and as they pull, and turn the sensor by a fraction of a degree. That turn follows the knee's angle and its
acceleration within some hundredths of a second (the muscle's own delay, and the give of what the thigh lies
on). The lag at which the shank's rate explains the thigh's best is the offset of the clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.check.clocks.course import ClockCourse
from analysis.check.excerpt import RATE_HZ, block_means, moving_windows
from analysis.check.force import smoothed
from firmware_bridge.samples import Float, ImuSamples

# The delay of muscle and padding stays below this.
LEAST_TISSUE_OFFSET_S = 0.08
# One sigma of what is left of an offset that was found so.
TISSUE_SD_S = 0.03
_WINDOWS = 30
_WINDOW_S = 4.0
_MARGIN_S = 1.2
_LARGEST_LAG = 56  # samples
_LAGS = 2 * _LARGEST_LAG + 1
_HIGH_PASS = 51  # samples, about a second: breathing and shifting are slower
# A thigh that turns more than this share of the shank does not rest.
_RESTS = 0.15
_LEAST_WINDOWS = 6
_NOISE_RAD2_S2 = 1e-8
# Independent looks in a window, and how much likelier (log units) the best lag must be than a distant one,
# and a jump than none.
_LOOKS = 8.0
_CLEAR_GAIN = 8.0
_DISTANT = 8  # samples
_SLOPES = tuple(sign * k * 0.005 for k in range(1, 6) for sign in (1, -1))
_LEAST_PART = 3
# In less time a slow clock is no farther off than its windows can tell.
_LONG_ENOUGH_S = 75.0


def tissue_course(thigh: ImuSamples, shank: ImuSamples) -> ClockCourse | None:
    """The course of the shank's lag while the thigh rests; None where nothing shows it.

    Args:
        thigh, shank: finite samples in order of time, of one strapping.
    """
    views = _Views.of(thigh, shank)
    if views is None:
        return None
    parted = views.parted()
    if parted is not None:
        return _placed(parted.course, thigh, shank)
    best = views.best()
    return best.course if best.clear else _with_slope(thigh, shank, best)


@dataclass(frozen=True, slots=True)
class _Lag:
    """A course, and how much likelier it is than no relation between shank and thigh (log units)."""

    course: ClockCourse
    gain: float
    clear: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class _Views:
    """Quadratic forms of a regression in every window at every lag.

    Attributes:
        start_s: (m,) middles of the windows.
        normal, right: (m, 9, lags) products of the shank's columns with each other and with the thigh's rate,
            the rows of 3 by 3 matrices one after the other.
        total: (m,) sum of squares of the thigh's rate.
        samples: of one window, times the axes of the rate.
    """

    start_s: Float
    normal: Float
    right: Float
    total: Float
    samples: int

    @classmethod
    def of(cls, thigh: ImuSamples, shank: ImuSamples) -> _Views | None:
        start_s, margin = (
            moving_windows(thigh, shank, _WINDOWS, _WINDOW_S, _MARGIN_S),
            round(_MARGIN_S * RATE_HZ),
        )
        n = round(_WINDOW_S * RATE_HZ)
        thigh_gyr = block_means(thigh, thigh.gyr_rad_s, start_s, n)
        shank_gyr = block_means(shank, shank.gyr_rad_s, start_s - _MARGIN_S, n + 2 * margin)
        turn = [_spread(gyr) for gyr in (thigh_gyr, shank_gyr)]
        rests = turn[0] < _RESTS * turn[1]
        if np.count_nonzero(rests) < _LEAST_WINDOWS:
            return None
        y = _passed(smoothed(smoothed(thigh_gyr[rests]))).swapaxes(1, 2)
        x = _columns(shank_gyr[rests]).swapaxes(1, 2)
        n, first = y.shape[2], margin - _LARGEST_LAG
        # Sums over each window: of products by differences of running sums, with the other sensor by Fourier.
        square = (x[:, :, None] * x[:, None]).reshape(len(x), 9, -1)
        running = np.cumsum(np.pad(square, ((0, 0), (0, 0), (1, 0))), axis=2)
        normal = running[:, :, first + n :][..., :_LAGS] - running[:, :, first:][..., :_LAGS]
        size = -(-x.shape[2] // 64) * 64  # a length that the transform takes quickly
        turned = np.fft.rfft(x, size)[:, :, None] * np.fft.rfft(y, size)[:, None].conj()
        right = np.fft.irfft(turned.reshape(len(x), 9, -1), size)[..., first : first + _LAGS]
        middle_s = start_s[rests] + _WINDOW_S / 2
        return cls(middle_s, normal, right, (y**2).sum(axis=(1, 2)), 3 * n)

    def fitted(self, rows: slice = slice(None)) -> tuple[Float, Float]:
        """Windows with one set of coefficients.

        Returns:
            (lags,) log-likelihood over no relation, and the coefficients (lags, 3, 3).
        """
        normal, right, total = self.normal[rows], self.right[rows], self.total[rows]
        left = np.repeat(total[:, None], normal.shape[2], axis=1)
        for _ in range(3):
            weight = 1 / (left + self._floor)
            pooled, target = (
                np.einsum("ml,mkl->lk", weight, products).reshape(-1, 3, 3) for products in (normal, right)
            )
            pooled += 1e-6 * np.trace(pooled, axis1=1, axis2=2)[:, None, None] * np.eye(3)
            found = np.linalg.solve(pooled, target)
            left = self._left(rows, found)
        return self._gain(left, total), found

    def explained(self, rows: slice, coefficients: Float) -> Float:
        """(lags,) log-likelihood over no relation of windows by given coefficients (3, 3)."""
        return self._gain(self._left(rows, coefficients), self.total[rows])

    @property
    def _floor(self) -> float:
        return self.samples * _NOISE_RAD2_S2

    def _left(self, rows: slice, found: Float) -> Float:
        """(m, lags) sums of squares that coefficients (lags, 3, 3) or (3, 3) leave."""
        normal, right, total = self.normal[rows], self.right[rows], self.total[rows]
        both = found @ found.swapaxes(-1, -2)
        linear, quadratic = (np.moveaxis(c.reshape(*c.shape[:-2], 9), -1, 0) for c in (found, both))
        if found.ndim == 2:
            linear, quadratic = linear[:, None], quadratic[:, None]
        fitted = (2 * linear * right - quadratic * normal).sum(axis=1)
        return np.asarray(np.maximum(total[:, None] - fitted, self._floor))

    def _gain(self, left: Float, total: Float) -> Float:
        return np.asarray(-0.5 * _LOOKS * np.log(left / np.maximum(total, self._floor)[:, None]).sum(axis=0))

    def best(self) -> _Lag:
        """The best constant lag; it is clear where it beats every lag that is not its neighbour."""
        gains, _ = self.fitted()
        peak = int(gains.argmax())
        return _Lag(ClockCourse.constant(_lag_s(peak)), float(gains[peak]), _is_clear(gains, peak))

    def parted(self) -> _Lag | None:
        """A clear jump: the coefficients of one part explain the other part clearly better at another lag."""
        m, best = len(self.start_s), None
        for k in range(_LEAST_PART, m - _LEAST_PART + 1):
            for own, other in ((slice(0, k), slice(k, m)), (slice(k, m), slice(0, k))):
                gains, coefficients = self.fitted(own)
                peak = int(gains.argmax())
                if not _is_clear(gains, peak):
                    continue
                there = self.explained(other, coefficients[peak])
                second = int(there.argmax())
                gain = float(gains[peak] + there[second])
                apart = abs(_lag_s(second) - _lag_s(peak)) >= LEAST_TISSUE_OFFSET_S
                clear = there[second] - max(there[peak], 0.0) > _CLEAR_GAIN
                if not (apart and clear) or (best is not None and gain <= best.gain):
                    continue
                lags_s = [_lag_s(p) for p in ((peak, second) if own.start == 0 else (second, peak))]
                at_s = float(self.start_s[k - 1 : k + 1].mean())
                best = _Lag(ClockCourse(lags_s[0], jump_at_s=at_s, jump_s=lags_s[1] - lags_s[0]), gain)
        return best


def _is_clear(gains: Float, peak: int) -> bool:
    distant = np.abs(np.arange(len(gains)) - peak) > _DISTANT
    return float(gains[peak] - gains[distant].max()) > _CLEAR_GAIN


def _lag_s(index: int) -> float:
    return (index - _LARGEST_LAG) / RATE_HZ


def _spread(gyr: Float) -> Float:
    return np.asarray(np.sqrt(gyr.var(axis=1).sum(axis=-1)))


def _columns(shank_gyr: Float) -> Float:
    """(m, n, 3): the knee's rate, its rate times its angle, and its jerk."""
    gyr = smoothed(smoothed(shank_gyr))
    flat = gyr.reshape(-1, 3)
    axis = np.linalg.eigh(flat.T @ flat)[1][:, 2]
    rate = gyr @ axis
    angle = np.cumsum(rate, axis=1) / RATE_HZ
    angle -= angle.mean(axis=1, keepdims=True)
    jerk = np.gradient(np.gradient(rate, 1 / RATE_HZ, axis=1), 1 / RATE_HZ, axis=1)
    return _passed(np.stack((rate, angle * rate, jerk / RATE_HZ), axis=-1))


def _passed(values: Float) -> Float:
    """Less its moving mean (m, n, 3)."""
    half = _HIGH_PASS // 2
    padded = np.pad(values, ((0, 0), (half, half), (0, 0)), mode="edge")
    total = np.cumsum(np.pad(padded, ((0, 0), (1, 0), (0, 0))), axis=1)
    return np.asarray(values - (total[:, _HIGH_PASS:] - total[:, :-_HIGH_PASS]) / _HIGH_PASS)


def _with_slope(thigh: ImuSamples, shank: ImuSamples, constant: _Lag) -> ClockCourse | None:
    """A clock that runs fast or slow, if that is much likelier than a constant lag."""
    start_s, stop_s = float(thigh.time_s[0]), float(thigh.time_s[-1])
    if stop_s - start_s < _LONG_ENOUGH_S:
        return None
    best: _Lag | None = None
    for slope in _SLOPES:
        course = ClockCourse(0.0, slope, start_s, stop_s)
        views = _Views.of(thigh, course.corrected(shank))
        found = None if views is None else views.best()
        if found is not None and found.clear and (best is None or found.gain > best.gain):
            best = replace(found, course=replace(course, first_s=found.course.first_s))
    if best is None or best.gain - constant.gain < _CLEAR_GAIN:
        return None
    return best.course


def _placed(course: ClockCourse, thigh: ImuSamples, shank: ImuSamples) -> ClockCourse:
    """Puts the jump into the gap that it left in the times of either sensor, if there is one near."""
    for samples in (thigh, shank):
        near = np.flatnonzero(np.abs(samples.time_s - course.jump_at_s) < 4 * _WINDOW_S)
        steps = np.diff(samples.time_s[near]) if len(near) > 2 else np.zeros(1)
        odd = int(np.argmax(steps))
        if steps[odd] > 0.5 * abs(course.jump_s) and len(near) > 2:
            return replace(course, jump_at_s=float(samples.time_s[near[odd + 1]]) - 1e-3)
    return course
