"""Where the knee lies, seen from each sensor: the evidence that tells flexion from extension.

Both sensors carry the same point, the knee centre, so their specific forces moved there agree:
W1 (a1 - K(w1) r1) = W2 (a2 - K(w2) r2), with K(w) r = w x (w x r) + w' x r (Seel et al. 2012) and W the
rotation into a frame with z up and x along the hinge. That is linear in the levers r (from the knee to
the sensor). The thigh's lever points up the thigh, the shank's down the shank: the direction in which
the knee bends, whether the axes are paired rightly, and whether the sensors were swapped, all follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.angle.hinge import tangents
from firmware_bridge.samples import Float

_PASSES = 8
# Levers of a knee are a few decimetres; this keeps what the movement does not show near zero.
_LEVER_PRIOR_M = 0.3


@dataclass(frozen=True, eq=False, slots=True)
class KneeCentre:
    """Levers from the knee centre to the sensors.

    Attributes:
        thigh_m, shank_m: (3,) in sensor coordinates.
        sd_m: one sigma of the least certain in-plane component.
        residual_m_s2: robust standard deviation of the disagreement left.
    """

    thigh_m: Float
    shank_m: Float
    sd_m: float
    residual_m_s2: float


def hinge_frame(up: Float, axis: Float) -> Float:
    """Rotations (3, 3, m) from the sensor to a frame with z up and x along the level part of the axis."""
    level = axis[:, None] - up * (axis @ up)
    level /= np.maximum(np.linalg.norm(level, axis=0), 1e-6)
    side = np.stack(
        (
            up[1] * level[2] - up[2] * level[1],
            up[2] * level[0] - up[0] * level[2],
            up[0] * level[1] - up[1] * level[0],
        )
    )
    return np.stack((level, side, up))


def lever_gain(gyr: Float, turning: Float) -> Float:
    """K (3, 3, m) of K r = w x (w x r) + w' x r, from rates and their derivatives (3, m)."""
    gain = gyr[:, None] * gyr[None, :]
    gain[[0, 1, 2], [0, 1, 2]] -= (gyr**2).sum(axis=0)
    for (i, j, k), sign in (((0, 1, 2), -1), ((1, 2, 0), -1), ((2, 0, 1), -1)):
        gain[i, j] += sign * turning[k]
        gain[j, i] -= sign * turning[k]
    return gain


@dataclass(frozen=True, eq=False, slots=True)
class LeverData:
    """Smoothed motion of one sensor at m instants: acc, gyr, its derivative and up, each (3, m)."""

    acc: Float
    gyr: Float
    turning: Float
    up: Float


def find_knee_centre(thigh: LeverData, shank: LeverData, axes: tuple[Float, Float]) -> KneeCentre:
    """Robust least squares for both levers, given the hinge axes."""
    columns, force = [], np.zeros_like(thigh.acc)
    for sign, data, axis in ((1, thigh, axes[0]), (-1, shank, axes[1])):
        frame = hinge_frame(data.up, axis)
        columns.append(sign * np.einsum("ijm,jkm->mik", frame, lever_gain(data.gyr, data.turning)))
        force += sign * np.einsum("ijm,jm->im", frame, data.acc)
    matrix = np.concatenate(columns, axis=2).reshape(-1, 6)
    target = force.T.reshape(-1)
    weights = np.ones_like(target)
    scale = 1.48 * float(np.median(np.abs(target)))
    for _ in range(_PASSES):
        weighted = matrix * weights[:, None]
        normal = weighted.T @ matrix + np.eye(6) * (scale / _LEVER_PRIOR_M) ** 2
        levers = np.linalg.solve(normal, weighted.T @ target)
        left = np.abs(target - matrix @ levers)
        scale = max(1.48 * float(np.median(left)), 1e-3)
        weights = 1 / np.maximum(1.0, left / (1.5 * scale))
    covariance = np.linalg.inv(normal) * scale**2
    planes = [tangents(axis) for axis in axes]
    sd = max(
        float(np.sqrt((plane @ covariance[s, s] @ plane.T).diagonal().max()))
        for plane, s in zip(planes, (slice(0, 3), slice(3, 6)), strict=True)
    )
    return KneeCentre(levers[:3], levers[3:], sd, scale)
