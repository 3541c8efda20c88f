"""A second model of soft tissue, apart from the simulated leg's own, to judge the band by.

The simulated leg rocks each sensor about one axis by smooth functions of flexion, effort and jolts. Here
each sensor turns about all three axes of its bone, and each of four causes has a shape of its own:

- posture: in proportion to flexion (models of the thigh's skin driven by the joints: Camomilla et al. 2013,
  Bonci et al. 2014),
- contraction: a muscle that bulges turns the thigh's sensor by some degrees, also about the hinge; it works
  with the effort of the script, and against gravity while the shank is away from the vertical,
- wobbling mass: a damped oscillator of 4 to 9 Hz, driven by the angular acceleration of the knee,
- creep: a strap that settles over minutes.

The amplitudes are drawn anew for each session and each axis.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from firmware_bridge.samples import Float, ImuSamples, Segment
from firmware_bridge.virtual.leg import Body, Knee, Leg
from firmware_bridge.virtual.script import Script
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session
from firmware_bridge.virtual.wearing import Wearing

POSTURE_DEG, CONTRACTION_DEG, WOBBLE_DEG, CREEP_DEG = 2.5, 1.5, 0.8, 0.5
_SHANK_SHARE = 0.5
_JOLT_RAD_S2 = 40.0


def tissue_session(script: Script, seed: int, knee: Knee, scale: float = 1.0) -> SimulatedSession:
    """A session of consumer sensors on this soft tissue.

    Args:
        script: what the person does.
        seed: of sensors and tissue.
        knee: how far it is from a hinge.
        scale: of all amplitudes; 1 moves the sensors by 1 to 4 deg.
    """
    session = simulate_session(script, Wearing.realistic(0.0, seed), seed=seed, knee=knee)
    leg, recording = Leg(script, Body(knee=knee)), session.recording
    moved = {}
    for place, segment in enumerate(Segment):
        samples = recording.thigh if segment is Segment.THIGH else recording.shank
        rng = np.random.default_rng((seed, 77, place))
        share = scale * (1.0 if segment is Segment.THIGH else _SHANK_SHARE)
        turn = share * _turn_deg(leg, samples.time_s, rng)
        bone_from_sensor = Rotation.from_quat(session.wearing[segment].bone_from_sensor, scalar_first=True)
        moved[segment] = _turned(samples, np.radians(turn), bone_from_sensor)
    recording = replace(recording, thigh=moved[Segment.THIGH], shank=moved[Segment.SHANK])
    return replace(session, recording=recording)


def _turn_deg(leg: Leg, time_s: Float, rng: np.random.Generator) -> Float:
    """(n, 3) rotation vector of the sensor on its bone, in degrees."""
    step_s = float(np.median(np.diff(time_s)))
    motion = leg.motion(time_s - step_s / 2)
    flexion = motion.flexion_rad.value
    along = motion.shank.world_from_segment.matrix[:, 2, 1]
    held = np.sqrt(np.clip(1 - along**2, 0.0, 1.0))
    bulge = np.clip(leg.script.effort.at(time_s - step_s / 2).value + 0.3 * held, 0.0, 1.0)
    hertz, damping = rng.uniform(4.0, 9.0), rng.uniform(0.2, 0.4)
    courses = (
        (POSTURE_DEG, flexion / (np.pi / 2)),
        (CONTRACTION_DEG, bulge),
        (WOBBLE_DEG, _oscillator(motion.flexion_rad.acceleration / _JOLT_RAD_S2, hertz, damping, step_s)),
        (CREEP_DEG, 1 - np.exp(-time_s / rng.uniform(30.0, 200.0))),
    )
    return np.sum([course[:, None] * rng.normal(0.0, size, 3) for size, course in courses], axis=0)


def _oscillator(drive: Float, hertz: float, damping: float, step_s: float) -> Float:
    """x'' + 2 d w x' + w^2 x = w^2 drive, by the bilinear transform."""
    k = 2 * np.pi * hertz * step_s / 2
    b0 = k * k
    a0 = 1 + 2 * damping * k + k * k
    return np.asarray(lfilter([b0, 2 * b0, b0], [a0, 2 * (k * k - 1), 1 - 2 * damping * k + k * k], drive))


def _turned(samples: ImuSamples, turn_rad: Float, bone_from_sensor: Rotation) -> ImuSamples:
    """What the same sensor measures when it turns on the bone."""
    turn = Rotation.from_rotvec(bone_from_sensor.inv().apply(turn_rad))
    step_s = float(np.median(np.diff(samples.time_s)))
    # The turn at the middles of the steps is that of the forces; its change over a step adds to the rate.
    half = Rotation.from_rotvec(np.gradient(turn.as_rotvec(), axis=0))
    acc = turn.inv().apply(samples.acc_m_s2.copy())
    gyr = turn.inv().apply(samples.gyr_rad_s.copy()) + half.as_rotvec() / step_s
    return replace(samples, acc_m_s2=acc, gyr_rad_s=gyr)
