"""The chain over whole recordings: accuracy, invariances, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from analysis.angle import estimate_angle
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import ImuSamples
from firmware_bridge.virtual.sessions import full_session, still, swings
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing

POSTURES = ["prone", "supine", "standing", "side_lying", "seated"]


def turned(samples: ImuSamples, rotation: Rotation) -> ImuSamples:
    return replace_vectors(
        samples, rotation.apply(samples.acc_m_s2.copy()), rotation.apply(samples.gyr_rad_s.copy())
    )


def replace_vectors(samples: ImuSamples, acc: np.ndarray, gyr: np.ndarray) -> ImuSamples:
    return ImuSamples(samples.time_s, acc, gyr)


@pytest.mark.parametrize("posture", POSTURES)
def test_estimate_angle_reads_a_rigid_hinge_exactly(simulated: Callable, posture: str) -> None:
    case = simulated(posture, soft_tissue_deg=None, human=False)
    assert np.std(case.error_deg(case.estimate())) < 0.2


@pytest.mark.parametrize("posture", POSTURES)
def test_estimate_angle_reads_people_within_a_degree(simulated: Callable, posture: str) -> None:
    case = simulated(posture)
    result = case.estimate()
    error = case.error_deg(result)
    assert np.std(error) < 1.0
    assert np.median(error) == pytest.approx(0.0, abs=0.7)
    assert (
        np.mean(np.abs(error - np.median(error)) < 2 * result.track.flexion_sd_deg[result.track.valid]) > 0.9
    )
    change = np.mean(case.hold_errors_deg(result, "after")) - np.mean(case.hold_errors_deg(result, "before"))
    assert abs(change) < 0.3
    assert result.zero == "reference_pose"
    assert result.warnings == () or posture == "side_lying"


def test_estimate_angle_signs_the_axes_along_flexion(simulated: Callable) -> None:
    case = simulated("standing")
    axes = case.estimate().axes
    assert axes.thigh @ case.session.truth.thigh_axis > np.cos(np.radians(5))
    assert axes.shank @ case.session.truth.shank_axis > np.cos(np.radians(5))


@settings(max_examples=3)
@given(seed=st.integers(0, 1000))
def test_estimate_angle_does_not_depend_on_how_a_sensor_is_mounted(simulated: Callable, seed: int) -> None:
    case = simulated("seated")
    expected = case.estimate().track.flexion_deg
    rotations = Rotation.random(2, random_state=seed)
    recording = case.session.recording
    result = estimate_angle(
        turned(case.thigh, rotations[0]), turned(case.shank, rotations[1]), poses=recording.reference_poses
    )
    assert np.nanmax(np.abs(result.track.flexion_deg - expected)) < 0.2


def test_estimate_angle_of_a_mirrored_leg_is_the_same(simulated: Callable) -> None:
    case = simulated("standing")

    def mirror(samples: ImuSamples) -> ImuSamples:
        return replace_vectors(samples, samples.acc_m_s2 * [-1, 1, 1], samples.gyr_rad_s * [1, -1, -1])

    result = estimate_angle(
        mirror(case.thigh), mirror(case.shank), poses=case.session.recording.reference_poses
    )
    assert np.nanmax(np.abs(result.track.flexion_deg - case.estimate().track.flexion_deg)) < 0.1


def test_find_direction_is_right_without_a_pose(simulated: Callable) -> None:
    for posture in ("prone", "supine", "side_lying"):
        case = simulated(posture)
        assert np.std(case.error_deg(case.estimate(poses=()))) < 1.0, posture


def test_estimate_angle_loses_little_by_loss_and_bias(simulated: Callable) -> None:
    case = simulated("supine")
    plain = float(np.std(case.error_deg(case.estimate())))
    rng = np.random.default_rng(0)
    poses = case.session.recording.reference_poses

    def worn(samples: ImuSamples) -> ImuSamples:
        keep = np.repeat(rng.random(-(-len(samples) // 6)) > 0.05, 6)[: len(samples)]
        wrong = np.radians(rng.choice([-0.5, 0.5], 3))
        return replace_vectors(samples, samples.acc_m_s2, samples.gyr_rad_s + wrong)[keep]

    result = estimate_angle(worn(case.thigh), worn(case.shank), poses=poses)
    assert np.std(case.error_deg(result)) < plain + 0.2


def test_estimate_angle_does_not_drift_in_ten_still_minutes(truth_error: Callable) -> None:
    script = swings(8, 20.0, 90.0, 1.6, "seated")
    long = replace(script, duration_s=script.duration_s + 600.0)
    session = simulate_session(long, Wearing.realistic(2.0, 4), seed=4, rate_hz=50.0)
    result = estimate_angle(session.recording.thigh, session.recording.shank)
    error = truth_error(session, result)
    minutes = [np.median(error[(result.track.time_s // 60) == m]) for m in range(1, 10)]
    assert np.ptp(minutes) < 0.2


@pytest.mark.parametrize("swing", [still(30.0), swings(8, 20.0, 28.0)])
def test_estimate_angle_refuses_too_little_bending(swing: object) -> None:
    session = simulate_session(swing, Wearing.realistic(2.0, 1), seed=1)  # type: ignore[arg-type]
    with pytest.raises(CannotAnswerError, match="swings"):
        estimate_angle(session.recording.thigh, session.recording.shank)


@pytest.mark.parametrize("posture", ["side_lying", "supine"])
def test_estimate_angle_stays_within_a_degree_over_minutes(truth_error: Callable, posture: str) -> None:
    """In side-lying the gyros' bias turns the heading between the observations of the hinge."""
    session = simulate_session(
        full_session(("prone",), seed=41, posture=posture),
        Wearing.realistic(2.0, 41),  # type: ignore[arg-type]
        seed=41,
    )
    recording = session.recording
    result = estimate_angle(
        recording.thigh, recording.shank, phases=recording.phases, poses=recording.reference_poses
    )
    assert np.nanstd(truth_error(session, result)) < 1.0


@pytest.mark.parametrize("posture", POSTURES)
def test_estimate_angle_is_the_same_for_swapped_sensors(simulated: Callable, posture: str) -> None:
    case = simulated(posture)
    recording = case.session.recording
    poses = recording.reference_poses
    swapped = estimate_angle(case.shank, case.thigh, phases=recording.phases, poses=poses)
    assert np.nanstd(swapped.track.flexion_deg - case.estimate().track.flexion_deg) < 0.3
