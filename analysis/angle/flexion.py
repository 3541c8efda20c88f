"""Step 5: the rotation about the hinge, from two views of the hinge and the heading between them.

A sample is the mean over the step that ends at its time. Everything before this step describes the middles of
the steps, forces and rotations alike; the angle is carried on from there to their ends.

With (a_i, b_i) the rotation from the hinge frame of sensor i to its level world (`knee.view`), the twist of
the relative rotation about the hinge is 2 arg(conj(a1) a2 exp(k d / 2) + b1 conj(b2) exp(-k d / 2)), d the
heading between the worlds.
"""

from __future__ import annotations

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Grid
from analysis.angle.knee.heading import KneeHeading
from analysis.angle.knee.view import HingeView
from analysis.angle.orientation.quaternion import pieces
from firmware_bridge.samples import Float


def hinge_angle_deg(heading: KneeHeading, blocks: Blocks, grid: Grid, axes: tuple[Float, Float]) -> Float:
    """The angle (n,) about the hinge, from no particular zero, within half a turn of its mean direction.

    Args:
        heading: of step 4.
        blocks: of the grid.
        grid: both sensors.
        axes: (3,) of the thigh and of the shank, with the sign that the views of `heading` have.
    """
    angle = np.degrees(twist_rad(heading.thigh, heading.shank, blocks.to_samples(heading.reading_rad)))
    angle += to_step_end_deg(grid, axes)
    return near(angle, circular_mean_deg(angle[grid.known]))


def to_step_end_deg(grid: Grid, axes: tuple[Float, Float]) -> Float:
    """The change (n,) of the angle about the hinge from the middle of each step to its end.

    It is half of what the gyros turned in that step; their bias makes less than 0.01 deg of it.

    Args:
        grid: both sensors.
        axes: (3,) of the thigh and of the shank.
    """
    rate_rad_s = axes[1] @ grid.shank.gyr_rad_s - axes[0] @ grid.thigh.gyr_rad_s
    return np.asarray(np.degrees(rate_rad_s) * (0.5 / grid.rate_hz))


def twist_rad(thigh: HingeView, shank: HingeView, heading_rad: Float) -> Float:
    """The angle (n,) of the shank about the hinge relative to the thigh, from no particular zero."""
    (a1, b1), (a2, b2) = thigh.level_from_hinge, shank.level_from_hinge
    angle_rad = np.empty(len(heading_rad))
    for rows in pieces(len(heading_rad)):
        half = np.exp(0.5j * heading_rad[rows])
        turned = a1[rows].conj() * a2[rows] * half + b1[rows] * (b2[rows] * half).conj()
        angle_rad[rows] = 2 * np.angle(turned)
    return angle_rad


def near(angle_deg: Float, middle_deg: float) -> Float:
    """The same angles in [middle - 180, middle + 180)."""
    return (angle_deg - middle_deg + 180.0) % 360.0 - 180.0 + middle_deg


def circular_mean_deg(angle_deg: Float) -> float:
    """The mean direction of angles that are known up to whole turns."""
    return float(np.degrees(np.angle(np.exp(1j * np.radians(angle_deg)).mean())))
