"""A script and two worn sensors -> the recording they would make, and the truth behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.samples import Float, ImuSamples, Segment
from firmware_bridge.session.model import Recording, SensorInfo, SessionInfo, TestName
from firmware_bridge.timing.device_clock import DeviceClock
from firmware_bridge.virtual.jets import RotationJet
from firmware_bridge.virtual.leg import HUMAN_KNEE, Body, Knee, Leg, Stirring, Z, lateral
from firmware_bridge.virtual.script import Script
from firmware_bridge.virtual.signals import Course, Move
from firmware_bridge.virtual.wearing import Wearing, Worn

CLOCK = DeviceClock(tick_s=1e-6, ticks_modulo=2**32, sequence_modulo=2**16)

# Peak angular acceleration of a brisk leg swing: what counts as a full jolt for the soft tissue.
_JOLT_RAD_S2 = 40.0


@dataclass(frozen=True, eq=False, slots=True)
class Truth:
    """The truth behind a recording, which real sensors do not provide.

    Attributes:
        time_s: (n,) session clock.
        flexion_deg: (n,) of the bones, about the medio-lateral axis of the thigh.
        thigh_axis, shank_axis: (3,) that axis in the frame of each sensor, positive = flexion.
        extension_deg: the true median flexion of every hold that a repetition is measured by, by
            (phase, test), in order.
    """

    time_s: Float
    flexion_deg: Float
    thigh_axis: Float
    shank_axis: Float
    extension_deg: Mapping[tuple[str, TestName | None], tuple[float, ...]]

    def change_deg(self, test: TestName | None, before: str = "before", after: str = "after") -> float:
        """How much straighter the held positions of `after` truly are than those of `before`."""
        return float(np.mean(self.extension_deg[before, test]) - np.mean(self.extension_deg[after, test]))


@dataclass(frozen=True, eq=False, slots=True)
class SimulatedSession:
    """A recording with the truth behind it, and how the sensors were worn."""

    recording: Recording
    truth: Truth
    script: Script
    wearing: Wearing


def simulate_session(
    script: Script,
    wearing: Wearing | None = None,
    *,
    knee: Knee = HUMAN_KNEE,
    rate_hz: float = 100.0,
    seed: int = 0,
    raw_clock: bool = False,
) -> SimulatedSession:
    """Simulates what two sensors record of a script.

    Args:
        script: what the person does.
        wearing: the sensors; `Wearing.realistic(seed=seed)` if None.
        knee: how far it is from a perfect hinge.
        rate_hz: nominal rate of both sensors by their own clocks.
        seed: of the noise.
        raw_clock: also fill in device clock, counter and arrival time, as a live recording has them.

    Returns:
        Samples stamped with the true session time, events, and the truth on a uniform grid.
    """
    worn = Wearing.realistic(seed=seed) if wearing is None else wearing
    leg = Leg(script, Body(knee=knee))
    samples = {
        segment: _samples(leg, segment, worn[segment], rate_hz, seed, raw_clock) for segment in Segment
    }
    sensor = SensorInfo("simulated", nominal_rate_hz=rate_hz, clock=CLOCK if raw_clock else None)
    info = SessionInfo(
        id=f"simulated-{seed}",
        client="simulated",
        side=script.side,
        started_at="2026-01-01T00:00:00Z",
        status="closed",
        sensors=dict.fromkeys(Segment, sensor),
    )
    recording = Recording(info, samples[Segment.THIGH], samples[Segment.SHANK], script.events)
    return SimulatedSession(recording, true_session(leg, worn, rate_hz), script, worn)


def true_session(leg: Leg, wearing: Wearing, rate_hz: float = 100.0) -> Truth:
    """The truth behind a leg's script, on a uniform grid of `rate_hz` from time 0."""
    script = leg.script
    time_s = np.arange(int(script.duration_s * rate_hz)) / rate_hz
    flexion_deg = leg.flexion_deg(time_s)
    extension: dict[tuple[str, TestName | None], list[float]] = {}
    for hold in script.holds:
        inside = (time_s >= hold.start_s) & (time_s < hold.stop_s)
        extension.setdefault((hold.phase, hold.test), []).append(float(np.median(flexion_deg[inside])))
    axes = [
        Rotation.from_quat(wearing[segment].bone_from_sensor, scalar_first=True).inv().apply(-Z)
        for segment in (Segment.THIGH, Segment.SHANK)
    ]
    return Truth(time_s, flexion_deg, axes[0], axes[1], {key: tuple(v) for key, v in extension.items()})


