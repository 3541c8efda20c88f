"""Carried along by each gyro, the two sensors' forces at the knee must agree as vectors.

They do, up to one rotation a window, if the gyros' scales and the accelerometers' signs are right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.check.excerpt import RATE_HZ, Excerpt
from analysis.check.force import HUBER, LEVER_PRIOR_M, cross_matrix, lever_matrix
from firmware_bridge.samples import Float

_BIAS_PRIOR_RAD_S = 0.02
_SCALE_PRIOR = 0.3
_PASSES = 5


@dataclass(frozen=True, eq=False, slots=True)
class Carried:
    """What the vector form tells.

    Attributes:
        scale_error: (2,) by how much too far each gyro turns (thigh, shank), relative, linearised.
        scale_se: (2,) its standard error from leaving out windows.
        formal_sd: (2,) standard deviation if every sample were independent.
        residual_m_s2: robust standard deviation of what does not agree.
        parity: near +1 where one rotation takes the one into the other, near -1 where only a mirror does.
        halves_apart: (2,) how much the scale errors of the first and the second half of the windows differ.
        halves_sd: (2,) formal standard deviation of that.
        windows: how many were used.
    """

    scale_error: Float
    scale_se: Float
    formal_sd: Float
    residual_m_s2: float
    parity: float
    halves_apart: Float
    halves_sd: Float
    windows: int


def carried_agreement(e: Excerpt, thigh_scale: float = 1.0, shank_scale: float = 1.0) -> Carried | None:
    """Fits scales, levers and biases of both sensors to the vectors of the force at the knee.

    Args:
        e: windows without margin.
        thigh_scale, shank_scale: the gyros are multiplied by these first.
    """
    m, n = e.thigh_acc.shape[:2]
    if not m:
        return None
    one, two = (
        _Chain.of(e.thigh_acc, e.thigh_gyr * thigh_scale),
        _Chain.of(e.shank_acc, e.shank_gyr * shank_scale),
    )
    prior = 1 / np.array([_SCALE_PRIOR] * 2 + [LEVER_PRIOR_M] * 6 + [_BIAS_PRIOR_RAD_S] * 6) ** 2
    found, scale, weight = np.zeros(14), 1.0, np.ones((m, n * 3, 1))
    parity = 1.0
    for _ in range(_PASSES):
        h1, h2 = one.force - one.gain @ found[2:5], two.force - two.gain @ found[5:8]
        turn, parity = _best_turn(h1, h2)
        left = (one.force - two.force @ turn.swapaxes(1, 2)).reshape(m, -1)
        # The shank's columns, turned into the thigh's frame.
        other = turn[:, None]
        columns = np.concatenate(
            (
                np.cross(one.turned, h1)[..., None],
                -(np.cross(two.turned, h2) @ turn.swapaxes(1, 2))[..., None],
                one.gain,
                -(other @ two.gain),
                -(cross_matrix(h1) @ one.swept),
                other @ (cross_matrix(h2) @ two.swept),
                -cross_matrix(h2 @ turn.swapaxes(1, 2)),
            ),
            axis=3,
        ).reshape(m, n * 3, 17)
        weighted = (columns * weight).swapaxes(1, 2)
        normal, right = weighted @ columns, (weighted @ left[..., None])[..., 0]
        # The last three, a small rotation of each window, are eliminated window by window.
        inner = normal[:, 14:, 14:] + 1e-6 * np.eye(3)
        gain = np.linalg.solve(inner, normal[:, 14:, :14])
        reduced = normal[:, :14, :14] - normal[:, :14, 14:] @ gain
        target = right[:, :14] - (gain.swapaxes(1, 2) @ right[:, 14:, None])[..., 0]
        whole = reduced.sum(axis=0) + np.diag(prior) * scale**2
        found = np.linalg.solve(whole, target.sum(axis=0))
        small = np.linalg.solve(inner, right[:, 14:, None])[..., 0] - gain @ found
        rest = left - columns[..., :14] @ found - (columns[..., 14:] @ small[..., None])[..., 0]
        scale = max(1.48 * float(np.median(np.abs(rest))), 0.02)
        weight = (1 / np.maximum(1.0, np.abs(rest) / (HUBER * scale)))[..., None]
    groups = min(m, 8)
    error = np.full(2, np.inf)
    if groups >= 3:
        left_out = np.array(
            [
                np.linalg.solve(whole - reduced[k::groups].sum(axis=0), target.sum(axis=0) - part)[:2]
                for k in range(groups)
                for part in (target[k::groups].sum(axis=0),)
            ]
        )
        error = np.sqrt((groups - 1) * left_out.var(axis=0))
    formal = np.sqrt(np.linalg.inv(whole).diagonal()[:2]) * scale
    apart, apart_sd = _between_halves(reduced, target, found, np.diag(prior[:2]) * scale**2)
    return Carried(found[:2], error, formal, scale, parity, apart, apart_sd * scale, m)


def _between_halves(normal: Float, target: Float, found: Float, prior: Float) -> tuple[Float, Float]:
    """How far the scales of both halves lie apart, with the levers and biases of the whole."""
    scales, variances = [], []
    half = len(normal) // 2
    for part in (slice(0, half), slice(half, None)):
        matrix, right = normal[part].sum(axis=0), target[part].sum(axis=0)
        inner = matrix[:2, :2] + prior
        scales.append(np.linalg.solve(inner, right[:2] - matrix[:2, 2:] @ found[2:]))
        variances.append(np.linalg.inv(inner).diagonal())
    return np.abs(scales[0] - scales[1]), np.sqrt(variances[0] + variances[1])


def _best_turn(h1: Float, h2: Float) -> tuple[Float, float]:
    """Rotations (m, 3, 3) that take h2 nearest to h1, and whether they are rotations or mirrors."""
    u, s, v = np.linalg.svd(h1.swapaxes(1, 2) @ h2)
    sign = np.linalg.det(u @ v)
    parity = float((sign * s[:, 2]).sum() / max(float(s[:, 2].sum()), 1e-9))
    u = u.copy()
    u[:, :, 2] *= sign[:, None]
    return u @ v, parity


@dataclass(frozen=True, eq=False, slots=True)
class _Chain:
    """One sensor carried along by its gyro, window by window.

    Attributes:
        force: (m, n, 3) in the frame that the gyro keeps.
        gain: (m, n, 3, 3) acceleration of a lever there.
        turned: (m, n, 3) integral of the rate there, less its mean.
        swept: (m, n, 3, 3) what a bias turns, less its mean.
    """

    force: Float
    gain: Float
    turned: Float
    swept: Float

    @classmethod
    def of(cls, acc: Float, gyr: Float) -> _Chain:
        m, n = gyr.shape[:2]
        step, half = _rotation(gyr / RATE_HZ), _rotation(gyr / RATE_HZ / 2)
        start = np.empty((n, m, 3, 3))
        start[0] = np.eye(3)
        step_first = np.ascontiguousarray(step.swapaxes(0, 1))
        for k in range(1, n):
            np.matmul(start[k - 1], step_first[k - 1], out=start[k])
        rotation = start.swapaxes(0, 1) @ half
        turned = np.cumsum((rotation @ gyr[..., None])[..., 0], axis=1) / RATE_HZ
        swept = np.cumsum(rotation, axis=1) / RATE_HZ
        return cls(
            (rotation @ acc[..., None])[..., 0],
            rotation @ lever_matrix(gyr),
            turned - turned.mean(axis=1, keepdims=True),
            swept - swept.mean(axis=1, keepdims=True),
        )


def _rotation(v: Float) -> Float:
    """Rotation matrices (..., 3, 3) of rotation vectors (Rodrigues)."""
    angle = np.sqrt((v**2).sum(axis=-1))[..., None, None]
    k = cross_matrix(v)
    square = 0.5 * np.sinc(angle / 2 / np.pi) ** 2 * (k @ k)
    return np.asarray(np.eye(3) + np.sinc(angle / np.pi) * k + square)
