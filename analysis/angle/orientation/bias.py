"""The bias of one gyro, from moments of rest and from the apparent drift of gravity in motion.

At rest the gyro measures only its bias. In motion, up drifts in the gyro's frame by
d up/dt = (R b) x up (Laidig and Seel 2023, section 3.4), which is linear in b. Both kinds of equations
go into one least-squares problem for a bias that follows a slow random walk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Bool, Motion
from analysis.angle.orientation.gravity import smooth
from analysis.angle.parameters import BiasParameters
from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.samples import Float

_PASSES = 6


@dataclass(frozen=True, eq=False, slots=True)
class Equations:
    """Rows a.b = y of an unknown bias at some times: time (k,), a (k, 3), y (k,), sigma (k,)."""

    time_s: Float
    row: Float
    value: Float
    sd: Float

    def shifted(self, nodes: Float, bias_rad_s: Float) -> Equations:
        """The same equations for the whole bias, if `bias_rad_s` (3, k) had been subtracted before."""
        previous = np.stack([np.interp(self.time_s, nodes, v) for v in bias_rad_s], axis=1)
        return replace(self, value=self.value + (self.row * previous).sum(axis=1))

    def plus(self, other: Equations) -> Equations:
        """Both sets of rows in one."""
        return Equations(
            np.concatenate((self.time_s, other.time_s)),
            np.concatenate((self.row, other.row)),
            np.concatenate((self.value, other.value)),
            np.concatenate((self.sd, other.sd)),
        )


def stride(rate_hz: float, p: BiasParameters) -> int:
    """Samples from one window of rest to the next; four times this many make a window."""
    return max(2, round(p.rest_s / 4 * rate_hz))


def at_rest(motion: Motion, known: Bool, rate_hz: float, p: BiasParameters) -> Equations:
    """One equation for every window of rest: steady in rate and force, slow, and not tilting.

    A limb that is held in the air instead of put down is less steady; its windows get a larger sigma.
    """
    size = stride(rate_hz, p)
    count = motion.gyr_rad_s.shape[1] // size
    if count < 4:
        return Equations(np.empty(0), np.empty((0, 3)), np.empty(0), np.empty(0))

    def blocks(values: Float) -> Float:
        return values[:, : count * size].reshape(3, count, size)

    gyr, acc = blocks(motion.gyr_rad_s), blocks(motion.acc_m_s2)
    whole = np.logical_and.reduce(known[: count * size].reshape(count, size), axis=1)
    ripple = [
        gyr.std(axis=2).max(axis=0) / p.rest_ripple_rad_s,
        acc.std(axis=2).max(axis=0) / p.rest_force_m_s2,
    ]
    rate, force = gyr.mean(axis=2), acc.mean(axis=2)
    first = np.arange(0, count - 3)
    window = first[:, None] + np.arange(4)
    spread = np.ptp(rate[:, window], axis=2).max(axis=0)
    mean = rate[:, window].mean(axis=2)
    tilt = np.linalg.norm(force[:, first + 3] - force[:, first], axis=0) / GRAVITY_M_S2
    shaking = [np.take(r, window).max(axis=1) for r in ripple]
    unrest = np.max([*shaking, spread / (p.rest_ripple_rad_s / 2), tilt / (p.rest_tilt_rad * 0.75)], axis=0)
    slow = whole[window].all(axis=1) & (np.abs(mean).max(axis=0) < p.rest_largest_rad_s)
    slow &= tilt < 2 * p.held_sd_rad_s * 0.75 * p.rest_s
    picked = np.flatnonzero(slow & (unrest < p.held_factor))
    sd = np.array([p.held_sd_rad_s, p.rest_sd_rad_s])[(unrest[picked] < 1.0).astype(int)]
    # Windows overlap four times; their weight is spread over all of them.
    return Equations(
        np.repeat((picked + 2) * size / rate_hz, 3),
        np.tile(np.eye(3), (len(picked), 1)),
        mean[:, picked].T.reshape(-1),
        2 * np.repeat(sd, 3),
    )


def in_motion(
    rotation: Float, up: Float, weight: Float, blocks: Blocks, tau_s: float, p: BiasParameters
) -> Equations:
    """Equations from the drift of up over steps of one second.

    Smoothing removed the quick part of that drift, so the drift that a bias would cause is smoothed in the
    same way before the two are compared.

    Args:
        rotation: (3, 3, m) inertial from sensor, one for each block.
        up: (3, m) in the inertial frame.
        weight: (m,) with which up was smoothed.
        blocks: the blocks.
        tau_s: time constant with which up was smoothed.
        p: the constants.
    """
    spacing = blocks.spacing_s
    total = np.cumsum(_cross_columns(rotation, up), axis=2) * spacing
    total = smooth(total.reshape(9, -1), weight, blocks, tau_s).reshape(3, 3, -1)
    stride = max(1, round(p.drift_step_s / spacing))
    ends = np.arange(0, blocks.count, stride)
    if len(ends) < 3:
        return Equations(np.empty(0), np.empty((0, 3)), np.empty(0), np.empty(0))
    row = (total[:, :, ends[1:]] - total[:, :, ends[:-1]]).transpose(2, 0, 1)
    value = (up[:, ends[1:]] - up[:, ends[:-1]]).T
    broken = np.concatenate(([0], np.cumsum(blocks.cut)))
    keep = broken[ends[1:] + 1] == broken[ends[:-1]]
    row, value = row[keep].reshape(-1, 3), value[keep].reshape(-1)
    time_s = np.repeat(((ends[1:] + ends[:-1]) / 2 * spacing)[keep], 3)
    return Equations(time_s, row, value, np.full(len(value), np.nan))


def _cross_columns(rotation: Float, up: Float) -> Float:
    """The columns of R, each crossed with up: (R b) x up as a matrix (3, 3, m) on b."""
    x, y, z = up
    first, second, third = rotation
    return np.stack((second * z - third * y, third * x - first * z, first * y - second * x))


def solve(equations: Equations, duration_s: float, p: BiasParameters) -> tuple[Float, Float, Float]:
    """The bias at nodes in time, robustly.

    Returns:
        Node times (k,), biases (3, k) in rad/s, and the covariance (k, 3, 3) of each.
    """
    count = max(2, round(duration_s / p.node_s) + 1)
    nodes = np.linspace(0.0, duration_s, count)
    order = np.argsort(equations.time_s, kind="stable")
    value, rough = equations.value[order], np.isnan(equations.sd[order])
    sd = np.where(rough, 1.0, equations.sd[order])
    position = np.clip(equations.time_s[order] / max(duration_s, 1e-9) * (count - 1), 0.0, count - 1.0)
    left = np.minimum(position.astype(np.int64), count - 2)
    after = (position - left)[:, None]
    design = np.concatenate((equations.row[order] * (1 - after), equations.row[order] * after), axis=1)
    edges = np.searchsorted(left, np.arange(count))
    weights = np.ones(len(value))
    prior = _prior(count, p)
    bias, normal = np.zeros(3 * count), prior
    for _ in range(_PASSES if len(value) else 0):
        normal, target = prior.copy(), np.zeros(3 * count)
        weighted = design * (weights / sd**2)[:, None]
        for k, (a, b) in enumerate(pairwise(edges)):
            part = slice(3 * k, 3 * k + 6)
            normal[part, part] += weighted[a:b].T @ design[a:b]
            target[part] += weighted[a:b].T @ value[a:b]
        bias = np.asarray(np.linalg.solve(normal, target), dtype=np.float64)
        windows = bias[3 * left[:, None] + np.arange(6)]
        innovation = np.abs(value - np.einsum("ij,ij->i", design, windows))
        if rough.any():
            # The error of a step of up is only known from the residuals; at least 0.01 deg is assumed.
            sd[rough] = max(p.correlation * 1.48 * float(np.median(innovation[rough])), 2e-4)
        weights = 1 / np.maximum(1.0, innovation / (2 * sd))
    covariance = np.linalg.inv(normal).reshape(count, 3, count, 3)
    each = np.arange(count)
    return nodes, bias.reshape(count, 3).T, np.asarray(covariance[each, :, each], dtype=np.float64)


def _prior(count: int, p: BiasParameters) -> Float:
    """Information of a random walk that starts near zero, (3 count, 3 count)."""
    chain = np.zeros((count, count))
    chain[0, 0] = p.start_sd_rad_s**-2
    for k in range(1, count):
        chain[k - 1 : k + 1, k - 1 : k + 1] += np.array([[1.0, -1.0], [-1.0, 1.0]]) * p.walk_sd_rad_s**-2
    return np.asarray(np.kron(chain, np.eye(3)), dtype=np.float64)
