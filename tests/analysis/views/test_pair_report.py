"""Reports of two sessions and of two knees: one make, self-contained, with the figures compared."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from analysis.answer import compare_answers, compare_knees
from analysis.views.pair_report import render_knees_report, render_sessions_report
from analysis.views.quality import what_it_takes_between
from analysis.views.wording import degrees, side_sentence, signed
from firmware_bridge.samples import Side


@pytest.fixture
def pair(make_answer):
    first, second = make_answer("gain", seed=3), make_answer("none", seed=4)
    return first, second


def on_side(answer, side: Side):
    info = replace(answer.recording.info, side=side)
    return replace(answer, recording=replace(answer.recording, info=info))


def test_two_sessions_have_a_page_with_their_change_and_both_sets_of_checks(pair) -> None:
    comparisons = compare_answers(*pair)
    page = render_sessions_report(*pair, comparisons, ["Look at the 2.0 deg."])
    assert comparisons[0].change_deg is not None
    assert signed(comparisons[0].change_deg) in page
    assert degrees(comparisons[0].detectable_change_deg) in page
    assert page.count('<ul class="checks') == 2
    (reach, *smaller) = what_it_takes_between(comparisons)
    assert degrees(comparisons[0].detectable_change_deg) in reach
    assert smaller
    assert all(text in html.unescape(page) for text in (reach, *smaller))
    assert "Look at the 2.0°." in page


def test_two_knees_have_a_page_that_names_the_straighter_one(pair) -> None:
    left, right = on_side(pair[0], Side.LEFT), on_side(pair[1], Side.RIGHT)
    found = compare_knees(left, right)
    page = render_knees_report(left, right, found)
    assert found
    assert side_sentence("left", "right", found[0]).replace("'", "&#39;") in page
    assert all(signed(d.difference_deg) in page for d in found)


def test_pages_refer_to_nothing_outside(pair) -> None:
    page = render_sessions_report(*pair, compare_answers(*pair))
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert page.count("<figure>") == 1
