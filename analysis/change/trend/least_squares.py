"""A line through readings whose errors resemble those of the day before: generalised least squares.

The error of a day's reading correlates with that of another day by RHO ** (days apart). Strapping anew each
day is most of it and is independent from day to day; the knee's own good and bad days are the rest. The
correlation is assumed: fourteen readings cannot show it (Solanas 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from firmware_bridge.samples import Float

RHO: Final = 0.25
# No series of readings is steadier from day to day than this, however well few of them happen to agree.
LEAST_SD_DEG: Final = 1.0
# A column of which less than one part in so many is its own cannot be told from the others.
_MOST_SHARED: Final = 1e9


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """A fitted coefficient.

    Attributes:
        value: the coefficient.
        unit_error: its standard error for errors of SD 1.
        sd_deg: SD of the errors, at least `LEAST_SD_DEG`.
        df: degrees of freedom.
        coefficients: all of them, in the order of the columns; 0 for a column that nothing is in.
        covariance: of the coefficients, for errors of SD 1.
    """

    value: float
    unit_error: float
    sd_deg: float
    df: int
    coefficients: Float
    covariance: Float

    @property
    def error(self) -> float:
        """Standard error of the coefficient."""
        return self.sd_deg * self.unit_error


def whitened(day: Float, values: Float) -> Float:
    """Rows of a series with errors as above -> rows with independent errors; earlier rows stay as they are.

    Args:
        day: (n,) increasing.
        values: (n,) or (n, k).
    """
    apart = np.diff(day)
    share = RHO**apart
    scale = np.sqrt(1 - share**2)
    if values.ndim > 1:
        share, scale = share[:, None], scale[:, None]
    return np.concatenate((values[:1], (values[1:] - share * values[:-1]) / scale))


def fit(day: Float, design: Float, values: Float, target: int) -> Fit | None:
    """Fits the coefficients of a design by generalised least squares.

    Args:
        day: (n,) increasing.
        design: (n, k).
        values: (n,).
        target: the column whose coefficient is asked for.

    Returns:
        None where the readings do not determine that coefficient, or leave fewer than one degree of freedom.
    """
    white = whitened(day, np.column_stack((design, values)))
    white, seen = white[:, :-1], white[:, -1]
    filled = filled_columns(white)
    df = len(day) - len(filled)
    inside = white[:, filled]
    inverse = inverse_of(inside.T @ inside, filled, target) if df > 0 else None
    if inverse is None:
        return None
    found = inverse @ (inside.T @ seen)
    rest = seen - inside @ found
    sd_deg = max(LEAST_SD_DEG, sqrt(float(rest @ rest) / df))
    coefficients = np.zeros(design.shape[1])
    coefficients[filled] = found
    covariance = np.zeros((design.shape[1],) * 2)
    covariance[np.ix_(filled, filled)] = inverse
    return Fit(
        float(coefficients[target]), sqrt(covariance[target, target]), sd_deg, df, coefficients, covariance
    )


def filled_columns(design: Float) -> list[int]:
    """The columns that are not empty: a group has no offset before its first day."""
    return [int(i) for i in np.flatnonzero(np.abs(design).max(axis=0) > 0)]


def inverse_of(gram: Float, filled: list[int], target: int) -> Float | None:
    """The inverse of X'X for the filled columns; None where the target is collinear with the others."""
    if target not in filled:
        return None
    place = filled.index(target)
    try:
        inverse = np.asarray(np.linalg.inv(gram), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    # What is left of the column once the others are taken out, as a share of it.
    own = float(inverse[place, place] * gram[place, place])
    return inverse if 0.0 < own < _MOST_SHARED else None
