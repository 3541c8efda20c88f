"""The heading as a random walk, while the axes are still searched: `heading_filter` without a bias.

The search repeats it for every candidate of the axes. Without the bias a step has two numbers, heading and
variance, so the same predict, update and smoothing take a few lines and a fifth of the time.
"""

from __future__ import annotations

from math import remainder, tau

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.knee.heading_filter import STEP_S, UNKNOWN_RAD2, Heading, observations, on_blocks
from analysis.angle.orientation.quaternion import Complex
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float

# In long recordings the steps grow, until there are this many.
_MOST_STEPS = 1000


def random_walk_heading(
    phasor: Complex, information: Float, parameters: AngleParameters, blocks: Blocks
) -> Heading:
    """Random-walk heading, used only while identifying the axes and for the hinge misalignment.

    Args:
        phasor: (m,) as in `HeadingFilter.forward`; only its angle counts.
        information: (m,) of one second of it, 1/rad^2; also its weight within a step.
        parameters: the constants.
        blocks: of the recording.
    """
    weighted = phasor * (information / np.maximum(np.abs(phasor), 1e-12))
    first = blocks.steps(max(STEP_S, blocks.count * blocks.spacing_s / _MOST_STEPS))
    noise_rad2 = parameters.skin_process_noise_rad**2
    heading, variance = 0.0, UNKNOWN_RAD2
    predicted, updated = [], []
    for observed_rad, _, worth, gap, seconds in zip(
        *observations(first, weighted, information, blocks), strict=True
    ):
        if gap:
            variance += UNKNOWN_RAD2
        predicted.append((heading, variance))
        if worth > 0.0:
            left = 1.0 / (1.0 + variance * worth)
            heading += (1.0 - left) * remainder(observed_rad - heading, tau)
            variance *= left
        updated.append((heading, variance))
        variance += noise_rad2 * seconds
    heading, variance = updated[-1]
    smoothed = [(heading, variance)]
    for (own, own2), (ahead, ahead2) in zip(updated[-2::-1], predicted[:0:-1], strict=True):
        gain = own2 / ahead2
        heading, variance = own + gain * (heading - ahead), own2 + gain * gain * (variance - ahead2)
        smoothed.append((heading, variance))
    headings, variances = np.array(smoothed[::-1]).T
    return Heading(*on_blocks(first, headings, variances, blocks), 0.0)


def hinge_walk_information(level2: Float, parameters: AngleParameters) -> Float:
    """Information of one second of the hinge for a random walk, for its level part squared.

    The tilt is counted as noise, because it changes as fast as this heading can follow.
    """
    p = parameters
    return np.asarray(level2 / (p.wobble_rad**2 * level2 + p.tilt_rad**2) / p.wobble_s)
