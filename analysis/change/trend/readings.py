"""What was given of the days -> one row a day, in order, and the readings that a line can be laid through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
from numpy.typing import ArrayLike

from analysis.change.trend.outcome import TrendDay
from firmware_bridge.samples import Float

RELATIVE = "relative"


@dataclass(frozen=True, eq=False, slots=True)
class Readings:
    """Readings of one kind: (n,) days, values and zeros (labels)."""

    day: Float
    value_deg: Float
    zero: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.day)


def days_of(
    day: ArrayLike,
    before_deg: ArrayLike,
    after_deg: ArrayLike | None,
    other_knee_deg: ArrayLike | None,
    zero_group: Sequence[object] | None,
) -> tuple[TrendDay, ...]:
    """One row a day, in order of days; see `trend_of_days` for the arguments.

    Readings of one day that count from one zero are averaged; of several zeros a day the first counts.

    Raises:
        ValueError: the arguments differ in length, or a day is not a number.
    """
    days = np.atleast_1d(np.asarray(day, dtype=float))
    n = len(days)
    columns = [_column(v, n, name) for v, name in ((before_deg, "before_deg"), (after_deg, "after_deg"),
                                                   (other_knee_deg, "other_knee_deg"))]  # fmt: skip
    labels = [""] * n if zero_group is None else [_label(g) for g in zero_group]
    if len(labels) != n:
        raise ValueError(f"zero_group holds {len(labels)} labels for {n} days.")
    if not np.isfinite(days).all():
        raise ValueError("Every reading needs the number of its day.")
    rows = []
    # Lists: a day holds one or two readings, for which arrays take ten times as long.
    of_day: dict[float, list[int]] = {}
    for i, value in enumerate(days.tolist()):
        of_day.setdefault(value, []).append(i)
    for value, at in sorted(of_day.items()):
        known = [labels[i] for i in at if labels[i] != RELATIVE and isfinite(columns[0][i])]
        label = known[0] if known else labels[at[0]]
        inside = [i for i in at if labels[i] == label]
        gains = [columns[0][i] - columns[1][i] for i in at]
        before, after, other = (_mean([column[i] for i in inside]) for column in columns)
        relative = label == RELATIVE
        reason = ""
        if relative:
            reason = "no reference pose: only the gain of the session counts"
        elif before is None:
            reason = "no reading before practice"
        rows.append(
            TrendDay(
                day=value,
                before_deg=None if relative else before,
                after_deg=None if relative else after,
                gain_deg=_mean(gains),
                zero=None if relative else label,
                used=not reason,
                why_not=reason,
                other_knee_deg=None if relative else other,
            )
        )
    return tuple(rows)


def before_practice(days: Sequence[TrendDay]) -> Readings:
    """The readings before practice that have a zero."""
    return _readings([(d.day, d.before_deg, d.zero or "") for d in days if d.used])


def gains(days: Sequence[TrendDay]) -> Readings:
    """The gains within sessions, relative ones too."""
    return _readings([(d.day, d.gain_deg, "") for d in days])


def beyond_other(days: Sequence[TrendDay]) -> Readings:
    """This knee minus the other one, on days with both."""
    return _readings(
        [
            (d.day, d.before_deg - d.other_knee_deg, d.zero or "")
            for d in days
            if d.used and d.before_deg is not None and d.other_knee_deg is not None
        ]
    )


def _readings(rows: Sequence[tuple[float, float | None, str]]) -> Readings:
    known = [(day, value, zero) for day, value, zero in rows if value is not None]
    return Readings(
        np.array([day for day, _, _ in known]),
        np.array([value for _, value, _ in known]),
        tuple(zero for _, _, zero in known),
    )


def _column(values: ArrayLike | None, n: int, name: str) -> list[float]:
    if values is None:
        return [nan] * n
    column = np.atleast_1d(np.asarray(values, dtype=float))
    if column.shape != (n,):
        raise ValueError(f"{name} has shape {column.shape}, but there are {n} days.")
    found: list[float] = column.tolist()
    return found


def _label(group: object) -> str:
    if group is None or (isinstance(group, float) and not isfinite(group)):
        return RELATIVE
    return str(group)


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if isfinite(value)]
    return sum(known) / len(known) if known else None
