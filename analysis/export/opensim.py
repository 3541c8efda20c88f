"""A session for OpenSim: orientations of both segments as .sto, the knee angle as .mot.

`orientations.sto` holds quaternions (w, x, y, z) of `femur_r_imu` and `tibia_r_imu` (or `_l_`) in OpenSim's
ground frame, y up, so that OpenSense needs no further sensor_to_opensim_rotation. Gaps are missing rows.
`knee_angle.mot` holds `knee_angle_r` in degrees, positive when bent, as in the Rajagopal models; gait2392
counts the other way round.
"""

from __future__ import annotations

import numpy as np

from analysis.angle.result import FlexionTrack
from analysis.angle.segments import SegmentOrientations
from firmware_bridge.samples import Side

STO, MOT = "orientations.sto", "knee_angle.mot"


def opensim_files(
    orientations: SegmentOrientations, track: FlexionTrack, side: Side, rate_hz: float, relative: bool
) -> dict[str, str]:
    """The two files of a session.

    Args:
        orientations, track: on the same grid.
        side: the leg.
        rate_hz: of the grid.
        relative: no reference pose fixed the zero.
    """
    known = np.isfinite(orientations.ground_from_thigh).all(axis=1) & track.valid
    return {
        STO: orientations_text(orientations, known, side, rate_hz),
        MOT: angle_text(track, side, relative),
    }


def orientations_text(
    orientations: SegmentOrientations, known: np.ndarray, side: Side, rate_hz: float
) -> str:
    """The text of an orientation file (.sto, DataType=Quaternion)."""
    leg = side.value[0]
    lines = [
        f"DataRate={rate_hz:.6f}",
        "DataType=Quaternion",
        "version=3",
        "OpenSimVersion=4.5",
        "endheader",
        f"time\tfemur_{leg}_imu\ttibia_{leg}_imu",
    ]
    columns = (
        orientations.time_s[known, None],
        orientations.ground_from_thigh[known],
        orientations.ground_from_shank[known],
    )
    row = "%.6f\t%.9f,%.9f,%.9f,%.9f\t%.9f,%.9f,%.9f,%.9f"
    lines += [row % tuple(values) for values in np.hstack(columns).tolist()]
    return "\n".join(lines) + "\n"


def angle_text(track: FlexionTrack, side: Side, relative: bool) -> str:
    """The text of a coordinates file (.mot)."""
    rows = np.column_stack((track.time_s, track.flexion_deg))[track.valid]
    zero = "counted from the straightest still posture, not from straight" if relative else "0 is straight"
    lines = [
        "Coordinates",
        "version=1",
        f"nRows={len(rows)}",
        "nColumns=2",
        "inDegrees=yes",
        f"Knee flexion of kneeflex in degrees, positive when bent; {zero}.",
        "endheader",
        f"time\tknee_angle_{side.value[0]}",
    ]
    lines += [f"{time_s:.6f}\t{flexion_deg:.6f}" for time_s, flexion_deg in rows.tolist()]
    return "\n".join(lines) + "\n"
