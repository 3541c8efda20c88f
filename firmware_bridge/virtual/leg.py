"""The simulated leg: where thigh and shank are at any instant, from the script of a session.

World: z up. Segment frames as the ISB defines them: x anterior, y proximal, z to the person's right, so a
positive rotation of the shank about z is extension and `thigh_from_shank` is a rotation by -flexion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_bridge.samples import Float, Side
from firmware_bridge.virtual.jets import Jet, PointJet, RotationJet
from firmware_bridge.virtual.script import Posture, Script
from firmware_bridge.virtual.signals import Course, Move, Wander

X, Y, Z = np.eye(3)

# Columns: anterior, proximal, right, in the world.
_WORLD_FROM_PELVIS: dict[Posture, Float] = {
    "standing": np.stack([X, Z, -Y], axis=1),
    "seated": np.stack([X, Z, -Y], axis=1),
    "supine": np.stack([Z, -X, -Y], axis=1),
    "ake": np.stack([Z, -X, -Y], axis=1),
    "prone": np.stack([-Z, X, -Y], axis=1),
    "side_lying": np.stack([X, Y, Z], axis=1),
}
_HIP_FLEXION_DEG: dict[Posture, float] = {
    "standing": 0.0, "seated": 85.0, "supine": 0.0, "ake": 90.0, "prone": 0.0, "side_lying": 10.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Sizes, and how far the knee is from a perfect hinge.

    Attributes:
        thigh_m: hip to knee.
        screw_home_deg: outward rotation of the shank over the last degrees before straight.
        adduction_deg: ab/adduction that goes along with full flexion.
        play_deg: RMS of slow wandering off the hinge while the knee moves freely.
    """

    thigh_m: float = 0.42
    screw_home_deg: float = 0.0
    adduction_deg: float = 0.0
    play_deg: float = 0.0


PERFECT_HINGE = Anatomy()
HUMAN_KNEE = Anatomy(screw_home_deg=4.0, adduction_deg=2.0, play_deg=0.3)
_SCREW_HOME_RANGE_DEG = 15.0


@dataclass(frozen=True, eq=False, slots=True)
class LegMotion:
    """The leg at n instants.

    Attributes:
        flexion_rad: the knee, tremor included.
        flexion_derivatives_rad: flexion without tremor and its first four time derivatives, each (n,).
        effort: of the muscles, 0 to 1.
        world_from_thigh, world_from_shank: orientations.
        hip, knee: joint centres in the world.
    """

    flexion_rad: Jet
    flexion_derivatives_rad: tuple[Float, ...]
    effort: Jet
    world_from_thigh: RotationJet
    world_from_shank: RotationJet
    hip: PointJet
    knee: PointJet


def flexion_jet_rad(script: Script, time_s: Float) -> Jet:
    """Knee flexion at the instants (n,), tremor included."""
    flexion = script.flexion_deg.at(time_s)
    if script.tremor_deg:
        rng = np.random.default_rng((script.seed, 1))
        tremor = Wander.random(rng, script.tremor_deg, (6.0, 11.0)).at(time_s)
        flexion = flexion + tremor * script.effort.at(time_s)
    return flexion.scaled(np.deg2rad(1.0))


def move_leg(script: Script, time_s: Float, anatomy: Anatomy = PERFECT_HINGE) -> LegMotion:
    """Carries out a script.

    Args:
        script: what the person does.
        time_s: (n,) the instants.
        anatomy: of the leg.
    """
    rng = np.random.default_rng((script.seed, 0))
    flexion = flexion_jet_rad(script, time_s)
    derivatives = tuple(np.deg2rad(d) for d in script.flexion_deg.derivatives(time_s, 4))
    world_from_thigh = _world_from_thigh(script, time_s, rng)
    thigh_from_shank = _thigh_from_shank(script, time_s, flexion, anatomy, rng)
    hip = PointJet.from_axes(*(Wander.random(rng, 0.0005).at(time_s) for _ in range(3)))
    return LegMotion(
        flexion_rad=flexion,
        flexion_derivatives_rad=derivatives,
        effort=script.effort.at(time_s),
        world_from_thigh=world_from_thigh,
        world_from_shank=world_from_thigh @ thigh_from_shank,
        hip=hip,
        knee=hip.offset(world_from_thigh, -anatomy.thigh_m * Y),
    )


