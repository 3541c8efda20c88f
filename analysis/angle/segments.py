"""The orientation of both segments in one world; their relative turn about the knee's axis is the flexion.

Segment axes are those of the ISB as far as two sensors show them: z along the knee's axis to the right, y
along the limb upward, x forward. The knee's axis is estimated; the limb's direction comes from the levers,
some degrees off where a sensor sits in front or behind. Both segments share it, so that they coincide at
0 deg. The world is OpenSim's ground: y up, and z to the person's right, as the knee's axis points in the zero
posture. Nothing fixes its heading, which drifts slowly, for both segments alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.angle.flexion import to_step_end_deg
from analysis.angle.knee.hinge import tangents
from analysis.angle.orientation.quaternion import Pair, from_matrix, multiply, rotate, take
from analysis.angle.parameters import DEFAULTS, AngleParameters
from analysis.angle.strapping_estimate import StrappingEstimate
from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.session.model import PhaseSpan, ReferencePose


@dataclass(frozen=True, eq=False, slots=True)
class SegmentOrientations:
    """Orientation of both segments on the grid of the angle.

    Attributes:
        time_s: (n,) session clock.
        ground_from_thigh, ground_from_shank: (n, 4) unit quaternions (w, x, y, z); NaN where unknown.
    """

    time_s: Float
    ground_from_thigh: Float
    ground_from_shank: Float


def estimate_orientations(
    thigh: ImuSamples,
    shank: ImuSamples,
    *,
    phases: Sequence[PhaseSpan] = (),
    poses: Sequence[ReferencePose] = (),
    parameters: AngleParameters = DEFAULTS,
) -> SegmentOrientations:
    """Estimates the orientation of both segments; arguments and errors are those of `estimate_angle`."""
    from analysis.angle.grid import common_grid
    from analysis.angle.session import estimate_session
    from analysis.angle.usable import refuse_unusable

    grid = common_grid(thigh, shank, parameters)
    refuse_unusable(grid)
    found = [np.full((len(grid.time_s), 4), np.nan) for _ in range(2)]
    for strapping in estimate_session(grid, phases, poses, parameters).strappings:
        part = strapping.found
        start = int(np.searchsorted(grid.time_s, part.grid.time_s[0]))
        known = part.grid.known
        for whole, pair in zip(found, segment_pairs(part), strict=True):
            whole[start : start + len(known)][known] = _continuous(pair)[known]
    return SegmentOrientations(grid.time_s, found[0], found[1])


def segment_pairs(found: StrappingEstimate) -> tuple[Pair, Pair]:
    """Ground from thigh and ground from shank of one strapping, n quaternions each."""
    sign = found.direction.sign
    at_straight_rad = float(np.radians(sign * found.zero.zero_deg))
    # The frames of both views have their z along the axes as they were found, before their sign was.
    thigh_view, shank_view = found.heading.thigh.level_from_hinge, found.heading.shank.level_from_hinge
    half = np.exp(0.5j * found.blocks.to_samples(found.heading.reading_rad))
    shank_level = shank_view[0] * half, shank_view[1] * half
    hinge_from_thigh = multiply(_about_z(_limb_rad(found, sign, at_straight_rad)), _upright(sign))
    hinge_from_shank = multiply(_about_z(-at_straight_rad), hinge_from_thigh)
    thigh = multiply(_OPENSIM_FROM_LEVEL, multiply(thigh_view, hinge_from_thigh))
    shank = multiply(_OPENSIM_FROM_LEVEL, multiply(shank_level, hinge_from_shank))
    thigh, shank = _at_step_ends(thigh, shank, found)
    turn = _facing_forward(take(thigh, found.zero.rows))
    return multiply(turn, thigh), multiply(turn, shank)


def _at_step_ends(thigh: Pair, shank: Pair, found: StrappingEstimate) -> tuple[Pair, Pair]:
    """Both orientations carried on from the middles of the steps to their ends, where the angle is read.

    The thigh is halfway to its next orientation; the knee has turned on by what its gyros measured.
    """
    thigh_from_shank = multiply((thigh[0].conj(), -thigh[1]), shank)
    bent_rad = np.radians(to_step_end_deg(found.grid, found.knee.axes))
    # Flexion is negative about the axis of the knee that points to the right.
    thigh_from_shank = multiply((np.exp(-0.5j * bent_rad), np.zeros_like(thigh[1])), thigh_from_shank)
    goes_on = found.grid.known[:-1] & found.grid.known[1:]
    a, b = (part.copy() for part in thigh)
    same = np.sign((a[1:] * a[:-1].conj() + b[1:] * b[:-1].conj()).real)
    for part, values in ((a, thigh[0]), (b, thigh[1])):
        part[:-1][goes_on] += (same * values[1:])[goes_on]
    length = np.sqrt(np.abs(a) ** 2 + np.abs(b) ** 2)
    thigh = a / length, b / length
    return thigh, multiply(thigh, thigh_from_shank)


def _limb_rad(found: StrappingEstimate, sign: int, at_straight_rad: float) -> float:
    """Direction of the limb about the hinge as it is straight, upward, in the frame of the thigh's view."""
    centre, upward = found.knee.centre, 0.0j
    levers = (
        (found.knee.axes[0], centre.thigh_m, 0.0),
        (found.knee.axes[1], -centre.shank_m, at_straight_rad),
    )
    for axis, lever_m, turn_rad in levers:
        x, y = tangents(sign * axis) @ lever_m
        upward += (x + 1j * y) / max(np.hypot(x, y), 1e-9) * np.exp(1j * turn_rad)
    return float(np.angle(upward))


def _about_z(angle_rad: float) -> Pair:
    return np.array([np.exp(0.5j * angle_rad)]), np.zeros(1, dtype=np.complex128)


def _upright(sign: int) -> Pair:
    """Hinge frame from segment frame, the limb along the hinge frame's x: y upward along it, z to the right.

    Flexion is positive about the axis times `sign`, hence negative about the segment's z.
    """
    y, z = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, -float(sign)])
    return from_matrix(np.column_stack((np.cross(y, z), y, z)))


# (x, y, z) with z up -> (x, z, -y) with y up: a quarter turn about x.
_OPENSIM_FROM_LEVEL: Pair = (
    np.array([np.sqrt(0.5) + 0.0j]),
    np.array([-np.sqrt(0.5) + 0.0j]),
)


def _facing_forward(ground_from_thigh: Pair) -> Pair:
    """The turn about the vertical (y) after which the knee's axis points to z, on the average."""
    n = len(ground_from_thigh[0])
    right = rotate(ground_from_thigh, np.tile([[0.0], [0.0], [1.0]], n)).mean(axis=1)
    # Turned by a about y, a vector (x, z) at the angle atan2(x, z) from z comes to that angle plus a.
    half = -0.5 * float(np.arctan2(right[0], right[2]))
    return np.array([np.cos(half) + 0.0j]), np.array([1j * np.sin(half)])


def _continuous(pair: Pair) -> Float:
    """Quaternions (n, 4) as w, x, y, z, none of which jumps to its negative."""
    a, b = pair
    q = np.column_stack((a.real, b.real, b.imag, a.imag))
    same = np.sign((q[1:] * q[:-1]).sum(axis=1))
    q[1:] *= np.cumprod(np.where(same == 0, 1.0, same))[:, None]
    return q if q[0, 0] >= 0 else -q
