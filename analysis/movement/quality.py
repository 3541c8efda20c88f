"""Figures of a slow, even lengthening and of a steady hold, each a pure function of angle or rate."""

from __future__ import annotations

from itertools import pairwise
from math import nan

import numpy as np

from analysis.movement.cycles import turning_points
from analysis.movement.smoothing import true_runs
from firmware_bridge.samples import Float

PAUSE_DEG_S = 1.0
# A change of direction passes through zero rate faster than this; it is no pause.
PAUSE_LEAST_S = 0.25
REVERSAL_DEG = 1.0


def evenness(rate_deg_s: Float) -> float:
    """Coefficient of variation of the rate (n,) over the middle 80 % of the time; 0 is perfectly even."""
    edge = round(0.1 * len(rate_deg_s))
    middle = rate_deg_s[edge : len(rate_deg_s) - edge]
    if len(middle) < 2 or not middle.mean():
        return nan
    return float(middle.std() / abs(middle.mean()))


def pauses(rate_deg_s: Float, rate_hz: float) -> tuple[int, float]:
    """Number and total seconds of the stretches of at least 0.25 s below 1 deg/s."""
    still = true_runs(np.abs(rate_deg_s) < PAUSE_DEG_S)
    lengths_s = [(stop - start) / rate_hz for start, stop in still]
    held_s = [length for length in lengths_s if length >= PAUSE_LEAST_S]
    return len(held_s), float(sum(held_s))


def reversals(angle_deg: Float) -> int:
    """How often a lengthening (n,) turns back into bending for more than 1 deg."""
    points = turning_points(angle_deg, REVERSAL_DEG)
    return sum(angle_deg[b] > angle_deg[a] for a, b in pairwise(points))


def submovements(rate_deg_s: Float) -> int:
    """Peaks of the speed (n,) whose prominence is at least 10 % of the highest and 2 deg/s."""
    from scipy.signal import find_peaks

    # The ends belong to the movement: a profile that starts or stops at speed still peaks there.
    speed = np.concatenate(([0.0], np.abs(rate_deg_s), [0.0]))
    peaks, _ = find_peaks(speed, prominence=max(2.0, 0.1 * float(speed.max())))
    return len(peaks)


def steadiness(angle_deg: Float, rate_hz: float) -> tuple[float, float]:
    """SD of the linearly detrended angle (n,), and RMS of its rate; NaN below 1 s."""
    if len(angle_deg) < round(rate_hz):
        return nan, nan
    time_s = np.arange(len(angle_deg)) / rate_hz
    slope, level = np.polyfit(time_s, angle_deg, 1)
    rate_deg_s = np.gradient(angle_deg) * rate_hz
    return float(np.std(angle_deg - slope * time_s - level)), float(np.sqrt(np.mean(rate_deg_s**2)))
