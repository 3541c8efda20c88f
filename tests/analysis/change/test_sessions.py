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
    first, second = [25, 26, 24, 25], [10, 9, 11, 10]
    c = days(session, first, second)
    (within,) = compare_blocks(session(before=first, after=second), relative=False)
    assert c.change_deg == pytest.approx(15)
    assert c.detectable_change_deg > within.detectable_change_deg + 2
    # Two zeros of 2.5 deg and the knee's own two days of 2 deg alone make 8.9 deg.
    assert c.detectable_change_deg > 8.9
    assert any("strapping and calibration" in w for w in c.warnings)
    assert c.verdict == "gained"
    assert days(session, first, [15, 14, 16, 15]).verdict == "no detectable change"


def test_a_poorly_known_zero_costs_more_than_the_published_error(session):
    def detectable(zero_sd_deg):
        first, second = (Measured(session(before=[9, 10, 9]), False, zero_sd_deg) for _ in range(2))
        return compare_sessions(first, second)[0].detectable_change_deg

    assert detectable(1.0) == detectable(2.5) == detectable(float("nan"))
    assert detectable(5.0) > detectable(2.5) + 3


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


def test_an_own_restrapping_study_is_pooled_with_the_published_error(session):
    widths = []
    for strappings in (0, 3, 5, 10):
        repeats = Repeats(0.8, strappings - 1, 3, "this person's own study") if strappings else None
        c = days(session, [15, 16, 14], [10, 11, 9], reliability=Reliability(across=repeats))
        widths.append(c.detectable_change_deg)
        assert ("own study" in c.detectable_change_source) == bool(strappings)
    assert widths == sorted(widths, reverse=True)
    # One day of strapping shows nothing of the knee's own good and bad days.
    assert widths[-1] > 1.96 * np.sqrt(2) * 2.0


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
