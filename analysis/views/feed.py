"""What a live view is fed with, and what it hands back: the seam between the stream and the screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from analysis.angle.result import FlexionTrack
from analysis.guide.motion import MotionState
from analysis.guide.prompt import Cue, Prompt
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import PhaseName, TestName

CommandName = Literal["marker", "next", "back", "repeat", "pain", "angle", "hide", "pause", "stop"]


def empty_track() -> FlexionTrack:
    """No samples."""
    nothing = np.zeros(0)
    return FlexionTrack(nothing, nothing, nothing, np.zeros(0, dtype=bool))


@dataclass(frozen=True, slots=True)
class SensorState:
    """One sensor as a person beside it wants to know it.

    Attributes:
        segment: where it is strapped.
        state: in a word: "connecting", "connected", "stalled", "lost".
        battery_percent: None where the sensor does not tell.
        loss_percent: share of samples that never came; None where nobody can know.
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
        """Whether samples are coming."""
        return self.state == "connected"


@dataclass(frozen=True, eq=False, slots=True)
class LiveFrame:
    """Everything new since the last poll.

    Attributes:
        now_s: the session clock now; it runs on when no samples come.
        track: the new samples, in order, none left out and none twice; may be empty.
        sensors: how the links are.
        motion: what is seen in the track so far.
        phase, test: of the session, now.
        prompt: what the guide says, or None without a guide.
        cues: sounds that begin now.
        axis_sd_deg: one-sigma uncertainty of the hinge axis; None or NaN while unknown.
        axes_ready: the hinge is known well enough, the angle runs.
        swings: seen while the hinge was searched.
        message: one plain sentence for the person, or "".
        relative: no reference pose fixed the zero (yet): the number counts from an arbitrary position.
        hidden: the number and the curve must not be shown (blind measuring).
        paused: the session is paused.
        finished: nothing further will come; the view closes.
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
    relative: bool = False
    hidden: bool = False
    paused: bool = False
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """What a person wants: a key, with a number or a text where it needs one."""

    name: CommandName
    value: float | None = None
    text: str = ""


class Feed(Protocol):
    """Where a live view gets its frames from. Both calls return at once, on the view's own thread."""

    def poll(self) -> LiveFrame:
        """What is new since the last poll."""
        ...

    def command(self, command: Command) -> None:
        """Takes a person's wish; the effect shows in later frames."""
        ...
