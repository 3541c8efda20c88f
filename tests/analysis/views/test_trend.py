"""The picture and the page of many days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.change import trend_of_days
from analysis.days import PersonTrend, SessionOfDay
from analysis.views.trend import trend_figure
from analysis.views.trend_page import render_trend
from firmware_bridge.samples import Side

FIRST = date(2026, 2, 20).toordinal()
NOISE = np.random.default_rng(4).normal(0, 1.8, 70)


def person(days, gain_deg=8.0, *, other=False, zero=None, practice_from=None, planned=14, title="prone"):
    day = np.asarray(days)
    before = 14 - gain_deg * day / max(1, day[-1]) + NOISE[: len(day)]
    gain = 5 + NOISE[-len(day) :] / 2
    trend = trend_of_days(
        day + FIRST,
        before,
        before - gain,
        6 - NOISE[: len(day)] / 2 if other else None,
        practice_from=None if practice_from is None else FIRST + practice_from,
        zero_group=zero,
        planned_days=planned,
    )
    sessions = tuple(
        SessionOfDay(
            Path("x"), date.fromordinal(int(d) + FIRST), datetime(2026, 1, 1, tzinfo=UTC), Side.RIGHT,
            b, b - g, g, (g - 4, g + 4), "jig", 0.0, None, True,
        )
        for d, b, g in zip(day, before, gain, strict=True)
    )  # fmt: skip
    return PersonTrend("P07", Side.RIGHT, title, trend, sessions, trend.warnings)


CASES = {
    "five days": person(range(5)),
    "fourteen days": person(range(14)),
    "sixty days": person(range(60), planned=60),
    "gaps": person([0, 1, 2, 5, 6, 9, 10, 12, 13]),
    "other knee": person(range(14), other=True),
    "changed zero": person(range(14), zero=["jig at 20 deg"] * 8 + ["goniometer"] * 6),
    "baseline and later days": person(range(20), practice_from=4),
    "relative": person(range(6), zero=[None] * 6),
    "one day": person([0]),
    "unnamed test": person(range(6), title=None),
}


@cache
def drawn(name):
    """The figure of a case after it was laid out, and its renderer."""
    figure = trend_figure(CASES[name])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return figure, canvas.get_renderer()


@pytest.mark.parametrize("name", CASES)
def test_nothing_written_lies_over_anything_else_or_outside(name):
    figure, renderer = drawn(name)
    ticks = [label for axes in figure.axes for label in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    ticks += [t.label2 for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for t in axis.majorTicks]
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and t not in ticks]
    texts += figure.axes[1].get_xticklabels()
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    for (one, a), (two, b) in combinations(boxes, 2):
        assert not (a.shrunk(0.8, 0.8).overlaps(b.shrunk(0.8, 0.8))), (one, two)
    whole = figure.bbox
    for text, box in boxes:
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= whole.x1 + 1, text
        assert box.y1 <= whole.y1 + 1, text


@pytest.mark.parametrize("name", CASES)
def test_every_reading_is_in_sight(name):
    found, (figure, _) = CASES[name], drawn(name)
    low, high = figure.axes[0].get_ylim()
    left, right = figure.axes[0].get_xlim()
    for d in found.trend.days:
        assert left < d.day < right
        for value in (d.before_deg, d.after_deg, d.other_knee_deg):
            assert value is None or low <= value <= high


def test_the_line_the_interval_and_the_missing_days_are_told():
    figure, _ = drawn("gaps")
    words = " ".join(t.get_text() for t in figure.findobj(Text))
    for text in ("before practice", "95 % interval", "no session", "straight", "20 Feb", "1 Mar"):
        assert text in words
    changed, _ = drawn("changed zero")
    assert "zero set another way" in " ".join(t.get_text() for t in changed.findobj(Text))


@pytest.mark.parametrize("name", ["other knee", "baseline and later days", "relative"])
def test_the_page_says_everything_and_needs_nothing(name):
    found = CASES[name]
    page = render_trend(found, drawn(name)[0])
    assert page.count("<img") == 1
    assert 'src="http' not in page
    assert page.count("<tr>") >= len(found.trend.days)
    for word in ("patient", "treatment plan", "None", "nan"):
        assert word not in page.split("</style>")[1].split("base64,")[0]
    assert "deg" not in page.split("<figure>")[0].split("</style>")[1]


def test_a_simulated_person_is_called_one():
    found = CASES["fourteen days"]
    page = render_trend(found, Figure(), truth_deg=8.0)
    assert "A simulated person" in page
    assert "+8.0°" in page


def test_an_unfamiliar_code_is_text():
    found = person(range(5))
    shown = render_trend(PersonTrend("<b>", found.side, None, found.trend, (), ()), Figure())
    assert "<b>" not in shown
