"""A live feed that is led by a protocol."""

from __future__ import annotations

import math
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Final, Protocol

import numpy as np

from analysis.guide import protocol as guide
from analysis.guide.conditions import Observation
from analysis.guide.placement import PlacementMonitor
from analysis.guide.prompt import Cue
from analysis.guide.transitions import GuideState, Transition, advance, handle_command
from analysis.live.frame import STALE_S, LiveFrame, UserCommand
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import Event

# Time to read "Done" before the view closes.
FAREWELL_S: Final = 4.0


class EventFeed(Protocol):
    """A live feed that also takes samples and events."""

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Accepts samples as they arrive, on any thread."""
        ...

    def poll(self) -> LiveFrame:
        """The next frame."""
        ...

    def event(self, event: Event) -> None:
        """Records an event at once and applies it."""
        ...

    def command(self, command: UserCommand) -> None:
        """Executes a command of the user."""
        ...


class GuidedFeed:
    """Adds prompts, cues and phase events of a protocol to a feed.

    `push` may be called from any thread, everything else from the view's.

    Args:
        feed: supplies the frames. Its motion must restart with every phase event.
        protocol: the steps.
    """

    def __init__(self, feed: EventFeed, protocol: guide.Protocol) -> None:
        self._feed, self._protocol = feed, protocol
        self._arrived: SimpleQueue[tuple[Segment, ImuSamples]] = SimpleQueue()
        self._strap = PlacementMonitor()
        self._state = GuideState()
        self._observation = Observation(0.0)
        self._newest_s = -math.inf
        self._cues: list[Cue] = []

    @property
    def state(self) -> GuideState:
        """State of the session."""
        return self._state

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Accepts samples as they arrive."""
        self._arrived.put((segment, samples))
        self._feed.push(segment, samples)

    def event(self, event: Event) -> None:
        """Records an event and applies it."""
        self._feed.event(event)

    def poll(self) -> LiveFrame:
        """The next frame, with the guide's prompt and cues."""
        frame = self._feed.poll()
        self._observation = self._observe(frame)
        transition = self._apply(advance(self._protocol, self._state, self._observation))
        cues, self._cues = tuple(self._cues), []
        finished_s = self._state.finished_s
        over = finished_s is not None and frame.now_s > finished_s + FAREWELL_S
        return replace(
            frame,
            prompt=transition.prompt,
            cues=cues,
            # Until the angle runs, the prompt holds the instruction.
            message=frame.message if frame.axes_ready else "",
            paused=self._state.paused,
            finished=frame.finished or over,
        )

    def command(self, command: UserCommand) -> None:
        """Executes commands of the guide; forwards the others to the feed."""
        match command.name:
            case "next" if self._state.finished_s is not None:
                self._feed.command(UserCommand("stop"))
            case "next" | "back" | "repeat" | "pause" | "pain" | "angle":
                transition = handle_command(
                    self._protocol, self._state, self._observation, command.name, command.value
                )
                self._apply(transition)
            case _:
                self._feed.command(command)

    def _apply(self, transition: Transition) -> Transition:
        self._state = transition.state
        self._cues += transition.cues
        for event in transition.events:
            self._feed.event(event)
        if transition.entered is not None and transition.entered.thigh_rests:
            self._strap.restart_swings()
        return transition

    def _observe(self, frame: LiveFrame) -> Observation:
        while True:
            try:
                self._strap.push(*self._arrived.get_nowait())
            except Empty:
                break
        usable = frame.track.valid & np.isfinite(frame.track.flexion_deg)
        if usable.any():
            self._newest_s = float(frame.track.time_s[usable][-1])
        return Observation(
            now_s=frame.now_s,
            motion=frame.motion,
            placement=self._strap.state(frame.now_s),
            is_fresh=frame.now_s - self._newest_s <= STALE_S,
            axis_sd_deg=frame.axis_sd_deg,
            axes_ready=frame.axes_ready,
            swings=frame.swings,
            relative=frame.relative,
        )
