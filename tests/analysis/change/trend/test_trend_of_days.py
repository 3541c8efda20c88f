"""The days of one person: known truth is found, what is missing is said, and a later day changes no bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.change.trend import trend_of_days
from analysis.change.trend.looks import SpendingPlan, bounds

DAYS = np.arange(14.0)
NOISE = np.random.default_rng(3).normal(0, 1.2, 14)


def course(gain_deg=9.0, days=DAYS):
    return 16.0 - gain_deg * days / 13.0 + NOISE[: len(days)]


def test_a_clear_gain_is_gained_and_straighter_is_positive():
    t = trend_of_days(DAYS, course(), course() - 5.0)
    assert t.verdict == "gained"
    low, high = t.total_change_ci95_deg
    assert low < 9.0 < high
    assert t.total_change_deg == pytest.approx((low + high) / 2)
    assert t.detectable_change_deg == pytest.approx((high - low) / 2)
    assert t.gain_per_session_deg == pytest.approx(5.0)
    assert t.kept_per_day_deg == pytest.approx(t.total_change_deg / 13)
    assert t.lost_overnight_deg == pytest.approx(5.0 - t.kept_per_day_deg)
    assert t.level_now_deg == pytest.approx(7.0, abs=2.0)
    assert "straightens" in t.sentence
    assert "cannot say why" in t.sentence
    assert "getting used to the test" in t.sentence
    assert all(d.used for d in t.days)


def test_the_same_backwards_is_lost():
    forth, back = trend_of_days(DAYS, course()), trend_of_days(DAYS, -course())
    assert (forth.verdict, back.verdict) == ("gained", "lost")
    assert back.total_change_deg == pytest.approx(-forth.total_change_deg)


def test_without_a_change_there_is_no_verdict():
    t = trend_of_days(DAYS, course(0.0))
    assert t.verdict == "no detectable change"
    assert "only a change above" in t.sentence


@given(
    offset=st.floats(-30, 30),
    scale=st.floats(1.0, 5.0),
    order=st.permutations(range(14)),
    shift=st.integers(-1000, 800_000),
)
@settings(max_examples=30)
def test_neither_zero_nor_order_nor_the_calendar_matters(offset, scale, order, shift):
    order = list(order)
    base = trend_of_days(DAYS, 10 + 2 * NOISE)
    moved = trend_of_days((DAYS + shift)[order], (10 + offset + 2 * scale * NOISE)[order])
    assert moved.total_change_deg == pytest.approx(scale * base.total_change_deg, abs=1e-6)
    assert moved.detectable_change_deg == pytest.approx(scale * base.detectable_change_deg, rel=1e-6)


def test_a_later_day_moves_no_earlier_bound():
    plan = SpendingPlan(14, 0.0, "late", 5, 0.5)
    rows = tuple((x, 1.0) for x in DAYS.tolist())
    early = bounds(tuple(DAYS[:11].tolist()), rows[:11], 0, plan)
    assert bounds(tuple(DAYS.tolist()), rows, 0, plan)[:11] == early
    assert early[-1] > bounds(tuple(DAYS.tolist()), rows, 0, plan)[-1] > 2.179  # t on 12 degrees, 95 %


def test_the_answer_of_the_planned_day_stands():
    at_the_end = trend_of_days(DAYS, course())
    days = np.arange(20.0)
    readings = np.concatenate((course(), np.full(6, 3.0)))
    later = trend_of_days(days, readings)
    assert later.verdict == at_the_end.verdict
    assert later.total_change_ci95_deg == pytest.approx(at_the_end.total_change_ci95_deg)
    assert [d.used for d in later.days] == [True] * 14 + [False] * 6
    assert "after the planned days" in later.days[-1].why_not
    assert later.since_plan_deg > 2.0
    assert "6 days since then" in later.sentence
    # A plan that ends on a day without a session is answered on the next one.
    missed = trend_of_days(np.delete(days, [12, 13]), np.delete(readings, [12, 13]))
    assert missed.counted_until == 14.0


def test_a_day_that_decides_alone_is_named():
    days = np.array([0, 1, 2, 3, 4, 5, 6, 13])
    readings = 12.0 + NOISE[:8] / 3
    readings[-1] -= 9.0
    t = trend_of_days(days, readings)
    assert t.verdict == "not enough data"
    assert "hangs on day 14 alone" in t.sentence
    assert t.total_change_ci95_deg[0] > 0


class TestNotEnough:
    def test_too_few_days(self):
        t = trend_of_days([0, 1, 2, 3], [15, 14, 15, 13])
        assert (t.verdict, t.total_change_ci95_deg) == ("not enough data", None)
        assert "4 days" in t.sentence
        assert "at least 5" in t.sentence

    def test_too_early_in_the_plan(self):
        t = trend_of_days(DAYS[:6], course()[:6])
        assert (t.verdict, t.total_change_ci95_deg) == ("not enough data", None)
        assert "day 6 of 14" in t.sentence
        assert t.total_change_deg is not None

    def test_readings_that_differ_too_much(self):
        t = trend_of_days(DAYS, 15 + 8 * NOISE)
        assert t.verdict == "not enough data"
        assert "only a change above" in t.sentence
        assert t.detectable_change_deg > 10

    def test_no_zero_at_all(self):
        t = trend_of_days(DAYS, course(), course() - 4.0, zero_group=["relative"] * 14)
        assert (t.verdict, t.total_change_deg, t.level_now_deg) == ("not enough data", None, None)
        assert t.gain_per_session_deg == pytest.approx(4.0)
        assert t.gain_per_session_ci95_deg[0] > 0

    def test_only_baseline_days_so_far(self):
        t = trend_of_days([0, 1, 2, 3], [15, 14, 15, 13], practice_from=3)
        assert t.verdict == "not enough data"
        assert "first day of practice" in t.sentence

    def test_nothing(self):
        t = trend_of_days([], [])
        assert (t.verdict, t.days, t.gain_per_session_deg) == ("not enough data", (), None)


def test_missing_days_and_values():
    readings = course()
    readings[[2, 9]] = np.nan
    t = trend_of_days(np.delete(DAYS, 5), np.delete(readings, 5))
    assert len(t.days) == 13
    assert [d.why_not for d in t.days if not d.used] == ["no reading before practice"] * 2
    assert t.verdict == "gained"


def test_two_readings_of_a_day_are_averaged():
    once = trend_of_days(DAYS, course())
    twice = trend_of_days(np.repeat(DAYS, 2), np.repeat(course(), 2) + np.tile([1.0, -1.0], 14))
    assert twice.total_change_ci95_deg == pytest.approx(once.total_change_ci95_deg)
    assert len(twice.days) == 14


def test_relative_days_count_for_the_gain_only():
    groups = ["jig"] * 14
    groups[4] = None
    t = trend_of_days(DAYS, course(), course() - np.linspace(3, 5, 14), zero_group=groups)
    assert (t.days[4].used, t.days[4].before_deg) == (False, None)
    assert t.days[4].gain_deg is not None
    without = trend_of_days(np.delete(DAYS, 4), np.delete(course(), 4))
    assert t.total_change_deg == pytest.approx(without.total_change_deg)


def test_another_zero_has_an_offset_of_its_own():
    shifted = course()
    shifted[7:] += 6.0
    groups = ["a"] * 7 + ["b"] * 7
    declared = trend_of_days(DAYS, shifted, zero_group=groups)
    same = trend_of_days(DAYS, course(), zero_group=groups)
    assert declared.total_change_ci95_deg == pytest.approx(same.total_change_ci95_deg)
    assert dict(declared.start_deg)["b"] == pytest.approx(dict(same.start_deg)["b"] + 6.0)
    assert any("From day 8 on the zero was set another way" in w for w in declared.warnings)
    assert declared.detectable_change_deg > trend_of_days(DAYS, course()).detectable_change_deg


def test_zeros_that_change_every_day_tell_nothing():
    t = trend_of_days(DAYS, course(), zero_group=list(range(14)))
    assert (t.verdict, t.total_change_deg) == ("not enough data", None)


def test_baseline_days_are_level():
    x = np.maximum(DAYS - 4, 0)
    readings = 16 - x + NOISE
    t = trend_of_days(DAYS, readings, practice_from=4)
    assert t.total_change_deg == pytest.approx(9.0, abs=2.5)
    assert "getting used" not in t.sentence
    assert "9 days ago" in t.sentence


def test_the_other_knee_beside_it():
    other = 12.0 - 6.0 * DAYS / 13.0 + NOISE[::-1]
    both = trend_of_days(DAYS, course(6.0), other_knee_deg=other)
    assert both.beyond_other_knee_ci95_deg[0] < 0 < both.beyond_other_knee_ci95_deg[1]
    alone = trend_of_days(DAYS, course(9.0), other_knee_deg=np.full(14, 12.0))
    assert alone.beyond_other_knee_deg == pytest.approx(alone.total_change_deg)
    few = trend_of_days(DAYS, course(), other_knee_deg=[12.0, 12.0] + [np.nan] * 12)
    assert few.beyond_other_knee_ci95_deg is None


def test_the_shared_error_of_the_zero_is_in_the_level_alone():
    without, with_it = (trend_of_days(DAYS, course(), zero_sd_deg=sd) for sd in (0.0, 3.0))
    assert with_it.level_now_sd_deg == pytest.approx(np.hypot(without.level_now_sd_deg, 3.0))
    assert replace(with_it, level_now_sd_deg=0.0) == replace(without, level_now_sd_deg=0.0)


def test_very_steady_readings_are_no_proof():
    """Five that agree by chance: the SD is never taken as less than 1 deg."""
    t = trend_of_days([0, 1, 2, 3, 4], [10.0, 9.9, 9.8, 9.7, 9.6], planned_days=5)
    assert t.day_sd_deg == 1.0
    assert t.verdict == "no detectable change"


def test_wrong_arguments_are_told():
    with pytest.raises(ValueError, match="there are 2 days"):
        trend_of_days([0, 1], [1.0])
    with pytest.raises(ValueError, match="number of its day"):
        trend_of_days([0, np.nan], [1.0, 2.0])
    with pytest.raises(ValueError, match="1 labels"):
        trend_of_days([0, 1], [1.0, 2.0], zero_group=["a"])
    with pytest.raises(ValueError, match="planned"):
        trend_of_days([0], [1.0], planned_days=0)


def test_people_with_the_same_days_share_their_bounds():
    trend_of_days(DAYS, course(), course() - 5, course() + 1)
    simulated = bounds.cache_info().misses
    trend_of_days(DAYS + 30, course(gain_deg=2.0), course() - 4, course() + 2)
    assert bounds.cache_info().misses == simulated


def test_words_stay_plain():
    texts = []
    for n in (2, 4, 6, 9, 14):
        for gain in (-9.0, 0.0, 9.0):
            t = trend_of_days(DAYS[:n], course(gain)[:n])
            texts += [t.sentence, *t.warnings]
    text = " ".join(texts).lower()
    for word in ("patient", "treatment", "deficit", "significant", "nan", "diagnos"):
        assert word not in text.split()
    assert all(t[0].isupper() or t[0].isdigit() for t in texts)
    assert all(t.endswith(".") for t in texts)
