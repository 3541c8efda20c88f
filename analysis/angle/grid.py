"""One time base for both sensors: uniform steps, gaps kept as gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.angle.parameters import AngleParameters
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import Float, ImuSamples

Bool = NDArray[np.bool_]

# Below this rate a knee swing is no longer sampled; above it nothing is gained.
_RATE_RANGE_HZ = (10.0, 500.0)
_SHORTEST_S = 2.0


@dataclass(frozen=True, eq=False, slots=True)
class Motion:
    """What one sensor felt on the grid, in its own frame: acc (3, n) in m/s^2, gyr (3, n) in rad/s."""

    acc_m_s2: Float
    gyr_rad_s: Float


@dataclass(frozen=True, eq=False, slots=True)
class Grid:
    """Both sensors at the same instants.

    Attributes:
        time_s: (n,) uniform.
        rate_hz: of the grid.
        known: (n,) False where either sensor has a gap; the motion there is a straight line.
    """

    time_s: Float
    rate_hz: float
    known: Bool
    thigh: Motion
    shank: Motion


def clean(samples: ImuSamples) -> ImuSamples:
    """Only finite samples whose time moves on."""
    finite = np.isfinite(samples.time_s)
    for values in (samples.acc_m_s2, samples.gyr_rad_s):
        finite &= np.isfinite(values).all(axis=1)
    latest = np.maximum.accumulate(np.where(finite, samples.time_s, -np.inf))
    forward = finite & (samples.time_s > np.concatenate(([-np.inf], latest[:-1])))
    return samples if forward.all() else samples[forward]


def rate_of(time_s: Float) -> float:
    """The rate of a sensor from its time stamps, rounded to whole hertz where it is close to one."""
    steps = np.diff(time_s)
    rate = 1.0 / float(np.median(steps)) if len(steps) else 0.0
    return float(round(rate)) if abs(rate - round(rate)) < 0.01 * rate else rate


def common_grid(thigh: ImuSamples, shank: ImuSamples, parameters: AngleParameters) -> Grid:
    """Brings both sensors to the faster one's rate over the time that both cover.

    Raises:
        CannotAnswerError: the sensors have too few samples in common.
    """
    thigh, shank = clean(thigh), clean(shank)
    for name, samples in (("thigh", thigh), ("shin", shank)):
        if len(samples) < 2:
            raise CannotAnswerError(
                f"The {name} sensor has no samples.", "Check that it was switched on and streaming."
            )
    start = max(float(thigh.time_s[0]), float(shank.time_s[0]))
    stop = min(float(thigh.time_s[-1]), float(shank.time_s[-1]))
    if stop - start < _SHORTEST_S:
        raise CannotAnswerError(
            f"The two sensors were recorded together for only {max(stop - start, 0.0):.1f} s.",
            "Record both at the same time, and check that their time stamps share one clock.",
        )
    low, high = _RATE_RANGE_HZ
    rate = max(rate_of(thigh.time_s), rate_of(shank.time_s))
    if rate < low:
        raise CannotAnswerError(
            f"The sensors delivered only {rate:.1f} samples a second.", "Set a rate of 50 Hz or more."
        )
    rate = min(rate, high)
    time_s = start + np.arange(int((stop - start) * rate + 1e-6) + 1) / rate
    moved, known = zip(
        *(_on_grid(s, time_s, rate, parameters.max_gap_s) for s in (thigh, shank)), strict=True
    )
    return Grid(time_s, rate, known[0] & known[1], *moved)


def _on_grid(samples: ImuSamples, time_s: Float, rate: float, max_gap_s: float) -> tuple[Motion, Bool]:
    first = int(np.searchsorted(samples.time_s, time_s[0] - 1e-9))
    part = samples.time_s[first : first + len(time_s)]
    if len(part) == len(time_s) and np.abs(part - time_s).max() < 0.02 / rate:
        rows = slice(first, first + len(time_s))
        motion = Motion(
            np.ascontiguousarray(samples.acc_m_s2[rows].T), np.ascontiguousarray(samples.gyr_rad_s[rows].T)
        )
        return motion, np.ones(len(time_s), dtype=bool)
    right = np.clip(np.searchsorted(samples.time_s, time_s), 1, len(samples) - 1)
    step = samples.time_s[right] - samples.time_s[right - 1]
    share = np.clip((time_s - samples.time_s[right - 1]) / step, 0.0, 1.0)

    def between(values: Float) -> Float:
        low, high = values[right - 1].T, values[right].T
        return np.ascontiguousarray(low + share * (high - low))

    return Motion(between(samples.acc_m_s2), between(samples.gyr_rad_s)), step <= max_gap_s + 1e-6
