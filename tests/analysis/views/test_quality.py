"""What was checked is said in words: a sound session has good marks only, each fault a doubtful one."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backend_bases import KeyEvent
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.change import trend_of_days
from analysis.days import PersonTrend
from analysis.views.quality import quality_checks, what_it_takes
from analysis.views.report import render_report
from analysis.views.resultwindow import ResultPage, show_result
from firmware_bridge.samples import Side

THREE_DAYS = trend_of_days([1, 2, 3], [14.0, 13.2, 13.5], [9.0, 9.5, 8.8])
FEW_DAYS = PersonTrend("P07", Side.RIGHT, "prone", THREE_DAYS, (), THREE_DAYS.warnings)


def marks(answer) -> dict[str, str]:
    return {check.sentence: check.mark for check in quality_checks(answer)}


def doubtful(answer) -> list[str]:
    return [sentence for sentence, mark in marks(answer).items() if mark == "doubtful"]


@pytest.fixture
def sound(make_answer):
    return make_answer("gain")


def test_a_sound_session_has_no_doubtful_mark(sound) -> None:
    assert doubtful(sound) == []


def test_each_fault_has_a_doubtful_mark_of_its_own(sound) -> None:
    angle, (comparison, *_) = sound.angle, sound.comparisons
    valid = angle.track.valid.copy()
    valid[: len(valid) // 3] = False
    figures = {
        "bending_deg": 10.0,
        "direction_log_likelihood_ratio": 0.5,
        "pairing_margin": 1.1,
        "gravity_alone_deg": 6.0,
    }
    faulty = {
        "usable angle only": replace(angle, track=replace(angle.track, valid=valid)),
        "hinge is known only": replace(angle, axes=replace(angle.axes, sd_deg=8.0)),
        "bent only": replace(angle, diagnostics=figures),
        "not quite clear": replace(angle, diagnostics=figures),
        "gravity alone differ": replace(angle, diagnostics=figures),
    }
    for words, other in faulty.items():
        assert any(words in sentence for sentence in doubtful(replace(sound, angle=other))), words
    slipped = replace(sound, comparisons=(replace(comparison, slip_deg=-5.0),))
    assert any("slipped" in sentence for sentence in doubtful(slipped))


def test_what_was_not_checked_is_open(sound) -> None:
    unchecked = replace(sound, comparisons=tuple(replace(c, slip_deg=None) for c in sound.comparisons))
    relative = replace(sound, angle=replace(sound.angle, zero="relative"))
    assert "open" in marks(unchecked).values()
    assert "open" in marks(relative).values()


def test_what_it_takes_names_what_is_missing_and_nothing_else(sound) -> None:
    comparison = replace(sound.comparisons[0], detectable_change_deg=6.0)
    missing = replace(comparison, control_change_deg=None, slip_deg=None, relative=True)
    there = replace(comparison, control_change_deg=0.1, slip_deg=0.1, relative=False)
    said, unsaid = (" ".join(what_it_takes(sound, c)) for c in (missing, there))
    for words in ("rest block before", "closing pose", "reference pose"):
        assert words in said
        assert words not in unsaid
    assert "6.0°" in said


@pytest.mark.usefixtures("without_pictures")
def test_no_name_of_a_variable_reaches_the_reader(sound) -> None:
    page = render_report(sound)
    assert np.all([key not in page for key in sound.angle.diagnostics])
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>|src=\"[^\"]*\"", "", page, flags=re.DOTALL))
    for name in (
        "axes sd",
        "direction nats",
        "pairing margin",
        "lever thigh",
        "hinge level share",
        "off hinge",
    ):
        assert name not in text


@pytest.mark.parametrize(
    ("kind", "with_days"), [("gain", True), ("relative", False), ("none", True), ("few", False)]
)
def test_the_page_at_the_end_of_a_session_fits(make_answer, kind, with_days) -> None:
    # Drawn in one size and then resized: the letters follow the window.
    figure = Figure(figsize=(8.0, 5.0), dpi=50)
    FigureCanvasAgg(figure)
    page = ResultPage(figure, make_answer(kind), "dark", FEW_DAYS if with_days else None)
    for size in ((10.0, 6.5), (19.2, 10.8)):
        figure.set_size_inches(size)
        page.draw()
        for axes in figure.axes:
            axes.apply_aspect()
        said = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
        has_doubt = any(mark == "doubtful" for mark in marks(make_answer(kind)).values())
        assert (THREE_DAYS.sentence[:60] in said) == (with_days and not has_doubt)
        assert len(figure.axes) == bool(make_answer(kind).comparisons) + with_days
        boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
        boxes += [axes.get_window_extent() for axes in figure.axes]
        assert all(box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 and box.y0 >= 0 for box in boxes)
        assert not [1 for one, two in combinations(boxes, 2) if one.overlaps(two)]
    figure.canvas.draw()


def test_the_page_opens_the_report_and_ends_by_keys(make_answer, monkeypatch, tmp_path) -> None:
    from matplotlib import pyplot as plt

    opened: list[str] = []
    figures: list[int] = []

    def press(block: bool) -> None:
        figure = plt.gcf()
        for key in ("x", "r", "enter"):
            figures.append(len(plt.get_fignums()))
            figure.canvas.callbacks.process(
                "key_press_event", KeyEvent("key_press_event", figure.canvas, key)
            )

    monkeypatch.setattr("analysis.views.window.find_backend", lambda: "agg")
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(plt, "show", press)
    show_result(make_answer("gain"), tmp_path / "report.html")
    assert opened == [(tmp_path / "report.html").as_uri()]
    assert figures == [1, 1, 1]
    assert plt.get_fignums() == []
