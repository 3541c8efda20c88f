"""What the days of one person say."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.change.result import Verdict

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Change:
    """A change over the days with an interval that holds although the person looks every day.

    Attributes:
        value_deg: positive = straighter.
        ci95_deg: None while it is too early for one.
    """

    value_deg: float
    ci95_deg: Interval | None


@dataclass(frozen=True, slots=True)
class TrendDay:
    """One day.

    Attributes:
        day: its number, as given.
        before_deg, after_deg, gain_deg: None where not measured; gain is positive = straighter.
        zero: which zero the day's angles count from, as given; None for a relative day.
        used: the day's reading before practice counts in the total change.
        why_not: in words, where it does not.
        other_knee_deg: the other knee before practice.
    """

    day: float
    before_deg: float | None
    after_deg: float | None
    gain_deg: float | None
    zero: str | None
    used: bool
    why_not: str = ""
    other_knee_deg: float | None = None


@dataclass(frozen=True, slots=True)
class TrendOfDays:
    """The answer of many days; positive changes are straighter, None is what cannot be told (yet).

    Attributes:
        planned_days: fixed with the first session.
        days: in order, one for each day.
        total_change_deg, total_change_ci95_deg: of the reading before practice, from the first day of
            practice to the last day that counts.
        gain_per_session_deg, gain_per_session_ci95_deg: before minus after, on the average of sessions.
        kept_per_day_deg: total change by days of practice.
        lost_overnight_deg: mean gain minus what is kept a day.
        level_now_deg, level_now_sd_deg: where the knee stands now before practice, and its one sigma.
        beyond_other_knee_deg, beyond_other_knee_ci95_deg: total change beyond that of the other knee.
        detectable_change_deg: half width of the interval: the smallest total change that would show.
        verdict, sentence: the answer, and one plain sentence.
        warnings: plain sentences.
        day_sd_deg: SD of the readings around the line.
        start_deg: where the line starts, by zero.
        practice_from: the day on which practice began; the line is level until then.
        counted_until: the last day that counts in the total change.
        since_plan_deg: how much straighter the days after the plan read than the line's end; None
            without such days.
    """

    planned_days: int
    days: tuple[TrendDay, ...]
    total_change_deg: float | None
    total_change_ci95_deg: Interval | None
    gain_per_session_deg: float | None
    gain_per_session_ci95_deg: Interval | None
    kept_per_day_deg: float | None
    lost_overnight_deg: float | None
    level_now_deg: float | None
    level_now_sd_deg: float | None
    beyond_other_knee_deg: float | None
    beyond_other_knee_ci95_deg: Interval | None
    detectable_change_deg: float | None
    verdict: Verdict
    sentence: str
    warnings: tuple[str, ...] = ()
    day_sd_deg: float | None = None
    start_deg: tuple[tuple[str, float], ...] = ()
    practice_from: float | None = None
    counted_until: float | None = None
    since_plan_deg: float | None = None
