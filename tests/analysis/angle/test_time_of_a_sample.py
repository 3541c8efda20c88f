"""The time of a sample: the angle belongs to the end of the step that a sample is the mean of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.angle import estimate_angle
from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.session.reader import read_session
from firmware_bridge.session.writer import write_session
from firmware_bridge.virtual.leg import Knee
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session
from firmware_bridge.virtual.wearing import Wearing

RATE_HZ = 50.0


@pytest.fixture(scope="module")
def session() -> SimulatedSession:
    script = condensed_session("seated", "ake", seed=3)
    return simulate_session(script, Wearing.rigid(3), knee=Knee(), rate_hz=RATE_HZ, seed=3)


def lag_steps(time_s: Float, flexion_deg: Float, session: SimulatedSession) -> float:
    """By how many steps of 1 / 50 s the angle is late, by least squares on the rate of the truth."""
    truth = session.truth
    known = np.isfinite(flexion_deg)
    flexion = np.interp(time_s[known], truth.time_s, truth.flexion_deg)
    rate_deg_s = np.interp(time_s[known], truth.time_s, np.gradient(truth.flexion_deg, truth.time_s))
    design = np.column_stack((-rate_deg_s, np.ones(len(rate_deg_s))))
    lag_s, _ = np.linalg.lstsq(design, flexion_deg[known] - flexion, rcond=None)[0]
    return float(lag_s * RATE_HZ)


def estimated_lag(
    session: SimulatedSession, thigh: ImuSamples, shank: ImuSamples, causal: bool = False
) -> float:
    recording = session.recording
    track = estimate_angle(
        thigh, shank, phases=recording.phases, poses=recording.reference_poses, causal=causal
    ).track
    return lag_steps(track.time_s, np.where(track.valid, track.flexion_deg, np.nan), session)


@pytest.mark.parametrize("causal", [False, True])
def test_means_over_the_step_before_give_the_angle_at_their_times(
    session: SimulatedSession, causal: bool
) -> None:
    recording = session.recording
    assert abs(estimated_lag(session, recording.thigh, recording.shank, causal)) < 0.05


@pytest.mark.parametrize("causal", [False, True])
def test_a_sensor_with_longer_steps_is_not_late(session: SimulatedSession, causal: bool) -> None:
    shank = session.recording.shank
    acc, gyr = ((v[1::2] + v[:-1:2]) / 2 for v in (shank.acc_m_s2, shank.gyr_rad_s))
    slow = ImuSamples(shank.time_s[1::2], acc, gyr)
    assert abs(estimated_lag(session, session.recording.thigh, slow, causal)) < 0.08


def test_values_at_their_times_are_read_as_such(session: SimulatedSession, tmp_path: Path) -> None:
    """Of a simulation, say: the same signal, stamped at the middles of the steps."""
    recording = session.recording
    thigh, shank = (replace(s, time_s=s.time_s - 0.5 / RATE_HZ) for s in (recording.thigh, recording.shank))
    sensors = {k: replace(s, sample_delay_steps=0.0) for k, s in recording.info.sensors.items()}
    info = replace(recording.info, sensors=sensors, status="imported")
    write_session(tmp_path / "s", replace(recording, info=info, thigh=thigh, shank=shank))
    back = read_session(tmp_path / "s")
    assert np.abs(back.thigh.time_s - recording.thigh.time_s).max() < 1e-6
    assert abs(estimated_lag(session, back.thigh, back.shank)) < 0.05
