"""The hinge in the level world of each sensor: its direction from above and its inclination.

With q the rotation from the hinge frame (z along the axis) to a level world, as the pair (a, b), the level
part of the hinge's direction is -2 k a b and the sine of its inclination |a|^2 - |b|^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.angle.blocks import Blocks
from analysis.angle.knee.hinge import tangents
from analysis.angle.orientation.attitude import Attitude
from analysis.angle.orientation.quaternion import Complex, Pair, from_matrix, multiply, pieces, take
from firmware_bridge.samples import Float


@dataclass(frozen=True, eq=False, slots=True)
class HingeView:
    """One sensor's hinge: n rotations to a level world from a frame with z along the axis."""

    level_from_hinge: Pair

    @classmethod
    def of(cls, sensor: Attitude, axis: Float, blocks: Blocks) -> HingeView:
        """Chains the correction by gravity (of each block), the integrated gyro, and the axis."""
        sensor_from_hinge = np.stack((*tangents(axis), axis), axis=1)
        inertial_from_sensor, fixed = sensor.strapdown.inertial_from_sensor, from_matrix(sensor_from_hinge)
        n = len(blocks.of_sample)
        a, b = np.empty(n, np.complex128), np.empty(n, np.complex128)
        for rows in pieces(n):
            hinge = multiply(take(inertial_from_sensor, rows), fixed)
            level = take(sensor.level_from_inertial, blocks.of_sample[rows])
            a[rows], b[rows] = multiply(level, hinge)
        return cls((a, b))

    def at(self, rows: NDArray[np.int64]) -> HingeView:
        """The same at some of the samples."""
        return HingeView(take(self.level_from_hinge, rows))

    @property
    def direction(self) -> Complex:
        """(n,) the hinge seen from above as x + k y; its length is the level part of the axis."""
        a, b = self.level_from_hinge
        return np.asarray(-2j * a * b)

    @property
    def inclination(self) -> Float:
        """(n,) sine of the hinge's inclination above the horizontal, -1 to 1."""
        a, b = self.level_from_hinge
        return np.asarray(np.abs(a) ** 2 - np.abs(b) ** 2)
