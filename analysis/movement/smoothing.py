"""The slow part of a flexion track and its rate, run by run between the gaps."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float

# Passes a bend-and-straighten of 1 s (-2 dB at 0.7 Hz) and stops tremor (below 0.1 % at 4 Hz), whose rate
# would otherwise hide every plateau: 0.3 deg at 8 Hz already moves at 15 deg/s.
SLOW_SIGMA_S = 0.15
# The rate "low-passed at about 6 Hz": a Gaussian is down 3 dB at 0.1325 / sigma.
QUICK_SIGMA_S = 0.022


def true_runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The half-open index ranges [start, stop) over which a mask (n,) is true."""
    if len(mask) and mask.all():
        return [(0, len(mask))]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False]))))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def kernel_reach(rate_hz: float, sigma_s: float) -> int:
    """Samples on either side that `smooth` weighs."""
    return max(1, round(4 * sigma_s * rate_hz))


def smooth(values: Float, rate_hz: float, sigma_s: float) -> Float:
    """Gaussian low-pass of each run of finite values; what is NaN stays NaN.

    Each run is continued beyond its ends by point reflection, so that a slope is kept up to the end.

    Args:
        values: (n,).
        rate_hz: of the samples.
        sigma_s: standard deviation of the kernel.
    """
    kernel = _kernel(rate_hz, sigma_s)
    reach = len(kernel) // 2
    out = np.full(len(values), np.nan)
    for start, stop in true_runs(np.isfinite(values)):
        if stop - start < 2:
            out[start:stop] = values[start:stop]
            continue
        out[start:stop] = np.convolve(_continued(values[start:stop], reach), kernel, mode="valid")
    return out


@lru_cache(16)
def _kernel(rate_hz: float, sigma_s: float) -> Float:
    reach = kernel_reach(rate_hz, sigma_s)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (sigma_s * rate_hz)) ** 2)
    kernel /= kernel.sum()
    return kernel


def _continued(run: Float, reach: int) -> Float:
    """A run (n,) with `reach` samples more on either side, by point reflection."""
    if len(run) <= reach:
        return np.pad(run, reach, mode="reflect", reflect_type="odd")
    # The same in a fifth of the time, which a live angle spends five times a second.
    before, after = run[reach:0:-1], run[-2 : -reach - 2 : -1]
    return np.concatenate((2 * run[0] - before, run, 2 * run[-1] - after))


def rate(values: Float, rate_hz: float) -> Float:
    """Central differences per second within each run of finite values (n,); NaN elsewhere."""
    out = np.full(len(values), np.nan)
    for start, stop in true_runs(np.isfinite(values)):
        if stop - start >= 2:
            out[start:stop] = np.gradient(values[start:stop]) * rate_hz
    return out
