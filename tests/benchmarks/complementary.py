"""The plain way: a complementary filter for each sensor, and one inclination less the other.

The inclination of a sensor about the hinge is the integrated rate about it, pulled toward the direction of
the measured force with a time constant of half a second. The hinge counts as level, every force as gravity.
"""

from __future__ import annotations

import math

import numpy as np
from peers import Estimate, frame, robust_axes

from firmware_bridge.samples import Float, ImuSamples

_TIME_CONSTANT_S = 0.5


def complementary(thigh: ImuSamples, shank: ImuSamples, rate_hz: float) -> Estimate:
    """The knee angle in degrees (n,), and the axes of thigh and shank (3,)."""
    axes = robust_axes(thigh, shank)
    one, two = (inclination_rad(s, axis, rate_hz) for s, axis in zip((thigh, shank), axes, strict=True))
    return np.degrees(two - one), *axes


def inclination_rad(samples: ImuSamples, axis: Float, rate_hz: float) -> Float:
    """The rotation (n,) of a sensor about an axis (3,) in its own frame, against the measured force."""
    across = samples.acc_m_s2 @ frame(axis)
    measured = -np.arctan2(across[:, 1], across[:, 0])
    turns = samples.gyr_rad_s @ axis / rate_hz
    weight = 1.0 / (_TIME_CONSTANT_S * rate_hz + 1.0)
    angle, angles = float(measured[0]), np.empty(len(samples))
    for row, (turn, direction) in enumerate(zip(turns.tolist(), measured.tolist(), strict=True)):
        predicted = angle + turn
        angle = predicted + weight * math.remainder(direction - predicted, math.tau)
        angles[row] = angle
    return angles
