"""The knee's hinge axis in the frame of each sensor, by robust nonlinear least squares.

Together with up u, an axis j defines a frame in each sensor (up, across, along). Expressed in these frames,
the angular rates w of the two sensors differ only along the hinge. Residuals, each in units of the standard
deviation assumed of it:
- turn: the two components of w1 - w2 off the hinge, in those frames;
- length: |w1 x j1| - |w2 x j2| (Seel, Schauer, Raisch 2012; Seel, Raisch, Schauer 2014), which needs no
  common heading, where the hinge stands upright and has none;
- inclination: u1.j1 - u2.j2, the axis is equally inclined in both frames. It replaces the acceleration
  residual of Olsson et al. 2020 by the filtered direction of gravity, so impacts do not enter;
- level: u1.j1 and u2.j2 themselves while the leg is known to be upright: there the knee's axis lies
  within a few degrees of the horizontal, by anatomy and by the definition of flexion (Wu et al. 2002);
- plan: seen from above, both axes point the same way in the heading at which the forces at the knee agree;
- main: |w2 x j2|, weakly: the shank turns mostly about the knee. In a heel slide both segments turn
  equally fast, and all other residuals would also allow an axis that nothing turns about.
The residuals of a posture (inclination, level) count while the leg moves: a held posture is one observation.
Inclination here is the sine of the angle between the axis and the horizontal.
Damped Gauss-Newton on the two spheres with Cauchy weights, from several starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from analysis.angle.orientation.quaternion import Complex
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float
from firmware_bridge.vectors import cross

_STEPS = 60
_TOLERANCE_RAD = 1e-4
_ROUGH_RAD = 3e-3
_LONGEST_STEP_RAD = 0.3
_SAME_RAD = 0.05
_TINY = 1e-9
# Lower bound of the mean squared residual: errors are never taken for less than a tenth of those assumed.
_LEAST_FOUND = 0.01


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """The common view from above, known from the forces at the knee.

    Attributes:
        thigh, shank: (3, m) complex; times an axis it gives that axis from above as x + k y, in one frame.
        sd_rad: (m,) of the heading between them, as if its errors were independent from block to block.
    """

    thigh: Complex
    shank: Complex
    sd_rad: Float


@dataclass(frozen=True, eq=False, slots=True)
class HingeData:
    """Input of the search, m blocks: gyr (3, m) in rad/s and up (3, m) in the frame of each sensor.

    `upright` (m,) is 1 where the leg is known to be about vertical, else 0.
    """

    thigh_gyr: Float
    shank_gyr: Float
    thigh_up: Float
    shank_up: Float
    upright: Float
    plan: Plan | None = None


@dataclass(frozen=True, eq=False, slots=True)
class HingeFit:
    """One local minimum of the search.

    Attributes:
        thigh, shank: (3,) unit axes; a common sign is not fixed.
        cost: mean robust cost of a block.
        covariance_rad2: (4, 4) of two tangential components for each axis (`tangents`).
        residual_rad_s: RMS of |w1 x j1| - |w2 x j2|.
    """

    thigh: Float
    shank: Float
    cost: float
    covariance_rad2: Float
    residual_rad_s: float

    def signed(self, sign: int) -> HingeFit:
        """The same fit with both axes times `sign`; `tangents` of a turned axis turns x with it."""
        if sign > 0:
            return self
        flip = np.diag([-1.0, 1.0, -1.0, 1.0])
        covariance = flip @ self.covariance_rad2 @ flip
        return replace(self, thigh=-self.thigh, shank=-self.shank, covariance_rad2=covariance)


def tangents(axis: Float) -> Float:
    """Two unit vectors (2, 3) that complete a unit axis (3,) to a right-handed frame x, y, axis."""
    a, b, c = (float(v) for v in axis)
    # The coordinate axis farthest from this one makes x = axis x helper well defined.
    helper = min(range(3), key=lambda k: abs((a, b, c)[k]))
    x, y, z = ((0.0, c, -b), (-c, 0.0, a), (b, -a, 0.0))[helper]
    n = (x * x + y * y + z * z) ** -0.5
    x, y, z = x * n, y * n, z * n
    return np.array([[x, y, z], [b * z - c * y, c * x - a * z, a * y - b * x]])


def find_hinge(data: HingeData, parameters: AngleParameters) -> list[HingeFit]:
    """All distinct local minima, lowest cost first; opposite signs of both axes are the same minimum."""
    found: list[HingeFit] = []
    for thigh, shank in _starts(data):
        fit = refine_hinge(data, thigh, shank, parameters, _ROUGH_RAD)
        if not any(same_axes(fit, other) for other in found):
            found.append(fit)
    return sorted(found, key=lambda fit: fit.cost)


def _starts(data: HingeData) -> Iterator[tuple[Float, Float]]:
    main = [np.linalg.eigh(gyr @ gyr.T)[1] for gyr in (data.thigh_gyr, data.shank_gyr)]
    for thigh in (main[0][:, 2], main[0][:, 1]):
        for shank in (main[1][:, 2], main[1][:, 1]):
            yield thigh, shank
            yield thigh, -shank


def same_axes(a: HingeFit, b: HingeFit) -> bool:
    """Whether two fits are the same hinge; the common sign of its axes is free."""
    thigh, shank = float(a.thigh @ b.thigh), float(a.shank @ b.shank)
    return min(abs(thigh), abs(shank)) > np.cos(_SAME_RAD) and thigh * shank > 0


@dataclass(frozen=True, eq=False, slots=True)
class _Sensor:
    """What of one sensor does not change with its axis.

    Attributes:
        vectors: (3, 3 m) up, gyr, and gyr x up side by side.
        along_up: (m,) gyr . up.
        rate2: (m,) |gyr|^2.
    """

    vectors: Float
    along_up: Float
    rate2: Float

    @classmethod
    def of(cls, gyr: Float, up: Float) -> _Sensor:
        vectors = np.concatenate((up, gyr, cross(gyr.T, up.T).T), axis=1)
        return cls(vectors, (gyr * up).sum(axis=0), (gyr**2).sum(axis=0))


@dataclass(frozen=True, eq=False, slots=True)
class _Input:
    """`HingeData` with what follows from it for all axes.

    Attributes:
        fast: (m,) size of both rates.
        inclined, main: (m,) weights of the residuals of that name.
        level: the same, or None where the leg is never known to be upright.
        plan: what is known from above, with the weights (m,) of its residual.
    """

    thigh: _Sensor
    shank: _Sensor
    fast: Float
    inclined: Float
    level: Float | None
    main: Float
    plan: tuple[Plan, Float] | None

    @classmethod
    def of(cls, data: HingeData, parameters: AngleParameters) -> _Input:
        p = parameters
        thigh = _Sensor.of(data.thigh_gyr, data.thigh_up)
        shank = _Sensor.of(data.shank_gyr, data.shank_up)
        fast = np.sqrt(thigh.rate2 + shank.rate2)
        # A held posture repeats the same inclination: one observation, however long it lasts.
        moving = fast / np.hypot(fast, p.gyro_floor_rad_s)
        return cls(
            thigh,
            shank,
            fast,
            inclined=moving / p.inclination_sd,
            level=moving * data.upright / p.level_sd if data.upright.any() else None,
            main=1 / (p.gyro_floor_rad_s + p.main_share * fast),
            plan=None if data.plan is None else (data.plan, 1 / np.hypot(p.plan_sd, data.plan.sd_rad)),
        )


@dataclass(frozen=True, eq=False, slots=True)
class _HingeFrame:
    """One sensor's rate in the frame of up and axis, with its derivatives along the tangents of the axis.

    Attributes:
        inclination: (m,) u.j, the sine of the axis's inclination.
        across, over: (m,) rate across the hinge: its level part, and that in the hinge's vertical plane.
        length: (m,) their norm, |w x j|.
        *_slope: (2, m) derivative with the axis along each tangent.
    """

    inclination: Float
    across: Float
    over: Float
    length: Float
    inclination_slope: Float
    across_slope: Float
    over_slope: Float
    length_slope: Float

    @classmethod
    def of(cls, sensor: _Sensor, axis: Float) -> _HingeFrame:
        frame = np.concatenate((tangents(axis), axis[None]))
        turned = (frame @ sensor.vectors).reshape(3, 3, -1)
        (inclination, along, aside), (u, w, sides) = turned[2], turned[:2].swapaxes(0, 1)
        level = np.sqrt(np.maximum(1 - inclination * inclination, 1e-4))
        across = aside / level
        over = (sensor.along_up - inclination * along) / level
        length = np.sqrt(np.maximum(sensor.rate2 - along**2, _TINY))
        shrink = inclination * u / level**2
        return cls(
            inclination,
            across,
            over,
            length,
            u,
            sides / level + across * shrink,
            -(u * along + inclination * w) / level + over * shrink,
            -along * w / length,
        )


def _residuals(
    data: _Input, thigh: Float, shank: Float, parameters: AngleParameters
) -> tuple[Float, Float, Float]:
    """Residuals (k, m), derivatives (4, k, m) along the tangents, and the unscaled length residual (m,)."""
    p = parameters
    one, two, fast = _HingeFrame.of(data.thigh, thigh), _HingeFrame.of(data.shank, shank), data.fast
    level2 = np.sqrt(np.maximum((1 - one.inclination**2) * (1 - two.inclination**2), 1e-4))
    upright_hinge = 1 - level2 / (level2 + p.upright_hinge_level**2)
    turn = 1 / (p.gyro_floor_rad_s + fast * (p.turn_share + p.inclination_sd / np.sqrt(level2)))
    length = upright_hinge / (p.gyro_floor_rad_s + p.length_share * fast)
    # Value, weight, and the derivatives along the tangents of both axes, where it depends on them.
    rows: list[tuple[Float, Float, Float | None, Float | None]] = [
        (one.across - two.across, turn, one.across_slope, -two.across_slope),
        (one.over - two.over, turn, one.over_slope, -two.over_slope),
        (one.length - two.length, length, one.length_slope, -two.length_slope),
        (
            one.inclination - two.inclination,
            data.inclined,
            one.inclination_slope,
            -two.inclination_slope,
        ),
        (two.length, data.main, None, two.length_slope),
    ]
    if data.level is not None:
        rows.append((one.inclination, data.level, one.inclination_slope, None))
        rows.append((two.inclination, data.level, None, two.inclination_slope))
    if data.plan is not None:
        plan, weight = data.plan
        v1, v2 = thigh @ plan.thigh, shank @ plan.shank
        slope1 = ((tangents(thigh) @ plan.thigh) * v2.conj()).imag
        slope2 = (v1 * (tangents(shank) @ plan.shank).conj()).imag
        rows.append(((v1 * v2.conj()).imag, weight, slope1, slope2))
    residual, slopes = np.empty((len(rows), len(fast))), np.zeros((4, len(rows), len(fast)))
    for k, (value, weight, of_thigh, of_shank) in enumerate(rows):
        np.multiply(value, weight, out=residual[k])
        if of_thigh is not None:
            np.multiply(of_thigh, weight, out=slopes[:2, k])
        if of_shank is not None:
            np.multiply(of_shank, weight, out=slopes[2:, k])
    return residual, slopes, one.length - two.length


def _turned(axis: Float, step: Float) -> Float:
    moved = axis + step @ tangents(axis)
    return np.asarray(moved / np.linalg.norm(moved))


def _robust_cost(residual: Float) -> float:
    # The logarithm of the product: one for all residuals of a block.
    return float(np.log(np.prod(1 + residual**2, axis=0)).mean())


def refine_hinge(
    data: HingeData,
    thigh: Float,
    shank: Float,
    parameters: AngleParameters,
    tolerance_rad: float = _TOLERANCE_RAD,
) -> HingeFit:
    """Damped Gauss-Newton from a pair of axes to the next local minimum."""
    given = _Input.of(data, parameters)
    residual, slopes, length = _residuals(given, thigh, shank, parameters)
    cost, damping = _robust_cost(residual), 1e-3
    for _ in range(_STEPS):
        weighted = (slopes / (1 + residual**2)).reshape(4, -1)
        normal = weighted @ slopes.reshape(4, -1).T
        damped = normal + damping * np.diag(normal.diagonal() + _TINY)
        step = np.asarray(np.linalg.solve(damped, -weighted @ residual.reshape(-1)), dtype=np.float64)
        step *= min(1.0, _LONGEST_STEP_RAD / max(float(np.abs(step).max()), _TINY))
        trial = _turned(thigh, step[:2]), _turned(shank, step[2:])
        attempt = _residuals(given, *trial, parameters)
        if (lower := _robust_cost(attempt[0])) < cost:
            (thigh, shank), (residual, slopes, length), cost = trial, attempt, lower
            damping = max(damping / 5, 1e-7)
        else:
            damping *= 10
        if np.abs(step).max() < tolerance_rad:
            break
    covariance = _covariance(residual, slopes, parameters.axis_information)
    return HingeFit(thigh, shank, cost, covariance, float(np.sqrt(np.mean(length**2))))


def _covariance(residual: Float, slopes: Float, observations: float) -> Float:
    """Covariance for errors as large as those found, with `observations` independent observations."""
    weighted = slopes / (1 + residual**2)
    normal = weighted.reshape(4, -1) @ slopes.reshape(4, -1).T / residual.shape[1]
    found = float((residual**2 / (1 + residual**2)).sum(axis=0).mean())
    # Keeps the covariance finite: a direction without any information has a standard deviation of 1 rad.
    return np.asarray(np.linalg.inv(normal * observations / max(found, _LEAST_FOUND) + np.eye(4)))
