"""Repetitions and held extensions, on tracks whose every movement is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.movement import find_repetitions
from analysis.movement.cycles import turning_points


def values(repetitions):
    return [r.extension.flexion_deg if r.extension else None for r in repetitions]


def test_each_repetition_gives_the_held_extension(writer):
    leg = writer().phase("before").hold(2)
    for extension_deg in (12.0, 10.0, 11.0):
        leg.repetition(extension_deg)
    found = find_repetitions(leg.track(), leg.phases())
    assert values(found) == pytest.approx([12, 10, 11], abs=0.05)
    assert [r.peak_flexion_deg for r in found] == pytest.approx([70, 70, 70], abs=0.5)
    assert {(r.phase, r.test, r.strapping) for r in found} == {("before", "prone", 0)}
    assert all(r.start_s < r.extension.start_s < r.extension.stop_s <= r.stop_s for r in found)
    assert all(a.stop_s <= b.start_s for a, b in pairwise(found))


def test_bounds_follow_the_movement(writer):
    leg = writer().phase("before").hold(2).repetition(10).repetition(10)
    first, second = find_repetitions(leg.track(), leg.phases())
    # Still for 2 s, bent in 1.5 s, straightened in 2 s, held for 2 s; then the second one begins.
    assert first.start_s == 0.0
    assert first.extension.start_s == pytest.approx(5.5, abs=0.4)
    assert first.stop_s == pytest.approx(second.start_s)
    assert first.stop_s == pytest.approx(7.5, abs=0.4)
    assert second.stop_s == pytest.approx(13.0, abs=0.02)


def test_a_knee_that_hyperextends_is_not_clipped(writer):
    leg = writer(start_deg=0).phase("before").repetition(-6).repetition(-5)
    assert values(find_repetitions(leg.track(), leg.phases())) == pytest.approx([-6, -5], abs=0.05)


def test_never_the_instantaneous_extreme(writer):
    """A kick 4 deg beyond the held angle, too short to be a plateau, does not count."""
    leg = writer().phase("before").hold(1).move(70, 1.5).move(6, 1.5).move(10, 0.5).hold(2)
    (found,) = find_repetitions(leg.track(), leg.phases())
    assert found.extension.flexion_deg == pytest.approx(10, abs=0.05)


def test_noise_does_not_make_more_repetitions_or_straighter_ones(writer):
    leg = writer().phase("before").hold(1)
    for _ in range(30):
        leg.repetition(10)
    noise = np.random.default_rng(3).normal(0, 0.5, leg.n)
    found = find_repetitions(leg.track(noise), leg.phases())
    assert len(found) == 30
    # The median of 2 s of noise: unbiased, where the extreme would sit 1.2 deg lower.
    assert np.mean(values(found)) == pytest.approx(10, abs=0.05)


@pytest.mark.parametrize("tremor_hz", [4.0, 8.0, 12.0])
def test_tremor_hides_no_plateau(writer, tremor_hz):
    leg = writer().phase("before").hold(1).repetition(10).repetition(10).repetition(10)
    tremor = 0.5 * np.sin(2 * np.pi * tremor_hz * leg.time_s)
    assert values(find_repetitions(leg.track(tremor), leg.phases())) == pytest.approx([10] * 3, abs=0.3)


def test_a_pause_on_the_way_is_no_extension(writer):
    leg = writer().phase("before").hold(1)
    for _ in range(3):
        leg.move(70, 1.5).move(35, 1).hold(2).move(10, 1).hold(1.6)
    assert values(find_repetitions(leg.track(), leg.phases())) == pytest.approx([10] * 3, abs=0.05)


def test_touch_and_go_has_no_value_even_after_a_pause(writer):
    leg = (
        writer().phase("before").hold(1).move(70, 1.5).move(35, 1).hold(2).move(10, 1).move(70, 1).move(30, 1)
    )
    found = find_repetitions(leg.track(), leg.phases())
    assert values(found)[0] is None


def test_half_repetitions_are_listed_without_a_value(writer):
    leg = writer().phase("before").hold(1).repetition(10).repetition(45).repetition(11).repetition(9)
    assert values(find_repetitions(leg.track(), leg.phases())) == [
        pytest.approx(10, abs=0.05), None, pytest.approx(11, abs=0.05), pytest.approx(9, abs=0.05),
    ]  # fmt: skip


def test_fidgeting_during_a_hold_is_no_repetition(writer):
    leg = writer().phase("before").hold(1)
    leg.repetition(10).move(25, 0.8).move(10, 0.8).hold(1.5).repetition(10).repetition(10)
    assert len(find_repetitions(leg.track(), leg.phases())) == 3


def test_a_test_that_starts_and_rests_bent(writer):
    """Active knee extension: from 90 deg up and back down, the last one included."""
    leg = writer(start_deg=90).phase("before", "ake").hold(2)
    for extension_deg in (25, 22, 24):
        leg.move(extension_deg, 1.5).hold(2).move(90, 1.5).hold(1)
    found = find_repetitions(leg.track(), leg.phases())
    assert values(found) == pytest.approx([25, 22, 24], abs=0.05)


def test_small_movements_of_standing(writer):
    leg = writer(start_deg=15).phase("before", "standing").hold(2)
    for extension_deg in (8, 7, 8, 6):
        leg.move(25, 1).move(extension_deg, 1).hold(2)
    assert values(find_repetitions(leg.track(), leg.phases())) == pytest.approx([8, 7, 8, 6], abs=0.05)


def test_creeping_on_is_a_plateau_only_below_three_degrees_a_second(writer):
    def leg(rate_deg_s):
        written = writer().phase("before").hold(1).repetition(14, hold_s=0.2)
        return written.ramp(14 - 2 * rate_deg_s, 2.0).move(70, 1).move(12, 1.5).hold(2)

    slow, fast = leg(2.0), leg(5.0)
    assert find_repetitions(slow.track(), slow.phases())[0].extension is not None
    assert find_repetitions(fast.track(), fast.phases())[0].extension is None


def test_a_gap_that_hides_the_hold_hides_the_value(writer):
    leg = writer().phase("before").hold(1).repetition(10).repetition(10)
    hidden = find_repetitions(leg.track(lost=((4.2, 6.4),)), leg.phases())
    assert values(hidden) == [None, pytest.approx(10, abs=0.05)]


def test_a_gap_inside_a_hold_leaves_the_longer_part(writer):
    leg = writer().phase("before").hold(1).repetition(10, hold_s=4).repetition(10)
    found = find_repetitions(leg.track(lost=((5.0, 5.3),)), leg.phases())
    assert values(found) == pytest.approx([10, 10], abs=0.05)
    assert found[0].extension.start_s >= 5.3
    assert not np.isnan(found[0].extension.flexion_deg)


def test_a_track_that_is_all_gap_has_no_repetitions(writer):
    leg = writer().phase("before").hold(1).repetition(10)
    assert find_repetitions(leg.track(lost=((0, 100),)), leg.phases()) == ()


def test_only_measuring_phases_and_their_strapping(writer):
    leg = writer()
    for name in ("swings", "warmup", "before", "pandiculation", "restrap", "before_again", "after_5min"):
        leg.phase(name, None).hold(0.5).repetition(10).repetition(10)
    found = find_repetitions(leg.track(), leg.phases())
    assert [(r.phase, r.strapping) for r in found] == [
        (phase, strapping)
        for phase, strapping in (("warmup", 0), ("before", 0), ("before_again", 1), ("after_5min", 1))
        for _ in range(2)
    ]


def test_the_thigh_is_read_where_the_knee_is(writer):
    leg = writer().phase("before").hold(1).repetition(10).repetition(10)
    tilt_deg = np.where(leg.time_s < 6.5, 3.0, 9.0)
    found = find_repetitions(leg.track(), leg.phases(), tilt_deg)
    assert [r.thigh_tilt_deg for r in found] == pytest.approx([3, 9])


def test_the_sd_of_a_plateau_is_that_of_the_track(writer):
    leg = writer().phase("before").repetition(10).repetition(10)
    assert find_repetitions(leg.track(), leg.phases())[0].extension.sd_deg == pytest.approx(0.3)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zero_deg=st.floats(-30, 30),
    start_s=st.floats(0, 1000),
    rate_hz=st.sampled_from([50.0, 60.0, 100.0, 200.0]),
)
def test_neither_the_zero_nor_the_clock_nor_the_rate_matters(writer, zero_deg, start_s, rate_hz):
    """A wrong reference angle shifts every value and changes no difference."""
    leg = writer(rate_hz=rate_hz).phase("before").hold(1).repetition(12).repetition(10).repetition(11)
    track = leg.track(zero_deg)
    moved = type(track)(track.time_s + start_s, track.flexion_deg, track.flexion_sd_deg, track.valid)
    spans = tuple(type(p)(p.start_s + start_s, p.stop_s + start_s, p.name, p.test) for p in leg.phases())
    found = values(find_repetitions(moved, spans))
    assert np.array(found) - zero_deg == pytest.approx([12, 10, 11], abs=0.05)


def test_turning_points_alternate_and_travel():
    rng = np.random.default_rng(0)
    angle = np.cumsum(rng.normal(0, 1, 3000))
    points = turning_points(angle, 10.0)
    steps = np.diff(angle[points])
    assert len(points) > 5
    assert np.all(np.abs(steps) >= 10)
    assert np.all(steps[1:] * steps[:-1] < 0)
    assert {int(np.argmax(angle)), int(np.argmin(angle))} <= set(points)
