"""The knee centre is one point: both sensors must feel the same force there.

Moved to the knee, the specific force is a - K r with K r = w x (w x r) + w' x r. Its length needs no
orientation, so the lengths that two sensors give must agree at every instant (Seel, Schauer and Raisch 2012):
they do if the clocks agree and both sensors are on one leg. Carried along by each gyro, the forces must agree
as vectors, up to one rotation a window: they do if the gyros' scales and the accelerometers' signs are right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.check.excerpt import RATE_HZ, Excerpt
from firmware_bridge.samples import Float

# Levers of a leg are a few decimetres.
_LEVER_PRIOR_M = 0.3
_FORCE_FLOOR_M_S2 = 0.03
_HUBER = 1.5
_SMOOTH = 3
_BIAS_PRIOR_RAD_S = 0.02
_SCALE_PRIOR = 0.3
_PASSES = 5


def lever_matrix(gyr: Float) -> Float:
    """K (..., n, 3, 3) for rates (..., n, 3) at `RATE_HZ`."""
    slope = np.gradient(gyr, 1 / RATE_HZ, axis=-2)
    square = (gyr**2).sum(axis=-1)
    matrix = gyr[..., :, None] * gyr[..., None, :]
    for k in range(3):
        matrix[..., k, k] -= square
    return matrix + cross_matrix(slope)


def cross_matrix(v: Float) -> Float:
    """[v x] (..., 3, 3)."""
    matrix = np.zeros((*v.shape, 3))
    matrix[..., 0, 1], matrix[..., 0, 2] = -v[..., 2], v[..., 1]
    matrix[..., 1, 0], matrix[..., 1, 2] = v[..., 2], -v[..., 0]
    matrix[..., 2, 0], matrix[..., 2, 1] = -v[..., 1], v[..., 0]
    return matrix


def smoothed(values: Float) -> Float:
    """Moving mean over axis -2, the ends shortened by the window less one."""
    total = np.cumsum(values, axis=-2)
    out = total[..., _SMOOTH - 1 :, :].copy()
    out[..., 1:, :] -= total[..., :-_SMOOTH, :]
    return np.asarray(out / _SMOOTH)


@dataclass(frozen=True, eq=False, slots=True)
class Sides:
    """Smoothed forces (m, n, 3) and lever matrices (m, n, 3, 3) of both sensors; the shank with margin."""

    start_s: Float
    thigh: Float
    thigh_gain: Float
    shank: Float
    shank_gain: Float
    margin: int

    @classmethod
    def of(cls, e: Excerpt) -> Sides:
        """From the windows; smoothing keeps impacts from deciding."""
        thigh_gyr, shank_gyr = smoothed(e.thigh_gyr), smoothed(e.shank_gyr)
        return cls(
            e.start_s,
            smoothed(e.thigh_acc),
            lever_matrix(thigh_gyr),
            smoothed(e.shank_acc),
            lever_matrix(shank_gyr),
            e.margin,
        )

    def part(self, windows: slice) -> Sides:
        """Some of the windows."""
        return Sides(
            self.start_s[windows],
            self.thigh[windows],
            self.thigh_gain[windows],
            self.shank[windows],
            self.shank_gain[windows],
            self.margin,
        )

    def rows(self, lag: int) -> slice:
        """The shank's samples that meet the thigh's at a lag in samples."""
        return slice(self.margin + lag, self.margin + lag + self.thigh.shape[1])


def _length(force: Float, gain: Float, lever: Float) -> tuple[Float, Float]:
    """|a - K r| (m, n) and the vector."""
    at_knee = force - gain @ lever
    return np.sqrt((at_knee**2).sum(axis=-1)), at_knee


def fit_levers(sides: Sides, lags: Float, levers: Float, passes: int, stride: int = 1) -> Float:
    """Both levers (6,) by robust Gauss-Newton on the difference of the lengths.

    Args:
        sides: the windows.
        lags: (m,) whole samples by which the shank is read later.
        levers: (6,) to start from.
        passes: steps.
        stride: only every so many samples are used.
    """
    n = sides.thigh.shape[1]
    rows = np.arange(0, n, stride)
    at = np.asarray(lags, dtype=int)[:, None] + sides.margin + rows
    window = np.arange(len(at))[:, None]
    a1, k1 = sides.thigh[:, ::stride].reshape(-1, 3), sides.thigh_gain[:, ::stride].reshape(-1, 3, 3)
    a2, k2 = sides.shank[window, at].reshape(-1, 3), sides.shank_gain[window, at].reshape(-1, 3, 3)
    for _ in range(passes):
        (n1, f1), (n2, f2) = _length(a1, k1, levers[:3]), _length(a2, k2, levers[3:])
        left = n1 - n2
        slope = np.concatenate(
            (
                -np.einsum("ni,nij->nj", f1 / np.maximum(n1, 0.1)[:, None], k1),
                np.einsum("ni,nij->nj", f2 / np.maximum(n2, 0.1)[:, None], k2),
            ),
            axis=1,
        )
        scale = max(1.48 * float(np.median(np.abs(left))), _FORCE_FLOOR_M_S2)
        weighted = slope / np.maximum(1.0, np.abs(left) / (_HUBER * scale))[:, None]
        prior = (scale / _LEVER_PRIOR_M) ** 2
        normal = weighted.T @ slope + np.eye(6) * prior
        levers = levers - np.linalg.solve(normal, weighted.T @ left + prior * levers)
    return levers


def agreement(sides: Sides, levers: Float) -> tuple[Float, Float, Float]:
    """How the two lengths of the force go together in every window, at every lag within the margin.

    Returns:
        (m, 2 margin + 1) correlation; (m,) standard deviation of the thigh's length, and of the shank's.
    """
    n1, _ = _length(sides.thigh, sides.thigh_gain, levers[:3])
    n2, _ = _length(sides.shank, sides.shank_gain, levers[3:])
    n = n1.shape[1]
    n1 = n1 - n1.mean(axis=1, keepdims=True)
    size = 2 * sides.margin + 1
    views = np.lib.stride_tricks.sliding_window_view(n2, n, axis=1)[:, :size]
    product = np.einsum("mln,mn->ml", views, n1)
    total = np.cumsum(np.pad(n2, ((0, 0), (1, 0))), axis=1)
    square = np.cumsum(np.pad(n2**2, ((0, 0), (1, 0))), axis=1)
    sums, squares = (c[:, n : n + size] - c[:, :size] for c in (total, square))
    power = np.maximum(squares - sums**2 / n, 0.0)
    rho = product / np.sqrt((n1**2).sum(axis=1)[:, None] * power + 1e-9)
    middle = power[:, sides.margin]
    return rho, n1.std(axis=1), np.sqrt(middle / n)


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
    prior = 1 / np.array([_SCALE_PRIOR] * 2 + [_LEVER_PRIOR_M] * 6 + [_BIAS_PRIOR_RAD_S] * 6) ** 2
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
        weight = (1 / np.maximum(1.0, np.abs(rest) / (_HUBER * scale)))[..., None]
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