def mirrored(side: Side) -> float:
    """+1 for the right leg, -1 for the left: the factor of everything that points outward."""
    return 1.0 if side is Side.RIGHT else -1.0


def _world_from_thigh(script: Script, time_s: Float, rng: np.random.Generator) -> RotationJet:
    outward = mirrored(script.side)
    restlessness = script.restlessness.at(time_s)

    def unrest(band_hz: tuple[float, float]) -> Jet:
        sway = Wander.random(rng, script.sway_deg).at(time_s)
        free = Wander.random(rng, script.tilt_deg, band_hz).at(time_s)
        return (sway + free * restlessness).scaled(np.deg2rad(1.0))

    hip_moves = [Move(t.start_s, t.stop_s, _HIP_FLEXION_DEG[t.posture]) for t in script.turns]
    base = Course(_HIP_FLEXION_DEG[script.posture], tuple(hip_moves)).at(time_s)
    hip = (base + script.hip_deg.at(time_s)).scaled(np.deg2rad(1.0)) + unrest((0.1, 0.4))
    abduction = unrest((0.15, 0.6)).scaled(outward)
    turn = unrest((0.1, 0.5)).scaled(outward)
    pelvis_from_thigh = (
        RotationJet.about(Z, hip) @ RotationJet.about(X, abduction) @ RotationJet.about(Y, turn)
    )
    return _world_from_pelvis(script, time_s) @ pelvis_from_thigh


def _world_from_pelvis(script: Script, time_s: Float) -> RotationJet:
    from scipy.spatial.transform import Rotation

    matrix = _WORLD_FROM_PELVIS[script.posture]
    result = RotationJet.constant(matrix)
    for turn in script.turns:
        target = _WORLD_FROM_PELVIS[turn.posture]
        rotation = Rotation.from_matrix(matrix.T @ target).as_rotvec()
        angle_rad = float(np.linalg.norm(rotation))
        if angle_rad > 0.0:
            course = Course(0.0, (Move(turn.start_s, turn.stop_s, angle_rad),)).at(time_s)
            result = result @ RotationJet.about(rotation / angle_rad, course)
        matrix = target
    return result


def _thigh_from_shank(
    script: Script, time_s: Float, flexion_rad: Jet, anatomy: Anatomy, rng: np.random.Generator
) -> RotationJet:
    """Flexion, then adduction, then axial rotation (the sequence of Grood and Suntay 1983)."""
    outward = mirrored(script.side)
    hinge = RotationJet.about(Z, -flexion_rad)
    if not (anatomy.screw_home_deg or anatomy.adduction_deg or anatomy.play_deg):
        return hinge
    play = [Wander.random(rng, anatomy.play_deg).at(time_s).scaled(np.deg2rad(1.0)) for _ in range(2)]

    phi = flexion_rad.value
    scale = np.deg2rad(_SCREW_HOME_RANGE_DEG)
    amount = np.deg2rad(anatomy.screw_home_deg)
    rise = np.tanh(phi / scale)
    slope = 1.0 - rise**2
    inward = flexion_rad.through(
        amount * rise, amount * slope / scale, -2.0 * amount * rise * slope / scale**2
    )

    half = np.deg2rad(anatomy.adduction_deg) / 2.0
    adduction = flexion_rad.through(half * (1.0 - np.cos(phi)), half * np.sin(phi), half * np.cos(phi))
    return (
        hinge
        @ RotationJet.about(X, (adduction + play[0]).scaled(outward))
        @ RotationJet.about(Y, (inward + play[1]).scaled(outward))
    )
