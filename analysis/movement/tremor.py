"""Tremor: the 4 to 12 Hz band of the joint's rate, said as an angle."""

from __future__ import annotations

from math import nan, pi

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

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
    frequency_hz, density = spectrum(rate_deg_s, rate_hz, min(len(rate_deg_s), round(WINDOW_S * rate_hz)))
    step_hz = float(frequency_hz[1])
    band = (frequency_hz >= BAND_HZ[0]) & (frequency_hz <= BAND_HZ[1])
    slow = (frequency_hz >= VOLUNTARY_HZ[0]) & (frequency_hz < VOLUNTARY_HZ[1])
    angle_deg2 = float(np.sum(density[band] / (2 * pi * frequency_hz[band]) ** 2)) * step_hz
    voluntary = float(density[slow].sum())
    ratio = float(density[band].sum()) / voluntary if voluntary > 0 else nan
    return float(np.sqrt(angle_deg2)), ratio


def spectrum(values: Float, rate_hz: float, window: int) -> tuple[Float, Float]:
    """Welch's estimate (1967) of the power density: half overlapping Hann windows, each less its mean.

    Written out, since importing scipy.signal takes as long as answering a whole session.

    Args:
        values: (n,) without gaps.
        rate_hz: of the samples.
        window: length in samples, at most n.

    Returns:
        Frequencies in Hz and the one-sided density in squared units per Hz, both (window // 2 + 1,).
    """
    weights = 0.5 - 0.5 * np.cos(2 * pi * np.arange(window) / window)
    pieces = sliding_window_view(values, window)[:: window - window // 2]
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    power = np.mean(np.abs(np.fft.rfft(weights * pieces, axis=1)) ** 2, axis=0)
    density = power / (rate_hz * np.sum(weights**2))
    # What a negative frequency holds; neither 0 nor half the rate has one.
    density[1 : (window + 1) // 2] *= 2
    frequency_hz = np.arange(len(density), dtype=np.float64) * (rate_hz / window)
    return frequency_hz, density
