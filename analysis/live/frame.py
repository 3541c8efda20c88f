"""Interface between a running session and its views: frames out, commands in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import numpy as np

from analysis.angle.result import FlexionTrack
from analysis.guide.motion import MotionState
from analysis.guide.prompt import Cue, Prompt
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import PhaseName, TestName

CommandName = Literal["marker", "next", "back", "repeat", "pain", "angle", "hide", "pause", "stop"]


# An angle that is older must not be taken for the present one.
STALE_S: Final = 0.5


def empty_track() -> FlexionTrack:
    """No samples."""
    nothing = np.zeros(0)
    return FlexionTrack(nothing, nothing, nothing, np.zeros(0, dtype=bool))


@dataclass(frozen=True, slots=True)
class SensorState:
    """State of one sensor, as shown to the user.

    Attributes:
        segment: where it is strapped.
        state: in a word: "connecting", "connected", "stalled", "lost".
        battery_percent: None if the sensor does not report it.
        loss_percent: share of lost samples; None if the sensor sends no counter.
        delay_s: age of its newest sample; None before the first.
        problem: a plain sentence, or "".
    """

    segment: Segment
    state: str = "connected"
    battery_percent: float | None = None
    loss_percent: float | None = None
    delay_s: float | None = None
    problem: str = ""

    @property
    def is_well(self) -> bool:
        """Whether samples arrive."""
        return self.state == "connected"


@dataclass(frozen=True, eq=False, slots=True)
class LiveFrame:
    """State of the session and the samples since the previous frame.

    Attributes:
        now_s: session clock; advances even without samples.
        track: the new samples, in order, none left out and none twice; may be empty.
        sensors: state of both links.
        motion: detected in the track so far.
        phase, test: of the session, now.
        prompt: of the guide; None without one.
        cues: sounds to start now.
        axis_sd_deg: one-sigma uncertainty of the hinge axis; None or NaN while unknown.
        axes_ready: the hinge is known well enough to compute the angle.
        swings: counted while the hinge was identified.
        message: one plain sentence for the person, or "".
        before_deg: straightest position held in the newest "before" block; NaN if there is none.
        straightest_deg: straightest position held in any measuring block; NaN if there is none.
        relative: no reference pose fixed the zero (yet): the number counts from an arbitrary position.
        hidden: the number and the curve must not be shown (blind measuring).
        paused: the session is paused.
        finished: nothing further will come; the view closes.
        findings: what is wrong now with sensors or axes, worst first.
    """

    now_s: float
    track: FlexionTrack = field(default_factory=empty_track)
    sensors: tuple[SensorState, ...] = ()
    motion: MotionState = field(default_factory=MotionState)
    phase: PhaseName | None = None
    test: TestName | None = None
    prompt: Prompt | None = None
    cues: tuple[Cue, ...] = ()
    axis_sd_deg: float | None = None
    axes_ready: bool = False
    swings: int = 0
    message: str = ""
    before_deg: float = math.nan
    straightest_deg: float = math.nan
    relative: bool = False
    hidden: bool = False
    paused: bool = False
    finished: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class UserCommand:
    """A command of the user, with a number or a text where it needs one."""

    name: CommandName
    value: float | None = None
    text: str = ""


class LiveFeed(Protocol):
    """Source of frames for a live view. Both methods return at once and run on the view's thread."""

    def poll(self) -> LiveFrame:
        """The next frame."""
        ...

    def command(self, command: UserCommand) -> None:
        """Executes a command of the user; the effect shows in later frames."""
        ...
