"""A sync movement: the constant clock offset of two sensors that are held together and shaken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import Float, ImuSamples

_GRID_HZ = 200.0
_LARGEST_OFFSET_S = 0.5
_SHORTEST_S = 2.0
_LEAST_MOTION_RAD_S = 0.5
_LEAST_CORRELATION = 0.9
_REFINEMENTS = 8
_BLOCK_SAMPLES = 50


@dataclass(frozen=True, slots=True)
class SyncOffset:
    """The constant difference between two sensors' times.

    Attributes:
        offset_s: to be subtracted from the shank's times so that they agree with the thigh's.
        uncertainty_s: standard deviation of the offset.
        correlation: of the two angular-rate norms at this offset, at most 1.
    """

    offset_s: float
    uncertainty_s: float
    correlation: float


def sync_offset(thigh: ImuSamples, shank: ImuSamples, start_s: float, stop_s: float) -> SyncOffset:
    """Estimates the clock offset from a movement that both sensors made as one rigid body.

    The norm of the angular rate does not depend on how a sensor is oriented. The cross-correlation of the
    norms gives the offset to a grid step; Gauss-Newton steps on their difference refine it.

    Args:
        thigh, shank: the samples, with times that may differ by up to half a second.
        start_s, stop_s: while both were held together.

    Raises:
        CannotAnswerError: too short, too little movement, or the sensors did not move as one.
    """
    if stop_s - start_s < _SHORTEST_S:
        raise CannotAnswerError(
            f"{stop_s - start_s:.1f} s are too short to compare the sensors' clocks.",
            "Hold both sensors together and shake them for about 5 s.",
        )
    if not all(len(s) and s.time_s[0] <= start_s and s.time_s[-1] >= stop_s for s in (thigh, shank)):
        raise CannotAnswerError(
            f"Between {start_s:g} and {stop_s:g} s there are not samples of both sensors all the time.",
            "Choose a time inside the session.",
        )
    grid_s = np.arange(start_s + _LARGEST_OFFSET_S, stop_s - _LARGEST_OFFSET_S, 1 / _GRID_HZ)
    reference = _rate_norm(thigh, grid_s)
    if np.std(reference) < _LEAST_MOTION_RAD_S:
        raise CannotAnswerError(
            "The sensors hardly moved.", "Hold both together and shake them in all directions for about 5 s."
        )
    offset_s = _coarse_offset_s(thigh, shank, grid_s)
    for _ in range(_REFINEMENTS):
        moved, slope = _rate_norm(shank, grid_s + offset_s), _slope(shank, grid_s + offset_s)
        offset_s += float(slope @ (reference - moved) / (slope @ slope))
    moved, slope = _rate_norm(shank, grid_s + offset_s), _slope(shank, grid_s + offset_s)
    correlation = float(np.corrcoef(reference, moved)[0, 1])
    if correlation < _LEAST_CORRELATION or abs(offset_s) > _LARGEST_OFFSET_S:
        raise CannotAnswerError(
            f"The sensors did not move as one (correlation {correlation:.2f}).",
            "Press both firmly together, as one piece, and shake them again.",
        )
    return SyncOffset(offset_s, _uncertainty_s(reference - moved, slope), correlation)


def _rate_norm(samples: ImuSamples, at_s: Float) -> Float:
    norm_rad_s: Float = np.interp(at_s, samples.time_s, np.linalg.norm(samples.gyr_rad_s, axis=1))
    return norm_rad_s


def _slope(samples: ImuSamples, at_s: Float) -> Float:
    step_s = 1 / _GRID_HZ
    return (_rate_norm(samples, at_s + step_s) - _rate_norm(samples, at_s - step_s)) / (2 * step_s)


def _coarse_offset_s(thigh: ImuSamples, shank: ImuSamples, grid_s: Float) -> float:
    """The shift, in grid steps, at which the norms correlate best."""
    steps = int(_LARGEST_OFFSET_S * _GRID_HZ)
    reference = _rate_norm(thigh, grid_s)
    longer_s = grid_s[0] + np.arange(-steps, len(grid_s) + steps) / _GRID_HZ
    windows = np.lib.stride_tricks.sliding_window_view(_rate_norm(shank, longer_s), len(grid_s))
    centred = windows - windows.mean(axis=1, keepdims=True)
    scores = centred @ (reference - reference.mean()) / np.maximum(np.linalg.norm(centred, axis=1), 1e-12)
    return float(np.argmax(scores) - steps) / _GRID_HZ


def _uncertainty_s(residual: Float, slope: Float) -> float:
    """Standard deviation of the offset; blocks allow for a residual that is correlated in time."""
    score = slope * (residual - residual.mean())
    blocks = np.array([part.sum() for part in np.array_split(score, len(score) // _BLOCK_SAMPLES)])
    return float(np.sqrt(np.sum(blocks**2)) / (slope @ slope))
