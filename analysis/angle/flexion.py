"""Step 5: the rotation about the hinge, from two views of the hinge and the heading between them.

With (a_i, b_i) the rotation from the hinge frame of sensor i to its level world (`knee.view`), the twist of
the relative rotation about the hinge is 2 arg(conj(a1) a2 exp(k d / 2) + b1 conj(b2) exp(-k d / 2)), d the
heading between the worlds.
"""

from __future__ import annotations

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Bool
from analysis.angle.knee.heading import KneeHeading
from analysis.angle.knee.view import HingeView
from firmware_bridge.samples import Float


def hinge_angle_deg(heading: KneeHeading, blocks: Blocks, known: Bool) -> Float:
    """The angle (n,) about the hinge, from no particular zero, within half a turn of its mean direction.

    Args:
        heading: of step 4.
        blocks: of the grid.
        known: (n,) False in gaps.
    """
    angle = np.degrees(twist_rad(heading.thigh, heading.shank, blocks.to_samples(heading.reading_rad)))
    return near(angle, circular_mean_deg(angle[known]))


def twist_rad(thigh: HingeView, shank: HingeView, heading_rad: Float) -> Float:
    """The angle (n,) of the shank about the hinge relative to the thigh, from no particular zero."""
    (a1, b1), (a2, b2) = thigh.level_from_hinge, shank.level_from_hinge
    half = np.exp(0.5j * heading_rad)
    return np.asarray(2 * np.angle(a1.conj() * a2 * half + b1 * (b2 * half).conj()))


def near(angle_deg: Float, middle_deg: float) -> Float:
    """The same angles in [middle - 180, middle + 180)."""
    return (angle_deg - middle_deg + 180.0) % 360.0 - 180.0 + middle_deg


def circular_mean_deg(angle_deg: Float) -> float:
    """The mean direction of angles that are known up to whole turns."""
    return float(np.degrees(np.angle(np.exp(1j * np.radians(angle_deg)).mean())))
