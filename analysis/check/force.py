"""The knee centre is one point: both sensors must feel the same force there.

Moved to the knee, the specific force is a - K r with K r = w x (w x r) + w' x r. Its length needs no
orientation, so the lengths that two sensors give must agree at every instant (Seel, Schauer and Raisch 2012):
they do if the clocks agree and both sensors are on one leg. `carried` holds the vectors against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.check.excerpt import RATE_HZ, Excerpt
from firmware_bridge.samples import Float

# Levers of a leg are a few decimetres.
LEVER_PRIOR_M = 0.3
_FORCE_FLOOR_M_S2 = 0.03
HUBER = 1.5
_SMOOTH = 3


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


def at_knee(force: Float, gain: Float, lever: Float) -> Float:
    """The specific force (..., 3) moved to the knee, a - K r, for K (..., 3, 3) and a lever (3,)."""
    return np.asarray(force - (gain.reshape(-1, 3) @ lever).reshape(force.shape))


def lengths(vectors: Float) -> Float:
    """(...) of vectors (..., 3)."""
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)))


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
        f1, f2 = at_knee(a1, k1, levers[:3]), at_knee(a2, k2, levers[3:])
        n1, n2 = lengths(f1), lengths(f2)
        left = n1 - n2
        slope = np.concatenate(
            (
                -np.einsum("ni,nij->nj", f1 / np.maximum(n1, 0.1)[:, None], k1),
                np.einsum("ni,nij->nj", f2 / np.maximum(n2, 0.1)[:, None], k2),
            ),
            axis=1,
        )
        scale = max(1.48 * float(np.median(np.abs(left))), _FORCE_FLOOR_M_S2)
        weighted = slope / np.maximum(1.0, np.abs(left) / (HUBER * scale))[:, None]
        prior = (scale / LEVER_PRIOR_M) ** 2
        normal = weighted.T @ slope + np.eye(6) * prior
        levers = levers - np.linalg.solve(normal, weighted.T @ left + prior * levers)
    return levers


def agreement(sides: Sides, levers: Float) -> tuple[Float, Float, Float]:
    """How the two lengths of the force go together in every window, at every lag within the margin.

    Returns:
        (m, 2 margin + 1) correlation; (m,) standard deviation of the thigh's length, and of the shank's.
    """
    n1 = lengths(at_knee(sides.thigh, sides.thigh_gain, levers[:3]))
    n2 = lengths(at_knee(sides.shank, sides.shank_gain, levers[3:]))
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
