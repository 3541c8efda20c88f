"""The knee angle over a whole recording, every sample estimated from all samples around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.angle.attitude import find_attitude
from analysis.angle.band import knot_band_deg
from analysis.angle.direction import Direction, alike_evidence, judge, lever_evidence, pose_evidence
from analysis.angle.flexion import Hinged, circular_middle_deg, hinge_angle_rad, near
from analysis.angle.grid import Bool, Grid, Motion, common_grid
from analysis.angle.heading import follow, hinge_information, smooth_heading
from analysis.angle.identify import Knee, find_knee
from analysis.angle.knots import Knots
from analysis.angle.parameters import AngleParameters
from analysis.angle.result import AngleResult, FlexionTrack, HingeAxes
from analysis.angle.zero import pose_rows, straightest_still
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.session.model import PhaseSpan, ReferencePose

_MIN_BENDING_DEG = 15.0
_SURE_NATS = 1.5


@dataclass(frozen=True, eq=False, slots=True)
class Strapping:
    """What one strapping gave, on its own slice of the grid."""

    flexion_deg: Float
    sd_deg: Float
    valid: Bool
    tilt_deg: Float
    axes: HingeAxes
    zero_sd_deg: float
    relative: bool
    checks: tuple[tuple[float, float], ...]
    diagnostics: dict[str, float]
    warnings: tuple[str, ...]


def estimate(
    thigh: ImuSamples,
    shank: ImuSamples,
    phases: Sequence[PhaseSpan],
    poses: Sequence[ReferencePose],
    parameters: AngleParameters,
) -> AngleResult:
    """See `analysis.angle.estimate_angle`."""
    grid = common_grid(thigh, shank, parameters)
    n = len(grid.time_s)
    flexion, sd, tilt = (np.full(n, np.nan) for _ in range(3))
    valid = np.zeros(n, dtype=bool)
    done: list[Strapping] = []
    warnings: list[str] = []
    failure: CannotAnswerError | None = None
    for rows in strappings(grid.time_s, phases):
        part = _part(grid, rows)
        try:
            result = one_strapping(part, [p for p in poses if _inside(p, part.time_s)], parameters)
        except CannotAnswerError as error:
            failure = failure or error
            warnings.append(
                f"From {part.time_s[0]:.0f} s to {part.time_s[-1]:.0f} s there is no angle: {error}"
            )
            continue
        if done and result.relative and not done[0].relative:
            warnings.append(
                f"After re-strapping at {part.time_s[0]:.0f} s no reference pose was recorded: "
                "the angles after it are left out."
            )
            continue
        flexion[rows], sd[rows], tilt[rows] = result.flexion_deg, result.sd_deg, result.tilt_deg
        valid[rows] = result.valid
        done.append(result)
        warnings += result.warnings
    if not done:
        raise failure or CannotAnswerError("The recording is empty.", "Record both sensors.")
    first = done[0]
    return AngleResult(
        track=FlexionTrack(grid.time_s, flexion, sd, valid),
        rate_hz=grid.rate_hz,
        zero="relative" if first.relative else "reference_pose",
        zero_sd_deg=max(s.zero_sd_deg for s in done),
        axes=first.axes,
        thigh_tilt_deg=tilt,
        pose_check_deg=tuple(check for s in done for check in s.checks),
        diagnostics=first.diagnostics,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def strappings(time_s: Float, phases: Sequence[PhaseSpan]) -> list[slice]:
    """The rows of each strapping; what lies inside a `restrap` phase belongs to none."""
    edges = [0]
    for phase in sorted(phases, key=lambda p: p.start_s):
        if phase.name == "restrap":
            edges += [int(np.searchsorted(time_s, t)) for t in (phase.start_s, phase.stop_s)]
    edges.append(len(time_s))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


def _part(grid: Grid, rows: slice) -> Grid:
    def cut(motion: Motion) -> Motion:
        return Motion(motion.acc_m_s2[:, rows], motion.gyr_rad_s[:, rows])

    return Grid(grid.time_s[rows], grid.rate_hz, grid.known[rows], cut(grid.thigh), cut(grid.shank))


def _inside(pose: ReferencePose, time_s: Float) -> bool:
    return bool(time_s[0] <= pose.time_s + pose.duration_s / 2 <= time_s[-1])


def one_strapping(grid: Grid, poses: Sequence[ReferencePose], parameters: AngleParameters) -> Strapping:
    """Axes, angle, zero and band of one strapping.

    Raises:
        CannotAnswerError: the movement does not show the axes.
    """
    knots = Knots.of(grid.known, grid.rate_hz, parameters.knot_s)
    knee = find_knee(
        find_attitude(grid.thigh, grid, knots, parameters),
        find_attitude(grid.shank, grid, knots, parameters),
        knots,
        grid.rate_hz,
        parameters,
    )
    thigh, shank = (
        Hinged.of(s.strapdown.inertial_from_sensor, s.level_from_inertial, axis, knots)
        for s, axis in zip((knee.thigh, knee.shank), knee.axes, strict=True)
    )
    phasor = thigh.direction[knots.middle] * shank.direction[knots.middle].conj()
    level2 = np.abs(phasor)
    heading = smooth_heading(
        phasor, hinge_information(level2, parameters), parameters.wander_rad, knots, grid.rate_hz
    )
    turned = follow(phasor, heading, knots, grid.rate_hz, parameters)
    angle = np.degrees(hinge_angle_rad(thigh, shank, knots.to_samples(turned)))
    angle = near(angle, circular_middle_deg(angle[grid.known]))
    direction = _direction(grid, angle, knee, poses)
    flexion = direction.sign * angle
    bending = float(np.subtract(*np.percentile(flexion[grid.known], [99, 1])))
    if bending < _MIN_BENDING_DEG:
        raise CannotAnswerError(
            f"The knee bent by only {bending:.0f} deg, too little to find its axis.",
            "Record 8 to 10 slow swings of the lower leg, from nearly straight to well bent.",
        )
    windows = [(p, rows) for p in poses if len(rows := pose_rows(p, grid))]
    warnings: list[str] = []
    if windows:
        pose, zero_rows = windows[0]
        zero, zero_sd = float(np.median(flexion[zero_rows])) - pose.flexion_deg, pose.sd_deg
    else:
        zero_rows = straightest_still(flexion, grid)
        zero, zero_sd = float(np.median(flexion[zero_rows])), float("nan")
        warnings.append(
            "The angle is relative: it counts from the straightest still posture, "
            "because no reference pose with a known angle was recorded."
        )
    flexion = flexion - zero
    if direction.certainty_nats < _SURE_NATS:
        warnings.append(
            "Which way the knee bends could not be told for sure: if bending lowers the number, "
            "record a reference pose before and some bending after it."
        )
    zero_knots = np.unique(knots.of_sample[zero_rows])
    band = knot_band_deg(
        knee, level2, heading, flexion[knots.middle] - flexion[zero_rows].mean(), zero_knots, parameters
    )
    known = grid.known
    axes_sd = float(np.degrees(np.sqrt(knee.fit.covariance_rad2.diagonal().max())))
    up = knee.thigh.up_in_sensor
    first = up[:, zero_knots].mean(axis=1)
    tilt = np.degrees(np.arccos(np.clip(first @ up / np.linalg.norm(first), -1.0, 1.0)))
    return Strapping(
        flexion_deg=np.where(known, flexion, np.nan),
        sd_deg=np.where(known, knots.to_samples(band), np.nan),
        valid=known.copy(),
        tilt_deg=np.where(known, knots.to_samples(tilt), np.nan),
        axes=HingeAxes(
            direction.sign * knee.fit.thigh,
            direction.sign * knee.fit.shank,
            axes_sd,
            float(np.degrees(knee.fit.residual_rad_s)),
            knee.margin,
        ),
        zero_sd_deg=zero_sd,
        relative=not windows,
        checks=tuple((p.time_s, float(np.median(flexion[rows])) - p.flexion_deg) for p, rows in windows[1:]),
        diagnostics={
            "bending_deg": bending,
            "axes_sd_deg": axes_sd,
            "direction_nats": direction.certainty_nats,
            "lever_thigh_m": float(np.linalg.norm(knee.centre.thigh_m)),
            "lever_shank_m": float(np.linalg.norm(knee.centre.shank_m)),
            "knee_force_residual_m_s2": knee.centre.residual_m_s2,
        },
        warnings=tuple(warnings),
    )


def _direction(grid: Grid, angle: Float, knee: Knee, poses: Sequence[ReferencePose]) -> Direction:
    evidence = [lever_evidence(knee.centre, knee.axes)]
    if (alike := alike_evidence(knee.axes)) is not None:
        evidence.append(alike)
    evidence.extend(
        pose_evidence(float(np.median(angle[rows])), pose.flexion_deg)
        for pose in poses
        if len(rows := pose_rows(pose, grid))
    )
    return judge(angle[grid.known], evidence)
