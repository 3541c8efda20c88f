"""A session: the estimates of its strappings, and one result from them. Both forms end in `angle_result`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.angle.doubts import about_strapping
from analysis.angle.estimate import estimate_strapping
from analysis.angle.grid import Grid, Motion
from analysis.angle.parameters import AngleParameters
from analysis.angle.result import AngleResult, FlexionTrack
from analysis.angle.strapping_estimate import StrappingEstimate
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import Finding, unique
from firmware_bridge.samples import Float
from firmware_bridge.session.model import PhaseSpan, ReferencePose


@dataclass(frozen=True, eq=False, slots=True)
class Strapping:
    """One strapping with the zero that its angle was read from, which the live form may set later.

    Attributes:
        found: the estimate.
        pose: the reference pose that set the zero; None while relative.
        zero_sd_deg: one sigma of the zero; NaN when relative.
        stop_s: end of the strapping; poses after it do not check this zero.
    """

    found: StrappingEstimate
    pose: ReferencePose | None
    zero_sd_deg: float
    stop_s: float


@dataclass(frozen=True, eq=False, slots=True)
class SessionEstimate:
    """The angle of a session before the result checks.

    Attributes:
        track: the flexion.
        thigh_tilt_deg: (n,) since the zero posture of each strapping.
        strappings: at least one, in order of time.
        findings: about parts without an angle.
    """

    track: FlexionTrack
    thigh_tilt_deg: Float
    strappings: tuple[Strapping, ...]
    findings: tuple[Finding, ...] = ()


def estimate_session(
    grid: Grid, phases: Sequence[PhaseSpan], poses: Sequence[ReferencePose], parameters: AngleParameters
) -> SessionEstimate:
    """Estimates every strapping of a finished recording by itself.

    Raises:
        CannotAnswerError: no strapping shows the axes.
    """
    n = len(grid.time_s)
    flexion, sd, relative, repeat, tilt = (np.full(n, np.nan) for _ in range(5))
    strappings: list[Strapping] = []
    findings: list[Finding] = []
    failure: CannotAnswerError | None = None
    for rows in strapping_rows(grid.time_s, phases):
        part = _part(grid, rows)
        span = (float(part.time_s[0]), float(part.time_s[-1]))
        nothing = f"From {span[0]:.0f} s to {span[1]:.0f} s there is no angle:"
        try:
            found = estimate_strapping(part, [p for p in poses if _inside(p, part.time_s)], parameters)
        except CannotAnswerError as error:
            failure = failure or error
            findings.append(Finding("no_angle", None, span, f"{nothing} {error}", "gap"))
            continue
        if strappings and found.zero.pose is None and strappings[0].pose is not None:
            text = f"{nothing} no reference pose was recorded after re-strapping."
            findings.append(Finding("no_angle", None, span, text, "gap"))
            continue
        flexion[rows], tilt[rows] = found.flexion_deg, found.tilt_deg
        repeat[rows], relative[rows] = found.repeat_sd_deg, found.relative_sd_deg
        zero_sd_deg = found.zero_sd_deg
        sd[rows] = relative[rows] if found.zero.pose is None else np.hypot(relative[rows], zero_sd_deg)
        strappings.append(Strapping(found, found.zero.pose, zero_sd_deg, float(part.time_s[-1])))
    if not strappings:
        raise failure or CannotAnswerError("The recording is empty.", "Record both sensors.")
    track = FlexionTrack(grid.time_s, flexion, sd, np.isfinite(flexion), relative, repeat)
    return SessionEstimate(track, tilt, tuple(strappings), tuple(findings))


def strapping_rows(time_s: Float, phases: Sequence[PhaseSpan]) -> list[slice]:
    """The rows of each strapping; a `restrap` phase belongs to none."""
    edges = [0]
    for phase in sorted(phases, key=lambda p: p.start_s):
        if phase.name == "restrap":
            edges += [int(np.searchsorted(time_s, t)) for t in (phase.start_s, phase.stop_s)]
    edges.append(len(time_s))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


def _part(grid: Grid, rows: slice) -> Grid:
    """Some rows of a grid."""

    def part(motion: Motion) -> Motion:
        return Motion(motion.acc_m_s2[:, rows], motion.gyr_rad_s[:, rows])

    return Grid(
        grid.time_s[rows],
        grid.rate_hz,
        grid.known[rows],
        grid.carried[rows],
        part(grid.thigh),
        part(grid.shank),
    )


def _inside(pose: ReferencePose, time_s: Float) -> bool:
    return bool(time_s[0] <= pose.time_s + pose.duration_s / 2 <= time_s[-1])


def angle_result(
    session: SessionEstimate, rate_hz: float, poses: Sequence[ReferencePose], about_samples: Sequence[Finding]
) -> AngleResult:
    """Adds pose checks, diagnostics and findings to the angle of a session.

    Args:
        session: with at least one strapping.
        rate_hz: of the grid.
        poses: all of the session.
        about_samples: findings that need no angle.
    """
    first = session.strappings[0]
    pose_checks = [check for s in session.strappings for check in _pose_checks(session.track, s, poses)]
    diagnostics = [s.found.diagnostics() for s in session.strappings]
    findings = list(session.findings)
    for strapping, figures in zip(session.strappings, diagnostics, strict=True):
        findings += about_strapping(strapping.found, figures, strapping.pose is None)
    return AngleResult(
        track=session.track,
        rate_hz=rate_hz,
        zero="relative" if first.pose is None else "reference_pose",
        zero_sd_deg=max(s.zero_sd_deg for s in session.strappings),
        axes=first.found.axes,
        thigh_tilt_deg=session.thigh_tilt_deg,
        pose_check_deg=tuple(pose_checks),
        diagnostics=diagnostics[0],
        findings=unique([*findings, *about_samples]),
    )


def _pose_checks(
    track: FlexionTrack, strapping: Strapping, poses: Sequence[ReferencePose]
) -> list[tuple[float, float]]:
    """(time_s, read less entered flexion) of the poses after the zero in the same strapping."""
    zero, checks = strapping.pose, []
    for p in poses:
        if zero is None or not zero.time_s < p.time_s < strapping.stop_s:
            continue
        during = (track.time_s >= p.time_s) & (track.time_s < p.time_s + p.duration_s) & track.valid
        if during.any():
            checks.append((p.time_s, float(np.median(track.flexion_deg[during])) - p.flexion_deg))
    return checks
