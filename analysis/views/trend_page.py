"""The page of many days: one HTML file that needs nothing else."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from analysis.change import TrendDay
from analysis.days import PersonTrend
from analysis.views import wording
from analysis.views.pictures import data_uri
from analysis.views.report import environment
from analysis.views.tables import UNKNOWN, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = tuple[str, ...]


def render_trend(found: PersonTrend, figure: Figure, *, truth_deg: float | None = None) -> str:
    """Renders the days of one person as one self-contained HTML page.

    Args:
        found: the days with their answer.
        figure: their picture.
        truth_deg: for simulated days, the true total change.
    """
    return (
        environment()
        .get_template("trend.html.j2")
        .render(
            client=found.client,
            side=str(found.side),
            test=wording.TEST_TITLES[found.test],
            sentence=wording.tidy(found.trend.sentence),
            warnings=[wording.tidy(text) for text in found.warnings],
            picture=data_uri(figure),
            answers=answer_rows(found),
            days=[day_row(found, d) for d in found.trend.days],
            planned=found.trend.planned_days,
            truth=None if truth_deg is None else wording.signed(truth_deg),
            purpose=wording.PURPOSE,
            limits=wording.LIMITS,
            safety=wording.SAFETY,
        )
    )


def answer_rows(found: PersonTrend) -> list[Row]:
    """The figures in words, each with its interval."""
    trend = found.trend
    kept = trend.kept_per_day_deg
    changes = (
        ("total change before practice", trend.total_change_deg, trend.total_change_ci95_deg),
        ("gain of a session", trend.gain_per_session_deg, trend.gain_per_session_ci95_deg),
        ("beyond the other knee", trend.beyond_other_knee_deg, trend.beyond_other_knee_ci95_deg),
    )
    rows = [
        *((name, _signed(value), _interval(interval)) for name, value, interval in changes),
        ("still there on the next day", _signed(kept), "of each session's gain, on the average"),
        ("lost overnight", number(trend.lost_overnight_deg, "°"), "on the average"),
        ("where the knee stands now", _position(trend.level_now_deg), _one_sigma(trend.level_now_sd_deg)),
        ("smallest change that would show", number(trend.detectable_change_deg, "°"), ""),
        ("since the planned days", _signed(trend.since_plan_deg), "against the end of the line"),
    ]
    return [row for row in rows if row[1] != UNKNOWN]


def day_row(found: PersonTrend, day: TrendDay) -> Row:
    """One day of the table."""
    first = found.trend.days[0].day
    dated = day.day > 100_000
    return (
        date.fromordinal(round(day.day)).isoformat() if dated else f"{day.day:g}",
        f"{day.day - first + 1:.0f}",
        number(day.before_deg, "°"),
        number(day.after_deg, "°"),
        _signed(day.gain_deg),
        wording.tidy(day.zero) if day.zero else UNKNOWN,
        number(day.other_knee_deg, "°"),
        "yes" if day.used else f"no: {wording.tidy(day.why_not)}",
    )


def _signed(value: float | None) -> str:
    return UNKNOWN if value is None else wording.signed(value)


def _position(value: float | None) -> str:
    return UNKNOWN if value is None else wording.position(value)


def _interval(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "too early for an interval"
    return f"95 % interval {wording.signed(interval[0])} to {wording.signed(interval[1])}"


def _one_sigma(sd_deg: float | None) -> str:
    return "" if sd_deg is None else f"± {number(sd_deg, '°')} (one sigma)"
