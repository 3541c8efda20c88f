"""Tremor: the 4 to 12 Hz band of the joint's rate, said as an angle."""

from __future__ import annotations

from math import nan, pi

import numpy as np

from firmware_bridge.samples import Float

BAND_HZ = (4.0, 12.0)
VOLUNTARY_HZ = (0.5, 4.0)
LEAST_RATE_HZ = 30.0
WINDOW_S = 2.0


def tremor(rate_deg_s: Float, rate_hz: float) -> tuple[float, float]:
    """Amplitude of the tremor, and its share beside the voluntary movement.

    Welch's spectrum of the rate (2 s Hann windows, half overlapping). Every frequency's rate is turned
    into an angle, A = rate / (2 pi f), before the band is summed.

    Args:
        rate_deg_s: (n,) unfiltered rate, without gaps.
        rate_hz: of the samples; below 30 Hz the band cannot be seen whole.

    Returns:
        (RMS angle in degrees within 4 to 12 Hz, power of the rate in 4 to 12 Hz over that in 0.5 to
        4 Hz); NaN for both where the signal is shorter than 1 s or sampled too slowly.
    """
    if rate_hz < LEAST_RATE_HZ or len(rate_deg_s) < round(rate_hz):
        return nan, nan
    from scipy.signal import welch

    window = min(len(rate_deg_s), round(WINDOW_S * rate_hz))
    frequency_hz, density = welch(rate_deg_s, rate_hz, "hann", window)
    step_hz = float(frequency_hz[1])
    band = (frequency_hz >= BAND_HZ[0]) & (frequency_hz <= BAND_HZ[1])
    slow = (frequency_hz >= VOLUNTARY_HZ[0]) & (frequency_hz < VOLUNTARY_HZ[1])
    angle_deg2 = float(np.sum(density[band] / (2 * pi * frequency_hz[band]) ** 2)) * step_hz
    voluntary = float(density[slow].sum())
    ratio = float(density[band].sum()) / voluntary if voluntary > 0 else nan
    return float(np.sqrt(angle_deg2)), ratio
