"""The knee angle over a whole recording, every sample estimated from all samples around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.angle import bias
from analysis.angle.direction import Direction, alike_evidence, judge, lever_evidence, pose_evidence
from analysis.angle.flexion import Hinged, axis_sensitivity, circular_middle_deg, hinge_angle_rad, near
from analysis.angle.gravity import find_up, level_from_inertial
from analysis.angle.grid import Bool, Grid, Motion, common_grid
from analysis.angle.heading import WOBBLE_RAD, follow, follow_share, slow_heading
from analysis.angle.hinge import HingeData, HingeFit, find_hinge, refine_hinge
from analysis.angle.knee_centre import Carried, KneeCentre, find_knee_centre
from analysis.angle.knots import Knots
from analysis.angle.parameters import AngleParameters
from analysis.angle.result import AngleResult, FlexionTrack, HingeAxes
from analysis.angle.strapdown import Strapdown, integrate
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.session.model import PhaseSpan, ReferencePose

_MIN_BENDING_DEG = 15.0
_SURE_NATS = 1.5
_STILL_DEG_S = 3.0
# A bias correction below this is not worth another integration.
_BIAS_MATTERS_RAD_S = np.radians(0.03)


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
        part = Grid(
            grid.time_s[rows],
            grid.rate_hz,
            grid.known[rows],
            _rows(grid.thigh, rows),
            _rows(grid.shank, rows),
        )
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
        flexion[rows], sd[rows], valid[rows], tilt[rows] = (
            result.flexion_deg,
            result.sd_deg,
            result.valid,
            result.tilt_deg,
        )
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


def _rows(motion: Motion, rows: slice) -> Motion:
    return Motion(motion.acc_m_s2[:, rows], motion.gyr_rad_s[:, rows])


def _inside(pose: ReferencePose, time_s: Float) -> bool:
    return bool(time_s[0] <= pose.time_s + pose.duration_s / 2 <= time_s[-1])


def carry(motion: Motion, grid: Grid, knots: Knots, parameters: AngleParameters) -> Strapdown:
    """Integrates one sensor with its bias removed, from rest and from motion."""
    resting = bias.at_rest(motion, grid.known, grid.rate_hz)
    duration_s = len(grid.time_s) / grid.rate_hz
    nodes, found = bias.solve(resting, duration_s)
    seconds = np.arange(len(grid.time_s)) / grid.rate_hz

    def at_samples(values: Float) -> Float:
        return np.stack([np.interp(seconds, nodes, v) for v in values]) if len(nodes) > 1 else values

    strapdown = integrate(motion, at_samples(found), knots, grid.rate_hz)
    up = find_up(strapdown.force, knots, grid.rate_hz, parameters.gravity_tau_s)
    drifting = bias.in_motion(strapdown.rotation, up, knots, grid.rate_hz)
    # The drift equations speak of what is left after the first correction.
    if len(drifting.value):
        previous = np.stack([np.interp(drifting.time_s, nodes, v) for v in found], axis=1)
        value = drifting.value + (drifting.row * previous).sum(axis=1)
        drifting = bias.Equations(drifting.time_s, drifting.row, value, drifting.sd)
    _, better = bias.solve(resting.plus(drifting), duration_s)
    if np.abs(better - found).max() > _BIAS_MATTERS_RAD_S:
        strapdown = integrate(motion, at_samples(better), knots, grid.rate_hz)
    return strapdown


def one_strapping(grid: Grid, poses: Sequence[ReferencePose], parameters: AngleParameters) -> Strapping:
    """Axes, angle, zero and band of one strapping.

    Raises:
        CannotAnswerError: the movement does not show the axes.
    """
    knots = Knots.of(grid.known, grid.rate_hz, parameters.knot_s)
    sensors = [carry(m, grid, knots, parameters) for m in (grid.thigh, grid.shank)]
    ups = [find_up(s.force, knots, grid.rate_hz, parameters.gravity_tau_s) for s in sensors]
    fit, centre, margin = identify(sensors, ups, knots, parameters)
    ups = [
        find_up(s.knee_force(r), knots, grid.rate_hz, parameters.gravity_tau_s)
        for s, r in zip(sensors, (centre.thigh_m, centre.shank_m), strict=True)
    ]
    data = _hinge_data(sensors, ups, knots, parameters, centre)
    fit = refine_hinge(data, fit.thigh, fit.shank, parameters)
    axes = (fit.thigh, fit.shank)
    centre = find_knee_centre(*(Carried(s, u) for s, u in zip(sensors, ups, strict=True)), axes, ~knots.cut)

    levels = [level_from_inertial(u) for u in ups]
    hinges = [
        Hinged.of(s.inertial_from_sensor, level, axis, knots)
        for s, level, axis in zip(sensors, levels, axes, strict=True)
    ]
    directions = [h.direction[knots.middle] for h in hinges]
    phasor = np.where(knots.cut, 0.0, directions[0] * directions[1].conj())
    heading = slow_heading(phasor, knots.size / grid.rate_hz, knots.cut)
    knot_s = knots.middle / grid.rate_hz
    turned = follow(
        phasor,
        np.interp(knot_s, heading.time_s, heading.heading_rad),
        knots.size / grid.rate_hz,
        knots.cut,
    )
    angle = np.degrees(hinge_angle_rad(hinges[0], hinges[1], knots.to_samples(turned)))
    angle = near(angle, circular_middle_deg(angle[grid.known]))
    direction = _direction(grid, angle, axes, centre, poses)
    flexion = direction.sign * angle
    bending = float(np.subtract(*np.percentile(flexion[grid.known], [99, 1])))
    if bending < _MIN_BENDING_DEG:
        raise CannotAnswerError(
            f"The knee bent by only {bending:.0f} deg, too little to find its axis.",
            "Record 8 to 10 slow swings of the lower leg, from nearly straight to well bent.",
        )
    windows = [_window(p, grid) for p in poses]
    zero_rows = next((w for w in windows if len(w)), None)
    relative = zero_rows is None
    warnings: list[str] = []
    if zero_rows is None:
        zero_rows = straightest_still(flexion, grid)
        zero, zero_sd = float(np.median(flexion[zero_rows])), float("nan")
        warnings.append(
            "The angle is relative: it counts from the straightest still posture, "
            "because no reference pose with a known angle was recorded."
        )
    else:
        pose = next(p for p, w in zip(poses, windows, strict=True) if len(w))
        zero = float(np.median(flexion[zero_rows])) - pose.flexion_deg
        zero_sd = float(np.hypot(pose.sd_deg, 0.1))
    flexion = flexion - zero
    up_sensor = [s.up_in_sensor(u) for s, u in zip(sensors, ups, strict=True)]
    level = np.sqrt(np.abs(phasor))
    knot_sd = np.interp(knot_s, heading.time_s, heading.sd_rad)
    zero_knots = knots.of_sample[zero_rows]
    sd = knots.to_samples(
        _band(up_sensor, fit, level, knot_sd, zero_knots, flexion[np.minimum(knots.middle, len(flexion) - 1)])
    )
    checks = tuple(
        (p.time_s, float(np.median(flexion[w])) - p.flexion_deg)
        for p, w in list(zip(poses, windows, strict=True))[1:]
        if len(w)
    )
    if direction.certainty_nats < _SURE_NATS:
        warnings.append(
            "Which way the knee bends could not be told for sure: if bending lowers the number, "
            "record a reference pose before and some bending after it."
        )
    valid = grid.known.copy()
    axes_sd = float(np.degrees(np.sqrt(fit.covariance_rad2.diagonal().max())))
    first = up_sensor[0][:, zero_knots].mean(axis=1)
    tilt = np.degrees(np.arccos(np.clip(first @ up_sensor[0] / np.linalg.norm(first), -1.0, 1.0)))
    return Strapping(
        flexion_deg=np.where(valid, flexion, np.nan),
        sd_deg=np.where(valid, sd, np.nan),
        valid=valid,
        tilt_deg=np.where(valid, knots.to_samples(tilt), np.nan),
        axes=HingeAxes(
            direction.sign * fit.thigh,
            direction.sign * fit.shank,
            axes_sd,
            float(np.degrees(fit.residual_rad_s)),
            margin,
        ),
        zero_sd_deg=zero_sd,
        relative=relative,
        checks=checks,
        diagnostics={
            "bending_deg": bending,
            "axes_sd_deg": axes_sd,
            "direction_nats": direction.certainty_nats,
            "lever_thigh_m": float(np.linalg.norm(centre.thigh_m)),
            "lever_shank_m": float(np.linalg.norm(centre.shank_m)),
            "knee_force_residual_m_s2": centre.residual_m_s2,
        },
        warnings=tuple(warnings),
    )


def identify(
    sensors: list[Strapdown], ups: list[Float], knots: Knots, parameters: AngleParameters
) -> tuple[HingeFit, KneeCentre, float]:
    """The best pair of axes with the knee centre it implies, and the margin over the other pairing."""
    data = _hinge_data(sensors, ups, knots, parameters)
    carried = [Carried(s, u) for s, u in zip(sensors, ups, strict=True)]
    ranked = []
    for fit in find_hinge(data, parameters)[:4]:
        centre = find_knee_centre(carried[0], carried[1], (fit.thigh, fit.shank), ~knots.cut)
        ranked.append((fit.cost * centre.residual_m_s2**2, fit, centre))
    ranked.sort(key=lambda entry: entry[0])
    best = ranked[0]
    margin = ranked[1][0] / best[0] if len(ranked) > 1 else np.inf
    return best[1], best[2], float(margin)


def _hinge_data(
    sensors: list[Strapdown],
    ups: list[Float],
    knots: Knots,
    parameters: AngleParameters,
    centre: KneeCentre | None = None,
) -> HingeData:
    rows = np.flatnonzero(~knots.cut)
    rows = rows[:: max(1, -(-len(rows) // parameters.max_axis_samples))]
    up = [s.up_in_sensor(u)[:, rows] for s, u in zip(sensors, ups, strict=True)]
    upright = np.zeros(len(rows)) if centre is None else centre.upright(up[0], up[1]).astype(float)
    return HingeData(sensors[0].gyr[:, rows], sensors[1].gyr[:, rows], up[0], up[1], upright)


def _direction(
    grid: Grid,
    angle: Float,
    axes: tuple[Float, Float],
    centre: KneeCentre,
    poses: Sequence[ReferencePose],
) -> Direction:
    evidence = [lever_evidence(centre, axes)]
    if (alike := alike_evidence(axes)) is not None:
        evidence.append(alike)
    evidence.extend(
        pose_evidence(float(np.median(angle[rows])), pose.flexion_deg)
        for pose in poses
        if len(rows := _window(pose, grid))
    )
    return judge(angle[grid.known], evidence)


def _window(pose: ReferencePose, grid: Grid) -> np.ndarray:
    inside = (grid.time_s >= pose.time_s) & (grid.time_s < pose.time_s + pose.duration_s) & grid.known
    return np.flatnonzero(inside)


def straightest_still(flexion: Float, grid: Grid) -> np.ndarray:
    """Rows of the second with the least flexion among the still ones; of all, where none is still."""
    size = max(1, round(grid.rate_hz))
    count = len(flexion) // size
    if count == 0:
        return np.arange(len(flexion))
    blocks = flexion[: count * size].reshape(count, size)
    known = grid.known[: count * size].reshape(count, size).all(axis=1)
    half = size // 2
    drift = np.abs(blocks[:, half:].mean(axis=1) - blocks[:, :half].mean(axis=1)) * 2
    still = known & (drift < _STILL_DEG_S) & (np.ptp(blocks, axis=1) < 2 * _STILL_DEG_S)
    among = np.flatnonzero(still if still.any() else known)
    if not len(among):
        return np.flatnonzero(grid.known)
    best = among[np.argmin(np.median(blocks[among], axis=1))]
    return np.arange(best * size, (best + 1) * size)


def _band(
    ups: list[Float], fit: HingeFit, level: Float, heading_sd: Float, zero_knots: np.ndarray, flexion: Float
) -> Float:
    slope = np.concatenate((axis_sensitivity(ups[0], fit.thigh), -axis_sensitivity(ups[1], fit.shank)))
    slope = slope - slope[:, zero_knots].mean(axis=1, keepdims=True)
    from_axes = np.einsum("in,ij,jn->n", slope, fit.covariance_rad2, slope)
    share = follow_share(level**2)
    rise = np.sqrt(1 - np.minimum(level**2, 1.0))
    heading = rise * (1 - share) * np.hypot(heading_sd, WOBBLE_RAD / 3)
    tilt = np.radians(0.3)
    variance = np.maximum(from_axes, 0) + heading**2 + tilt**2 + np.radians(0.01 * flexion) ** 2
    return np.asarray(np.degrees(np.sqrt(variance)))
