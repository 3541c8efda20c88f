"""One sigma of the angle within one strapping: what the estimate itself knows about its errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.angle.flexion import axis_sensitivity
from analysis.angle.heading import Heading, follow_share
from analysis.angle.identify import Knee
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float


def knot_band_deg(
    knee: Knee,
    level2: Float,
    heading: Heading,
    flexion_deg: Float,
    zero: NDArray[np.int64],
    parameters: AngleParameters,
) -> Float:
    """One sigma (m,) at the knots.

    Args:
        knee: with the covariance of its axes.
        level2: (m,) square of the hinge's level part.
        heading: slow heading with its uncertainty.
        flexion_deg: (m,) from the zero posture.
        zero: knots of the zero posture, where axes cannot err.
        parameters: the constants.
    """
    slope = np.concatenate(
        (
            axis_sensitivity(knee.thigh.up_in_sensor, knee.fit.thigh),
            -axis_sensitivity(knee.shank.up_in_sensor, knee.fit.shank),
        )
    )
    slope = slope - slope[:, zero].mean(axis=1, keepdims=True)
    axes = np.einsum("in,ij,jn->n", slope, knee.fit.covariance_rad2, slope)
    lost = np.sqrt(1 - np.minimum(level2, 1.0)) * (1 - follow_share(level2, parameters))
    turned = lost * np.hypot(heading.sd_rad, parameters.wobble_rad / 3)
    skin = np.radians(0.3) ** 2 + np.radians(0.01 * flexion_deg) ** 2
    return np.asarray(np.degrees(np.sqrt(np.maximum(axes, 0.0) + turned**2 + skin)))
