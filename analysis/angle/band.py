"""One sigma of the angle within one strapping: what the estimate itself knows about its errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.angle.flexion import axis_sensitivity
from analysis.angle.heading import Heading, follow_share
from analysis.angle.identify import Knee
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float

# The shank's rate from which on a movement counts as a full one.
FULL_RATE_RAD_S = 2.0

_GRAVITY_M_S2 = 9.81
_FORCE_FLOOR_M_S2 = 0.05


def jolt_rad(knee: Knee, parameters: AngleParameters) -> float:
    """One sigma in full movement, from how badly the forces at the knee agree."""
    disagreement = max(knee.centre.residual_m_s2 - _FORCE_FLOOR_M_S2, 0.0) / _GRAVITY_M_S2
    return float(np.hypot(parameters.least_jolt_rad, parameters.jolt_share * disagreement))


def axis_slope(knee: Knee, level2: Float, parameters: AngleParameters) -> Float:
    """(4, m): radians of angle per radian that each axis is off along its tangents, at the knots.

    It is that of the inclinations, as far as the momentary direction of the hinge is followed.
    """
    thigh = axis_sensitivity(knee.thigh.up_in_sensor, knee.fit.thigh)
    shank = -axis_sensitivity(knee.shank.up_in_sensor, knee.fit.shank)
    return np.concatenate((thigh, shank)) * follow_share(level2, parameters)


def heading_slope(knee: Knee, level2: Float, parameters: AngleParameters) -> Float:
    """(m,): radians of angle per radian that the slow heading is off: 1 where the hinge is upright."""
    rise = knee.fit.thigh @ knee.thigh.up_in_sensor + knee.fit.shank @ knee.shank.up_in_sensor
    return np.asarray(rise / 2 * (1 - follow_share(level2, parameters)))


def knot_band_deg(
    knee: Knee,
    level2: Float,
    heading: Heading,
    flexion_deg: Float,
    zero: NDArray[np.int64],
    spacing_s: float,
    parameters: AngleParameters,
) -> Float:
    """One sigma (m,) at the knots.

    Args:
        knee: with the covariance of its axes.
        level2: (m,) square of the hinge's level part.
        heading: slow heading with its uncertainty.
        flexion_deg: (m,) from the zero posture.
        zero: knots of the zero posture, where axes cannot err.
        spacing_s: of the knots.
        parameters: the constants.
    """
    slope = axis_slope(knee, level2, parameters)
    slope = slope - slope[:, zero].mean(axis=1, keepdims=True)
    axes = np.einsum("in,ij,jn->n", slope, knee.fit.covariance_rad2, slope)
    turned = _from_heading(knee, level2, heading, zero, spacing_s, parameters)
    rate = np.linalg.norm(knee.shank.strapdown.gyr, axis=0)
    jolts = jolt_rad(knee, parameters) * np.minimum(rate / FULL_RATE_RAD_S, 1.0)
    skin = np.hypot(parameters.skin_rad, parameters.skin_share * np.radians(flexion_deg))
    return np.asarray(np.degrees(np.sqrt(np.maximum(axes, 0.0) + turned + skin**2 + jolts**2)))


def _from_heading(
    knee: Knee,
    level2: Float,
    heading: Heading,
    zero: NDArray[np.int64],
    spacing_s: float,
    parameters: AngleParameters,
) -> Float:
    """Variance (m,) of the angle from the heading, as far as it differs from that at the zero posture."""
    p = parameters
    lost = heading_slope(knee, level2, p)
    at_zero = float(lost[zero].mean())
    away_s = np.abs(np.arange(len(lost)) - float(np.median(zero))) * spacing_s
    drifted = np.minimum(p.wander_rad**2 * away_s, 2 * heading.sd_rad**2)
    wobble = lost * np.sqrt(level2) * p.wobble_rad
    return np.asarray((lost - at_zero) ** 2 * heading.sd_rad**2 + lost**2 * drifted + wobble**2)
