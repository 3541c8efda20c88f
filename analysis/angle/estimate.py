"""The chain of docs/angle.md over one strapping, one call for each of its six steps.

Every sample is estimated from all samples around it. The live form (`causal`) uses the same chain to find the
knee, and then repeats steps 2 and 4 to 6 sample by sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.flexion import hinge_angle_deg
from analysis.angle.grid import Grid
from analysis.angle.knee.direction import find_direction
from analysis.angle.knee.heading import find_heading
from analysis.angle.knee.identification import find_knee
from analysis.angle.orientation.attitude import find_attitude
from analysis.angle.orientation.coherence import refuse_incoherent
from analysis.angle.orientation.rest import force_weights
from analysis.angle.parameters import AngleParameters
from analysis.angle.strapping_estimate import StrappingEstimate
from analysis.angle.uncertainty import find_uncertainty
from analysis.angle.zero import find_zero, pose_rows
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.session.model import ReferencePose

_LEAST_BENDING_DEG = 15.0
# One of the sensors must turn this fast about one of its axes for this share of the time, times three axes.
_LEAST_RATE_RAD_S = 0.1
_LEAST_SHARE = 0.01


def estimate_strapping(
    grid: Grid, poses: Sequence[ReferencePose], parameters: AngleParameters
) -> StrappingEstimate:
    """Estimates the knee angle while the sensors stay where they are on the leg.

    Raises:
        CannotAnswerError: the movement does not show the axes.
    """
    quick = (np.count_nonzero(np.abs(m.gyr_rad_s) >= _LEAST_RATE_RAD_S) for m in (grid.thigh, grid.shank))
    if max(quick) < _LEAST_SHARE * grid.thigh.gyr_rad_s.size:
        raise _too_little("hardly moved")
    # 1. One time base: the grid, and blocks of it for everything slow.
    blocks = Blocks.of(grid.carried, grid.rate_hz, parameters.block_s)
    # 2. The orientation of each sensor: gyro bias, integration, up.
    motions = grid.thigh, grid.shank
    weight = force_weights(motions, blocks, parameters)
    thigh, shank = (find_attitude(m, grid.known, weight, blocks, parameters) for m in motions)
    refuse_incoherent(thigh, shank, blocks)
    # 3. The knee: the hinge axis in each sensor and the levers from the knee centre.
    knee = find_knee(thigh, shank, blocks, parameters)
    # 4. The heading between the two sensors' worlds.
    heading = find_heading(knee, blocks, parameters)
    # 5. Flexion: the angle about the hinge, its direction, and its zero.
    angle_deg = hinge_angle_deg(heading, blocks, grid, knee.axes)
    bending_deg = float(np.subtract(*np.percentile(angle_deg[grid.known], [99, 1])))
    if bending_deg < _LEAST_BENDING_DEG:
        raise _too_little(f"bent by only {bending_deg:.0f} deg")
    posed = [(pose, rows) for pose in poses if len(rows := pose_rows(pose, grid))]
    direction = find_direction(angle_deg[grid.known], knee, [(angle_deg[r], p.flexion_deg) for p, r in posed])
    knee, heading = knee.signed(direction.sign), heading.signed(direction.sign)
    angle_deg = direction.sign * angle_deg
    zero = find_zero(angle_deg, posed, grid)
    # 6. The uncertainty of the angle relative to the zero posture.
    zero_blocks = np.unique(blocks.of_sample[zero.rows])
    bent_deg = angle_deg[blocks.middle] - float(np.median(angle_deg[zero.rows]))
    uncertainty = find_uncertainty(knee, heading, bent_deg, zero_blocks, blocks, parameters)
    return StrappingEstimate(
        grid, blocks, knee, heading, direction, angle_deg, bending_deg, zero, zero_blocks, uncertainty
    )


def _too_little(what: str) -> CannotAnswerError:
    return CannotAnswerError(
        f"The knee {what}, too little to find its axis.",
        "Record 8 to 10 slow swings of the lower leg, from nearly straight to well bent.",
    )
