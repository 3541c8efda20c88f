"""One width for interval and verdict: variances with their degrees of freedom, pooled, summed, made a width.

A difference of block means has variance f1 v1 + f2 v2 + ..., where the factors follow from the design.
Each variance is either taken as known, or estimated on some degrees of freedom. Their sum has the degrees
of freedom of Welch and Satterthwaite, and 95 % is Student's t on them. The functions take numbers or
arrays of them alike, so that the promise can be simulated with the very code that answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import inf

import numpy as np

from firmware_bridge.samples import Float

Number = float | Float


@dataclass(frozen=True, eq=False, slots=True)
class Variance:
    """A variance in deg^2 and the degrees of freedom it was estimated on; infinite where taken as known."""

    deg2: Number
    df: Number = inf


def known(sd_deg: Number) -> Variance:
    """The variance of an SD that is taken as known."""
    return Variance(sd_deg**2)


def pooled(assumed: Variance, weight: float, own: Variance | None) -> Variance:
    """An assumed variance that gives way to the person's own with every degree of freedom.

    Args:
        assumed: the figure to start from.
        weight: as many degrees of freedom of the person's own as it counts for in the mean.
        own: what was measured; None where nothing was.
    """
    if own is None:
        return assumed
    deg2 = (weight * assumed.deg2 + own.df * own.deg2) / (weight + own.df)
    return Variance(deg2, assumed.df + own.df)


def summed(*parts: Variance, factor: Number = 1.0) -> Variance:
    """The variance of a sum of independent errors, each entering `factor` times.

    Degrees of freedom by Welch and Satterthwaite: (sum v)^2 / sum (v^2 / df).
    """
    total = sum((part.deg2 for part in parts), 0.0 * parts[0].deg2)
    doubt = sum((part.deg2**2 / part.df for part in parts), 0.0 * parts[0].deg2)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(np.asarray(doubt) > 0, np.asarray(total) ** 2 / doubt, inf)
    return Variance(total * factor, df if df.ndim else float(df))


def half_width_deg(variance: Variance, level: float = 0.95) -> Number:
    """Half width of the two-sided interval of that level around an estimate with this variance."""
    from scipy.special import ndtri, stdtrit

    upper = (1 + level) / 2
    df = np.asarray(variance.df)
    finite = np.where(np.isfinite(df), df, 1.0)
    quantile = np.where(np.isfinite(df), stdtrit(finite, upper), ndtri(upper))
    width = quantile * np.sqrt(variance.deg2)
    return width if width.ndim else float(width)


@cache
def resemblance(n: int, correlation: float) -> float:
    """By how much s^2 / n is too small for the variance of a mean of n values that resemble their neighbours.

    For a first-order autoregression: the mean varies f times as much as s^2 / n, with
    f = 1 + 2 sum (1 - k/n) rho^k, and the scatter s^2 found within is too small by (n - f) / (n - 1).
    """
    if n < 2:
        return 1.0
    factor = 1 + 2 * sum((1 - k / n) * correlation**k for k in range(1, n))
    return factor * (n - 1) / (n - factor)
