"""The simulated leg against independent physics: numerical derivatives, gravity, mirrors, and integration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.samples import Segment, Side
from firmware_bridge.virtual.leg import HUMAN_KNEE, Body, Leg
from firmware_bridge.virtual.script import ScriptWriter, Slip
from firmware_bridge.virtual.sessions import condensed_session, still, swings
from firmware_bridge.virtual.simulation import ideal_signals
from firmware_bridge.virtual.wearing import SHANK_LEVER_M, THIGH_LEVER_M, Wearing, Worn

POSTURES = ("prone", "supine", "standing", "seated", "side_lying", "ake")
STEP_S = 1e-3
MOUNTING = tuple(float(v) for v in Rotation.random(rng=3).as_quat(scalar_first=True))
SOFT = Worn(SHANK_LEVER_M, MOUNTING, soft_tissue_deg=5.0, rocking_axis=(0.6, 0.0, 0.8))


def human(script, **body):
    return Leg(script, Body(knee=HUMAN_KNEE, **body))


def motionless(script):
    """Without the unsteadiness of a living body, so that stillness is exact."""
    return Leg(replace(script, sway_deg=0.0), Body(hip_sway_m=0.0))


def bone(motion, segment):
    return motion.thigh if segment is Segment.THIGH else motion.shank


def rotations(motion, segment):
    return Rotation.from_matrix(bone(motion, segment).world_from_segment.matrix)


def wrapped_deg(angle_deg):
    return np.mod(angle_deg + 180.0, 360.0) - 180.0


def integrated(gyr):
    """The rotation that angular rates at every STEP_S add up to, to second order."""
    steps = Rotation.from_rotvec((gyr[:-1] + gyr[1:]) / 2.0 * STEP_S)
    while len(steps) > 1:
        last = [steps[-1:]] if len(steps) % 2 else []
        steps = Rotation.concatenate([steps[:-1:2] * steps[1::2], *last])
    return steps[0]


@pytest.mark.parametrize("segment", Segment)
@pytest.mark.parametrize("posture", POSTURES)
def test_signals_are_the_derivatives_of_the_motion(posture, segment):
    lever = THIGH_LEVER_M if segment is Segment.THIGH else SHANK_LEVER_M
    leg = human(swings(3, posture=posture))
    time_s = np.arange(2.5, 8.0, STEP_S)
    motion = leg.motion(time_s)
    acc, gyr = ideal_signals(leg, segment, Worn(lever), time_s)

    turned = rotations(motion, segment)
    position = bone(motion, segment).origin.position + turned.apply(lever)
    accelerated = np.gradient(np.gradient(position, STEP_S, axis=0), STEP_S, axis=0)
    expected = turned.inv().apply(accelerated + GRAVITY_M_S2 * np.array([0, 0, 1]))
    np.testing.assert_allclose(acc[2:-2], expected[2:-2], atol=0.01)
    assert np.abs(accelerated[2:-2]).max() > 0.5

    rate = (turned[:-2].inv() * turned[2:]).as_rotvec() / (2.0 * STEP_S)
    np.testing.assert_allclose(gyr[1:-1], rate, atol=2e-3)
    assert np.abs(gyr).max() > 1.0 or segment is Segment.THIGH


@pytest.mark.parametrize("side", Side)
def test_angular_rates_integrate_back_to_the_flexion(side):
    leg = human(condensed_session(side=side))
    time_s = np.arange(0.0, 30.0, STEP_S)
    relative = []
    for segment in Segment:
        _, gyr = ideal_signals(leg, segment, Worn(THIGH_LEVER_M), time_s)
        relative.append(rotations(leg.motion(time_s[:1]), segment)[0] * integrated(gyr))
    w, _, _, z = (relative[0].inv() * relative[1]).as_quat(scalar_first=True)
    flexion_deg = wrapped_deg(np.rad2deg(-2.0 * np.arctan2(z, w)))
    assert flexion_deg == pytest.approx(leg.flexion_deg(time_s[-1:])[0], abs=0.01)


@pytest.mark.parametrize("slip_deg", [0.0, 8.0])
def test_a_sensor_on_soft_tissue_turns_as_its_rates_say(slip_deg):
    """From one still pose to another, the integrated rates must carry one gravity vector into the other."""
    writer = ScriptWriter("prone", 20.0)
    writer.wait(0.5)
    writer.bend_to(90.0, 0.8)
    writer.push_to(1.0, 0.5)
    writer.wait(0.5)
    script = writer.done(slips=(Slip(1.6, slip_deg),))
    leg = motionless(script)
    time_s = np.arange(0.0, script.duration_s, STEP_S)
    acc, gyr = ideal_signals(leg, Segment.SHANK, SOFT, time_s)
    np.testing.assert_allclose(integrated(gyr).apply(acc[-1]), acc[0], atol=1e-3)

    rigid, _ = ideal_signals(leg, Segment.SHANK, replace(SOFT, soft_tissue_deg=0.0), time_s)
    apart_deg = np.rad2deg(np.arccos(np.clip(np.sum(acc * rigid, 1) / GRAVITY_M_S2**2, -1, 1)))[[0, -1]]
    assert 0.5 < apart_deg[1] <= 5.0


@pytest.mark.parametrize(
    ("posture", "up"),
    [
        ("standing", (0, 1, 0)),
        ("supine", (1, 0, 0)),
        ("prone", (-1, 0, 0)),
        ("side_lying", (0, 0, 1)),
        ("seated", (1, 0, 0)),
        ("ake", (0, -1, 0)),
    ],
)
def test_a_still_sensor_feels_gravity_along_the_upward_axis(posture, up):
    leg = motionless(still(1.0, flexion_deg=0.0, posture=posture))
    for segment in Segment:
        acc, gyr = ideal_signals(leg, segment, Worn(SHANK_LEVER_M), np.array([0.5]))
        np.testing.assert_allclose(acc, [np.multiply(up, GRAVITY_M_S2)], atol=1e-9)
        np.testing.assert_allclose(gyr, 0.0, atol=1e-12)


def test_flexion_is_the_twist_about_the_mean_axis_and_bends_backwards():
    leg = human(condensed_session())
    time_s = np.arange(0.0, 80.0, 0.01)
    motion = leg.motion(time_s)
    quat = Rotation.from_matrix(motion.thigh_from_shank.matrix).as_quat(scalar_first=True)
    twist_deg = np.rad2deg(-2.0 * np.arctan2(quat[:, 3], quat[:, 0]))
    np.testing.assert_allclose(wrapped_deg(twist_deg), leg.flexion_deg(time_s), atol=1e-9)

    # Standing and bent by 90 deg, the shank points backwards from the knee.
    bent = motionless(still(1.0, flexion_deg=90.0, posture="standing")).motion(np.array([0.5]))
    thigh_from_shank = bent.thigh_from_shank.matrix[0]
    np.testing.assert_allclose(thigh_from_shank @ [0, -1, 0], [-1, 0, 0], atol=1e-12)


def test_the_human_knee_leaves_its_hinge_by_degrees_not_by_tens_of_degrees():
    motion = human(swings(5)).motion(np.arange(0.0, 12.0, 0.01))
    hinge = motion.thigh_from_shank.matrix[:, :, 2]
    off_deg = np.rad2deg(np.arccos(hinge[:, 2]))
    assert 0.5 < np.sqrt(np.mean(off_deg**2)) < 4.0
    perfect = Leg(swings(5)).motion(np.arange(0.0, 12.0, 0.01)).thigh_from_shank.matrix[:, :, 2]
    np.testing.assert_allclose(perfect, np.broadcast_to([0, 0, 1], perfect.shape), atol=1e-12)


@pytest.mark.parametrize("segment", Segment)
@pytest.mark.parametrize("posture", POSTURES)
def test_the_left_leg_is_the_mirror_image_of_the_right_one(posture, segment):
    time_s = np.arange(0.0, 9.0, 0.05)
    worn = replace(SOFT, bone_from_sensor=(1.0, 0.0, 0.0, 0.0))
    right, left = (
        ideal_signals(human(swings(3, posture=posture, side=side)), segment, worn, time_s)
        for side in (Side.RIGHT, Side.LEFT)
    )
    np.testing.assert_allclose(left[0], right[0] * [1, 1, -1], atol=1e-9)
    np.testing.assert_allclose(left[1], right[1] * [-1, -1, 1], atol=1e-9)


def test_the_mounting_only_turns_the_signals():
    leg = human(condensed_session())
    time_s = np.arange(0.0, 60.0, 0.05)
    straight = ideal_signals(leg, Segment.SHANK, replace(SOFT, bone_from_sensor=(1, 0, 0, 0)), time_s)
    turned = ideal_signals(leg, Segment.SHANK, SOFT, time_s)
    bone_from_sensor = Rotation.from_quat(MOUNTING, scalar_first=True)
    for before, after in zip(straight, turned, strict=True):
        np.testing.assert_allclose(bone_from_sensor.apply(after), before, atol=1e-9)


@pytest.mark.parametrize("segment", Segment)
@pytest.mark.parametrize("side", Side)
def test_a_positive_slip_makes_the_same_pose_read_straighter(segment, side):
    def reading_deg(flexion_deg, slip_deg):
        """What two inclinometers say: the angle between thigh and shank in the plane of movement."""
        script = replace(
            still(4.0, flexion_deg, "prone", side), slips=(Slip(1.0, slip_deg, segment, duration_s=0.5),)
        )
        tilts = []
        for each in Segment:
            acc, _ = ideal_signals(motionless(script), each, Wearing()[each], np.array([3.0]))
            tilts.append(np.arctan2(acc[0, 1], acc[0, 0]))
        return wrapped_deg(np.rad2deg(tilts[1] - tilts[0]))

    bent = reading_deg(40.0, 0.0) - reading_deg(20.0, 0.0)
    assert abs(bent) == pytest.approx(20.0, abs=1e-6)
    assert (reading_deg(20.0, 3.0) - reading_deg(20.0, 0.0)) / np.sign(bent) == pytest.approx(-3.0, abs=1e-6)
