"""Samples of two IMUs -> knee flexion, in batch and step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis.angle.parameters import DEFAULTS, AngleParameters
from analysis.angle.result import AngleResult
from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.model import PhaseSpan, ReferencePose

if TYPE_CHECKING:
    from analysis.angle.live import LiveAngle

__all__ = ["AngleParameters", "AngleResult", "LiveAngle", "estimate_angle"]


def __getattr__(name: str) -> Any:
    if name == "LiveAngle":  # loaded when it is used: it needs scipy.signal
        from analysis.angle.live import LiveAngle

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
    if causal:
        from analysis.angle.live import estimate_causally

        return estimate_causally(thigh, shank, phases, poses, parameters)
    from analysis.angle.estimate import estimate

    return estimate(thigh, shank, phases, poses, parameters)
