"""A stream led by a protocol: the feed of the live views when the program guides the session."""

from __future__ import annotations

import math
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Final, Protocol

import numpy as np

from analysis.guide import protocol as guide
from analysis.guide.prompt import Cue
from analysis.guide.steps import GuideState, Turn, advance, wish
from analysis.guide.strapping import StrapWatch
from analysis.guide.watchers import Seen
from analysis.views.feed import Command, LiveFrame
from analysis.views.livetext import STALE_S
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import Event

# Time to read "Done" before the view closes.
FAREWELL_S: Final = 4.0


class Stream(Protocol):
    """What is led: a feed that also takes samples and events."""

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Takes samples as they arrive, on any thread."""
        ...

    def poll(self) -> LiveFrame:
        """What is new since the last poll."""
        ...

    def event(self, event: Event) -> None:
        """Something happens in the session; it goes to disk at once."""
        ...

    def command(self, command: Command) -> None:
        """Takes a person's wish."""
        ...


class GuidedFeed:
    """Leads a stream through a protocol. `push` may be called from any thread, all else from the view's.

    Args:
        stream: the feed that is led. Its motion must start afresh with every phase event.
        protocol: the steps.
    """

    def __init__(self, stream: Stream, protocol: guide.Protocol) -> None:
        self._stream, self._protocol = stream, protocol
        self._arrived: SimpleQueue[tuple[Segment, ImuSamples]] = SimpleQueue()
        self._strap = StrapWatch()
        self._state = GuideState()
        self._seen = Seen(0.0)
        self._newest_s = -math.inf
        self._cues: list[Cue] = []

    @property
    def state(self) -> GuideState:
        """Where the session stands."""
        return self._state

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Takes samples as they arrive."""
        self._arrived.put((segment, samples))
        self._stream.push(segment, samples)

    def event(self, event: Event) -> None:
        """Something else happens in the session."""
        self._stream.event(event)

    def poll(self) -> LiveFrame:
        """What is new since the last poll, and what the guide says to it."""
        frame = self._stream.poll()
        self._seen = self._look(frame)
        turn = self._settle(advance(self._protocol, self._state, self._seen))
        cues, self._cues = tuple(self._cues), []
        finished_s = self._state.finished_s
        over = finished_s is not None and frame.now_s > finished_s + FAREWELL_S
        return replace(
            frame,
            prompt=turn.prompt,
            cues=cues,
            # What is to be done until the angle runs, the guide says.
            message=frame.message if frame.axes_ready else "",
            paused=self._state.paused,
            finished=frame.finished or over,
        )

    def command(self, command: Command) -> None:
        """Takes a person's wish: the guide's own here, the rest goes on to the stream."""
        match command.name:
            case "next" if self._state.finished_s is not None:
                self._stream.command(Command("stop"))
            case "next" | "back" | "repeat" | "pause" | "pain" | "angle":
                turn = wish(self._protocol, self._state, self._seen, command.name, command.value)
                self._settle(turn)
            case _:
                self._stream.command(command)

    def _settle(self, turn: Turn) -> Turn:
        self._state = turn.state
        self._cues += turn.cues
        for event in turn.events:
            self._stream.event(event)
        if turn.entered is not None and turn.entered.thigh_rests:
            self._strap.restart_swings()
        return turn

    def _look(self, frame: LiveFrame) -> Seen:
        while True:
            try:
                self._strap.push(*self._arrived.get_nowait())
            except Empty:
                break
        usable = frame.track.valid & np.isfinite(frame.track.flexion_deg)
        if usable.any():
            self._newest_s = float(frame.track.time_s[usable][-1])
        return Seen(
            now_s=frame.now_s,
            motion=frame.motion,
            strap=self._strap.state(frame.now_s),
            is_fresh=frame.now_s - self._newest_s <= STALE_S,
            axis_sd_deg=frame.axis_sd_deg,
            axes_ready=frame.axes_ready,
            swings=frame.swings,
            relative=frame.relative,
        )
