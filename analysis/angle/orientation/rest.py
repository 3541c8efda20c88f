"""Where both sensors are at rest, so that the force is gravity alone and needs no smoothing.

The smoother of `gravity` reaches two seconds to both sides. Without weights it carries the accelerations of a
movement into the rest beside it, where the direction of gravity is known best.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Motion
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float


def force_weights(motions: Sequence[Motion], blocks: Blocks, parameters: AngleParameters) -> Float:
    """The weight (m,) of each block's force in the smoothing of gravity: 1 in motion, more at rest.

    Both sensors get the same weights. They share the force at the knee, and errors of it that are equal in
    both cancel in the angle.

    Args:
        motions: of the sensors.
        blocks: of their grid.
        parameters: the constants.
    """
    p = parameters
    unrest2 = np.zeros(blocks.count)
    for motion in motions:
        n = blocks.count * blocks.size
        rate2 = (motion.gyr_rad_s[:, :n] ** 2).sum(axis=0).reshape(blocks.count, blocks.size).mean(axis=1)
        force = np.pad(blocks.mean(motion.acc_m_s2), ((0, 0), (1, 1)), mode="edge")
        change2 = ((force[:, 2:] - force[:, :-2]) ** 2).sum(axis=0)
        unrest2 = np.maximum(unrest2, rate2 / p.rest_rate_rad_s**2 + change2 / p.rest_force_m_s2**2)
    around = np.pad(unrest2, 1, mode="edge")
    unrest2 = np.maximum(unrest2, np.maximum(around[2:], around[:-2]))
    return np.asarray(np.clip(1.0 / np.maximum(unrest2, 1e-9), 1.0, p.rest_weight))
