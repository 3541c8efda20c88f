"""One sensor over one strapping: gyro bias removed, rates integrated, inclination corrected by gravity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Bool, Motion
from analysis.angle.orientation import bias
from analysis.angle.orientation.gravity import find_up, level_from_inertial
from analysis.angle.orientation.quaternion import Complex, Pair, matrices
from analysis.angle.orientation.strapdown import Strapdown, integrate
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float

# A bias correction below this is not worth another integration.
_BIAS_MATTERS_RAD_S = np.radians(0.2)


@dataclass(frozen=True, eq=False)  # without slots, because what follows from it is computed once
class Attitude:
    """One sensor and the direction of up.

    Attributes:
        strapdown: the integrated gyro, and forces in its frame.
        up: (3, m) in that frame, one for each block.
        drift_rad: (m,) heading drift by the bias that was estimated after the integration.
        bias_rad_s: (3,) of the gyro, at the end.
        bias_covariance: (k, 3, 3) of it, from the first moment to the end.
        lever_m: (3,) from the knee to the sensor; zero while unknown.
        force_weight: (m,) of the force in the smoothing of up.
    """

    strapdown: Strapdown
    up: Float
    drift_rad: Float
    bias_rad_s: Float
    bias_covariance: Float
    lever_m: Float
    force_weight: Float

    @cached_property
    def up_in_sensor(self) -> Float:
        """(3, m) up in sensor coordinates."""
        return self.strapdown.in_sensor(self.up)

    @cached_property
    def level_from_inertial(self) -> Pair:
        """m rotations into a level world that keeps the gyro's heading, less its known drift."""
        a, b = level_from_inertial(self.up)
        back = np.exp(-0.5j * self.drift_rad)
        return back * a, back * b

    @cached_property
    def level_matrices(self) -> Float:
        """(3, 3, m) the same rotations as matrices."""
        return matrices(self.level_from_inertial)

    def with_lever(self, lever_m: Float, blocks: Blocks, parameters: AngleParameters) -> Attitude:
        """The same, with up from the force at the knee instead of the force at the sensor."""
        force = self.strapdown.knee_force(lever_m)
        up = find_up(force, self.force_weight, blocks, parameters.gravity_tau_s)
        return replace(self, up=up, lever_m=lever_m)

    def seen_from_above(self) -> tuple[Complex, Complex]:
        """Horizontal parts as x + k y: the knee's force (m,), and rows (3, m) for vectors in the sensor."""
        plan = self.level_matrices[0] + 1j * self.level_matrices[1]
        force = np.einsum("jm,jm->m", plan, self.strapdown.knee_force(self.lever_m))
        return force, np.einsum("jm,jkm->km", plan, self.strapdown.rotation)


def find_attitude(
    motion: Motion, known: Bool, force_weight: Float, blocks: Blocks, parameters: AngleParameters
) -> Attitude:
    """Bias from rest and from motion, integration, and up from the sensor's own force.

    Args:
        motion: of the sensor.
        known: (n,) False in gaps.
        force_weight: (m,) of `rest.force_weights`.
        blocks: of the same grid.
        parameters: the constants.
    """
    rate_hz, tau_s, constants = blocks.rate_hz, parameters.gravity_tau_s, parameters.bias
    resting = bias.at_rest(motion, known, rate_hz, constants)
    duration_s = len(known) / rate_hz
    nodes, found, _ = bias.solve(resting, duration_s, constants)
    seconds = np.arange(len(known)) / rate_hz

    def integrated(values: Float) -> tuple[Strapdown, Float]:
        at = np.stack([np.interp(seconds, nodes, v) for v in values])
        strapdown = integrate(motion, at, blocks)
        return strapdown, find_up(strapdown.force, force_weight, blocks, tau_s)

    strapdown, up = integrated(found)
    drifting = bias.in_motion(strapdown.rotation, up, force_weight, blocks, tau_s, constants)
    drifting = drifting.shifted(nodes, found)
    _, better, covariance = bias.solve(resting.plus(drifting), duration_s, constants)
    left = better - found
    if np.abs(left).max() > _BIAS_MATTERS_RAD_S:
        strapdown, up = integrated(better)
        left = np.zeros_like(left)
    # Gravity corrects what is left of the bias, except about the vertical.
    at_blocks = np.stack([np.interp(blocks.middle / rate_hz, nodes, v) for v in left])
    rate = (strapdown.in_sensor(up) * at_blocks).sum(axis=0)
    drift_rad = np.cumsum(rate) * blocks.size / rate_hz
    return Attitude(strapdown, up, drift_rad, better[:, -1], covariance, np.zeros(3), force_weight)
