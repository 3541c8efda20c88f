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
from firmware_bridge.session.model import PhaseSpan, ReferencePose
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


def later(samples: ImuSamples, seconds: float) -> ImuSamples:
    return ImuSamples(samples.time_s + seconds, samples.acc_m_s2, samples.gyr_rad_s)


@pytest.mark.parametrize("posture", POSTURES)
def test_a_rigid_hinge_is_read_exactly(simulated: Callable, posture: str) -> None:
    case = simulated(posture, soft_tissue_deg=None, human=False)
    assert np.std(case.error_deg(case.estimate())) < 0.2


@pytest.mark.parametrize("posture", POSTURES)
def test_people_with_soft_tissue_are_read_within_a_degree(simulated: Callable, posture: str) -> None:
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


def test_the_axes_point_along_flexion(simulated: Callable) -> None:
    case = simulated("standing")
    axes = case.estimate().axes
    assert axes.thigh @ case.session.truth.thigh_axis > np.cos(np.radians(5))
    assert axes.shank @ case.session.truth.shank_axis > np.cos(np.radians(5))


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 1000))
def test_how_a_box_is_turned_on_the_leg_does_not_matter(simulated: Callable, seed: int) -> None:
    case = simulated("seated")
    expected = case.estimate().track.flexion_deg
    rotations = Rotation.random(2, random_state=seed)
    recording = case.session.recording
    result = estimate_angle(
        turned(case.thigh, rotations[0]), turned(case.shank, rotations[1]), poses=recording.reference_poses
    )
    assert np.nanmax(np.abs(result.track.flexion_deg - expected)) < 0.2


def test_a_mirrored_leg_bends_as_far(simulated: Callable) -> None:
    case = simulated("standing")

    def mirror(samples: ImuSamples) -> ImuSamples:
        return replace_vectors(samples, samples.acc_m_s2 * [-1, 1, 1], samples.gyr_rad_s * [1, -1, -1])

    result = estimate_angle(
        mirror(case.thigh), mirror(case.shank), poses=case.session.recording.reference_poses
    )
    assert np.nanmax(np.abs(result.track.flexion_deg - case.estimate().track.flexion_deg)) < 0.1


def test_without_a_pose_the_angle_is_relative(simulated: Callable) -> None:
    case = simulated("standing")
    result = case.estimate(poses=())
    assert result.zero == "relative"
    assert np.isnan(result.zero_sd_deg)
    assert any("relative" in w for w in result.warnings)
    assert np.std(case.error_deg(result)) < 1.0
    assert np.percentile(result.track.flexion_deg, 1) == pytest.approx(0.0, abs=1.0)


def test_the_direction_is_right_without_a_pose(simulated: Callable) -> None:
    for posture in ("prone", "supine", "side_lying"):
        case = simulated(posture)
        assert np.std(case.error_deg(case.estimate(poses=()))) < 1.0, posture


def test_a_later_pose_is_a_check_and_shows_the_difference(simulated: Callable) -> None:
    case = simulated("standing")
    first, last = case.session.recording.reference_poses
    result = case.estimate(poses=(first, replace(last, flexion_deg=last.flexion_deg + 3.0)))
    ((time_s, read_minus_entered),) = result.pose_check_deg
    assert time_s == last.time_s
    assert read_minus_entered == pytest.approx(-3.0, abs=0.5)


def test_each_strapping_has_axes_and_zero_of_its_own(simulated: Callable) -> None:
    one, two = simulated("standing", seed=1), simulated("standing", seed=2)
    end_s = float(one.thigh.time_s[-1])
    shift = end_s + 10.0
    thigh = ImuSamples.concatenate([one.thigh, later(two.thigh, shift)])
    shank = ImuSamples.concatenate([one.shank, later(two.shank, shift)])
    poses = one.session.recording.reference_poses
    again = tuple(replace(p, time_s=p.time_s + shift) for p in two.session.recording.reference_poses)
    phases = (PhaseSpan(0, end_s, "before"), PhaseSpan(end_s, shift, "restrap"))
    result = estimate_angle(thigh, shank, phases=phases, poses=(*poses, *again))
    truth = np.interp(
        result.track.time_s,
        np.concatenate((one.session.truth.time_s, two.session.truth.time_s + shift)),
        np.concatenate((one.session.truth.flexion_deg, two.session.truth.flexion_deg)),
    )
    error = (result.track.flexion_deg - truth)[result.track.valid]
    assert np.sqrt(np.mean(error**2)) < 0.8
    assert len(result.pose_check_deg) == 2
    between = (result.track.time_s > end_s) & (result.track.time_s < shift)
    assert not result.track.valid[between].any()

    withheld = estimate_angle(thigh, shank, phases=phases, poses=poses)
    assert not withheld.track.valid[withheld.track.time_s > shift].any()
    assert any("re-strapping" in w for w in withheld.warnings)


