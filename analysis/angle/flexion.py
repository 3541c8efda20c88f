"""From two attitudes, the axes and a heading to the angle about the hinge.

With q_i the rotation from the hinge frame of sensor i (z along the axis) to a level world, as the pair
(a_i, b_i), the hinge's level direction is -2 k a_i b_i and the twist of the relative rotation about the
hinge is 2 arg(conj(a1) a2 exp(k d / 2) + b1 conj(b2) exp(-k d / 2)), d the heading between the worlds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.knee.hinge import tangents
from analysis.angle.orientation.quaternion import Complex, Pair, from_matrix, multiply, take
from firmware_bridge.samples import Float


@dataclass(frozen=True, eq=False, slots=True)
class Hinged:
    """One sensor's hinge: n rotations to a level world from a frame with z along the axis."""

    level_from_hinge: Pair

    @classmethod
    def of(cls, inertial_from_sensor: Pair, level_from_inertial: Pair, axis: Float, blocks: Blocks) -> Hinged:
        """Chains block-wise levelling, sample-wise strapdown and the axis."""
        sensor_from_hinge = np.stack((*tangents(axis), axis), axis=1)
        hinge = multiply(inertial_from_sensor, from_matrix(sensor_from_hinge))
        return cls(multiply(take(level_from_inertial, blocks.of_sample), hinge))

    @property
    def direction(self) -> Complex:
        """(n,) the hinge seen from above as x + k y; its length is the level part of the axis."""
        a, b = self.level_from_hinge
        return np.asarray(-2j * a * b)

    @property
    def inclination(self) -> Float:
        """(n,) how much the hinge points up, -1 to 1."""
        a, b = self.level_from_hinge
        return np.asarray(np.abs(a) ** 2 - np.abs(b) ** 2)


def hinge_angle_rad(thigh: Hinged, shank: Hinged, heading_rad: Float) -> Float:
    """The angle (n,) of the shank about the hinge, seen from the thigh, from no particular zero."""
    (a1, b1), (a2, b2) = thigh.level_from_hinge, shank.level_from_hinge
    half = np.exp(0.5j * heading_rad)
    return np.asarray(2 * np.angle(a1.conj() * a2 * half + b1 * (b2 * half).conj()))


def inclination_rad(up: Float, axis: Float) -> Float:
    """The angle (n,) of up (3, n) about an axis, from no particular zero."""
    x, y = tangents(axis) @ up
    return np.asarray(np.arctan2(y, x))


def near(angle_deg: Float, middle_deg: float) -> Float:
    """The same angles in [middle - 180, middle + 180)."""
    return (angle_deg - middle_deg + 180.0) % 360.0 - 180.0 + middle_deg


def circular_middle_deg(angle_deg: Float) -> float:
    """The middle of a movement known up to whole turns."""
    return float(np.degrees(np.angle(np.exp(1j * np.radians(angle_deg)).mean())))


def axis_sensitivity(up: Float, axis: Float) -> Float:
    """(2, n): radians of inclination per radian that the axis is off along each of its tangents."""
    x, y = tangents(axis) @ up
    level2 = np.maximum(x * x + y * y, 1e-2)
    slope = (axis @ up) / level2
    return np.stack((slope * y, -slope * x))
