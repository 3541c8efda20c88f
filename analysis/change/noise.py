"""How wide 95 % is when standard deviations are known only as distributions.

A difference of block means has variance f1 s1^2 + f2 s2^2 + ..., where the factors follow from the
design and every SD (between blocks, between repetitions, between strappings) is fixed, somewhere in a
range, or estimated from a few repeats. The half width h solves

    E[ P(|N(0, f1 s1^2 + f2 s2^2 + ...)| > h) ] = 5 %

over those distributions. With one SD estimated on k degrees of freedom this is exactly Student's t;
with two it is the fiducial (Behrens-Fisher) interval; with a range it keeps 95 % on the average over
that range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np

from firmware_bridge.samples import Float

NODES = 32


@dataclass(frozen=True, eq=False, slots=True)
class Spread:
    """What is known of one standard deviation: values and their probabilities, both (k,)."""

    sd_deg: Float
    weight: Float


def fixed(sd_deg: float) -> Spread:
    """An SD that is taken as known."""
    return Spread(np.array([sd_deg]), np.ones(1))


def uniform(low_deg: float, high_deg: float) -> Spread:
    """An SD known to lie in a range, every value of which is as likely as any other."""
    node, weight = _legendre()
    return Spread(low_deg + (high_deg - low_deg) * (node + 1) / 2, weight / 2)


def estimated(sd_deg: float, df: int) -> Spread:
    """An SD estimated on `df` degrees of freedom: sd^2 df / chi-square(df)."""
    half_chi2, weight = _laguerre(df)
    return Spread(sd_deg * np.sqrt(df / (2 * half_chi2)), weight)


def half_width_deg(parts: Sequence[tuple[float, Spread]], level: float = 0.95) -> float:
    """Half width of the interval around an estimate whose variance is the sum of factor times SD^2.

    Args:
        parts: (factor, spread) of every independent part of the variance.
        level: of the interval.
    """
    variance, weight = np.zeros(1), np.ones(1)
    for factor, spread in parts:
        variance = np.add.outer(variance, factor * spread.sd_deg**2).ravel()
        weight = np.multiply.outer(weight, spread.weight).ravel()
    return _solve(np.maximum(variance, 1e-12), weight, 1 - level)


def _solve(variance: Float, weight: Float, alpha: float) -> float:
    """Newton's method, which climbs to the root from below because the tail is convex."""
    from scipy.special import erfc, erfcinv

    root = np.sqrt(2 * variance)
    width = float(erfcinv(alpha) * root.min())
    for _ in range(100):
        scaled = width / root
        excess = float(weight @ erfc(scaled)) - alpha
        step = excess / float(weight @ (np.exp(-(scaled**2)) * 2 / (sqrt(np.pi) * root)))
        width += step
        if abs(step) < 1e-9 * width:
            break
    return width


@cache
def _legendre() -> tuple[Float, Float]:
    node, weight = np.polynomial.legendre.leggauss(12)
    return node, weight


@cache
def _laguerre(df: int) -> tuple[Float, Float]:
    """Gauss quadrature for half a chi-square variable, which has the gamma distribution of df / 2."""
    from scipy.special import roots_genlaguerre

    node, weight = roots_genlaguerre(NODES, df / 2 - 1)
    return node, weight / weight.sum()
