"""The knee angle over a whole recording, every sample estimated from all samples around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.angle.checks import about_samples, usable_grid
from analysis.angle.grid import Grid, Motion
from analysis.angle.parameters import AngleParameters
from analysis.angle.result import AngleResult, FlexionTrack
from analysis.angle.strapping import Strapping, one_strapping
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import Finding, unique
from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.session.model import PhaseSpan, ReferencePose


def estimate(
    thigh: ImuSamples,
    shank: ImuSamples,
    phases: Sequence[PhaseSpan],
    poses: Sequence[ReferencePose],
    parameters: AngleParameters,
) -> AngleResult:
    """See `analysis.angle.estimate_angle`."""
    grid = usable_grid(thigh, shank, parameters)
    n = len(grid.time_s)
    flexion, sd, tilt = (np.full(n, np.nan) for _ in range(3))
    done: list[Strapping] = []
    findings: list[Finding] = []
    failure: CannotAnswerError | None = None
    for rows in strappings(grid.time_s, phases):
        part = _part(grid, rows)
        span = (float(part.time_s[0]), float(part.time_s[-1]))
        nothing = f"From {span[0]:.0f} s to {span[1]:.0f} s there is no angle:"
        try:
            result = one_strapping(part, [p for p in poses if _inside(p, part.time_s)], parameters)
        except CannotAnswerError as error:
            failure = failure or error
            findings.append(Finding("no_angle", None, span, f"{nothing} {error}", "gap"))
            continue
        if done and result.relative and not done[0].relative:
            text = f"{nothing} no reference pose was recorded after re-strapping."
            findings.append(Finding("no_angle", None, span, text, "gap"))
            continue
        flexion[rows], sd[rows], tilt[rows] = result.flexion_deg, result.sd_deg, result.tilt_deg
        done.append(result)
        findings += result.findings
    if not done:
        raise failure or CannotAnswerError("The recording is empty.", "Record both sensors.")
    findings += about_samples(thigh, shank, grid)
    first = done[0]
    return AngleResult(
        track=FlexionTrack(grid.time_s, flexion, sd, np.isfinite(flexion)),
        rate_hz=grid.rate_hz,
        zero="relative" if first.relative else "reference_pose",
        zero_sd_deg=max(s.zero_sd_deg for s in done),
        axes=first.axes,
        thigh_tilt_deg=tilt,
        pose_check_deg=tuple(check for s in done for check in s.checks),
        diagnostics=first.diagnostics,
        findings=unique(findings),
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

    return Grid(
        grid.time_s[rows],
        grid.rate_hz,
        grid.known[rows],
        grid.carried[rows],
        cut(grid.thigh),
        cut(grid.shank),
    )


def _inside(pose: ReferencePose, time_s: Float) -> bool:
    return bool(time_s[0] <= pose.time_s + pose.duration_s / 2 <= time_s[-1])
