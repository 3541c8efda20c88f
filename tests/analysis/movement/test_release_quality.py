"""Release metrics against closed forms and published golden values."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import pytest

from analysis.movement import find_releases
from analysis.movement.quality import evenness, pauses, reversals, steadiness, submovements
from analysis.movement.smoothness import sparc
from analysis.movement.tremor import tremor

ISB_HZ = 60.0


def min_jerk_speed(u):
    return 30 * u**2 * (1 - u) ** 2


def trapezoid(duration_s, rate_hz=ISB_HZ):
    t = np.arange(duration_s * rate_hz) / rate_hz
    return np.minimum(1, np.minimum(t / 0.5, (duration_s - t) / 0.5))


def test_sparc_of_the_published_gaussian():
    """The example of the reference implementation of Balasubramanian and colleagues."""
    t = np.arange(-1, 1, 0.01)
    assert sparc(np.exp(-5 * t**2), 100.0) == pytest.approx(-1.41403, abs=1e-5)


@pytest.mark.parametrize("rate_hz", [60.0, 100.0])
@pytest.mark.parametrize("duration_s", [1.0, 5.0, 20.0])
def test_sparc_of_minimum_jerk_depends_on_neither_duration_nor_rate(duration_s, rate_hz):
    u = np.arange(duration_s * rate_hz) / (duration_s * rate_hz)
    assert -1.41 < sparc(min_jerk_speed(u), rate_hz) < -1.40


@pytest.mark.parametrize(("bursts", "expected"), [(1, -1.40), (2, -2.27), (3, -2.70), (5, -3.36), (8, -3.84)])
def test_sparc_of_equal_bursts(bursts, expected):
    u = np.arange(600) * bursts / 600 % 1
    assert sparc(min_jerk_speed(u), ISB_HZ) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(("duration_s", "expected"), [(5, -2.12), (10, -2.39), (20, -2.45)])
def test_sparc_calls_constant_speed_rough(duration_s, expected):
    assert sparc(trapezoid(duration_s), ISB_HZ) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(("tremor_deg_s", "expected"), [(0.5, -1.40), (1, -2.16), (2, -2.34), (8, -4.02)])
def test_sparc_of_tremor(tremor_deg_s, expected):
    t = np.arange(600) / ISB_HZ
    speed = 9 * min_jerk_speed(t / 10) + tremor_deg_s * np.sin(2 * pi * 8 * t)
    assert sparc(speed, ISB_HZ) == pytest.approx(expected, abs=0.006)


def test_sparc_ignores_amplitude_and_trailing_stillness_and_needs_movement():
    speed = min_jerk_speed(np.linspace(0, 1, 500))
    assert sparc(40 * speed, 100.0) == pytest.approx(sparc(speed, 100.0), abs=1e-12)
    assert sparc(np.append(speed, np.zeros(12)), 100.0) == pytest.approx(sparc(speed, 100.0), abs=2e-3)
    assert np.isnan(sparc(np.zeros(100), 100.0))
    assert np.isnan(sparc(np.array([1.0]), 100.0))
    assert np.isnan(sparc(np.array([1.0, np.nan, 1.0]), 100.0))


@pytest.mark.parametrize("frequency_hz", [5.0, 8.0, 11.0])
def test_tremor_amplitude_is_an_angle(frequency_hz):
    t = np.arange(1000) / 100
    rate_deg_s = 4.0 * np.sin(2 * pi * frequency_hz * t)
    amplitude_deg, _ = tremor(rate_deg_s, 100.0)
    assert amplitude_deg == pytest.approx(4.0 / (2 * pi * frequency_hz) / sqrt(2), rel=0.03)


def test_tremor_beside_voluntary_movement():
    t = np.arange(2000) / 100
    both = 4 * np.sin(2 * pi * 8 * t) + 8 * np.sin(2 * pi * 2 * t)
    assert tremor(both, 100.0)[1] == pytest.approx((4 / 8) ** 2, rel=0.05)


def test_a_smooth_release_has_no_tremor():
    u = np.arange(1000) / 1000
    assert tremor(9 * min_jerk_speed(u), 100.0)[0] < 0.005


def test_tremor_needs_a_rate_and_a_second():
    assert np.isnan(tremor(np.zeros(100), 25.0)).all()
    assert np.isnan(tremor(np.zeros(50), 100.0)).all()


def test_evenness_is_zero_for_constant_speed_and_known_for_a_sine():
    assert evenness(np.full(500, -9.0)) == pytest.approx(0, abs=1e-12)
    assert evenness(trapezoid(10)) == pytest.approx(0, abs=1e-12)
    # Half a sine over its middle 80 %: CV = sqrt(m2 - m1^2) / m1 with m1, m2 by integration.
    edge = 0.1 * pi
    m1 = 2 * np.cos(edge) / (0.8 * pi)
    m2 = 0.5 + np.sin(2 * edge) / (2 * 0.8 * pi)
    assert evenness(np.sin(np.linspace(0, pi, 20001))) == pytest.approx(sqrt(m2 - m1**2) / m1, abs=1e-3)


def test_pauses_are_counted_and_timed():
    rate = np.concatenate(
        [np.full(200, -9.0), np.zeros(80), np.full(100, -9.0), np.zeros(40), np.full(9, -9.0)]
    )
    assert pauses(rate, 100.0) == (2, pytest.approx(1.2))
    passing_zero = np.linspace(9, -9, 100)
    assert pauses(passing_zero, 100.0) == (0, 0.0)


def test_reversals_need_more_than_a_degree():
    down = np.linspace(90, 60, 300)
    back = np.linspace(60, 63, 50)
    on = np.linspace(63, 10, 400)
    assert reversals(np.concatenate([down, back, on])) == 1
    assert reversals(np.concatenate([down, np.linspace(60, 60.5, 20), np.linspace(60.5, 10, 400)])) == 0


def test_submovements():
    u = np.arange(1000) / 1000
    assert submovements(min_jerk_speed(u) * 9) == 1
    assert submovements(min_jerk_speed(u * 3 % 1) * 9) == 3
    assert submovements(np.full(100, 9.0)) == 1


def test_steadiness_takes_the_drift_out():
    t = np.arange(1000) / 100
    sway = 0.4 * np.sin(2 * pi * 1.5 * t)
    sd_deg, rate_deg_s = steadiness(80 - 0.3 * t + sway, 100.0)
    assert sd_deg == pytest.approx(0.4 / sqrt(2), rel=0.02)
    assert rate_deg_s == pytest.approx(sqrt(0.3**2 + (0.4 * 2 * pi * 1.5) ** 2 / 2), rel=0.02)


def pandiculations(writer, n=3, release_s=8.0):
    leg = writer(start_deg=15).phase("pandiculation", None).hold(2)
    for _ in range(n):
        leg.move(90, 1.5).hold(4).move(12, release_s).hold(4)
    return leg


def test_releases_of_a_pandiculation_block(writer):
    leg = pandiculations(writer)
    found = find_releases(leg.track(), leg.phases())
    assert len(found) == 3
    for release in found:
        m = release.metrics
        # A minimum-jerk movement passes 5 % and 95 % at 0.1893 and 0.8107 of its time.
        assert release.stop_s - release.start_s == pytest.approx(0.6214 * 8, abs=0.04)
        assert m["duration_s"] == pytest.approx(release.stop_s - release.start_s)
        assert m["mean_rate_deg_s"] == pytest.approx(0.9 * 78 / (0.6214 * 8), rel=0.01)
        assert m["peak_rate_deg_s"] == pytest.approx(1.875 * 78 / 8, rel=0.01)
        assert m["hold_s"] == pytest.approx(4, abs=1.1)
        assert m["hold_sd_deg"] < 0.1
        assert (m["pause_count"], m["pause_s"], m["reversal_count"], m["submovement_count"]) == (0, 0, 0, 1)
        assert m["tremor_deg"] < 0.01
        assert m["sparc"] == pytest.approx(-1.405, abs=0.01)
        assert 0 < m["relaxation_drift_deg"] < 0.8
    assert found[0].start_s == pytest.approx(2 + 1.5 + 4 + 0.1893 * 8, abs=0.05)


def test_a_shaky_interrupted_release_shows(writer):
    leg = writer(start_deg=15).phase("pandiculation", None).hold(1).move(90, 1.5).hold(4)
    leg.move(60, 3).hold(1.5).move(64, 0.6).move(12, 4).hold(5)
    smooth = pandiculations(writer, 1)
    shaky = 0.3 * np.sin(2 * pi * 7 * leg.time_s)
    (m,) = (r.metrics for r in find_releases(leg.track(shaky), leg.phases()))
    (calm,) = (r.metrics for r in find_releases(smooth.track(), smooth.phases()))
    assert m["pause_count"] >= 1
    assert m["pause_s"] == pytest.approx(1.5, abs=0.8)
    assert m["reversal_count"] == 1
    assert m["rate_cv"] > 1.5 * calm["rate_cv"]
    assert m["sparc"] < calm["sparc"] - 0.3
    assert m["tremor_deg"] == pytest.approx(0.3 / sqrt(2), rel=0.15)


def test_what_was_not_held_or_relaxed_is_not_a_number(writer):
    leg = writer(start_deg=15).phase("pandiculation", None).move(90, 1).move(12, 5).hold(0.5)
    (m,) = (r.metrics for r in find_releases(leg.track(), leg.phases()))
    assert np.isnan(m["hold_sd_deg"])
    assert np.isnan(m["relaxation_drift_deg"])
    assert m["duration_s"] == pytest.approx(0.6214 * 5, abs=0.06)


def test_the_next_bend_is_no_drift_of_the_rest_before_it(writer):
    leg = writer(start_deg=15).phase("pandiculation", None).hold(1)
    for rest_s in (2.0, 2.3, 5.0):
        leg.move(90, 1.5).hold(2).move(12, 5).hold(rest_s)
    for release in find_releases(leg.track(), leg.phases()):
        assert abs(release.metrics["relaxation_drift_deg"]) < 1.0


def test_a_gap_in_the_release_leaves_its_duration_only(writer):
    leg = pandiculations(writer, 1)
    (m,) = (r.metrics for r in find_releases(leg.track(lost=((11.0, 11.5),)), leg.phases()))
    assert m["duration_s"] == pytest.approx(0.6214 * 8, abs=0.05)
    assert np.isnan(m["sparc"])
    assert np.isnan(m["tremor_deg"])


def test_the_leg_that_sinks_on_has_not_let_go(writer):
    leg = writer(start_deg=15).phase("pandiculation", None).hold(1).move(90, 1.5).hold(3)
    leg.move(16, 6).ramp(12.5, 4.0).hold(2)
    (m,) = (r.metrics for r in find_releases(leg.track(), leg.phases()))
    assert m["relaxation_drift_deg"] > 1.0


def test_other_phases_hold_no_releases(writer):
    leg = pandiculations(writer)
    leg.marks = [(0, "before", "prone")]
    assert find_releases(leg.track(), leg.phases()) == ()
