from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware_bridge.samples import Segment, Side
from firmware_bridge.session.model import ReferencePose
from firmware_bridge.virtual.leg import Leg
from firmware_bridge.virtual.sessions import condensed_session, full_session, swings
from firmware_bridge.virtual.simulation import CLOCK, simulate_session
from firmware_bridge.virtual.wearing import Wearing

PHASES = ["swings", "reference", "warmup", "before", "pandiculation", "after", "closing_reference"]


def test_the_condensed_session_has_every_phase_in_a_minute_and_a_half():
    session = simulate_session(condensed_session())
    assert [phase.name for phase in session.recording.phases if phase.name != "pause"] == PHASES
    assert 60.0 < session.script.duration_s < 95.0
    assert session.recording.duration_s == pytest.approx(session.script.duration_s, abs=0.02)


def test_the_rest_block_stands_between_two_blocks_of_before():
    names = [phase.name for phase in simulate_session(condensed_session(rest_block=True)).recording.phases]
    assert [n for n in names if n != "pause"][3:6] == ["before", "rest", "before_again"]


def test_named_tests_are_measured_in_their_own_postures():
    script = full_session(tests=("standing", "prone", "ake"))
    session = simulate_session(script, rate_hz=25.0)
    assert set(session.truth.extension_deg) >= {
        (phase, test)
        for phase in ("before", "before_again", "after")
        for test in ("standing", "prone", "ake")
    }
    for hold in (hold for hold in script.holds if hold.test):
        turns = [turn for turn in script.turns if turn.stop_s <= hold.start_s]
        assert (turns[-1].posture if turns else script.posture) == hold.test


@pytest.mark.parametrize(("deficit_deg", "gain_deg"), [(12.0, 5.0), (20.0, 0.0), (8.0, -3.0)])
def test_what_truly_changes_is_what_was_planned(deficit_deg, gain_deg):
    script = condensed_session(deficit_deg=deficit_deg, gain_deg=gain_deg, repetition_sd_deg=0.0)
    truth = simulate_session(script, rate_hz=50.0).truth
    assert truth.change_deg("prone") == pytest.approx(gain_deg, abs=0.15)
    np.testing.assert_allclose(truth.extension_deg["before", "prone"], deficit_deg, atol=0.35)


def test_repetitions_vary_as_planned_around_the_plan():
    changes = [
        simulate_session(condensed_session(seed=seed, repetition_sd_deg=2.0), rate_hz=25.0).truth.change_deg(
            "prone"
        )
        for seed in range(16)
    ]
    # The mean of 4 against the mean of 4, each repetition with 2 deg.
    assert np.mean(changes) == pytest.approx(5.0, abs=3 * 2.0 * np.sqrt(2 / 4 / 16))
    assert 0.5 < np.std(changes, ddof=1) / (2.0 * np.sqrt(2 / 4)) < 2.0


def test_the_reference_pose_reads_what_the_jig_reads_error_included():
    script = condensed_session(reference_deg=25.0, reference_error_deg=1.5)
    session = simulate_session(script, rate_hz=50.0)
    for pose in session.recording.reference_poses:
        inside = (session.truth.time_s >= pose.time_s) & (
            session.truth.time_s < pose.time_s + pose.duration_s
        )
        assert pose.flexion_deg == 26.5
        assert np.mean(session.truth.flexion_deg[inside]) == pytest.approx(25.0, abs=0.4)
    assert len([e for e in script.events if isinstance(e, ReferencePose)]) == 2


@pytest.mark.parametrize("script", [condensed_session(rest_block=True), full_session(seed=3), swings()])
def test_a_script_keeps_its_own_order(script):
    for course in (script.flexion_deg, script.hip_deg, script.restlessness, script.effort):
        edges = [edge for move in course.moves for edge in (move.start_s, move.stop_s)]
        assert edges == sorted(edges)
        assert all(move.stop_s > move.start_s for move in course.moves)
        assert not edges or edges[-1] <= script.duration_s + 1e-9
    times = [event.time_s for event in script.events]
    assert times == sorted(times)
    assert all(0.0 <= t < script.duration_s for t in times)


def test_everything_repeats_by_its_seed_and_only_by_it():
    once, again, other = (
        simulate_session(condensed_session(seed=a), rate_hz=25.0, seed=b).recording.thigh.gyr_rad_s
        for a, b in ((1, 2), (1, 2), (1, 3))
    )
    np.testing.assert_array_equal(once, again)
    assert np.abs(once[:100] - other[:100]).max() > 1e-4


def test_a_sensor_errs_by_as_much_as_it_is_said_to():
    script = condensed_session(side=Side.LEFT)
    wearing = Wearing.realistic(seed=5)
    real = simulate_session(script, wearing, seed=5).recording.shank
    quiet = simulate_session(
        script,
        replace(wearing, shank=replace(wearing.shank, gyr_noise_rad_s=0.0, acc_noise_m_s2=0.0)),
        seed=5,
    ).recording.shank
    np.testing.assert_allclose(np.std(real.gyr_rad_s - quiet.gyr_rad_s), np.deg2rad(0.1), rtol=0.05)
    np.testing.assert_allclose(np.std(real.acc_m_s2 - quiet.acc_m_s2), 0.05, rtol=0.05)


def test_clocks_run_wrap_and_lie_as_they_are_told():
    worn = replace(
        Wearing().thigh,
        clock_ppm=200.0,
        rate_error=-0.0129,
        first_tick=2**32 - 1_000_000,
        first_sequence=65_500,
    )
    session = simulate_session(swings(10), Wearing(thigh=worn), rate_hz=100.0, raw_clock=True)
    thigh = session.recording.thigh
    assert 1.0 / np.mean(np.diff(thigh.time_s)) == pytest.approx(98.71 * 1.0002, abs=1e-3)
    assert thigh.device_ticks is not None
    assert thigh.sequence is not None
    assert (np.diff(thigh.device_ticks) < 0).sum() == 1
    assert (np.diff(thigh.sequence) < 0).sum() == 1
    true_s = np.unwrap(thigh.device_ticks.astype(float), period=float(CLOCK.ticks_modulo)) * CLOCK.tick_s
    slope = np.polyfit(thigh.time_s, true_s, 1)[0]
    assert slope == pytest.approx(1.0002, abs=1e-6)
    assert getattr(session.wearing, Segment.THIGH.value) is worn


def test_the_first_part_of_a_script_is_that_of_the_whole():
    whole = full_session()
    part = whole.first(60.0)
    time_s = np.arange(0.0, 60.0, 0.01)
    assert part.duration_s == 60.0
    np.testing.assert_array_equal(Leg(part).flexion_deg(time_s), Leg(whole).flexion_deg(time_s))
    assert part.events == tuple(event for event in whole.events if event.time_s < 60.0)
    assert 0 < len(part.holds) == sum(hold.stop_s <= 60.0 for hold in whole.holds) < len(whole.holds)
    assert whole.first(whole.duration_s) == whole
    assert len(simulate_session(part).truth.time_s) == 6000
