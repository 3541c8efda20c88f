"""The sentences of the many days. Plain words; what was not measured is not claimed."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.change.result import Verdict
from firmware_bridge.samples import Float

Interval = tuple[float, float]


def no_line(readings: int, least: int, *, has_practice: bool) -> str:
    """Nothing can be laid through the readings yet."""
    if readings >= 2 and not has_practice:
        return (
            f"{readings} days before practice so far: the change is counted from the first day of practice."
        )
    return few(readings, least)


def few(readings: int, least: int) -> str:
    """Too few days with a zero."""
    held = f"{readings} day{'' if readings == 1 else 's'} with a reference pose so far"
    return f"{held}; a change over the days needs at least {least}."


def early(elapsed: int, planned: int) -> str:
    """Too early in the plan."""
    return (
        f"This is day {elapsed} of {planned}: too early to tell a change over the days from the way the "
        "readings differ from day to day."
    )


def wide(half_width_deg: float, elapsed: int, planned: int) -> str:
    """Only a very large change would show."""
    when = f" on day {elapsed} of {planned}" if elapsed < planned else ""
    return (
        f"The readings differ so much from day to day that{when} only a change above "
        f"{half_width_deg:.0f} deg would show."
    )


def hangs_on_one_day(change_deg: float, interval: Interval, day: float, first_day: float) -> str:
    """A verdict that leaving out one day overturns."""
    return (
        f"The reading before practice is {_size(change_deg, interval)} {_how(change_deg)}, but that hangs on "
        f"day {day - first_day + 1:.0f} alone: without it, it could not be told from the way the readings "
        "differ."
    )


def undetected(change_deg: float, interval: Interval, days: int) -> str:
    """Nothing beyond the differences from day to day."""
    half = (interval[1] - interval[0]) / 2
    return (
        f"No change that can be told from the way the readings differ from day to day: before practice the "
        f"knee reads {_size(change_deg, interval)} {_how(change_deg)} than {_ago(days)}, and only a change "
        f"above {half:.1f} deg would show."
    )


def changed(change_deg: float, interval: Interval, days: int) -> str:
    """A change beyond the differences from day to day."""
    how = "further" if change_deg > 0 else "less far"
    return (
        f"Before practice the knee now straightens {_size(change_deg, interval)} {how} than {_ago(days)}, "
        "beyond what the readings differ from day to day; this cannot say why."
    )


def whole(sentence: str, verdict: Verdict, *, adapted: bool, since_plan_deg: float | None, later: int) -> str:
    """The sentence with what has to stand beside it."""
    parts = [sentence]
    if verdict in ("gained", "lost") and adapted:
        parts.append(
            "It includes getting used to the test, because there were not three days before practice."
        )
    if since_plan_deg is not None and verdict != "not enough data":
        how = _how(since_plan_deg)
        held = f"{later} day{'' if later == 1 else 's'}"
        parts.append(
            f"This is the answer of the planned days; the {held} since then read "
            f"{abs(since_plan_deg):.1f} deg {how} than its end, on the average."
        )
    return " ".join(parts)


def warnings(zeros: Sequence[str], day: Float, first_day: float) -> tuple[str, ...]:
    """Caveats about the days that were used."""
    return tuple(
        f"From day {day[i] - first_day + 1:.0f} on the zero was set another way: readings before and after "
        "are not compared with each other, only the course within each."
        for i in range(1, len(zeros))
        if zeros[i] != zeros[i - 1]
    )


def _size(change_deg: float, interval: Interval) -> str:
    low, high = interval if change_deg >= 0 else (-interval[1], -interval[0])
    return f"{abs(change_deg):.1f} deg [{_one(low)}, {_one(high)}]"


def _one(value_deg: float) -> str:
    return f"{round(value_deg, 1) + 0.0:.1f}"  # never "-0.0"


def _how(change_deg: float) -> str:
    return "straighter" if change_deg >= 0 else "less straight"


def _ago(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'} ago"
