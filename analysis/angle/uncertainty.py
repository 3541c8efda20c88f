"""One sigma of the angle within one strapping: what the estimate itself knows about its errors.

Everything is measured by one figure of the recording: how far apart the two sensors see the hinge. On a
machine that is nothing, and the band is as narrow as the sensors are good; on a leg it is skin, muscle and
a knee that is no hinge, and what is seen across the hinge must be expected along it as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.angle.blocks import Blocks
from analysis.angle.flexion import Hinged, axis_sensitivity
from analysis.angle.knee.heading import Heading, follow_share
from analysis.angle.knee.identification import Knee
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float


def hinge_misalignment_rad(
    thigh: Hinged, shank: Hinged, heading: Heading, blocks: Blocks, parameters: AngleParameters
) -> float:
    """RMS angle between the hinge as the thigh's sensor sees it and as the shank's does."""
    at = blocks.middle[~blocks.cut]
    turn = np.exp(1j * heading.heading_rad[~blocks.cut])
    level = thigh.direction[at] - shank.direction[at] * turn
    inclination = thigh.inclination[at] - shank.inclination[at]
    apart = float(np.sqrt(np.mean(np.abs(level) ** 2 + inclination**2)))
    return max(apart, parameters.least_misalignment_rad)


def axis_slope(knee: Knee, level2: Float, parameters: AngleParameters) -> Float:
    """(4, m): radians of angle per radian that each axis is off along its tangents, at the blocks.

    It is that of the inclinations, as far as the momentary direction of the hinge is followed.
    """
    thigh = axis_sensitivity(knee.thigh.up_in_sensor, knee.fit.thigh)
    shank = -axis_sensitivity(knee.shank.up_in_sensor, knee.fit.shank)
    return np.concatenate((thigh, shank)) * follow_share(level2, parameters)


def heading_slope(knee: Knee, level2: Float, parameters: AngleParameters) -> Float:
    """(m,): radians of angle per radian that the slow heading is off: 1 where the hinge is upright."""
    inclination = knee.fit.thigh @ knee.thigh.up_in_sensor + knee.fit.shank @ knee.shank.up_in_sensor
    return np.asarray(inclination / 2 * (1 - follow_share(level2, parameters)))


def relative_sd_deg(
    knee: Knee,
    level2: Float,
    heading: Heading,
    misalignment_rad: float,
    flexion_deg: Float,
    zero: NDArray[np.int64],
    blocks: Blocks,
    rate_hz: float,
    parameters: AngleParameters,
) -> Float:
    """One sigma (m,) at the blocks.

    Args:
        knee: with the covariance of its axes.
        level2: (m,) square of the hinge's level part.
        heading: slow heading with its uncertainty.
        misalignment_rad: `hinge_misalignment_rad`.
        flexion_deg: (m,) from the zero posture.
        zero: blocks of the zero posture, where axes cannot err.
        blocks: the blocks.
        rate_hz: of the samples.
        parameters: the constants.
    """
    slope = axis_slope(knee, level2, parameters)
    slope = slope - slope[:, zero].mean(axis=1, keepdims=True)
    axes = np.einsum("in,ij,jn->n", slope, knee.fit.covariance_rad2, slope)
    turned = _from_heading(knee, level2, heading, misalignment_rad, zero, blocks, rate_hz, parameters)
    unseen = along_hinge_variance(misalignment_rad, np.radians(flexion_deg), parameters)
    return np.asarray(np.degrees(np.sqrt(np.maximum(axes, 0.0) + turned + unseen)))


def along_hinge_variance(misalignment_rad: float, bent_rad: Float, parameters: AngleParameters) -> Float:
    """Variance (m,) in rad^2 of what the sensors err, and of what turns them about the hinge unseen."""
    unseen = parameters.misalignment_share * misalignment_rad
    return np.asarray(parameters.sensor_rad**2 + unseen**2 * (1 + bent_rad**2))


def _from_heading(
    knee: Knee,
    level2: Float,
    heading: Heading,
    misalignment_rad: float,
    zero: NDArray[np.int64],
    blocks: Blocks,
    rate_hz: float,
    parameters: AngleParameters,
) -> Float:
    """Variance (m,) of the angle from the heading, beyond that at the zero posture."""
    p = parameters
    lost = heading_slope(knee, level2, p)
    at_zero = float(lost[zero].mean())
    middle = int(np.median(zero))
    away_s = np.abs(np.arange(len(lost)) - middle) * blocks.size / rate_hz
    drifted = (heading.bias_sd_rad_s * away_s) ** 2 + p.heading_process_noise_rad**2 * away_s
    gaps = np.cumsum(blocks.cut)
    drifted = np.where(
        gaps == gaps[middle], np.minimum(drifted, 2 * heading.sd_rad**2), 2 * heading.sd_rad**2
    )
    wobble = lost * np.sqrt(level2) * misalignment_rad
    return np.asarray((lost - at_zero) ** 2 * heading.sd_rad**2 + lost**2 * drifted + wobble**2)
