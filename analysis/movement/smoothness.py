"""How smooth a movement is, from its speed profile alone."""

from __future__ import annotations

from math import ceil, log2, nan

import numpy as np

from firmware_bridge.samples import Float


def sparc(
    speed: Float, rate_hz: float, cutoff_hz: float = 10.0, threshold: float = 0.05, padding: int = 4
) -> float:
    """Spectral arc length of a speed profile: the more negative, the less smooth.

    The length of the normalised amplitude spectrum up to the last frequency that still holds 5 % of
    its maximum. Insensitive to amplitude and measurement noise, but it calls a perfectly constant speed
    rough (-2.1 to -2.5), so it compares only like with like (Balasubramanian et al. 2015, J NeuroEng
    Rehabil 12:112).

    Args:
        speed: (n,) of any unit, without gaps.
        rate_hz: of the samples.
        cutoff_hz: nothing above is looked at.
        threshold: relative amplitude that ends the spectrum.
        padding: the spectrum is refined 2 ** padding times by zero padding.

    Returns:
        The spectral arc length, dimensionless; NaN without movement or below 2 samples.
    """
    if len(speed) < 2 or not np.all(np.isfinite(speed)):
        return nan
    size = 2 ** (ceil(log2(len(speed))) + padding)
    amplitude = np.abs(np.fft.rfft(speed, size))
    if not amplitude.max() > 0:
        return nan
    amplitude /= amplitude.max()
    amplitude = amplitude[np.arange(len(amplitude)) * rate_hz / size <= cutoff_hz]
    amplitude = amplitude[: np.flatnonzero(amplitude >= threshold)[-1] + 1]
    if len(amplitude) < 2:
        return nan
    return -float(np.hypot(1 / (len(amplitude) - 1), np.diff(amplitude)).sum())
