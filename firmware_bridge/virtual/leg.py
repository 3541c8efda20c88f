"""The simulated leg: from a script to the exact motion of thigh and shank.

Frames: the world is x = where the standing person faces (or where the head of the lying person is),
y = left, z = up. Segments are ISB: x anterior, y proximal, z to the person's right (Wu et al. 2002), so
flexion is minus the rotation of the shank about z, on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from scipy.spatial.transform import Rotation

from firmware_bridge.samples import Float, Side
from firmware_bridge.virtual.jets import Jet, PointJet, RotationJet
from firmware_bridge.virtual.script import Posture, Script
from firmware_bridge.virtual.signals import Course, Move, Wander

X, Y, Z = np.eye(3)


@dataclass(frozen=True, slots=True)
class Knee:
    """How far the knee is from a perfect hinge.

    The off-axis angles are functions of flexion whose linear part over 0 to 90 deg is taken out: a linear
    part would only tilt the mean axis, and the mean axis is by definition z. Flexion is the rotation about
    it (the twist in a swing-twist decomposition of `thigh_from_shank`).

    Attributes:
        abduction_deg: amplitude of ab/adduction coupled to flexion.
        screw_home_deg: outward turn of the shank over the last 25 deg of extension.
        wander_deg: RMS of a slow random off-axis rotation.
    """

    abduction_deg: float = 0.0
    screw_home_deg: float = 0.0
    wander_deg: float = 0.0


HUMAN_KNEE = Knee(abduction_deg=1.5, screw_home_deg=4.0, wander_deg=0.3)


@dataclass(frozen=True, slots=True)
class Body:
    """Sizes and the knee of one leg. The hip joint is the fixed point, but for a sway of a few mm."""

    thigh_length_m: float = 0.42
    knee: Knee = field(default_factory=Knee)
    hip_sway_m: float = 0.002


@dataclass(frozen=True, eq=False, slots=True)
class SegmentMotion:
    """One segment over time. `origin` is its proximal joint centre: hip for the thigh, knee for the shank."""

    world_from_segment: RotationJet
    origin: PointJet


@dataclass(frozen=True, eq=False, slots=True)
class LegMotion:
    """The whole leg at n instants.

    Attributes:
        flexion_rad: the true flexion.
    """

    thigh: SegmentMotion
    shank: SegmentMotion
    thigh_from_shank: RotationJet
    flexion_rad: Jet


@dataclass(frozen=True, eq=False, slots=True)
class Stirring:
    """What moves the soft tissue, at n instants.

    Attributes:
        flexion_rad: as scripted, without sway and tremor, which move no soft tissue.
        shake_rad_s2: its angular acceleration, as a jet of its own.
        effort: muscle effort, 0 to 1.
    """

    flexion_rad: Jet
    shake_rad_s2: Jet
    effort: Jet


class Leg:
    """The motion of a script; `motion` is exact at any instants, in any order."""

    def __init__(self, script: Script, body: Body | None = None) -> None:
        self.script = script
        self._body = body or Body()
        self._lateral = lateral(script.side)
        rng = np.random.default_rng([script.seed, 1])
        # One draw per quantity, in this order, whatever its size: changing one never changes another.
        self._knee_sway = Wander.random(rng, script.sway_deg, (0.05, 0.4))
        self._tremor = Wander.random(rng, script.tremor_deg, (6.0, 11.0))
        self._sways = [Wander.random(rng, script.sway_deg) for _ in range(3)]
        self._tilts = [Wander.random(rng, script.tilt_deg, (0.1, 0.5)) for _ in range(3)]
        self._hip_sways = [Wander.random(rng, self._body.hip_sway_m, (0.1, 0.4)) for _ in range(3)]
        self._off_axis = [Wander.random(rng, self._body.knee.wander_deg, (0.05, 0.5)) for _ in range(2)]

    def flexion_deg(self, time_s: Float) -> Float:
        """The true flexion at any instants, (n,)."""
        flexion: Float = np.rad2deg(self._flexion(time_s).value)
        return flexion

    def motion(self, time_s: Float) -> LegMotion:
        """The motion at the instants `time_s` (n,)."""
        thigh, flexion = self.thigh(time_s), self._flexion(time_s)
        thigh_from_shank = self._thigh_from_shank(time_s, flexion)
        knee = thigh.origin.offset(thigh.world_from_segment, -self._body.thigh_length_m * Y)
        return LegMotion(
            thigh=thigh,
            shank=SegmentMotion(thigh.world_from_segment @ thigh_from_shank, knee),
            thigh_from_shank=thigh_from_shank,
            flexion_rad=flexion,
        )

    def thigh(self, time_s: Float) -> SegmentMotion:
        """The motion of the thigh alone, which does not depend on the knee."""
        hip = PointJet.from_axes(*(sway.at(time_s) for sway in self._hip_sways))
        return SegmentMotion(self._world_from_thigh(time_s), self._mirrored_in_world(hip))

    def stirring(self, time_s: Float) -> Stirring:
        """What moves the soft tissue at the instants `time_s` (n,)."""
        derivatives_rad = [np.deg2rad(d) for d in self.script.flexion_deg.derivatives(time_s, 4)]
        return Stirring(Jet(*derivatives_rad[:3]), Jet(*derivatives_rad[2:]), self.script.effort.at(time_s))

    def _flexion(self, time_s: Float) -> Jet:
        tension = self.script.effort.at(time_s) + Jet.constant(0.2)
        tremor = tension.scaled(1.0 / 1.2) * self._tremor.at(time_s)
        return _radians(self.script.flexion_deg.at(time_s) + self._knee_sway.at(time_s) + tremor)

    def _thigh_from_shank(self, time_s: Float, flexion: Jet) -> RotationJet:
        knee = self._body.knee
        abduction = _abduction(flexion, np.deg2rad(knee.abduction_deg))
        turn = _screw_home(flexion, np.deg2rad(knee.screw_home_deg))
        abduction += _radians(self._off_axis[0].at(time_s))
        turn += _radians(self._off_axis[1].at(time_s))
        # This palindrome of x and y rotations has no z part: all of the twist about z is flexion.
        half = RotationJet.about(X, abduction.scaled(0.5 * self._lateral))
        swing = half @ RotationJet.about(Y, turn.scaled(self._lateral)) @ half
        return RotationJet.about(Z, -flexion) @ swing

    def _world_from_thigh(self, time_s: Float) -> RotationJet:
        restlessness = self.script.restlessness.at(time_s)
        roll, axial, yaw = (
            _radians(sway.at(time_s) + restlessness * tilt.at(time_s)).scaled(self._lateral)
            for sway, tilt in zip(self._sways, self._tilts, strict=True)
        )
        hip = _radians(self.script.hip_deg.at(time_s))
        return (
            RotationJet.about(Z, yaw)
            @ self._posture(time_s)
            @ RotationJet.about(Z, hip)
            @ RotationJet.about(X, roll)
            @ RotationJet.about(Y, axial)
        )

    def _posture(self, time_s: Float) -> RotationJet:
        current = world_from_posture(self.script.posture, self.script.side)
        result = RotationJet.constant(current.as_matrix())
        for turn in self.script.turns:
            target = world_from_posture(turn.posture, self.script.side)
            between = (current.inv() * target).as_rotvec()
            angle = float(np.linalg.norm(between))
            if angle > 0.0:
                share = Course(0.0, (Move(turn.start_s, turn.stop_s, 1.0),)).at(time_s)
                result = result @ RotationJet.about(between / angle, share.scaled(angle))
            current = target
        return result

    def _mirrored_in_world(self, point: PointJet) -> PointJet:
        across = np.array([1.0, self._lateral, 1.0])
        return PointJet(point.position * across, point.velocity * across, point.acceleration * across)


def lateral(side: Side) -> float:
    """+1 for the right leg, -1 for the left: the factor of everything that points outward."""
    return 1.0 if side is Side.RIGHT else -1.0


def world_from_posture(posture: Posture, side: Side) -> Rotation:
    """Orientation of the thigh in a posture, before hip flexion, as `world_from_thigh`.

    Side-lying is on the other side, so that the measured leg is on top and the hinge is vertical.
    """
    up, down, ahead, left, right = Z, -Z, X, Y, -Y
    outward_up = up if side is Side.RIGHT else down
    axes = {
        "standing": (ahead, up, right),
        "supine": (up, ahead, left),
        "seated": (up, -ahead, right),
        "prone": (down, ahead, right),
        "side_lying": (np.cross(ahead, outward_up), ahead, outward_up),
        "ake": (ahead, down, left),
    }[posture]
    return Rotation.from_matrix(np.stack(axes, axis=-1))


def _radians(degrees: Jet) -> Jet:
    return degrees.scaled(np.pi / 180.0)


def _abduction(flexion: Jet, amplitude: float) -> Jet:
    """One full wave over 0 to 90 deg of flexion, less its least-squares line."""
    wave = 2.0 * np.pi / (np.pi / 2.0)
    x = flexion.value
    slope = -6.0 / (np.pi * np.pi / 2.0)
    return flexion.through(
        amplitude * (np.sin(wave * x) - slope * (x - np.pi / 4.0)),
        amplitude * (wave * np.cos(wave * x) - slope),
        -amplitude * wave**2 * np.sin(wave * x),
    )


_SCREW_HOME_RAD = np.deg2rad(25.0)


@cache
def _screw_home_line() -> tuple[float, float]:
    """Slope and level of the least-squares line of the screw-home turn over 0 to 90 deg."""
    grid = np.linspace(0.0, np.pi / 2.0, 181)
    slope, level = np.polyfit(grid, np.exp(-((grid / _SCREW_HOME_RAD) ** 2)), 1)
    return slope, level


def _screw_home(flexion: Jet, amplitude: float) -> Jet:
    """An outward turn that fades with flexion (exp(-(x/25 deg)^2)), less its least-squares line."""
    width, x = _SCREW_HOME_RAD, flexion.value
    slope, level = _screw_home_line()
    bell = np.exp(-((x / width) ** 2))
    # Outward (external) rotation of the right shank is negative about y in ISB axes.
    return flexion.through(
        -amplitude * (bell - slope * x - level),
        -amplitude * (-2.0 * x / width**2 * bell - slope),
        -amplitude * ((4.0 * x**2 / width**4 - 2.0 / width**2) * bell),
    )
