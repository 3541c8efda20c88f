from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.views.wording import direction, explanation, headline, position, signed, tidy


@pytest.mark.parametrize(
    ("flexion_deg", "words"),
    [
        (11.24, "11.2° short of straight"),
        (0.04, "straight"),
        (-0.04, "straight"),
        (-3.0, "3.0° beyond straight"),
    ],
)
def test_positions_are_told_from_straight(flexion_deg, words):
    assert position(flexion_deg) == words


@pytest.mark.parametrize(
    ("change_deg", "words"),
    [(2.0, "2.0° straighter"), (-2.0, "2.0° less straight"), (0.01, "as straight as before")],
)
def test_positive_changes_are_straighter(change_deg, words):
    assert direction(change_deg) == words


def test_the_minus_is_a_minus():
    assert signed(-1.25) == "−1.2°"
    assert signed(1.25, 2) == "+1.25°"
    assert signed(-0.04) == "0.0°"


def test_a_loss_is_told_as_a_loss(make_answer):
    comparison = make_answer("gain", rest=False).comparisons[0]
    lost = replace(comparison, verdict="lost", change_deg=-5.0)
    assert headline(lost).startswith("After the session the knee straightened 5.0° less far, standing")


def test_the_rest_block_is_told_beside_the_change(make_answer):
    with_rest = " ".join(explanation(make_answer("gain").comparisons[0]))
    without = " ".join(explanation(make_answer("gain", rest=False).comparisons[0]))
    assert "After the rest beforehand, without exercise, it was 0.4° less straight." in with_rest
    assert "Net of that rest: 6.7° straighter." in with_rest
    assert "rest" not in without


def test_what_speaks_against_a_large_change_comes_first(make_answer):
    slipped = make_answer("slipped").comparisons[0]
    assert explanation(slipped)[0] == tidy(slipped.reason)
    assert "4.9°" in explanation(slipped)[0]


def test_degrees_are_spelled_alike():
    assert tidy("moved by 4.9 deg, at 3 deg/s") == "moved by 4.9°, at 3 deg/s"


def test_a_verdict_never_tells_the_cause(make_answer):
    assert "The measurement cannot say why it changed." in explanation(make_answer("gain").comparisons[0])
