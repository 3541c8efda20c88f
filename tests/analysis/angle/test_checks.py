"""Checks of a recording: faults that refuse, faults that warn, and sound recordings that do neither."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from analysis.angle import estimate_angle
from analysis.angle.doubts import about_knee
from analysis.angle.knee.centre import KneeCentre
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import ImuSamples
from firmware_bridge.virtual.sessions import swings
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing


def replace_vectors(samples: ImuSamples, acc: np.ndarray, gyr: np.ndarray) -> ImuSamples:
    return ImuSamples(samples.time_s, acc, gyr)


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
def test_checks_refuse_a_sensor_that_cannot_be_right(
    simulated: Callable, change: Callable[[ImuSamples], ImuSamples], words: str
) -> None:
    case = simulated("standing")
    with pytest.raises(CannotAnswerError, match=words):
        estimate_angle(case.thigh, change(case.shank))


@pytest.mark.parametrize("posture", ["ake", "prone"])
@pytest.mark.parametrize("seed", [60, 61])
def test_about_strapping_warns_of_a_direction_that_skin_may_have_reversed(posture: str, seed: int) -> None:
    """Its sensor is rocked by the swinging shank, as if the thigh turned about a knee that is elsewhere."""
    script = swings(10, 15.0, 85.0, 1.0, posture, restlessness=0.3)  # type: ignore[arg-type]
    session = simulate_session(script, Wearing.realistic(2.0, seed), seed=seed)
    result = estimate_angle(session.recording.thigh, session.recording.shank)
    truth = np.interp(result.track.time_s, session.truth.time_s, session.truth.flexion_deg)
    told = np.corrcoef(result.track.flexion_deg, truth)[0, 1] > 0
    assert told or any("Which way the knee bends" in w for w in result.warnings)


@pytest.mark.parametrize("posture", ["prone", "standing", "seated"])
def test_about_knee_warns_of_swapped_sensors(simulated: Callable, posture: str) -> None:
    case = simulated(posture)
    assert any("swapped" in w for w in estimate_angle(case.shank, case.thigh).warnings)


def test_about_samples_warns_of_clipping(simulated: Callable) -> None:
    case = simulated("standing")
    limit = np.radians(125)
    clipped = replace_vectors(case.shank, case.shank.acc_m_s2, np.clip(case.shank.gyr_rad_s, -limit, limit))
    assert any("range" in w for w in estimate_angle(case.thigh, clipped).warnings)


def test_about_samples_does_not_take_coarse_steps_for_clipping(simulated: Callable) -> None:
    case = simulated("standing")
    step = 0.01
    coarse = replace_vectors(case.shank, case.shank.acc_m_s2, np.round(case.shank.gyr_rad_s / step) * step)
    assert not any("range" in w for w in estimate_angle(case.thigh, coarse).warnings)


@pytest.mark.parametrize(("below", "swapped"), [(0.9, False), (0.1, True)])
def test_a_thigh_that_turns_fast_is_no_shin_while_the_other_sensor_is_below_the_knee(
    below: float, swapped: bool
) -> None:
    """Standing up from a chair, the thigh turns six times as far as the shin."""
    up = np.tile([[0.0], [0.0], [1.0]], 200)
    lever = np.array([0.2 * np.sqrt(1 - below**2), 0.0, -0.2 * below])
    fast, slow = (rate * np.tile([[0.0], [1.0], [0.0]], 200) for rate in (1.2, 0.2))
    sensors = (SimpleNamespace(strapdown=SimpleNamespace(gyr=gyr), up_in_sensor=up) for gyr in (fast, slow))
    axis = np.array([0.0, 1.0, 0.0])
    centre = KneeCentre(-lever, lever, 0.1, 0.1, 0.1, 0.1, 0.1)
    thigh, shank = sensors
    knee = SimpleNamespace(axes=(axis, axis), thigh=thigh, shank=shank, centre=centre)
    found = about_knee(knee, np.ones(200))  # type: ignore[arg-type]
    assert bool(found) is swapped
