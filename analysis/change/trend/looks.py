"""How large a t statistic has to be when a person looks every day.

Whoever looks at a series every day and stops at the first "significant" one is wrong far more often than
5 %. So the 5 % are spent over the planned days, a little at each look, and the bound of a look is found from
simulated series in which nothing changed, on the very days that were measured: the share of them that cross
a bound for the first time at that look is what the look may spend. The statistic depends on neither offset
nor SD, so one set of series serves everybody. The interval around the estimate that uses the same bound is
the repeated confidence interval (Jennison and Turnbull 1989): it holds although the person looks every day.

The series have a fixed seed and are drawn row by row: a new day never moves the bound of an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf, log
from typing import Final, Literal

import numpy as np

from analysis.change.trend.least_squares import Fit, filled_columns, fit, inverse_of, whitened
from firmware_bridge.samples import Float

ALPHA: Final = 0.05
SERIES: Final = 100_000
SEED: Final = 15
LEAST_DF: Final = 3
# A bound that fewer of the series than this reach is not known well enough to be used.
_LEAST_CROSSINGS: Final = 20

Spending = Literal["late", "even"]


@dataclass(frozen=True, slots=True)
class SpendingPlan:
    """When and how the 5 % are spent.

    Attributes:
        days: planned, counted from `first_day`; at the first look on or after them all is spent.
        first_day: of the series.
        spending: "late" keeps nearly all for the end (like O'Brien and Fleming), "even" spends from the
            first look on (like Pocock).
        least_readings: before so many there is no look.
        from_share: no look before this share of the planned days.
    """

    days: int
    first_day: float
    spending: Spending
    least_readings: int
    from_share: float = 0.0

    def share(self, day: float) -> float:
        """How much of the plan has passed with that day."""
        return (day - self.first_day + 1) / self.days

    def spent(self, share: float) -> float:
        """What may have been spent by then."""
        share = min(1.0, share)
        if self.spending == "even":
            return ALPHA * log(1 + (np.e - 1) * share)
        return ALPHA * share**8


@dataclass(frozen=True, slots=True)
class Look:
    """An estimate with an interval that holds over all looks.

    Attributes:
        fit: of the readings up to `stop`.
        bound: on |t|; infinite where it is too early for one.
        stop: number of readings that were used: all, or those up to the end of the plan.
    """

    fit: Fit
    bound: float
    stop: int

    @property
    def t(self) -> float:
        """The statistic."""
        return self.fit.value / self.fit.error

    @property
    def is_beyond(self) -> bool:
        """Whether the interval excludes zero."""
        return abs(self.t) > self.bound


def look(day: Float, design: Float, values: Float, target: int, plan: SpendingPlan) -> Look | None:
    """The newest look that counts: the last reading, or the first one on or after the planned end.

    Args:
        day: (n,) increasing, of the readings.
        design: (n, k).
        values: (n,).
        target: the column that is asked about.
        plan: of the spending.

    Returns:
        None where the readings do not determine the coefficient.
    """
    over = [i for i, d in enumerate(day) if plan.share(d) >= 1]
    stop = over[0] + 1 if over else len(day)
    found = fit(day[:stop], design[:stop], values[:stop], target) if stop else None
    if found is None:
        return None
    rows = tuple(map(tuple, design[:stop].tolist()))
    # Counted from the first day, so that people with the same days share their bounds.
    days = tuple((day[:stop] - plan.first_day).tolist())
    return Look(found, bounds(days, rows, target, replace(plan, first_day=0.0))[-1], stop)


@lru_cache(maxsize=64)
def bounds(
    day: tuple[float, ...], design: tuple[tuple[float, ...], ...], target: int, plan: SpendingPlan
) -> tuple[float, ...]:
    """The bound on |t| after each reading; infinite where there is no look yet.

    Args:
        day, design, target, plan: as for `look`, hashable.
    """
    white = whitened(np.array(day), np.array(design))
    generator = np.random.default_rng(SEED)
    products, squares = np.zeros((white.shape[1], SERIES)), np.zeros(SERIES)
    crossed = np.zeros(SERIES, dtype=bool)
    spent, found = 0.0, []
    for n, row in enumerate(white, start=1):
        draw = generator.standard_normal(SERIES)
        products += row[:, None] * draw
        squares += draw**2
        share = plan.share(day[n - 1])
        count = round((plan.spent(share) - spent) * SERIES)
        filled = filled_columns(white[:n])
        df = n - len(filled)
        early = n < plan.least_readings or share < plan.from_share or df < LEAST_DF
        inside = white[:n][:, filled]
        inverse = None if early else inverse_of(inside.T @ inside, filled, target)
        if inverse is None or count < _LEAST_CROSSINGS:
            found.append(inf)
            continue
        coefficients = inverse @ products[filled]
        rest = np.maximum(squares - np.sum(products[filled] * coefficients, axis=0), 1e-12)
        place = filled.index(target)
        t = np.abs(coefficients[place]) / np.sqrt(rest / df * inverse[place, place])
        t[crossed] = -1.0
        bound = float(np.partition(t, SERIES - count)[SERIES - count])
        crossed |= t >= bound
        spent = plan.spent(share)
        found.append(bound)
    return tuple(found)
