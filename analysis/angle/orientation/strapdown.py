"""Strapdown integration of one gyro, and the forces of that sensor in the frame it keeps.

The force at the knee centre needs the lever from the knee to the sensor. In the inertial frame the lever's
acceleration is the second derivative of R r, so its mean over a block is the difference of R (w x r)
between the block's ends. That is exact and differentiates no measured rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Motion
from analysis.angle.orientation.quaternion import (
    Pair,
    from_rotation_vectors,
    matrices,
    rotate,
    running_product,
    take,
)
from firmware_bridge.samples import Float


@dataclass(frozen=True, eq=False, slots=True)
class Strapdown:
    """Strapdown integration of one sensor, from the identity.

    Attributes:
        inertial_from_sensor: n quaternions.
        rotation: (3, 3, m) the same at the middle of each block.
        force: (3, m) mean specific force of each block, in the inertial frame, m/s^2.
        lever_gain: (3, 3, m) mean acceleration of a lever fixed in the sensor, 1/s^2.
        gyr: (3, m) mean angular rate of each block in sensor coordinates, rad/s.
    """

    inertial_from_sensor: Pair
    rotation: Float
    force: Float
    lever_gain: Float
    gyr: Float

    def in_sensor(self, vectors: Float) -> Float:
        """Vectors (3, m) of the inertial frame in sensor coordinates."""
        x, y, z = vectors
        r = self.rotation
        return np.asarray(r[0] * x + r[1] * y + r[2] * z)

    def knee_force(self, lever_m: Float) -> Float:
        """(3, m) specific force at the knee, for a lever from the knee to the sensor (3,)."""
        gain = self.lever_gain
        return np.asarray(
            self.force - (gain[:, 0] * lever_m[0] + gain[:, 1] * lever_m[1] + gain[:, 2] * lever_m[2])
        )


def integrate(motion: Motion, bias_rad_s: Float, blocks: Blocks) -> Strapdown:
    """Integrates the angular rate of one sensor (trapezoidal rule).

    Args:
        motion: of the sensor.
        bias_rad_s: (3, 1) or (3, n) to subtract from the gyro.
        blocks: of the same grid.
    """
    gyr = motion.gyr_rad_s - bias_rad_s
    steps = np.zeros_like(gyr)
    np.add(gyr[:, 1:], gyr[:, :-1], out=steps[:, 1:])
    steps *= 0.5 / blocks.rate_hz
    turn = running_product(from_rotation_vectors(steps))
    lever_gain = _lever_gain(turn, gyr, blocks)
    rotation, force = matrices(take(turn, blocks.middle)), rotate(turn, motion.acc_m_s2)
    return Strapdown(turn, rotation, blocks.mean(force), lever_gain, blocks.mean(gyr))


def _lever_gain(turn: Pair, gyr: Float, blocks: Blocks) -> Float:
    last = blocks.count * blocks.size
    right = np.minimum(np.arange(blocks.count + 1) * blocks.size, len(turn[0]) - 1)
    left = np.maximum(np.arange(blocks.count + 1) * blocks.size - 1, 0)
    right[-1] = min(last, len(turn[0]) - 1)
    edge = (_rate_product(turn, gyr, left) + _rate_product(turn, gyr, right)) / 2
    return (edge[:, :, 1:] - edge[:, :, :-1]) * (blocks.rate_hz / blocks.size)


def _rate_product(turn: Pair, gyr: Float, rows: np.ndarray) -> Float:
    """R [w x] (3, 3, k) at some samples."""
    rotation = matrices(take(turn, rows))
    x, y, z = gyr[:, rows]
    first, second, third = rotation[:, 0], rotation[:, 1], rotation[:, 2]
    return np.stack((second * z - third * y, third * x - first * z, first * y - second * x), axis=1)
