"""One time base for both sensors: uniform steps, gaps kept as gaps.

A sample is the mean over the step that ends at its time (`ImuSamples`), and so is a sample of the grid.
Straight lines between means of steps of the same length are the means of shifted steps. A sensor with longer
steps than the grid's describes an earlier moment; its times are moved so that the middles of the steps agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.angle.parameters import AngleParameters
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import Float, ImuSamples

Bool = NDArray[np.bool_]

# Below this rate a knee swing is no longer sampled; above it nothing is gained.
_RATE_RANGE_HZ = (10.0, 500.0)
_SHORTEST_S = 2.0
# A difference between the steps of grid and sensor that matters: less is the jitter of the stamps.
_OTHER_STEP = 0.05
# A step longer than this many sample intervals is a gap, which a cubic fills better than a straight line.
_LONG_STEPS = 2.5


@dataclass(frozen=True, eq=False, slots=True)
class Motion:
    """Signals of one sensor on the grid, in its own frame: acc (3, n) in m/s^2, gyr (3, n) in rad/s."""

    acc_m_s2: Float
    gyr_rad_s: Float


@dataclass(frozen=True, eq=False, slots=True)
class Grid:
    """Both sensors at the same instants.

    Attributes:
        time_s: (n,) uniform.
        rate_hz: of the grid.
        known: (n,) False where either sensor has a gap.
        carried: (n,) False where a gap is too long to carry an orientation across; the interpolated motion
            there means nothing.
    """

    time_s: Float
    rate_hz: float
    known: Bool
    carried: Bool
    thigh: Motion
    shank: Motion


def clean(samples: ImuSamples) -> ImuSamples:
    """Only finite samples with increasing time stamps."""
    finite = np.isfinite(samples.time_s)
    for values in (samples.acc_m_s2, samples.gyr_rad_s):
        if not (each := np.isfinite(values)).all():  # a row at a time costs ten times as much
            finite &= each.all(axis=1)
    if finite.all() and (samples.time_s[1:] > samples.time_s[:-1]).all():
        return samples
    latest = np.maximum.accumulate(np.where(finite, samples.time_s, -np.inf))
    forward = finite & (samples.time_s > np.concatenate(([-np.inf], latest[:-1])))
    return samples[forward]


def rate_of(time_s: Float) -> float:
    """The rate of a sensor from its time stamps, rounded to whole hertz where it is close to one."""
    steps = np.diff(time_s)
    if not len(steps) or (usual := np.median(steps)) <= 0.0:
        return 0.0
    # The number of samples without gaps over their duration. The median step alone would be wrong where two
    # step lengths alternate.
    rate = float(np.round(steps / usual).sum() / steps.sum())
    return float(round(rate)) if abs(rate - round(rate)) < 0.01 * rate else rate


def middle_shift_s(own_hz: float, rate_hz: float) -> float:
    """By how much the middles of a sensor's steps lie before those of a grid's steps that end alike.

    Args:
        own_hz: rate of the sensor.
        rate_hz: of the grid.
    """
    if abs(own_hz - rate_hz) < _OTHER_STEP * rate_hz:
        return 0.0
    return (1 / own_hz - 1 / rate_hz) / 2


def common_grid(thigh: ImuSamples, shank: ImuSamples, parameters: AngleParameters) -> Grid:
    """Resamples both sensors to the faster one's rate over the time that both cover.

    Raises:
        CannotAnswerError: the sensors have too few samples in common.
    """
    thigh, shank = clean(thigh), clean(shank)
    for name, samples in (("thigh", thigh), ("shin", shank)):
        if len(samples) < 2:
            raise CannotAnswerError(
                f"The {name} sensor has no samples.", "Check that it was switched on and streaming."
            )
    rates = rate_of(thigh.time_s), rate_of(shank.time_s)
    rate = min(max(*rates), _RATE_RANGE_HZ[1])
    thigh, shank = (_moved(s, own, rate) for s, own in zip((thigh, shank), rates, strict=True))
    start = max(float(thigh.time_s[0]), float(shank.time_s[0]))
    stop = min(float(thigh.time_s[-1]), float(shank.time_s[-1]))
    if stop - start < _SHORTEST_S:
        raise CannotAnswerError(
            f"The two sensors were recorded together for only {max(stop - start, 0.0):.1f} s.",
            "Record both at the same time, and check that their time stamps share one clock.",
        )
    if rate < _RATE_RANGE_HZ[0]:
        raise CannotAnswerError(
            f"The sensors delivered only {rate:.1f} samples a second.", "Set a rate of 50 Hz or more."
        )
    time_s = start + np.arange(int((stop - start) * rate + 1e-6) + 1) / rate
    moved, steps = zip(*(_on_grid(s, time_s, rate) for s in (thigh, shank)), strict=True)
    longest = np.maximum(*steps) - 1e-6
    known, carried = longest <= parameters.max_gap_s, longest <= parameters.max_carried_gap_s
    return Grid(time_s, rate, known, carried, *moved)


def _moved(samples: ImuSamples, own_hz: float, rate_hz: float) -> ImuSamples:
    shift_s = middle_shift_s(own_hz, rate_hz) if own_hz > 0.0 and rate_hz > 0.0 else 0.0
    return samples if shift_s == 0.0 else replace(samples, time_s=samples.time_s - shift_s)


def _on_grid(samples: ImuSamples, time_s: Float, rate: float) -> tuple[Motion, Float]:
    """The motion on the grid, and for every instant the length of the step that it lies in."""
    first = int(np.searchsorted(samples.time_s, time_s[0] - 1e-9))
    part = samples.time_s[first : first + len(time_s)]
    if len(part) == len(time_s) and np.abs(part - time_s).max() < 0.02 / rate:
        rows = slice(first, first + len(time_s))
        acc, gyr = (np.ascontiguousarray(v[rows].T) for v in (samples.acc_m_s2, samples.gyr_rad_s))
        return Motion(acc, gyr), np.full(len(time_s), 1 / rate)
    right = np.clip(np.searchsorted(samples.time_s, time_s), 1, len(samples) - 1)
    step = samples.time_s[right] - samples.time_s[right - 1]
    share = np.clip((time_s - samples.time_s[right - 1]) / step, 0.0, 1.0)
    long = np.flatnonzero(step > _LONG_STEPS / rate)

    def between(values: Float) -> Float:
        low = values[right - 1].T
        change = values[right].T - low
        line = low + share * change
        if len(long):
            line[:, long] += _bend(samples.time_s, values, right[long], share[long], change[:, long])
        return np.ascontiguousarray(line)

    return Motion(between(samples.acc_m_s2), between(samples.gyr_rad_s)), step


def _bend(time_s: Float, values: Float, right: NDArray[np.int64], share: Float, change: Float) -> Float:
    """Hermite cubic less the straight line over a gap, from the slopes on both sides."""
    left, last = right - 1, len(time_s) - 1
    step = time_s[right] - time_s[left]

    def slope(a: NDArray[np.int64], b: NDArray[np.int64]) -> Float:
        span = time_s[b] - time_s[a]
        usable = (b > a) & (span < step)
        return np.where(usable, (values[b] - values[a]).T / np.where(usable, span, 1.0) * step, change)

    before, after = slope(np.maximum(left - 2, 0), left), slope(right, np.minimum(right + 2, last))
    return np.asarray(share * (1 - share) * ((before - change) * (1 - share) + (change - after) * share))
