"""Where up is, seen from each sensor, without a magnetometer.

The acceleration is turned into the almost-inertial frame that the gyro keeps, smoothed there, and turned
back (Laidig and Seel 2023, VQF). The smoother is the Whittaker-Henderson one: minimise
sum w (a - f)^2 + l sum (second difference of f)^2, whose gain 1 / (1 + (w / wc)^4) is that of VQF's
second-order Butterworth filter run forward and backward, but which has no transient at the ends and
simply skips gaps. It works on block means (knots), because gravity is slow in that frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.angle.grid import Bool, Motion
from analysis.angle.parameters import AngleParameters
from analysis.angle.quaternion import Pair, from_rotation_vectors, rotate, running_product
from firmware_bridge.samples import Float

# Ties a knot inside a gap to its neighbours, so that the equations stay regular; far below any data.
_LOOSE = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Upright:
    """One sensor's attitude towards gravity.

    Attributes:
        up: (3, n) unit vector pointing up, in sensor coordinates.
        inertial_from_sensor: n quaternions of the strapdown integration alone.
        knot_up: (3, m) up in the strapdown frame, at the knots.
    """

    up: Float
    inertial_from_sensor: Pair
    knot_up: Float


@dataclass(frozen=True, eq=False, slots=True)
class Knots:
    """Blocks of `size` samples; `cut` marks blocks that hold samples nobody measured."""

    size: int
    count: int
    cut: Bool

    @classmethod
    def of(cls, known: Bool, rate_hz: float, parameters: AngleParameters) -> Knots:
        """The blocks of a grid; a rest of less than one block belongs to the last one."""
        size = max(1, round(parameters.knot_s * rate_hz))
        count = max(1, len(known) // size)
        return cls(size, count, ~np.logical_and.reduceat(known, np.arange(count) * size))

    def mean(self, values: Float) -> Float:
        """Block means of (k, n) values, (k, count)."""
        blocks = values[:, : self.count * self.size].reshape(len(values), self.count, self.size)
        return np.asarray(blocks.mean(axis=2))

    def spread(self, values: Float, n: int) -> Float:
        """Knot values (k, count) on the n samples: straight lines, never across a cut block."""
        position = (np.arange(n) - (self.size - 1) / 2) / self.size
        left = np.clip(np.floor(position).astype(int), 0, max(self.count - 2, 0))
        right = np.minimum(left + 1, self.count - 1)
        share = np.clip(position - left, 0.0, 1.0)
        share[self.cut[left]] = 1.0
        share[self.cut[right] & ~self.cut[left]] = 0.0
        return np.asarray(values[:, left] * (1.0 - share) + values[:, right] * share)


def strapdown(gyr_rad_s: Float, rate_hz: float) -> Pair:
    """Integrates angular rates (3, n), trapezoidal, from the identity."""
    steps = np.zeros_like(gyr_rad_s)
    steps[:, 1:] = (gyr_rad_s[:, 1:] + gyr_rad_s[:, :-1]) * (0.5 / rate_hz)
    return running_product(from_rotation_vectors(steps))


def smooth(values: Float, weights: Float, stiffness: Float) -> Float:
    """Whittaker-Henderson smoothing of (k, m) values.

    Args:
        values: (k, m).
        weights: (m,) of the values.
        stiffness: (m - 2,) of the second difference around knots 1 .. m - 2.
    """
    from scipy.linalg import solveh_banded

    m = values.shape[1]
    band = np.zeros((3, m))
    band[2] = weights
    if m >= 3:
        band[2, :-2] += stiffness
        band[2, 1:-1] += 4 * stiffness
        band[2, 2:] += stiffness
        band[1, 1:-1] -= 2 * stiffness
        band[1, 2:] -= 2 * stiffness
        band[0, 2:] += stiffness
    return np.asarray(solveh_banded(band, (values * weights).T).T)


def upright(motion: Motion, known: Bool, rate_hz: float, parameters: AngleParameters) -> Upright:
    """Estimates up over a whole recording, every sample from all samples around it."""
    knots = Knots.of(known, rate_hz, parameters)
    turn = strapdown(motion.gyr_rad_s, rate_hz)
    acc = knots.mean(rotate(turn, motion.acc_m_s2))
    cutoff_rad = np.sqrt(2.0) / parameters.gravity_tau_s * knots.size / rate_hz
    stiffness = np.full(max(knots.count - 2, 0), cutoff_rad**-4.0)
    stiffness[knots.cut[:-2] | knots.cut[1:-1] | knots.cut[2:]] = _LOOSE
    knot_up = smooth(acc, np.where(knots.cut, _LOOSE, 1.0), stiffness)
    knot_up /= np.linalg.norm(knot_up, axis=0)
    up = rotate(turn, knots.spread(knot_up, len(known)), inverse=True)
    return Upright(up / np.linalg.norm(up, axis=0), turn, knot_up)
