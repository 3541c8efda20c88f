"""Carried along by each gyro, the two sensors' forces at the knee must agree as vectors.

They do, up to one rotation a window, if the gyros' scales and the accelerometers' signs are right, and if the
rates of each sensor are about the axes of its forces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.check.excerpt import RATE_HZ, Excerpt
from analysis.check.force import HUBER, LEVER_PRIOR_M, at_knee, cross_matrix, lever_matrix
from firmware_bridge.samples import Float
from firmware_bridge.vectors import cross

_BIAS_PRIOR_RAD_S = 0.02
_SCALE_PRIOR = 0.3
_PASSES = 5
_PRIOR = np.array([_SCALE_PRIOR] * 2 + [LEVER_PRIOR_M] * 6 + [_BIAS_PRIOR_RAD_S] * 6)
_TURN_PRIOR_RAD = 0.5
_TURN_PASSES = 4
_TURNED_ENOUGH_RAD = 0.06


@dataclass(frozen=True, eq=False, slots=True)
class Carried:
    """Result of the fit to the vectors.

    Attributes:
        scale_error: (2,) by how much too far each gyro turns (thigh, shank), relative, linearised.
        scale_se: (2,) its standard error from leaving out windows.
        formal_sd: (2,) standard deviation if every sample were independent.
        residual_m_s2: robust standard deviation of what does not agree.
        parity: near +1 where one rotation takes the one into the other, near -1 where only a mirror does.
        halves_apart: (2,) how much the scale errors of the first and the second half of the windows differ.
        halves_sd: (2,) formal standard deviation of that.
        windows: how many were used.
        chains: both sensors carried along, for `carried_frames`.
    """

    scale_error: Float
    scale_se: Float
    formal_sd: Float
    residual_m_s2: float
    parity: float
    halves_apart: Float
    halves_sd: Float
    windows: int
    chains: tuple[Chain, Chain]


def carried_agreement(e: Excerpt, thigh_scale: float = 1.0, shank_scale: float = 1.0) -> Carried | None:
    """Fits scales, levers and biases of both sensors to the vectors of the force at the knee.

    Args:
        e: windows without margin.
        thigh_scale, shank_scale: the gyros are multiplied by these first.
    """
    m = len(e.thigh_acc)
    if not m:
        return None
    one, two = (
        Chain.of(e.thigh_acc, e.thigh_gyr * thigh_scale),
        Chain.of(e.shank_acc, e.shank_gyr * shank_scale),
    )
    fit = _Fit.of(one, two, 1 / _PRIOR**2)
    error = fit.left_out_sd(slice(0, 2))
    formal = np.sqrt(np.linalg.inv(fit.whole).diagonal()[:2]) * fit.scale
    apart, apart_sd = _between_halves(
        fit.reduced, fit.target, fit.found, np.diag(1 / _PRIOR[:2] ** 2) * fit.scale**2
    )
    halves = apart, apart_sd * fit.scale
    return Carried(fit.found[:2], error, formal, fit.scale, fit.parity, *halves, m, (one, two))


@dataclass(frozen=True, eq=False, slots=True)
class Frames:
    """How the rates of each sensor are turned against its forces.

    Attributes:
        turn_rad: (2, 3) rotation vectors of the rates (thigh, shank).
        sd_rad: (2,) standard deviation of their lengths, from leaving out windows.
        residual_m_s2: what does not agree with these turns.
    """

    turn_rad: Float
    sd_rad: Float
    residual_m_s2: float

    @property
    def size_rad(self) -> Float:
        """(2,) the angles of the turns."""
        return np.asarray(np.linalg.norm(self.turn_rad, axis=1))


def carried_frames(e: Excerpt, chains: tuple[Chain, Chain]) -> Frames:
    """Fits a turn between the rates and the forces of each sensor, with scales, levers and biases.

    The part of a turn about the axis that a sensor always turns about is not seen, and does no harm.

    Args:
        e: windows without margin, at least three.
        chains: of the same windows, as `carried_agreement` found them.
    """
    turns = [np.eye(3), np.eye(3)]
    for k in range(_TURN_PASSES):
        if k:
            chains = (
                Chain.of(e.thigh_acc, e.thigh_gyr @ turns[0]),
                Chain.of(e.shank_acc, e.shank_gyr @ turns[1]),
            )
        one, two = chains
        fit = _Fit.of(one, two, 1 / np.concatenate((_PRIOR, [_TURN_PRIOR_RAD] * 6)) ** 2)
        steps = fit.found[14:].reshape(2, 3)
        turns = [turn @ _rotation(step) for turn, step in zip(turns, steps, strict=True)]
        if np.linalg.norm(steps, axis=1).max() < _TURNED_ENOUGH_RAD:
            break
    sd = np.linalg.norm(fit.left_out_sd(slice(14, 20)).reshape(2, 3), axis=1)
    vectors = np.array([_rotation_vector(turn.T) for turn in turns])
    return Frames(vectors, sd, fit.scale)


@dataclass(frozen=True, eq=False, slots=True)
class _Fit:
    """Robust Gauss-Newton on the vectors, the rotation of each window eliminated.

    Attributes:
        found: (k,) two scales, two levers, two biases, and the turns of the rates where k is 20.
        scale: robust standard deviation of what is left.
        parity: as in `Carried`.
        reduced, target: (m, k, k) and (m, k) normal equations of each window.
        whole: (k, k) of all, with the prior.
    """

    found: Float
    scale: float
    parity: float
    reduced: Float
    target: Float
    whole: Float

    @classmethod
    def of(cls, one: Chain, two: Chain, prior: Float) -> _Fit:
        m, n, k = *one.force.shape[:2], len(prior)
        with_turns = k > len(_PRIOR)
        skewed = (one.skewed(), two.skewed()) if with_turns else None
        found, scale, weight = np.zeros(k), 1.0, np.ones((m, n * 3, 1))
        parity = 1.0
        for _ in range(_PASSES):
            h1 = at_knee(one.force, one.gain, found[2:5])
            h2 = at_knee(two.force, two.gain, found[5:8])
            turn, parity = _best_turn(h1, h2)
            left = (one.force - two.force @ turn.swapaxes(1, 2)).reshape(m, -1)
            # The shank's columns, turned into the thigh's frame.
            other = turn[:, None]
            aside1, aside2 = cross_matrix(h1), cross_matrix(h2)
            parts = [
                cross(one.turned, h1)[..., None],
                -(cross(two.turned, h2) @ turn.swapaxes(1, 2))[..., None],
                one.gain,
                -(other @ two.gain),
                -(aside1 @ one.swept),
                other @ (aside2 @ two.swept),
            ]
            if skewed is not None:
                parts += [-(aside1 @ skewed[0]), other @ (aside2 @ skewed[1])]
            parts.append(-cross_matrix(h2 @ turn.swapaxes(1, 2)))
            columns = np.concatenate(parts, axis=3).reshape(m, n * 3, k + 3)
            weighted = (columns * weight).swapaxes(1, 2)
            normal, right = weighted @ columns, (weighted @ left[..., None])[..., 0]
            # The last three, a small rotation of each window, are eliminated window by window.
            inner = normal[:, k:, k:] + 1e-6 * np.eye(3)
            gain = np.linalg.solve(inner, normal[:, k:, :k])
            reduced = normal[:, :k, :k] - normal[:, :k, k:] @ gain
            target = right[:, :k] - (gain.swapaxes(1, 2) @ right[:, k:, None])[..., 0]
            whole = reduced.sum(axis=0) + np.diag(prior) * scale**2
            found = np.linalg.solve(whole, target.sum(axis=0))
            small = np.linalg.solve(inner, right[:, k:, None])[..., 0] - gain @ found
            rest = left - columns[..., :k] @ found - (columns[..., k:] @ small[..., None])[..., 0]
            scale = max(1.48 * float(np.median(np.abs(rest))), 0.02)
            weight = (1 / np.maximum(1.0, np.abs(rest) / (HUBER * scale)))[..., None]
        return cls(found, scale, parity, reduced, target, whole)

    def left_out_sd(self, some: slice) -> Float:
        """Standard deviations of some of the parameters, from leaving out windows; infinite with too few."""
        groups = min(len(self.target), 8)
        if groups < 3:
            return np.full(len(self.found[some]), np.inf)
        total = self.target.sum(axis=0)
        left_out = np.array(
            [
                np.linalg.solve(self.whole - self.reduced[k::groups].sum(axis=0), total - part)[some]
                for k in range(groups)
                for part in (self.target[k::groups].sum(axis=0),)
            ]
        )
        return np.asarray(np.sqrt((groups - 1) * left_out.var(axis=0)))


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
class Chain:
    """One sensor carried along by its gyro, window by window.

    Attributes:
        force: (m, n, 3) in the frame that the gyro keeps.
        gain: (m, n, 3, 3) acceleration of a lever there.
        turned: (m, n, 3) integral of the rate there, less its mean.
        swept: (m, n, 3, 3) what a bias turns, less its mean.
        rate: (m, n, 3) in the frame that the gyro keeps.
        rotation: (m, n, 3, 3) into that frame.
    """

    force: Float
    gain: Float
    turned: Float
    swept: Float
    rate: Float
    rotation: Float

    @classmethod
    def of(cls, acc: Float, gyr: Float) -> Chain:
        """Of windows (m, n, 3) of forces and rates."""
        m, n = gyr.shape[:2]
        step, half = _rotation(gyr / RATE_HZ), _rotation(gyr / RATE_HZ / 2)
        start = np.empty((n, m, 3, 3))
        start[0] = np.eye(3)
        step_first = np.ascontiguousarray(step.swapaxes(0, 1))
        for k in range(1, n):
            np.matmul(start[k - 1], step_first[k - 1], out=start[k])
        rotation = start.swapaxes(0, 1) @ half
        rate = (rotation @ gyr[..., None])[..., 0]
        turned = np.cumsum(rate, axis=1) / RATE_HZ
        swept = np.cumsum(rotation, axis=1) / RATE_HZ
        return cls(
            (rotation @ acc[..., None])[..., 0],
            rotation @ lever_matrix(gyr),
            turned - turned.mean(axis=1, keepdims=True),
            swept - swept.mean(axis=1, keepdims=True),
            rate,
            rotation,
        )

    def skewed(self) -> Float:
        """(m, n, 3, 3) what a small turn of the rates turns, less its mean."""
        total = np.cumsum(-cross_matrix(self.rate) @ self.rotation, axis=1) / RATE_HZ
        return np.asarray(total - total.mean(axis=1, keepdims=True))


def _rotation(v: Float) -> Float:
    """Rotation matrices (..., 3, 3) of rotation vectors (Rodrigues)."""
    angle = np.sqrt((v**2).sum(axis=-1))[..., None, None]
    k = cross_matrix(v)
    square = 0.5 * np.sinc(angle / 2 / np.pi) ** 2 * (k @ k)
    return np.asarray(np.eye(3) + np.sinc(angle / np.pi) * k + square)


def _rotation_vector(matrix: Float) -> Float:
    """(3,) of a rotation matrix by less than half a turn."""
    aside = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    angle = float(np.arccos(np.clip((np.trace(matrix) - 1) / 2, -1.0, 1.0)))
    return np.asarray(aside / 2 / np.sinc(angle / np.pi))
