"""Step 6: one sigma of the angle within one strapping, from what the recording shows and from what it cannot.

The scale is one measured figure: the RMS disagreement between the two sensors' hinge directions, the hinge
misalignment. On a machine it is close to zero, and the sigma is that of the sensors. On a leg it comes from
skin, muscle and a knee that is no hinge, and what is seen across the hinge must be expected along it as well.

What straps and muscle do about the hinge itself no sensor shows. On a leg it is allowed for by published
figures, which grow with flexion and effort (`tissue_rad2`). In the same posture at the same effort it is the
same again, so that differences between like postures do not hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from analysis.angle.blocks import Blocks
from analysis.angle.knee.heading import KneeHeading, momentary_share
from analysis.angle.knee.hinge import tangents
from analysis.angle.knee.identification import Knee
from analysis.angle.parameters import AngleParameters
from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.samples import Float

FloatOrArray = TypeVar("FloatOrArray", float, Float)

# Above this ratio of misfits the pairing of the axes is taken as certain. Of 592 simulated searches on parts
# of sessions it was wrong in 28 of 90 below 1.5, in 2 of 15 between 1.5 and 2, and in none of 487 above.
_CLEAR_MARGIN = 2.0


@dataclass(frozen=True, eq=False, slots=True)
class Uncertainty:
    """One sigma of the angle relative to the zero posture, for each block.

    Attributes:
        sd_deg: (m,) of what the recording shows, which differences between like postures hold.
        unlike_deg: (m,) of what only differences between unlike postures hold: what straps and muscle do
            about the hinge, and what the heading took from the posture that it was observed in.
        pairing_sd_deg: (m,) its part from not knowing which pairing of the axes is right.
        sample_time_steps: one sigma of the time of a sample, in steps.
        zero_axis_slope: (4,) sensitivity of the angle to the axes at the zero posture.
        zero_heading_slope: sensitivity of the angle to the heading there.
    """

    sd_deg: Float
    unlike_deg: Float
    pairing_sd_deg: Float
    sample_time_steps: float
    zero_axis_slope: Float
    zero_heading_slope: float


def find_uncertainty(
    knee: Knee,
    heading: KneeHeading,
    bent_deg: Float,
    zero: NDArray[np.int64],
    blocks: Blocks,
    parameters: AngleParameters,
) -> Uncertainty:
    """Adds the variances of the axes, the heading, the unseen movement and the pairing.

    Args:
        knee: with the covariance of its axes.
        heading: of step 4.
        bent_deg: (m,) angle from the zero posture.
        zero: blocks of the zero posture, where axes and heading cause no error.
        blocks: the blocks.
        parameters: the constants.
    """
    axis_slope = _axis_slope(knee, heading.level2, parameters)
    zero_axis_slope = axis_slope[:, zero].mean(axis=1)
    heading_slope = _heading_slope(knee, heading.level2, parameters)
    zero_heading_slope = float(heading_slope[zero].mean())
    since_zero = axis_slope - zero_axis_slope[:, None]
    axes = np.einsum("in,ij,jn->n", since_zero, knee.fit.covariance_rad2, since_zero)
    turned = _from_heading(heading_slope, zero_heading_slope, heading, zero, blocks, parameters)
    unseen = _along_hinge(heading.misalignment_rad, np.radians(bent_deg), parameters)
    hinge_sd_deg = np.degrees(np.sqrt(np.maximum(axes, 0.0) + turned + unseen))
    pairing_sd_deg = _pairing_sd_deg(knee, zero)
    sd_deg = np.hypot(hinge_sd_deg, pairing_sd_deg)
    thigh = knee.thigh.strapdown
    effort_g = np.abs(np.linalg.norm(thigh.knee_force(knee.thigh.lever_m), axis=0) / GRAVITY_M_S2 - 1.0)
    leg = leg_share(heading.misalignment_rad, parameters)
    tissue_deg = leg * np.degrees(
        np.sqrt(tissue_rad2(np.radians(bent_deg), np.minimum(effort_g, 1.0), parameters))
    )
    # A heading from another posture also holds what the sensors saw apart there all the time.
    constant_rad = parameters.posture_share * heading.misalignment_rad
    unlike_deg = np.hypot(tissue_deg, np.degrees((heading_slope - zero_heading_slope) * constant_rad))
    steps = parameters.sample_time_steps
    return Uncertainty(sd_deg, unlike_deg, pairing_sd_deg, steps, zero_axis_slope, zero_heading_slope)


def leg_share(misalignment_rad: float, parameters: AngleParameters) -> float:
    """0 on a machine to 1 on a leg, by how far the hinge is from a hinge."""
    least, most = parameters.machine_misalignment_rad, parameters.leg_misalignment_rad
    return min(max((misalignment_rad - least) / (most - least), 0.0), 1.0)


def tissue_rad2(bent_rad: FloatOrArray, effort_g: FloatOrArray, parameters: AngleParameters) -> FloatOrArray:
    """Variance of what straps and muscle do about the hinge of a leg.

    Args:
        bent_rad: angle from the zero posture.
        effort_g: by how many g the force at the knee differs from gravity, up to one.
        parameters: the constants.
    """
    still, bent, effort = (
        parameters.still_tissue_rad,
        parameters.bent_tissue * bent_rad,
        parameters.effort_tissue_rad * effort_g,
    )
    return still * still + bent * bent + effort * effort


def _axis_slope(knee: Knee, level2: Float, parameters: AngleParameters) -> Float:
    """(4, m): change of the angle with each axis, along its tangents, in radians per radian.

    It is that of the angles to the vertical, weighted by how far the momentary heading is followed.
    """
    thigh = axis_sensitivity(knee.thigh.up_in_sensor, knee.fit.thigh)
    shank = -axis_sensitivity(knee.shank.up_in_sensor, knee.fit.shank)
    return np.concatenate((thigh, shank)) * momentary_share(level2, parameters)


def up_angle_rad(up: Float, axis: Float) -> Float:
    """The angle (n,) of up (3, n) about an axis, from no particular zero."""
    x, y = tangents(axis) @ up
    return np.asarray(np.arctan2(y, x))


def axis_sensitivity(up: Float, axis: Float) -> Float:
    """(2, n): change of `up_angle_rad` with the axis, along each of its tangents; bounded where undefined."""
    x, y = tangents(axis) @ up
    level2 = np.maximum(x * x + y * y, 1e-2)
    slope = (axis @ up) / level2
    return np.stack((slope * y, -slope * x))


def _heading_slope(knee: Knee, level2: Float, parameters: AngleParameters) -> Float:
    """(m,): change of the angle with the filtered heading: 1 where the hinge is upright."""
    inclination = knee.fit.thigh @ knee.thigh.up_in_sensor + knee.fit.shank @ knee.shank.up_in_sensor
    return np.asarray(inclination / 2 * (1 - momentary_share(level2, parameters)))


def _along_hinge(misalignment_rad: float, bent_rad: Float, parameters: AngleParameters) -> Float:
    """Variance (m,) in rad^2 from the sensors, and from rotation about the hinge that nothing shows."""
    unseen = parameters.misalignment_share * misalignment_rad
    return np.asarray(parameters.sensor_rad**2 + unseen**2 * (1 + bent_rad**2))


def _from_heading(
    slope: Float,
    zero_slope: float,
    heading: KneeHeading,
    zero: NDArray[np.int64],
    blocks: Blocks,
    parameters: AngleParameters,
) -> Float:
    """Variance (m,) of the angle from the heading, relative to the zero posture."""
    filtered = heading.filtered
    middle = int(np.median(zero))
    away_s = np.abs(np.arange(len(slope)) - middle) * blocks.size / blocks.rate_hz
    drifted = (filtered.bias_sd_rad_s * away_s) ** 2 + parameters.heading_process_noise_rad**2 * away_s
    gaps = np.cumsum(blocks.cut)
    independent = 2 * filtered.sd_rad**2
    drifted = np.where(gaps == gaps[middle], np.minimum(drifted, independent), independent)
    wobble = slope * np.sqrt(heading.level2) * heading.misalignment_rad
    return np.asarray((slope - zero_slope) ** 2 * filtered.sd_rad**2 + slope**2 * drifted + wobble**2)


def _pairing_sd_deg(knee: Knee, zero: NDArray[np.int64]) -> Float:
    """(m,) one sigma from not knowing which of the two pairings of the axes is right."""
    doubt = min(max((_CLEAR_MARGIN - knee.margin) / (_CLEAR_MARGIN - 1.0), 0.0), 1.0)
    if knee.rival is None or doubt == 0.0:
        return np.zeros(knee.thigh.up.shape[1])
    angles = [
        up_angle_rad(knee.thigh.up_in_sensor, fit.thigh) - up_angle_rad(knee.shank.up_in_sensor, fit.shank)
        for fit in (knee.fit, knee.rival)
    ]
    # The common sign of a pairing is free: the sign that agrees better is meant.
    apart = [np.exp(1j * (angles[0] - sign * angles[1])) for sign in (1, -1)]
    apart = [a * np.exp(-1j * np.angle(a[zero].mean())) for a in apart]
    smaller = min((np.abs(np.angle(a)) for a in apart), key=lambda a: float(a.mean()))
    return np.asarray(np.degrees(0.5 * doubt * smaller))
