"""The acceleration of a lever, against its second derivative."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Motion
from analysis.angle.orientation.strapdown import integrate
from analysis.angle.parameters import DEFAULTS

RATE_HZ = 100.0


def test_lever_gain_is_the_acceleration_of_a_lever(tumbling: Callable) -> None:
    motion, up = tumbling(20.0)
    blocks = Blocks.of(np.ones(up.shape[1], dtype=bool), RATE_HZ, DEFAULTS.block_s)
    lever = np.array([0.1, -0.2, 0.05])
    still = integrate(motion, np.zeros((3, 1)), blocks)
    gyr = motion.gyr_rad_s
    turning = np.gradient(gyr, 1 / RATE_HZ, axis=1)
    moved = np.cross(gyr.T, np.cross(gyr.T, lever)) + np.cross(turning.T, lever)
    swinging = Motion(motion.acc_m_s2 + moved.T, gyr)
    felt = integrate(swinging, np.zeros((3, 1)), blocks)
    assert np.abs(felt.knee_force(lever) - still.force)[:, 2:-2].max() < 0.03
