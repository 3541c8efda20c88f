"""Samples of two IMUs in, knee flexion out: over a finished recording, or step by step while it happens.

In: `ImuSamples` of a thigh and a shank sensor on one clock, with the phases and reference poses of the
session. Out: an `AngleResult` with a `FlexionTrack` (flexion, its standard deviation, validity on one uniform
grid), the hinge axes, diagnostics and warnings. Arrays in, frozen results out: no files, clocks or globals.

The rooms: `orientation` is about one sensor, `knee` about the joint between two, `causal` is the live form
(`causal.live_angle.LiveAngle`). The files beside them are the steps and results that both forms share;
`estimate` reads as the six steps of docs/angle.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis.angle.parameters import DEFAULTS, AngleParameters
from analysis.angle.result import AngleResult
from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.model import PhaseSpan, ReferencePose

if TYPE_CHECKING:
    from analysis.angle.causal.live_angle import LiveAngle

__all__ = ["AngleParameters", "AngleResult", "LiveAngle", "estimate_angle"]


def __getattr__(name: str) -> Any:
    if name == "LiveAngle":  # loaded when it is used: it needs scipy.signal
        from analysis.angle.causal.live_angle import LiveAngle

        return LiveAngle
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def estimate_angle(
    thigh: ImuSamples,
    shank: ImuSamples,
    *,
    phases: Sequence[PhaseSpan] = (),
    poses: Sequence[ReferencePose] = (),
    causal: bool = False,
    parameters: AngleParameters = DEFAULTS,
) -> AngleResult:
    """Estimates knee flexion from the samples of a thigh and a shank sensor.

    Args:
        thigh, shank: samples on one common clock; rates may differ, steps may be uneven.
        phases: of the session; a `restrap` phase begins a new strapping with axes and zero of its own.
        poses: postures of known flexion. The first of a strapping sets its zero, later ones are checks.
        causal: every sample from past samples only, as a live feed would have given it.
        parameters: constants of the estimation.

    Returns:
        The angle on a uniform grid over the time that both sensors cover.

    Raises:
        CannotAnswerError: the recording does not show the knee's axis, or a sensor is dead.
    """
    from analysis.angle.causal.replay import replay_session
    from analysis.angle.grid import common_grid
    from analysis.angle.session import angle_result, estimate_session
    from analysis.angle.usable import about_samples, refuse_unusable

    grid = common_grid(thigh, shank, parameters)
    refuse_unusable(grid)
    findings = about_samples(thigh, shank, grid)
    if causal:
        session = replay_session(thigh, shank, grid.rate_hz, phases, poses, parameters)
    else:
        session = estimate_session(grid, phases, poses, parameters)
    return angle_result(session, grid.rate_hz, poses, findings)