def _samples(
    leg: Leg, segment: Segment, worn: Worn, rate_hz: float, seed: int, raw_clock: bool
) -> ImuSamples:
    period_s = worn.period_s(rate_hz)
    count = int((leg.script.duration_s - worn.phase_s) / period_s)
    time_s = np.asarray(worn.phase_s + np.arange(count) * period_s, dtype=np.float64)
    acc, gyr = ideal_samples(leg, segment, worn, time_s, rate_hz)

    rng = np.random.default_rng((seed, 4, list(Segment).index(segment)))
    step = worn.gyr_bias_walk_rad_s * np.sqrt(period_s / 60.0)
    bias = np.array(worn.gyr_bias_rad_s) + np.cumsum(rng.normal(0.0, 1.0, (count, 3)), axis=0) * step
    gyr = gyr * (1.0 + worn.gyr_scale) + bias + rng.normal(0.0, 1.0, (count, 3)) * worn.gyr_noise_rad_s
    acc = acc + np.array(worn.acc_bias_m_s2) + rng.normal(0.0, 1.0, (count, 3)) * worn.acc_noise_m_s2
    if not raw_clock:
        return ImuSamples(time_s, acc, gyr)
    ticks = np.rint(time_s * worn.clock_rate / CLOCK.tick_s).astype(np.int64) + worn.first_tick
    return ImuSamples(
        time_s,
        acc,
        gyr,
        arrival_s=np.maximum.accumulate(time_s + 0.01 + rng.exponential(0.003, count)),
        device_ticks=ticks % CLOCK.ticks_modulo,
        sequence=(worn.first_sequence + np.arange(count)) % 2**16,
    )


def ideal_samples(
    leg: Leg, segment: Segment, worn: Worn, time_s: Float, rate_hz: float
) -> tuple[Float, Float]:
    """The samples of a sensor without any error: means over the step before, as real sensors send them.

    The value in the middle of a step stands for its mean: at 50 Hz and 3 Hz of movement they differ by 0.6 %.

    Args:
        leg: that wears it.
        segment: of the sensor.
        worn: how it is worn.
        time_s: (n,) of the samples.
        rate_hz: nominal.
    """
    return ideal_signals(leg, segment, worn, time_s - worn.period_s(rate_hz) / 2)


def ideal_signals(leg: Leg, segment: Segment, worn: Worn, time_s: Float) -> tuple[Float, Float]:
    """The output of a sensor without any error.

    Returns:
        Specific force (n, 3) in m/s^2 and angular rate (n, 3) in rad/s, in the frame of the sensor.
    """
    outward = lateral(leg.script.side)
    bone = leg.thigh(time_s) if segment is Segment.THIGH else leg.motion(time_s).shank
    lever_m = np.array(worn.lever_m) * (1.0, 1.0, outward)
    place = bone.origin.offset(bone.world_from_segment, lever_m)
    mounting = Rotation.from_quat(worn.bone_from_sensor, scalar_first=True).as_matrix()
    world_from_sensor = (
        bone.world_from_segment
        @ _rocking(leg.stirring(time_s), worn, segment, outward)
        @ _slipping(leg.script, segment, time_s)
        @ RotationJet.constant(mounting)
    )
    felt = place.acceleration + GRAVITY_M_S2 * Z
    force = np.einsum("nji,nj->ni", world_from_sensor.matrix, felt)
    return force, np.broadcast_to(world_from_sensor.rate, force.shape).copy()


def _rocking(stirring: Stirring, worn: Worn, segment: Segment, outward: float) -> RotationJet:
    """The sensor on its soft tissue: a third each for bulging with flexion, with effort, and for jolts."""
    course = stirring.flexion_rad
    phi = course.value
    bulging = course.through((1.0 - np.cos(phi)) / 2.0, np.sin(phi) / 2.0, np.cos(phi) / 2.0)
    jolt = stirring.shake_rad_s2.scaled(1.0 / _JOLT_RAD_S2)
    # The thigh carries the muscle that works; the shin bone lies under the skin.
    effort = stirring.effort if segment is Segment.THIGH else stirring.effort.scaled(0.3)
    # Mirrored in the sagittal plane, a rotation keeps its z part and flips the others.
    axis = np.array(worn.rocking_axis) * (outward, outward, 1.0)
    return RotationJet.about(axis, (bulging + effort + jolt).scaled(np.deg2rad(worn.soft_tissue_deg) / 3.0))


def _slipping(script: Script, segment: Segment, time_s: Float) -> RotationJet:
    """Sagittal slips of this sensor: its own frame turns so that the knee reads straighter."""
    sign = -1.0 if segment is Segment.THIGH else 1.0
    level_rad = 0.0
    moves = []
    for slip in sorted((s for s in script.slips if s.segment is segment), key=lambda s: s.time_s):
        level_rad += sign * float(np.deg2rad(slip.slip_deg))
        moves.append(Move(slip.time_s, slip.time_s + slip.duration_s, level_rad))
    return RotationJet.about(Z, Course(0.0, tuple(moves)).at(time_s))
