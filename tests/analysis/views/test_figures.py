from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.legend import Legend

from analysis.angle.result import FlexionTrack
from analysis.views.figures import change_figure, release_figure, session_figure, session_figures
from analysis.views.pictures import data_uri, picture_of
from analysis.views.track import gap_spans, plot_track, shown_rows

LABEL = "0 straight, + bent, - hyperextended"


def drawn(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


def words(figure) -> str:
    return " ".join(
        text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")) if text.get_visible()
    )


@settings(max_examples=60)
@given(st.integers(0, 9999), st.integers(1, 400), st.sampled_from((0, 1, 40, 400)), st.integers(6, 60))
def test_thinning_keeps_every_extreme_and_every_gap(seed, n, gaps, most):
    dice = np.random.default_rng(seed)
    array = dice.normal(50, 40, n)
    array[dice.integers(0, n, gaps)] = np.nan
    rows = shown_rows(array, most)
    assert len(rows) <= most + 2
    assert (np.diff(rows) > 0).all()
    kept = array[rows]
    assert np.isnan(kept).any() == np.isnan(array).any()
    if np.isfinite(array).any():
        assert np.nanmin(kept) == np.nanmin(array)
        assert np.nanmax(kept) == np.nanmax(array)


def test_thinning_loses_no_row_that_stands_out():
    for row in range(101):
        values = np.zeros(101)
        values[row] = 1.0
        assert {0, row, 100} <= set(shown_rows(values, 24).tolist())


def test_gaps_are_spans_up_to_the_next_good_sample():
    time_s = np.arange(6) * 0.1
    valid = np.array([True, False, False, True, True, False])
    track = FlexionTrack(time_s, np.zeros(6), np.ones(6), valid)
    assert gap_spans(track) == [
        (pytest.approx(0.1), pytest.approx(0.3)),
        (pytest.approx(0.5), pytest.approx(0.6)),
    ]


def test_no_line_crosses_a_gap(make_answer):
    answer = make_answer("lost")
    line = next(x for x in plot_track(answer.angle.track).axes[0].lines if x.get_label() == "knee flexion")
    time_s, flexion_deg = line.get_data()
    for start_s, stop_s in gap_spans(answer.angle.track):
        inside = (time_s >= start_s) & (time_s < stop_s)
        assert inside.any()
        assert np.isnan(flexion_deg[inside]).all()


@pytest.mark.parametrize("draw", [session_figure, change_figure, release_figure])
def test_every_flexion_axis_says_where_zero_is(make_answer, draw):
    assert LABEL in words(draw(make_answer("gain"))).replace("\n", " ")


def test_relative_axes_never_claim_to_know_straight(make_answer):
    answer = make_answer("relative")
    for draw in (session_figure, change_figure, release_figure):
        text = words(draw(answer)).replace("\n", " ")
        assert "0 straight" not in text
    assert "not straight" in words(session_figure(answer)).replace("\n", " ")
    left = change_figure(answer).axes[0]
    before = answer.comparisons[0].before
    low, high = left.get_ylim()
    assert low < 0 < high < before.extension_deg


@pytest.mark.parametrize("kind", ["gain", "few", "two_tests"])
def test_phase_names_do_not_overlap(make_answer, kind):
    figure = session_figure(make_answer(kind))
    renderer = drawn(figure)
    boxes = [t.get_window_extent(renderer) for t in figure.axes[0].texts]
    assert len(boxes) >= 8
    assert not [1 for a, b in combinations(boxes, 2) if a.overlaps(b)]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_legends_lie_inside_the_picture(make_answer):
    answer = make_answer("lost")
    track = replace(answer.angle.track, relative_sd_deg=answer.angle.track.flexion_sd_deg / 2)
    figures = session_figures(replace(answer, angle=replace(answer.angle, track=track)))
    assert len(figures["session"].legends[0].get_texts()) == 7, "everything that a session can show"
    for name, figure in figures.items():
        renderer = drawn(figure)
        for legend in figure.findobj(Legend):
            box = legend.get_window_extent(renderer)
            assert min(box.x0, box.y0) >= 0, name
            assert box.x1 <= figure.bbox.x1, name
            assert box.y1 <= figure.bbox.y1, name


def test_the_interval_and_the_detectable_change_are_drawn_as_given(make_answer):
    answer = make_answer("gain", rest=False)
    comparison = answer.comparisons[0]
    right = change_figure(answer).axes[1]
    spans = [tuple(line.get_xdata()) for line in right.lines if len(line.get_xdata()) == 2]
    assert comparison.change_ci95_deg in spans
    grey = right.patches[0].get_extents().transformed(right.transData.inverted())
    assert grey.x1 == pytest.approx(comparison.detectable_change_deg)


def test_nothing_to_draw_is_said_not_left_blank(make_answer):
    empty = replace(make_answer("gain"), comparisons=(), repetitions=(), releases=())
    assert "No measuring block" in words(change_figure(empty))
    assert "No slow release" in words(release_figure(empty))


def test_pictures_are_drawn(make_answer):
    figures = session_figures(make_answer("gain"))
    assert list(figures) == ["session", "change", "releases"]
    for figure in figures.values():
        picture = picture_of(figure)
        assert len(picture) > 10_000
        assert picture.startswith(b"\x89PNG")


def test_a_picture_is_the_same_whatever_was_drawn_of_the_figure_before(make_answer):
    answer = make_answer("gain")
    figure, other, plain = (change_figure(answer) for _ in range(3))
    picture, inside = picture_of(figure), data_uri(other)
    assert picture_of(other) == picture
    assert data_uri(figure) == inside
    plain.set_dpi(150)
    plain.draw_without_rendering()
    places = [axes.get_position().bounds for axes in plain.axes]
    assert [axes.get_position().bounds for axes in figure.axes] == places


def test_drawing_needs_no_pyplot_and_no_screen():
    code = (
        "import sys, analysis.views.report, analysis.views.window; print('matplotlib.pyplot' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
