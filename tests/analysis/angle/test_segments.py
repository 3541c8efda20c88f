"""The orientation of both segments: their relative twist is the flexion, in a world with y up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from analysis.answer import angle_of, orientations_of
from firmware_bridge.samples import Float, ImuSamples, Side
from firmware_bridge.virtual.script import Posture
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session

# Where the front of the thigh (x) and the upper end of it (y) point in the ground's frame.
POSTURES: dict[Posture, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "prone": ((0, -1, 0), (1, 0, 0)),
    "supine": ((0, 1, 0), (-1, 0, 0)),
    "standing": ((1, 0, 0), (0, 1, 0)),
}


def _rotation(q: Float) -> Rotation:
    return Rotation.from_quat(q, scalar_first=True)


def _twist_deg(ground_from_thigh: Float, ground_from_shank: Float) -> Float:
    """Flexion: the twist of the shank against the thigh about -z."""
    w, _, _, z = (
        (_rotation(ground_from_thigh).inv() * _rotation(ground_from_shank)).as_quat(scalar_first=True).T
    )
    return (-2 * np.degrees(np.arctan2(z, w)) + 180) % 360 - 180


@pytest.fixture(
    scope="module", params=[("prone", Side.LEFT), ("supine", Side.RIGHT), ("standing", Side.RIGHT)]
)
def case(request: pytest.FixtureRequest) -> tuple[Posture, SimulatedSession]:
    posture, side = request.param
    return posture, simulate_session(condensed_session(posture, posture, seed=3, side=side), seed=3)


def test_the_relative_twist_is_the_flexion(case: tuple[Posture, SimulatedSession]) -> None:
    recording = case[1].recording
    track, found = angle_of(recording).track, orientations_of(recording)
    np.testing.assert_array_equal(found.time_s, track.time_s)
    known = np.isfinite(found.ground_from_thigh).all(axis=1)
    np.testing.assert_array_equal(known, np.isfinite(track.flexion_deg))
    thigh, shank = found.ground_from_thigh[known], found.ground_from_shank[known]
    np.testing.assert_allclose(np.linalg.norm(thigh, axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(_twist_deg(thigh, shank), track.flexion_deg[known], atol=1e-6)
    # No sign flips: neighbours are near.
    assert ((thigh[1:] * thigh[:-1]).sum(axis=1) > 0.9).all()


def test_the_thigh_lies_and_stands_as_the_person_does(case: tuple[Posture, SimulatedSession]) -> None:
    posture, session = case
    found = orientations_of(session.recording)
    known = np.isfinite(found.ground_from_thigh).all(axis=1)
    truth = session.truth
    straight = known & (np.interp(found.time_s, truth.time_s, truth.flexion_deg) < 14.0)  # else the hip bends
    thigh = _rotation(found.ground_from_thigh[straight]).mean()
    for axis, wanted in zip(((1, 0, 0), (0, 1, 0)), POSTURES[posture], strict=True):
        assert float(thigh.apply(axis) @ np.array(wanted)) > np.cos(np.radians(15))
    assert float(thigh.apply((0, 0, 1)) @ np.array((0, 0, 1))) > 0.99


def test_how_a_sensor_is_turned_on_the_leg_does_not_matter() -> None:
    recording = simulate_session(condensed_session(seed=3), seed=3).recording
    matrix = Rotation.from_rotvec([0.4, -1.1, 2.0]).as_matrix()

    def turn(samples: ImuSamples) -> ImuSamples:
        return replace(samples, acc_m_s2=samples.acc_m_s2 @ matrix.T, gyr_rad_s=samples.gyr_rad_s @ matrix.T)

    one = orientations_of(recording)
    other = orientations_of(replace(recording, shank=turn(recording.shank)))
    known = np.isfinite(one.ground_from_shank).all(axis=1)
    apart = _rotation(one.ground_from_shank[known]).inv() * _rotation(other.ground_from_shank[known])
    assert np.degrees(np.median(apart.magnitude())) < 3.0


def test_gaps_stay_gaps() -> None:
    recording = simulate_session(condensed_session(seed=3), seed=3).recording
    hole = (recording.shank.time_s > 30) & (recording.shank.time_s < 33)
    found = orientations_of(replace(recording, shank=recording.shank[~hole]))
    inside = (found.time_s > 30.3) & (found.time_s < 32.7)
    assert np.isnan(found.ground_from_thigh[inside]).all()
    assert np.isfinite(found.ground_from_shank[found.time_s > 34]).all()
