"""The knee's hinge axis in the frame of each sensor.

Three residuals, each in units of its own assumed standard deviation:
- rate: |w1 x j1| - |w2 x j2|, the part of the rates across the axis is as long in both frames
  (Seel, Schauer, Raisch 2012; Seel, Raisch, Schauer 2014);
- elevation: u1.j1 - u2.j2, one axis rises equally in both frames. It replaces the acceleration residual
  of Olsson et al. 2020 by the filtered direction of gravity, so impacts and lever arms stay out of it.
- level: u1.j1 and u2.j2 themselves, while the leg is known to be upright: there the knee's axis lies
  within a few degrees of the horizontal, by anatomy and by the definition of flexion (Wu et al. 2002).
Minimised by damped Gauss-Newton on the two spheres with Cauchy weights, from several starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float

_STEPS = 60
_TOLERANCE_RAD = 1e-5
_TINY = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class HingeData:
    """What the search sees of each sensor: gyr (3, m) in rad/s and up (3, m), at m instants.

    `upright` (m,) is 1 at instants at which the leg is known to be about vertical, else 0.
    """

    thigh_gyr: Float
    shank_gyr: Float
    thigh_up: Float
    shank_up: Float
    upright: Float


@dataclass(frozen=True, eq=False, slots=True)
class HingeFit:
    """One local minimum of the search.

    Attributes:
        thigh, shank: (3,) unit axes; a common sign is not fixed.
        cost: mean robust cost of a residual.
        covariance_rad2: (4, 4) of two tangential components for each axis (`tangents`).
        residual_rad_s: RMS of the rate residual.
    """

    thigh: Float
    shank: Float
    cost: float
    covariance_rad2: Float
    residual_rad_s: float


def tangents(axis: Float) -> Float:
    """Two unit vectors (2, 3) that complete a unit axis (3,) to a right-handed frame x, y, axis."""
    helper = np.eye(3)[np.argmin(np.abs(axis))]
    x = np.cross(axis, helper)
    x /= np.linalg.norm(x)
    return np.stack((x, np.cross(axis, x)))


def find_hinge(data: HingeData, parameters: AngleParameters) -> list[HingeFit]:
    """All distinct local minima, lowest cost first; opposite signs of both axes are the same minimum."""
    found: list[HingeFit] = []
    for thigh, shank in _starts(data):
        fit = refine_hinge(data, thigh, shank, parameters)
        if not any(_same(fit, other) for other in found):
            found.append(fit)
    return sorted(found, key=lambda fit: fit.cost)


def _starts(data: HingeData) -> Iterator[tuple[Float, Float]]:
    main = [np.linalg.eigh(gyr @ gyr.T)[1] for gyr in (data.thigh_gyr, data.shank_gyr)]
    for thigh in (main[0][:, 2], main[0][:, 1]):
        for shank in (main[1][:, 2], main[1][:, 1]):
            yield thigh, shank
            yield thigh, -shank


def _same(a: HingeFit, b: HingeFit) -> bool:
    thigh, shank = float(a.thigh @ b.thigh), float(a.shank @ b.shank)
    return min(abs(thigh), abs(shank)) > np.cos(0.05) and thigh * shank > 0


def _residuals(
    data: HingeData, thigh: Float, shank: Float, parameters: AngleParameters
) -> tuple[Float, Float, Float]:
    """Scaled residuals (4 m), their Jacobian (4 m, 4) on the tangents, and the raw rate residual (m,)."""
    blocks, across, rises = [], [], []
    scale = parameters.gyro_floor_rad_s + parameters.gyro_share * np.sqrt(
        (data.thigh_gyr**2).sum(axis=0) + (data.shank_gyr**2).sum(axis=0)
    )
    for sign, axis, gyr, up in (
        (1, thigh, data.thigh_gyr, data.thigh_up),
        (-1, shank, data.shank_gyr, data.shank_up),
    ):
        along = axis @ gyr
        length = np.sqrt(np.maximum((gyr**2).sum(axis=0) - along**2, _TINY))
        basis = tangents(axis)
        rate_slope = -(basis @ gyr) * along / length / scale
        rise = basis @ up
        level = data.upright / parameters.level_sd
        none = np.zeros_like(rise)
        own = (rise * level, none) if sign > 0 else (none, rise * level)
        blocks.append(np.concatenate((sign * rate_slope, sign * rise / parameters.elevation_sd, *own), axis=1))
        across.append(length)
        rises.append(axis @ up)
    rate = across[0] - across[1]
    elevation = (rises[0] - rises[1]) / parameters.elevation_sd
    residual = np.concatenate((rate / scale, elevation, rises[0] * level, rises[1] * level))
    return residual, np.concatenate(blocks).T, rate


def _turned(axis: Float, step: Float) -> Float:
    moved = axis + step @ tangents(axis)
    return np.asarray(moved / np.linalg.norm(moved))


def _robust_cost(residual: Float) -> float:
    return float(np.log1p(residual**2).mean())


def refine_hinge(data: HingeData, thigh: Float, shank: Float, parameters: AngleParameters) -> HingeFit:
    """The local minimum below a pair of axes."""
    residual, jacobian, rate = _residuals(data, thigh, shank, parameters)
    cost, damping = _robust_cost(residual), 1e-3
    for _ in range(_STEPS):
        weighted = jacobian / (1 + residual**2)[:, None]
        normal = weighted.T @ jacobian
        damped = normal + damping * np.diag(normal.diagonal() + _TINY)
        step = np.asarray(np.linalg.solve(damped, -weighted.T @ residual), dtype=np.float64)
        step *= min(1.0, 0.3 / max(float(np.abs(step).max()), _TINY))
        trial = _turned(thigh, step[:2]), _turned(shank, step[2:])
        attempt = _residuals(data, *trial, parameters)
        if (lower := _robust_cost(attempt[0])) < cost:
            (thigh, shank), (residual, jacobian, rate), cost = trial, attempt, lower
            damping = max(damping / 5, 1e-7)
            if np.abs(step).max() < _TOLERANCE_RAD:
                break
        else:
            damping *= 10
            if damping > 1e6:
                break
    return HingeFit(thigh, shank, cost, _covariance(residual, jacobian), float(np.sqrt(np.mean(rate**2))))


def _covariance(residual: Float, jacobian: Float, blocks: int = 30) -> Float:
    """Sandwich estimate over blocks in time: neighbouring residuals are anything but independent."""
    weighted = jacobian / (1 + residual**2)[:, None]
    inverse = np.linalg.pinv(weighted.T @ jacobian, hermitian=True)
    score = weighted * residual[:, None]
    by_instant = score.reshape(4, -1, 4).sum(axis=0)
    edges = np.linspace(0, len(by_instant), blocks + 1).astype(int)
    sums = np.array([by_instant[a:b].sum(axis=0) for a, b in pairwise(edges) if b > a])
    return np.asarray(inverse @ (sums.T @ sums) @ inverse)
