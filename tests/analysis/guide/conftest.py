"""A simulated person who does what a protocol asks for, seen through a perfect angle and raw samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from analysis.angle.result import FlexionTrack
from analysis.guide.motion import MotionTracker
from analysis.guide.prompt import Cue, Prompt
from analysis.guide.protocol import Protocol
from analysis.live.frame import LiveFrame, UserCommand
from analysis.live.guided import GuidedFeed
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import Event, Phase, ReferencePose
from firmware_bridge.virtual.script import Script, ScriptWriter
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session

RATE_HZ = 100.0


def daily_script(seed: int = 0, releases: int = 4, gain_deg: float = 5.0) -> Script:
    """What the protocol "daily" asks for, at a person's own pace."""
    rng = np.random.default_rng(seed)
    person = ScriptWriter("prone", 20.0)
    person.wait(24)
    with person.restless():
        for _ in range(9):
            person.bend_to(85 + rng.normal(0, 4), 1.1)
            person.bend_to(20, 1.1)
    person.wait(4)

    def measure(extension_deg: float, count: int) -> None:
        for _ in range(count):
            person.bend_to(50 + rng.normal(0, 4), 1.3)
            person.bend_to(extension_deg + rng.normal(0, 0.7), 1.8)
            person.hold(2.8 + rng.uniform(0, 1))
        person.wait(1.0)

    measure(14, 4)
    measure(12, 4)
    for _ in range(releases):
        person.bend_to(90 + rng.normal(0, 4), 1.5 + rng.uniform(0, 1))
        person.effort_during(1.0, 1.0)
        person.wait(6.0 + rng.uniform(0, 2))
        person.bend_to(13 + rng.normal(0, 1), 7.0 + rng.uniform(0, 4))
        person.effort_during(0.0, 1.0)
        person.wait(5.5 + rng.uniform(0, 1))
    person.wait(25)
    measure(12 - gain_deg, 4)
    person.bend_to(20, 2.0)
    person.wait(13)
    return person.done(tremor_deg=0.5, seed=seed)


class PerfectStream:
    """A stream whose angle is the truth with a little noise, once five swings were seen."""

    def __init__(self, session: SimulatedSession, clock: Callable[[], float], noise_deg: float = 0.2) -> None:
        truth = session.truth
        noise = np.random.default_rng(1).normal(0, noise_deg, len(truth.time_s))
        self._time_s, self._flexion_deg = truth.time_s, truth.flexion_deg + noise
        self._clock = clock
        self._row = self._bends = 0
        self._swings = MotionTracker(RATE_HZ)
        self._watch = MotionTracker(RATE_HZ)
        self._phase: Phase | None = None
        self._zeroed = False
        self.blind = False
        self.events: list[Event] = []
        self.commands: list[UserCommand] = []

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """The raw samples add nothing to the truth."""

    def poll(self) -> LiveFrame:
        now_s = self._clock()
        stop = int(np.searchsorted(self._time_s, now_s, side="right"))
        rows, self._row = slice(self._row, stop), stop
        n = rows.stop - rows.start
        track = FlexionTrack(
            self._time_s[rows], self._flexion_deg[rows], np.full(n, 0.3), np.full(n, not self.blind)
        )
        if self._bends < 5:
            self._bends = self._swings.feed(track).bends
        swings = self._bends
        if swings < 5:
            track = FlexionTrack(track.time_s, np.full(n, np.nan), track.flexion_sd_deg, np.zeros(n, bool))
        return LiveFrame(
            now_s=now_s,
            track=track,
            motion=self._watch.feed(track),
            phase=self._phase.name if self._phase else None,
            axis_sd_deg=20.0 / (1 + swings),
            axes_ready=swings >= 5,
            swings=min(swings, 5),
            relative=not self._zeroed,
            finished=any(c.name == "stop" for c in self.commands),
        )

    def event(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Phase):
            self._phase = event
            self._watch.restart()
        self._zeroed = self._zeroed or isinstance(event, ReferencePose)

    def command(self, command: UserCommand) -> None:
        self.commands.append(command)


@dataclass
class Story:
    """What happened in a led session."""

    prompts: list[tuple[float, Prompt]] = field(default_factory=list)
    cues: list[tuple[float, Cue]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    finished_s: float | None = None

    @property
    def titles(self) -> list[str]:
        """The steps in the order in which they were shown."""
        return [k for k, _ in itertools.groupby(prompt.title for _, prompt in self.prompts)]

    @property
    def phases(self) -> list[str]:
        return [e.name for e in self.events if isinstance(e, Phase)]

    def during(self, step: int) -> list[tuple[float, Prompt]]:
        return [(t, p) for t, p in self.prompts if p.step == step]


Action = Callable[[float, "GuidedFeed", LiveFrame], Iterable[UserCommand]]


def answers(now_s: float, feed: GuidedFeed, frame: LiveFrame) -> Iterable[UserCommand]:
    """Somebody who answers what is asked, and nothing else."""
    asked = frame.prompt.ask if frame.prompt else None
    if asked == "pain":
        yield UserCommand("pain", value=2.0)
    if asked == "reference_deg":
        yield UserCommand("angle", value=20.0)


Make = Callable[[SimulatedSession, Callable[[], float]], Any]


def lead(
    protocol: Protocol,
    session: SimulatedSession,
    act: Action = answers,
    *,
    make: Make = PerfectStream,
    arrives: Callable[[float, Segment], Segment | None] = lambda _, segment: segment,
    frame_s: float = 0.1,
    most_s: float | None = None,
) -> Story:
    """Leads a simulated person through a protocol.

    Args:
        protocol: the steps.
        session: the person.
        act: what the one at the keyboard does after each frame.
        make: makes the stream that is led, from the session and a clock.
        arrives: as which segment the samples of a sensor arrive at a time; None = they are lost.
        frame_s: between polls.
        most_s: give up then; the end of the session and ten seconds by default.
    """
    now = [0.0]
    stream = make(session, lambda: now[0])
    feed = GuidedFeed(stream, protocol)
    story = Story(events=stream.events)
    sources = {Segment.THIGH: session.recording.thigh, Segment.SHANK: session.recording.shank}
    rows = dict.fromkeys(Segment, 0)
    most_s = most_s or session.script.duration_s + 10
    while now[0] < most_s:
        now[0] += frame_s
        stream.blind = any(arrives(now[0], segment) is None for segment in Segment)
        for segment, samples in sources.items():
            stop = int(np.searchsorted(samples.time_s, now[0] - 0.03))
            target = arrives(now[0], segment)
            if stop > rows[segment] and target is not None:
                feed.push(target, samples[rows[segment] : stop])
            rows[segment] = stop
        frame = feed.poll()
        assert frame.prompt is not None
        story.prompts.append((now[0], frame.prompt))
        story.cues += [(now[0], cue) for cue in frame.cues]
        if frame.finished:
            story.finished_s = now[0]
            break
        for command in act(now[0], feed, frame):
            feed.command(command)
    return story


@pytest.fixture(scope="session")
def person() -> SimulatedSession:
    return simulate_session(daily_script(), seed=0)


@pytest.fixture(scope="session")
def lead_through() -> Callable[..., Story]:
    return lead


@pytest.fixture(scope="session")
def answering() -> Action:
    return answers


@pytest.fixture(scope="session")
def another_person() -> Callable[..., SimulatedSession]:
    return lambda seed, **plan: simulate_session(daily_script(seed, **plan), seed=seed)
