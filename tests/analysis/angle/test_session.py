"""Strappings, poses and gaps of a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from analysis.angle import estimate_angle
from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.model import PhaseSpan, ReferencePose
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing


def later(samples: ImuSamples, seconds: float) -> ImuSamples:
    return ImuSamples(samples.time_s + seconds, samples.acc_m_s2, samples.gyr_rad_s)


def test_angle_result_is_relative_without_a_pose(simulated: Callable) -> None:
    case = simulated("standing")
    result = case.estimate(poses=())
    assert result.zero == "relative"
    assert np.isnan(result.zero_sd_deg)
    assert any("relative" in w for w in result.warnings)
    assert np.std(case.error_deg(result)) < 1.0
    assert np.percentile(result.track.flexion_deg, 1) == pytest.approx(0.0, abs=1.0)


def test_angle_result_checks_a_later_pose(simulated: Callable) -> None:
    case = simulated("standing")
    first, last = case.session.recording.reference_poses
    result = case.estimate(poses=(first, replace(last, flexion_deg=last.flexion_deg + 3.0)))
    ((time_s, read_minus_entered),) = result.pose_check_deg
    assert time_s == last.time_s
    assert read_minus_entered == pytest.approx(-3.0, abs=0.5)


def test_estimate_session_gives_each_strapping_its_own_axes_and_zero(simulated: Callable) -> None:
    one, two = simulated("standing", seed=1), simulated("standing", seed=2)
    end_s = float(one.thigh.time_s[-1])
    shift = end_s + 10.0
    thigh = ImuSamples.concatenate([one.thigh, later(two.thigh, shift)])
    shank = ImuSamples.concatenate([one.shank, later(two.shank, shift)])
    poses = one.session.recording.reference_poses
    again = tuple(replace(p, time_s=p.time_s + shift) for p in two.session.recording.reference_poses)
    phases = (PhaseSpan(0, end_s, "before"), PhaseSpan(end_s, shift, "restrap"))
    result = estimate_angle(thigh, shank, phases=phases, poses=(*poses, *again))
    early = result.track.time_s < shift
    shifted = replace(result.track, time_s=result.track.time_s - shift)
    error = np.where(early, one.errors(result), two.errors(shifted))[result.track.valid]
    assert np.sqrt(np.mean(error**2)) < 0.8
    assert len(result.pose_check_deg) == 2
    between = (result.track.time_s > end_s) & (result.track.time_s < shift)
    assert not result.track.valid[between].any()

    withheld = estimate_angle(thigh, shank, phases=phases, poses=poses)
    assert not withheld.track.valid[withheld.track.time_s > shift].any()
    assert any("re-strapping" in w for w in withheld.warnings)


def test_estimate_session_has_no_angle_in_a_gap_and_a_right_one_after_it(simulated: Callable) -> None:
    case = simulated("standing")
    keep = ~((case.thigh.time_s > 30) & (case.thigh.time_s < 33))
    result = estimate_angle(case.thigh[keep], case.shank, poses=case.session.recording.reference_poses)
    inside = (result.track.time_s > 30.05) & (result.track.time_s < 32.95)
    assert not result.track.valid[inside].any()
    assert np.isnan(result.track.flexion_deg[inside]).all()
    assert np.std(case.error_deg(result)) < 0.8
    assert any("missing" in w for w in result.warnings)


def test_a_gap_after_the_swings_leaves_the_axis_that_they_showed() -> None:
    """Lying prone the thigh rests from there on, and forces say next to nothing about its heading."""
    session = simulate_session(
        condensed_session("prone", "prone", seed=501), Wearing.realistic(2.0, 501), seed=501
    )
    recording = session.recording
    stop_s = next(p for p in recording.phases if p.name == "swings").stop_s
    whole, cut = (
        estimate_angle(
            *(
                s[(s.time_s < stop_s - from_s) | (s.time_s > stop_s + 2.0)]
                for s in (recording.thigh, recording.shank)
            ),
            poses=recording.reference_poses,
        )
        for from_s in (-2.0, 0.6)
    )
    assert np.degrees(np.arccos(abs(whole.axes.thigh @ cut.axes.thigh))) < 5.0
    swings = cut.track.valid & (cut.track.time_s < stop_s - 0.6)
    truth = np.interp(cut.track.time_s, session.truth.time_s, session.truth.flexion_deg)
    error = (cut.track.flexion_deg - truth)[swings]
    assert np.std(error) < 1.0


def test_angle_result_carries_the_uncertainty_of_the_pose(simulated: Callable) -> None:
    case = simulated("standing")
    pose = case.session.recording.reference_poses[0]
    result = case.estimate(poses=(ReferencePose(pose.time_s, pose.duration_s, 10.0, 2.5, "goniometer"),))
    assert result.zero_sd_deg == pytest.approx(2.5, abs=0.1)


def test_gravity_alone_agrees_while_the_leg_is_still(simulated: Callable) -> None:
    for posture in ("prone", "standing", "seated"):
        assert simulated(posture).estimate().diagnostics["gravity_alone_deg"] < 0.5
