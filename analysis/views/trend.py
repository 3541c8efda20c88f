"""The picture of many days: the knee before and after practice on each, and the gain of each session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.change import TrendDay, TrendOfDays
from analysis.days import PersonTrend
from analysis.views.style import BLUE, FAINT, GREEN, INK, ORANGE, VERMILION, flexion_label, kneeflex_style
from analysis.views.wording import TEST_TITLES, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_DAYS_NUMBERED: Final = 17
# Width of an entry of the legend, and the height below which only the line at 0 says where straight is.
_LEGEND_INCH: Final = 2.3
_LOW_INCH: Final = 5.5
_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def trend_figure(found: PersonTrend, size_inch: tuple[float, float] = (9.2, 6.4)) -> Figure:
    """The days of one person, by calendar day; see `draw_trend`."""
    with kneeflex_style():
        figure = Figure(figsize=size_inch, layout="constrained")
        draw_trend(figure, found)
    return figure


def draw_trend(figure: Figure, found: PersonTrend) -> None:
    """Draws the days of one person into a figure.

    Above, a day is an arrow from the reading before practice (open) to the one after (filled); the line is
    laid through the readings before, with the 95 % interval of the whole change at its end. Below, the gain
    of each session with its interval, and their mean.
    """
    trend = found.trend
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.1, 1])
    if not trend.days:
        upper.text(0.5, 0.5, "No day was measured.", transform=upper.transAxes, ha="center")
        return
    first, last = trend.days[0].day, trend.days[-1].day
    is_low = figure.get_figheight() < _LOW_INCH
    absolute = any(d.before_deg is not None for d in trend.days)
    _draw_baseline(upper, trend, first)
    if absolute:
        _draw_readings(upper, trend, last, is_low=is_low)
    else:
        text = "No reference pose: only the gains within sessions are known."
        upper.text(0.5, 0.5, text, transform=upper.transAxes, ha="center", fontsize=11)
        upper.set_yticks([])
    _draw_gains(lower, found)
    lower.set_ylabel("gain (deg;\n+ straighter)" if is_low else "gain of a session\n(deg; + straighter)")
    _mark_missing(lower, trend.days)
    _label_days(lower, first, last, trend)
    where = "" if found.test is None else f", {TEST_TITLES[found.test]}"
    upper.set_title(f"{found.client}, {found.side} knee{where}: {trend.verdict}")
    handles = _legend(trend, absolute)
    columns = min(int(figure.get_figwidth() / _LEGEND_INCH), len(handles))
    figure.legend(handles=handles, loc="outside lower center", ncols=max(1, columns))


def _draw_readings(axes: Axes, trend: TrendOfDays, last: float, *, is_low: bool) -> None:
    _draw_start_band(axes, trend, last)
    _draw_line(axes, trend)
    _draw_days(axes, trend.days)
    _draw_zero_changes(axes, trend.days)
    axes.axhline(0, color=INK, linewidth=1.0)
    axes.annotate(
        "straight", (0.004, 0), (0, 3), xycoords=("axes fraction", "data"), textcoords="offset points",
        fontsize=8, color=FAINT,
    )  # fmt: skip
    label = "knee flexion (deg)" if is_low else flexion_label()
    axes.set_ylabel(f"{label}\nlower = straighter")
    _fit_height(axes)


def _draw_baseline(axes: Axes, trend: TrendOfDays, first: float) -> None:
    start = trend.practice_from
    if start is not None and start - first >= 1:
        axes.axvspan(first - 0.5, start - 0.5, color=ORANGE, alpha=0.13, linewidth=0, zorder=0)


def _draw_start_band(axes: Axes, trend: TrendOfDays, last: float) -> None:
    """Where a reading falls that differs only as readings do from day to day."""
    if trend.day_sd_deg is None or len(trend.start_deg) != 1:
        return
    level, reach = trend.start_deg[0][1], 1.96 * trend.day_sd_deg
    axes.fill_between(
        [trend.days[0].day - 0.5, last + 0.5], level - reach, level + reach, color=FAINT, alpha=0.14,
        linewidth=0, zorder=0,
    )  # fmt: skip


def _draw_line(axes: Axes, trend: TrendOfDays) -> None:
    start, stop, change = trend.practice_from, trend.counted_until, trend.total_change_deg
    if start is None or stop is None or change is None or stop <= start:
        return
    for zero, level in trend.start_deg:
        span = [d.day for d in trend.days if d.zero == zero and d.used]
        if not span:
            continue
        days = np.unique(np.clip([span[0], start, span[-1]], span[0], span[-1]))
        heights = level - change * np.maximum(days - start, 0) / (stop - start)
        axes.plot(days, heights, color=BLUE, linewidth=2.2, zorder=3)
    _draw_end_interval(axes, trend, stop)


def _draw_end_interval(axes: Axes, trend: TrendOfDays, stop: float) -> None:
    interval, change = trend.total_change_ci95_deg, trend.total_change_deg
    last = next((d.zero for d in reversed(trend.days) if d.used), None)
    level = next((deg for zero, deg in trend.start_deg if zero == last), None)
    if interval is None or change is None or level is None:
        return
    day = (trend.days[-1].day - trend.days[0].day + 1) / 14
    beside = 0.32 * max(1.0, day)
    place = stop + beside
    axes.plot([place, place], [level - interval[0], level - interval[1]], color=BLUE, linewidth=2.2)
    for end in interval:
        axes.plot([place - beside / 3, place + beside / 3], [level - end] * 2, color=BLUE, linewidth=2.2)
    followed = trend.days[-1].day > stop  # then there is no room beside it
    axes.annotate(
        signed(change),
        (place, level - interval[0] if followed else level - change),
        (0, 4) if followed else (5, 0),
        textcoords="offset points",
        color=BLUE,
        fontweight="bold",
        ha="center" if followed else "left",
        va="bottom" if followed else "center",
        annotation_clip=False,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
    )


def _draw_days(axes: Axes, days: Sequence[TrendDay]) -> None:
    for d in days:
        if d.other_knee_deg is not None:
            axes.plot([d.day], [d.other_knee_deg], "s", color=FAINT, markersize=4.5, alpha=0.8, zorder=2)
        if d.before_deg is None:
            continue
        colour = INK if d.used else FAINT
        if d.after_deg is not None:
            axes.annotate(
                "",
                (d.day, d.after_deg),
                (d.day, d.before_deg),
                arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 1.0, "alpha": 0.6},
                zorder=3,
            )
            marker = "v" if d.after_deg <= d.before_deg else "^"
            axes.plot([d.day], [d.after_deg], marker, color=colour, markersize=6, zorder=4)
        axes.plot(
            [d.day], [d.before_deg], "o", color=colour, markerfacecolor="white", markersize=6.5,
            markeredgewidth=1.5, zorder=5,
        )  # fmt: skip


def _draw_zero_changes(axes: Axes, days: Sequence[TrendDay]) -> None:
    known = [d for d in days if d.zero is not None]
    for i in range(1, len(known)):
        if known[i].zero != known[i - 1].zero:
            place = (known[i].day + known[i - 1].day) / 2
            axes.axvline(place, color=VERMILION, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)


def _fit_height(axes: Axes) -> None:
    """At least 8 deg are shown, so that a degree never looks like much; straight is always in sight."""
    low, high = axes.get_ylim()
    low, high = min(low, -1.0), max(high, 1.0)
    middle = (low + high) / 2
    axes.set_ylim(min(low, middle - 4), max(high, middle + 4))
    axes.yaxis.set_major_locator(MaxNLocator(7, integer=True))


def _draw_gains(axes: Axes, found: PersonTrend) -> None:
    trend = found.trend
    axes.axhline(0, color=INK, linewidth=0.8)
    for d in trend.days:
        sessions = [s for s in found.sessions_on(d) if s.gain_deg is not None]
        for i, s in enumerate(sessions):
            place = d.day + (i - (len(sessions) - 1) / 2) * 0.25
            if s.gain_ci95_deg is not None:
                axes.plot([place, place], s.gain_ci95_deg, color=GREEN, linewidth=1.6, alpha=0.55)
            axes.plot([place], [s.gain_deg or 0.0], "o", color=GREEN, markersize=5)
        if not sessions and d.gain_deg is not None:
            axes.plot([d.day], [d.gain_deg], "o", color=GREEN, markersize=5)
    mean, interval = trend.gain_per_session_deg, trend.gain_per_session_ci95_deg
    if mean is not None:
        span = [trend.days[0].day - 0.5, trend.days[-1].day + 0.5]
        axes.plot(span, [mean, mean], color=GREEN, linewidth=1.6)
        if interval is not None:
            axes.fill_between(span, *interval, color=GREEN, alpha=0.15, linewidth=0, zorder=0)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -1.5), max(high, 3.0))


def _mark_missing(axes: Axes, days: Sequence[TrendDay]) -> None:
    there = {round(d.day) for d in days}
    gone = [d for d in range(min(there), max(there) + 1) if d not in there]
    if not gone:
        # An empty line that is not clipped counts as lying in the corner of the figure.
        return
    axes.plot(
        gone, [0.03] * len(gone), "x", color=FAINT, markersize=5, transform=axes.get_xaxis_transform(),
        clip_on=False,
    )  # fmt: skip


def _label_days(axes: Axes, first: float, last: float, trend: TrendOfDays) -> None:
    """Dates where the days are dates, below them the number of the day."""
    count = round(last - first) + 1
    step = 1 if count <= _MOST_DAYS_NUMBERED else 7 if count <= 100 else 28
    days = np.arange(first, last + 1, step)
    dated = first > 100_000
    labels = []
    for i, day in enumerate(days):
        number = round(day - first) + 1
        if not dated:
            labels.append(f"{number}")
            continue
        when = date.fromordinal(round(day))
        new_month = i == 0 or when.month != (when - timedelta(days=step)).month
        labels.append(f"{when.day}{' ' + _MONTHS[when.month - 1] if new_month else ''}\n{number}")
    axes.set_xticks(days, labels)
    axes.set_xticks(np.arange(first, last + 1), minor=True)
    axes.set_xlim(first - 0.7, last + 0.5 + 0.8 * max(1.0, count / 14))
    axes.set_xlabel("date, and number of the day" if dated else "day")
    for shown in axes.figure.axes:
        shown.grid(visible=False, axis="x")


def _legend(trend: TrendOfDays, absolute: bool) -> list[Line2D | Patch]:
    def dot(marker: str, label: str, colour: str = INK, *, filled: bool = True) -> Line2D:
        face = colour if filled else "white"
        return Line2D(
            [], [], marker=marker, linestyle="none", color=colour, markerfacecolor=face, label=label
        )

    handles: list[Line2D | Patch] = []
    if absolute:
        handles += [dot("o", "before practice", filled=False), dot("v", "after")]
        if trend.counted_until is not None:
            handles.append(Line2D([], [], color=BLUE, linewidth=2.2, label="line, 95 % interval at its end"))
        if trend.day_sd_deg is not None and len(trend.start_deg) == 1:
            handles.append(Patch(color=FAINT, alpha=0.2, label="as readings differ from day to day"))
        if any(d.other_knee_deg is not None for d in trend.days):
            handles.append(dot("s", "other knee", FAINT))
        if len({d.zero for d in trend.days if d.zero is not None}) > 1:
            handles.append(
                Line2D([], [], color=VERMILION, linestyle=(0, (4, 3)), label="zero set another way")
            )
    if trend.practice_from is not None and trend.practice_from - trend.days[0].day >= 1:
        handles.append(Patch(color=ORANGE, alpha=0.25, label="baseline"))
    if any(not d.used and d.before_deg is not None for d in trend.days):
        handles.append(dot("o", "not in the line", FAINT, filled=False))
    there = [d.day for d in trend.days]
    if there and len(there) < there[-1] - there[0] + 1:
        handles.append(dot("x", "no session", FAINT))
    handles.append(Line2D([], [], color=GREEN, marker="o", label="gain of a session, and mean"))
    return handles
