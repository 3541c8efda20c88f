"""From the axes and gravity to the angle about the hinge, and how uncertain it is.

The angle is the difference of two inclinations: gravity in each sensor, projected into the plane across
that sensor's hinge axis. Heading cancels; what is lost where the hinge stands upright shows in the band.
"""

from __future__ import annotations

import numpy as np

from analysis.angle.hinge import tangents
from firmware_bridge.samples import Float


def inclination_rad(up: Float, axis: Float) -> tuple[Float, Float]:
    """The angle (n,) of up (3, n) about an axis, and how level the axis is (n,), 0 upright to 1."""
    x, y = tangents(axis)
    sine, cosine = y @ up, x @ up
    return np.arctan2(sine, cosine), np.hypot(sine, cosine)


def near(angle_deg: Float, middle_deg: float) -> Float:
    """The same angles in [middle - 180, middle + 180)."""
    return (angle_deg - middle_deg + 180.0) % 360.0 - 180.0 + middle_deg


def circular_middle_deg(angle_deg: Float) -> float:
    """The middle of a movement known up to whole turns."""
    return float(np.degrees(np.angle(np.exp(1j * np.radians(angle_deg)).mean())))


def axis_sensitivity(up: Float, axis: Float) -> Float:
    """(2, n): radians of inclination per radian that the axis is off along each of its tangents."""
    x, y = tangents(axis) @ up
    level2 = np.maximum(x * x + y * y, 1e-4)
    slope = (axis @ up) / level2
    return np.stack((slope * y, -slope * x))
