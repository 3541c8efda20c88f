"""Step 4: the heading between the two sensors' worlds, from the hinge that both see.

Seen from above, a shared direction d gives the phasor z = (d1x + i d1y) conj(d2x + i d2y), whose angle is the
heading between the worlds. The hinge is such a direction where it is level (Laidig, Schauer, Seel 2017, in
closed form). Where it stands upright the heading follows from the gyros (`heading_filter`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.knee.heading_filter import (
    FilterHistory,
    Heading,
    HeadingFilter,
    hinge_information,
)
from analysis.angle.knee.heading_walk import hinge_walk_information, random_walk_heading
from analysis.angle.knee.identification import Knee
from analysis.angle.knee.view import HingeView
from analysis.angle.orientation.quaternion import Complex
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float


@dataclass(frozen=True, eq=False, slots=True)
class KneeHeading:
    """Both views of the hinge and the heading between them.

    Attributes:
        thigh, shank: the hinge in the level world of each sensor.
        level2: (m,) square of the hinge's level part, for each block.
        filtered: the heading from the filter, with its uncertainty.
        reading_rad: (m,) the heading to read the angle with.
        misalignment_rad: RMS angle between the hinge as the thigh's sensor sees it and as the shank's does.
        history: of the filter, for the live form to continue from.
    """

    thigh: HingeView
    shank: HingeView
    level2: Float
    filtered: Heading
    reading_rad: Float
    misalignment_rad: float
    history: FilterHistory

    def signed(self, sign: int) -> KneeHeading:
        """The same for both axes times `sign`. The bias along the hinge changes its sign with them.

        Angles that were read before stay with the views of the unsigned axes.
        """
        return self if sign > 0 else replace(self, history=self.history.reversed())


def find_heading(knee: Knee, blocks: Blocks, parameters: AngleParameters) -> KneeHeading:
    """The heading over one strapping, every block from all blocks around it."""
    sensors = zip((knee.thigh, knee.shank), knee.axes, strict=True)
    thigh, shank = (HingeView.of(sensor, axis, blocks) for sensor, axis in sensors)
    middle = thigh.at(blocks.middle), shank.at(blocks.middle)
    phasor = middle[0].direction * middle[1].direction.conj()
    level2 = np.abs(phasor)
    inclination = (middle[0].inclination + middle[1].inclination) / 2
    walk = random_walk_heading(phasor, hinge_walk_information(level2, parameters), parameters, blocks)
    misalignment_rad = _misalignment_rad(*middle, walk, blocks, parameters)
    axes_rad = float(np.sqrt(np.trace(knee.fit.covariance_rad2) / 2))

    def forward(p: AngleParameters) -> FilterHistory:
        information = np.full(blocks.count, hinge_information(p))
        return HeadingFilter.of(p).forward(phasor, information, inclination, knee.hinge_bias_rad2_s2, blocks)

    history = forward(parameters)
    filtered = history.smooth(blocks)
    # The filter's noise suits every knee. The variance of the heading of a steady hinge is smaller.
    known = forward(parameters.for_hinge(misalignment_rad, axes_rad)).smooth(blocks)
    filtered = replace(filtered, sd_rad=known.sd_rad, bias_sd_rad_s=known.bias_sd_rad_s)
    reading_rad = _reading_rad(phasor, filtered, blocks, parameters)
    return KneeHeading(thigh, shank, level2, filtered, reading_rad, misalignment_rad, history)


def _misalignment_rad(
    thigh: HingeView, shank: HingeView, heading: Heading, blocks: Blocks, parameters: AngleParameters
) -> float:
    """RMS hinge misalignment, from views at the middle of each block.

    The heading must follow it quickly, so that only the rest is counted.
    """
    whole = ~blocks.cut
    turn = np.exp(1j * heading.heading_rad[whole])
    level = thigh.direction[whole] - shank.direction[whole] * turn
    upward = thigh.inclination[whole] - shank.inclination[whole]
    apart = float(np.sqrt((np.abs(level) ** 2 + upward**2).mean()))
    return max(apart, parameters.least_misalignment_rad)


def _reading_rad(phasor: Complex, filtered: Heading, blocks: Blocks, parameters: AngleParameters) -> Float:
    """The heading (m,) to read the angle with: filtered where the hinge is upright, momentary where level.

    With the momentary heading the angle is the difference of two angles to the vertical, and a sensor that
    skin turns about the long axis of the limb does not change it.
    """
    reach_s, spacing_s = parameters.follow_s, blocks.spacing_s
    wobble = np.where(blocks.cut, 0.0, phasor * np.exp(-1j * filtered.heading_rad))
    reach = int(np.ceil(3 * reach_s / spacing_s))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * spacing_s / reach_s) ** 2)
    smoothed = np.convolve(wobble, kernel / kernel.sum(), mode="full")[reach : reach + len(wobble)]
    share = momentary_share(np.abs(smoothed), parameters)
    return np.asarray(filtered.heading_rad + share * np.angle(smoothed))


def momentary_share(level2: Float, parameters: AngleParameters) -> Float:
    """Weight of the momentary direction, for the square of the hinge's level part."""
    return np.asarray(level2**2 / (level2**2 + parameters.follow_level**4))
