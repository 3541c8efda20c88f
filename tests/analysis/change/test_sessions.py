"""Two days, two knees, and what a change owes to the calibration."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.change import (
    Measured,
    Reliability,
    Repeats,
    compare_blocks,
    compare_sessions,
    sensitivity_of,
    side_differences,
)
from analysis.change.sensitivity import axis_error_deg


def days(session, first, second, **options):
    (comparison,) = compare_sessions(
        Measured(session(before=first), False, 2.0), Measured(session(before=second), False, 1.0), **options
    )
    return comparison


def test_days_carry_the_error_of_two_calibrations(session):
    first, second = [15, 16, 14, 15], [5, 4, 6, 5]
    c = days(session, first, second)
    (within,) = compare_blocks(session(before=first, after=second), relative=False)
    assert c.change_deg == pytest.approx(10)
    assert c.detectable_change_deg > within.detectable_change_deg + 2
    # Two zeros of 2.5 deg alone make 6.9 deg.
    assert c.detectable_change_deg > 6.9
    assert any("strapping and calibration" in w for w in c.warnings)
    assert c.verdict == "gained"
    assert days(session, first, [9, 8, 10, 9]).verdict == "no detectable change"


def test_a_poorly_known_zero_costs_more_than_the_published_error(session):
    def detectable(zero_sd_deg):
        first, second = (Measured(session(before=[9, 10, 9]), False, zero_sd_deg) for _ in range(2))
        return compare_sessions(first, second)[0].detectable_change_deg

    assert detectable(1.0) == detectable(2.5) == detectable(float("nan"))
    assert detectable(5.0) > detectable(2.5) + 5


def test_the_baseline_of_each_day_is_compared(session):
    first = Measured(session(before=[15, 16, 14], after=[2, 2, 2]), False)
    second = Measured(session(before=[12, 13, 11], after=[1, 1, 1]), False)
    (c,) = compare_sessions(first, second)
    assert c.change_deg == pytest.approx(3)
    (mixed,) = compare_sessions(first, Measured(session(after=[1, 1, 1]), False))
    assert mixed.change_deg == pytest.approx(14)
    assert any("own exercise" in w for w in mixed.warnings)


def test_days_without_a_zero_cannot_be_compared(session):
    with_zero, without = (
        Measured(session(before=[15, 16, 14]), False),
        Measured(session(before=[5, 5, 5]), True),
    )
    (c,) = compare_sessions(with_zero, without)
    assert (c.verdict, c.change_deg) == ("not enough data", None)
    assert "reference pose" in c.reason


def test_days_with_too_few_values(session):
    (c,) = compare_sessions(
        Measured(session(before=[15, 16]), False), Measured(session(before=[5, 5, 5]), False)
    )
    assert c.verdict == "not enough data"
    (nothing,) = compare_sessions(
        Measured(session(before=[None, None]), False), Measured(session(before=[5, 5, 5]), False)
    )
    assert nothing.before is None


def test_only_common_tests(block):
    first = Measured(block("before", [9, 9, 9], test="prone") + block("before", [9, 9, 9], test="ake"), False)
    second = Measured(block("before", [9, 9, 9], test="ake"), False)
    assert [c.test for c in compare_sessions(first, second)] == ["ake"]


def test_an_own_restrapping_study_replaces_the_published_error(session):
    study = Reliability(across=Repeats(0.8, 4, 3, "this person's own study of 5 strappings"))
    c = days(session, [15, 16, 14], [10, 11, 9], reliability=study)
    assert c.detectable_change_source == "this person's own study of 5 strappings"
    half = (c.change_ci95_deg[1] - c.change_ci95_deg[0]) / 2
    assert half == pytest.approx(2.7764 * 0.8 * np.sqrt(2), rel=0.01)


def test_side_by_side(session):
    stiff = Measured(session(before=[15, 16, 14], after=[10, 10, 10]), False, 2.0)
    free = Measured(session(before=[3, 2, 4]), False, 2.0)
    (difference,) = side_differences(stiff, free)
    assert (difference.test, difference.phase) == ("prone", "before")
    assert difference.difference_deg == pytest.approx(12)
    assert difference.ci95_deg[1] - difference.ci95_deg[0] > 2 * 6.9
    (other,) = side_differences(free, stiff)
    assert other.difference_deg == pytest.approx(-12)
    assert side_differences(stiff, Measured(session(before=[3, 2, 4]), True)) == ()


@pytest.mark.parametrize(
    ("flexion_deg", "axis_deg", "error_deg"),
    [(20, 10, -0.30), (20, 20, -1.18), (90, 10, -0.88), (90, 20, -3.56)],
)
def test_axis_error_of_the_reference_values(flexion_deg, axis_deg, error_deg):
    assert axis_error_deg(flexion_deg, axis_deg) == pytest.approx(error_deg, abs=0.006)


def test_sensitivity_of_a_change(session):
    (c,) = compare_blocks(session(before=[20, 20, 20], after=[10, 10, 10]), relative=False)
    s = sensitivity_of(c.before, c.after, reference_deg=5, axis_deg=10, slip_deg=2)
    assert (s.reference_change_deg, s.reference_absolute_deg) == (0, 5)
    assert (s.slip_change_deg, s.slip_absolute_deg) == (2, -2)
    # The gain error takes 1.5 % off every angle at a tilt of 10 deg: 0.15 deg off a change of 10.
    assert s.axis_change_deg == pytest.approx(-0.15, abs=0.01)
    zeroed = sensitivity_of(c.before, c.after, reference_flexion_deg=10, axis_deg=10)
    assert zeroed.axis_absolute_deg == pytest.approx(0)
    assert zeroed.axis_change_deg == pytest.approx(s.axis_change_deg)
