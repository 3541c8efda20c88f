"""The live angle of a finished recording: exactly what the stream would have shown."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan

from analysis.angle.causal.live_angle import LiveAngle, live_zero_sd_deg, track_of
from analysis.angle.parameters import AngleParameters
from analysis.angle.session import SessionEstimate, Strapping
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import PhaseSpan, ReferencePose


def replay_session(
    thigh: ImuSamples,
    shank: ImuSamples,
    rate_hz: float,
    phases: Sequence[PhaseSpan],
    poses: Sequence[ReferencePose],
    parameters: AngleParameters,
) -> SessionEstimate:
    """Streams a recording through `LiveAngle`, with all phases and poses known beforehand.

    Raises:
        CannotAnswerError: the axes never became good enough for a live angle.
    """
    live = LiveAngle(rate_hz, parameters)
    for phase in phases:
        live.set_phase(phase)
    for p in poses:
        live.set_pose(p)
    live.push(Segment.THIGH, thigh)
    live.push(Segment.SHANK, shank)
    rows = live.advance()
    if live.first is None:
        raise CannotAnswerError(
            "The movement never showed the knee's axis well enough for a live angle.",
            "Begin with 8 to 10 slow swings of the lower leg, or estimate from the whole recording.",
        )
    found, pose = live.first
    zero_sd_deg = nan if pose is None else live_zero_sd_deg(found, pose)
    begin_s = float(found.grid.time_s[0])
    stop_s = min((p.start_s for p in phases if p.name == "restrap" and p.start_s > begin_s), default=inf)
    strapping = Strapping(found, pose, zero_sd_deg, stop_s)
    return SessionEstimate(track_of(rows), rows[6], (strapping,))