def test_loss_and_bias_cost_little(simulated: Callable) -> None:
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


def test_a_gap_is_not_valid_and_what_follows_is_right(simulated: Callable) -> None:
    case = simulated("standing")
    keep = ~((case.thigh.time_s > 30) & (case.thigh.time_s < 33))
    result = estimate_angle(case.thigh[keep], case.shank, poses=case.session.recording.reference_poses)
    inside = (result.track.time_s > 30.05) & (result.track.time_s < 32.95)
    assert not result.track.valid[inside].any()
    assert np.isnan(result.track.flexion_deg[inside]).all()
    assert np.std(case.error_deg(result)) < 0.8
    assert any("missing" in w for w in result.warnings)


def test_keeping_still_drifts_nowhere() -> None:
    script = swings(8, 20.0, 90.0, 1.6, "seated")
    long = replace(script, duration_s=script.duration_s + 600.0)
    session = simulate_session(long, Wearing.realistic(2.0, 4), seed=4, rate_hz=50.0)
    result = estimate_angle(session.recording.thigh, session.recording.shank)
    error = result.track.flexion_deg - np.interp(
        result.track.time_s, session.truth.time_s, session.truth.flexion_deg
    )
    minutes = [np.median(error[(result.track.time_s // 60) == m]) for m in range(1, 10)]
    assert np.ptp(minutes) < 0.2


@pytest.mark.parametrize("swing", [still(30.0), swings(8, 20.0, 28.0)])
def test_too_little_bending_is_refused(swing: object) -> None:
    session = simulate_session(swing, Wearing.realistic(2.0, 1), seed=1)  # type: ignore[arg-type]
    with pytest.raises(CannotAnswerError, match="swings"):
        estimate_angle(session.recording.thigh, session.recording.shank)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: replace_vectors(s, s.acc_m_s2, np.zeros_like(s.gyr_rad_s)), "same value"),
        (lambda s: replace_vectors(s, np.ones_like(s.acc_m_s2), s.gyr_rad_s), "same value"),
        (lambda s: replace_vectors(s, s.acc_m_s2 / 9.81, s.gyr_rad_s), "g; m/s"),
        (lambda s: replace_vectors(s, s.acc_m_s2, np.degrees(s.gyr_rad_s)), "rad/s"),
        (lambda s: s[:0], "no samples"),
    ],
)
def test_a_sensor_that_cannot_be_right_is_refused(
    simulated: Callable, change: Callable[[ImuSamples], ImuSamples], words: str
) -> None:
    case = simulated("standing")
    with pytest.raises(CannotAnswerError, match=words):
        estimate_angle(case.thigh, change(case.shank))


@pytest.mark.parametrize("posture", ["ake", "prone"])
@pytest.mark.parametrize("seed", [60, 61])
def test_skin_on_a_resting_thigh_does_not_tell_which_way_the_knee_bends(posture: str, seed: int) -> None:
    """Its sensor is rocked by the swinging shank, as if the thigh turned about a knee that is elsewhere."""
    script = swings(10, 15.0, 85.0, 1.0, posture, restlessness=0.3)  # type: ignore[arg-type]
    session = simulate_session(script, Wearing.realistic(2.0, seed), seed=seed)
    result = estimate_angle(session.recording.thigh, session.recording.shank)
    truth = np.interp(result.track.time_s, session.truth.time_s, session.truth.flexion_deg)
    told = np.corrcoef(result.track.flexion_deg, truth)[0, 1] > 0
    assert told or any("Which way the knee bends" in w for w in result.warnings)


@pytest.mark.parametrize("posture", ["side_lying", "supine"])
def test_minutes_of_a_session_stay_within_a_degree(posture: str) -> None:
    """In side-lying the gyros' bias turns the heading between the looks at the hinge."""
    session = simulate_session(
        full_session(("prone",), seed=41, posture=posture),
        Wearing.realistic(2.0, 41),  # type: ignore[arg-type]
        seed=41,
    )
    recording = session.recording
    result = estimate_angle(
        recording.thigh, recording.shank, phases=recording.phases, poses=recording.reference_poses
    )
    truth = np.interp(result.track.time_s, session.truth.time_s, session.truth.flexion_deg)
    assert np.nanstd(result.track.flexion_deg - truth) < 1.0


@pytest.mark.parametrize("posture", ["prone", "standing", "seated"])
def test_swapped_sensors_are_noticed(simulated: Callable, posture: str) -> None:
    case = simulated(posture)
    assert any("swapped" in w for w in estimate_angle(case.shank, case.thigh).warnings)


@pytest.mark.parametrize("posture", POSTURES)
def test_swapped_sensors_give_the_same_angle(simulated: Callable, posture: str) -> None:
    case = simulated(posture)
    recording = case.session.recording
    poses = recording.reference_poses
    swapped = estimate_angle(case.shank, case.thigh, phases=recording.phases, poses=poses)
    assert np.nanstd(swapped.track.flexion_deg - case.estimate().track.flexion_deg) < 0.3


def test_clipping_is_noticed(simulated: Callable) -> None:
    case = simulated("standing")
    limit = np.radians(125)
    clipped = replace_vectors(case.shank, case.shank.acc_m_s2, np.clip(case.shank.gyr_rad_s, -limit, limit))
    assert any("range" in w for w in estimate_angle(case.thigh, clipped).warnings)


def test_the_steps_of_a_coarse_converter_are_no_clipping(simulated: Callable) -> None:
    case = simulated("standing")
    step = 0.01
    coarse = replace_vectors(case.shank, case.shank.acc_m_s2, np.round(case.shank.gyr_rad_s / step) * step)
    assert not any("range" in w for w in estimate_angle(case.thigh, coarse).warnings)


def test_side_lying_widens_the_band_and_says_so(simulated: Callable) -> None:
    result = simulated("side_lying").estimate()
    assert any("upright" in w for w in result.warnings)
    flat = simulated("supine").estimate()
    upright = result.track.valid & (result.track.time_s > 16.0) & (result.track.time_s < 30.0)
    away = np.nanmax(result.track.flexion_sd_deg[~upright])
    assert away > 1.2 * np.nanmedian(flat.track.flexion_sd_deg)


def test_the_band_tells_a_machine_from_a_leg(simulated: Callable) -> None:
    """What is seen across the hinge is expected along it: nothing on a machine, degrees on a knee."""
    bands, apart = [], []
    for soft_tissue_deg, human in ((None, False), (2.0, True)):
        result = simulated("supine", soft_tissue_deg, human).estimate()
        bands.append(float(np.nanmedian(result.track.flexion_sd_deg)))
        apart.append(result.diagnostics["hinge_misalignment_deg"])
    assert bands[0] < 0.25 < 0.3 < bands[1]
    assert apart[0] < 0.1 < 0.7 < apart[1]


def test_the_band_holds_the_error_over_postures_and_skins(simulated: Callable) -> None:
    inside = []
    for posture in POSTURES:
        for soft_tissue_deg in (2.0, 4.0):
            case = simulated(posture, soft_tissue_deg)
            result = case.estimate()
            error = case.error_deg(result)
            band = 2 * result.track.flexion_sd_deg[result.track.valid]
            inside.append(np.mean(np.abs(error - np.median(error)) < band))
    assert 0.9 < np.mean(inside) < 0.99
    assert min(inside) > 0.75


def test_the_zero_carries_the_uncertainty_of_the_pose(simulated: Callable) -> None:
    case = simulated("standing")
    pose = case.session.recording.reference_poses[0]
    result = case.estimate(poses=(ReferencePose(pose.time_s, pose.duration_s, 10.0, 2.5, "goniometer"),))
    assert result.zero_sd_deg == pytest.approx(2.5, abs=0.1)


def test_gravity_alone_agrees_while_the_leg_is_still(simulated: Callable) -> None:
    for posture in ("prone", "standing", "seated"):
        assert simulated(posture).estimate().diagnostics["gravity_alone_deg"] < 0.5
