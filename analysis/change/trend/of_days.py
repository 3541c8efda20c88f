"""Many days of one person: does the reading before practice fall by more than it differs from day to day?

Model: y = offset of the zero + b x + e. x counts the days since practice began and is 0 before; e has an SD
that is not known and resembles that of the days nearby (`least_squares`). The interval and the verdict hold
although the person looks every day (`looks`). What the model promises, and where not, is in docs/verdict.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, isfinite

import numpy as np
from numpy.typing import ArrayLike

from analysis.change.result import Verdict
from analysis.change.trend import sentences
from analysis.change.trend.least_squares import fit
from analysis.change.trend.looks import Look, SpendingPlan, look
from analysis.change.trend.outcome import Change, TrendOfDays
from analysis.change.trend.readings import Readings, before_practice, beyond_other, days_of, gains
from firmware_bridge.samples import Float

LEAST_DAYS = 5
LEAST_GAINS = 3
LEAST_BASELINE_DAYS = 3
WIDEST_DEG = 10.0
# A single look at 90 %: what is left without the most telling day has to be beyond this at least.
_WITHOUT_ONE_LEVEL = 0.95


def trend_of_days(
    day: ArrayLike,
    before_deg: ArrayLike,
    after_deg: ArrayLike | None = None,
    other_knee_deg: ArrayLike | None = None,
    *,
    practice_from: float | None = None,
    zero_group: Sequence[object] | None = None,
    planned_days: int = 14,
    zero_sd_deg: float = 0.0,
) -> TrendOfDays:
    """Says how much straighter the knee became over the days, and whether that can be told.

    Args:
        day: (n,) number of the day of each reading, in any order; several of one day are averaged.
        before_deg: (n,) flexion before practice; NaN where not measured.
        after_deg: (n,) flexion after practice.
        other_knee_deg: (n,) the other knee before practice.
        practice_from: the day on which practice began, whose reading before practice is the last of the
            baseline; the first day by default.
        zero_group: (n,) a label for the way the zero was set; another method, support or operator is
            another label, and its readings count from an offset of their own. None or "relative": no
            zero, only the gain counts.
        planned_days: when the answer is due, counted from the first day and fixed then.
        zero_sd_deg: one sigma of the reference angle that all days share; it enters the level only.

    Returns:
        The answer. The same days give the same answer, and later days never change an earlier bound.

    Raises:
        ValueError: the arguments differ in length, or a day is not a number, or no day is planned.
    """
    if planned_days < 1:
        raise ValueError("At least one day has to be planned.")
    days = days_of(day, before_deg, after_deg, other_knee_deg, zero_group)
    first = days[0].day if days else 0.0
    start = first if practice_from is None else float(practice_from)
    late = SpendingPlan(planned_days, first, "late", LEAST_DAYS, 0.5)
    readings = before_practice(days)
    line = _line(readings, start, late)
    gain = _gain(gains(days), replace(late, spending="even", least_readings=LEAST_GAINS, from_share=0.0))
    other = _line(beyond_other(days), start, late)
    answer = TrendOfDays(
        planned_days=planned_days,
        days=days,
        total_change_deg=None if line is None else line.change.value_deg,
        total_change_ci95_deg=None if line is None else line.change.ci95_deg,
        gain_per_session_deg=None if gain is None else gain.value_deg,
        gain_per_session_ci95_deg=None if gain is None else gain.ci95_deg,
        kept_per_day_deg=None,
        lost_overnight_deg=None,
        level_now_deg=None,
        level_now_sd_deg=None,
        beyond_other_knee_deg=None if other is None else other.change.value_deg,
        beyond_other_knee_ci95_deg=None if other is None else other.change.ci95_deg,
        detectable_change_deg=None,
        verdict="not enough data",
        sentence="",
        practice_from=start,
    )
    elapsed = round(days[-1].day - first) + 1 if days else 0
    if line is None:
        sentence = sentences.no_line(
            len(readings), LEAST_DAYS, has_practice=bool(days) and days[-1].day > start
        )
        return replace(answer, sentence=sentence)
    answer = _with_line(answer, readings, line, gain, zero_sd_deg)
    verdict, sentence = _judge(readings, line, late, elapsed)
    baseline = sum(d <= start for d in readings.day)
    return replace(
        answer,
        verdict=verdict,
        sentence=sentences.whole(
            sentence,
            verdict,
            adapted=baseline < LEAST_BASELINE_DAYS,
            since_plan_deg=answer.since_plan_deg,
            later=len(readings) - line.look.stop,
        ),
        warnings=sentences.warnings(readings.zero[: line.look.stop], readings.day, first),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Line:
    look: Look
    design: Float
    groups: tuple[str, ...]
    days: float
    change: Change

    @property
    def half_width_deg(self) -> float:
        return self.look.bound * self.look.fit.error * self.days


def _line(readings: Readings, start: float, plan: SpendingPlan) -> _Line | None:
    """The line through readings, from the day on which practice began."""
    groups = tuple(dict.fromkeys(readings.zero))
    design = _design(readings, start, groups)
    found = look(readings.day, design, readings.value_deg, 0, plan) if len(readings) > 2 else None
    if found is None:
        return None
    days = float(design[found.stop - 1, 0])
    value = -found.fit.value * days
    half = found.bound * found.fit.error * days
    interval = (value - half, value + half) if isfinite(found.bound) else None
    return _Line(found, design, groups, days, Change(value, interval)) if days > 0 else None


def _design(readings: Readings, start: float, groups: Sequence[str]) -> Float:
    """Days of practice, then one column a zero."""
    columns = [np.maximum(readings.day - start, 0.0)]
    columns += [np.array([float(z == group) for z in readings.zero]) for group in groups]
    return np.stack(columns, axis=1) if len(readings) else np.zeros((0, 1 + len(groups)))


def _gain(readings: Readings, plan: SpendingPlan) -> Change | None:
    """The mean gain of a session."""
    if not len(readings):
        return None
    found = look(readings.day, np.ones((len(readings), 1)), readings.value_deg, 0, plan)
    if found is None:
        return Change(float(readings.value_deg.mean()), None)
    half = found.bound * found.fit.error
    value = found.fit.value
    return Change(value, (value - half, value + half) if isfinite(found.bound) else None)


def _with_line(
    answer: TrendOfDays, readings: Readings, line: _Line, gain: Change | None, zero_sd_deg: float
) -> TrendOfDays:
    """Adds what follows from the line."""
    stop, found = line.look.stop, line.look.fit
    kept = line.change.value_deg / line.days
    # After the plan the line is level: the later days say where the knee stands, and whether it lasts.
    held = line.design.copy()
    held[:, 0] = np.minimum(held[:, 0], line.days)
    everything = fit(readings.day, held, readings.value_deg, 0) or found
    level = float(held[-1] @ everything.coefficients)
    error = everything.sd_deg * float(np.sqrt(held[-1] @ everything.covariance @ held[-1]))
    rest = readings.value_deg[stop:] - held[stop:] @ found.coefficients
    known = [z in readings.zero[:stop] for z in readings.zero[stop:]]
    since = float(-rest[known].mean()) if any(known) else None
    later = set(readings.day[stop:].tolist())
    days = tuple(
        replace(d, used=False, why_not="after the planned days: it shows whether the change lasts")
        if d.used and d.day in later
        else d
        for d in answer.days
    )
    return replace(
        answer,
        days=days,
        kept_per_day_deg=kept,
        lost_overnight_deg=None if gain is None else gain.value_deg - kept,
        level_now_deg=level,
        level_now_sd_deg=hypot(error, zero_sd_deg),
        detectable_change_deg=line.half_width_deg if isfinite(line.look.bound) else None,
        day_sd_deg=found.sd_deg,
        start_deg=tuple(
            (group, float(found.coefficients[1 + i]))
            for i, group in enumerate(line.groups)
            if group in readings.zero[:stop]
        ),
        counted_until=float(readings.day[stop - 1]),
        since_plan_deg=since,
    )


def _judge(readings: Readings, line: _Line, plan: SpendingPlan, elapsed: int) -> tuple[Verdict, str]:
    """The verdict and its sentence."""
    interval, change = line.change.ci95_deg, line.change.value_deg
    if line.look.stop < LEAST_DAYS:
        return "not enough data", sentences.few(line.look.stop, LEAST_DAYS)
    if interval is None:
        return "not enough data", sentences.early(elapsed, plan.days)
    days = round(line.days)
    if not line.look.is_beyond:
        if line.half_width_deg > WIDEST_DEG:
            return "not enough data", sentences.wide(line.half_width_deg, elapsed, plan.days)
        return "no detectable change", sentences.undetected(change, interval, days)
    deciding = _overturning_day(readings, line)
    if deciding is not None:
        return "not enough data", sentences.hangs_on_one_day(change, interval, deciding, plan.first_day)
    return "gained" if change > 0 else "lost", sentences.changed(change, interval, days)


def _overturning_day(readings: Readings, line: _Line) -> float | None:
    """The day without which the change is not even beyond a single look at 90 %; None without such a day."""
    from scipy.special import stdtrit

    stop, worst, deciding = line.look.stop, 0.0, None
    side = np.sign(line.look.t)
    for i in range(stop):
        keep = np.delete(np.arange(stop), i)
        found = fit(readings.day[keep], line.design[keep], readings.value_deg[keep], 0)
        limit = float(stdtrit(found.df, _WITHOUT_ONE_LEVEL)) if found is not None else 0.0
        margin = -limit if found is None else float(side) * found.value / found.error - limit
        if margin < worst:
            worst, deciding = margin, float(readings.day[i])
    return deciding
