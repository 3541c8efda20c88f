"""Does every protocol come to its end? People who obey, are slow, forget, move too early, turn over late.

    python tests/benchmarks/obeying.py --seeds 20 --perfect      the true angle, every protocol and character
    python tests/benchmarks/obeying.py --seeds 2                 the live angle from raw samples

Sessions run on simulated time, without Bluetooth. A session is stuck if it takes more than `MOST_S`; rests of
minutes are shortened. With the true angle the raw samples are rough: right in what moves and what rests.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.angle.result import FlexionTrack
from analysis.guide.library import load_protocol, protocol_names
from analysis.guide.motion import MotionTracker
from analysis.guide.protocol import Protocol
from analysis.live.angle_feed import AngleFeed
from analysis.live.frame import LiveFrame, UserCommand
from analysis.live.guided import GuidedFeed
from analysis.live.person import CHARACTERS, PersonFeed, VirtualPerson
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import Event, Marker, Phase, ReferencePose
from firmware_bridge.virtual.interactive import InteractiveLeg

RATE_HZ = 100.0
FRAME_S = 0.2
PORTION_S = 0.4
MOST_S = 2 * 3600.0
LONGEST_REST_S = 20.0


class TrueAngleFeed:
    """The true angle of a leg with a little noise, once five swings were seen."""

    def __init__(self, leg: InteractiveLeg, seed: int) -> None:
        self._leg, self._rng = leg, np.random.default_rng((seed, 8))
        self.now_s = 0.0
        self._row = self._bends = 0
        self._flexion_deg = np.zeros(0)
        self._swings, self._motion = MotionTracker(RATE_HZ), MotionTracker(RATE_HZ)
        self._phase: Phase | None = None
        self._zeroed = self._stopped = False
        self.events: list[Event] = []

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Raw samples are not needed."""

    def extend(self) -> dict[Segment, ImuSamples]:
        """The next portion: keeps the true angle, returns rough samples of both sensors."""
        n = round(PORTION_S * RATE_HZ)
        time_s = (len(self._flexion_deg) + np.arange(n)) / RATE_HZ
        flexion_deg = self._leg.flexion_deg(time_s)
        rate_rad_s = np.gradient(np.radians(flexion_deg)) * RATE_HZ
        turning = [t for t in self._leg.script.turns if t.start_s < time_s[-1] and t.stop_s > time_s[0]]
        self._flexion_deg = np.concatenate((self._flexion_deg, flexion_deg + self._rng.normal(0.0, 0.1, n)))
        samples = {}
        for segment in Segment:
            gyr_rad_s = self._rng.normal(0.0, 0.002, (n, 3))
            gyr_rad_s[:, 0] += 0.6 * bool(turning)
            gyr_rad_s[:, 2] += rate_rad_s * (segment is Segment.SHANK)
            acc_m_s2 = self._rng.normal((0.0, 0.0, 9.81), 0.03, (n, 3))
            samples[segment] = ImuSamples(time_s, acc_m_s2, gyr_rad_s)
        return samples

    def poll(self) -> LiveFrame:
        """The next frame."""
        stop = math.floor(self.now_s * RATE_HZ)
        time_s = np.arange(self._row, stop) / RATE_HZ
        self._row = max(self._row, stop)
        n = len(time_s)
        flexion_deg = self._flexion_deg[stop - n : stop]
        track = FlexionTrack(time_s, flexion_deg, np.full(n, 0.3), np.ones(n, dtype=bool))
        if self._bends < 5:
            self._bends = self._swings.feed(track).bends
        swings, ready = self._bends, self._bends >= 5
        if not ready:
            track = FlexionTrack(time_s, np.full(n, np.nan), np.full(n, 0.3), np.zeros(n, dtype=bool))
        return LiveFrame(
            now_s=self.now_s,
            track=track,
            motion=self._motion.feed(track),
            phase=self._phase.name if self._phase else None,
            axis_sd_deg=20.0 / (1 + swings),
            axes_ready=ready,
            swings=min(swings, 5),
            relative=not self._zeroed,
            finished=self._stopped,
        )

    def event(self, event: Event) -> None:
        """Records an event."""
        self.events.append(event)
        if isinstance(event, Phase):
            self._phase = event
            self._motion.restart(event.time_s)
        self._zeroed = self._zeroed or isinstance(event, ReferencePose)

    def command(self, command: UserCommand) -> None:
        """Only stops."""
        self._stopped = self._stopped or command.name == "stop"


@dataclass
class Course:
    """How a guided session went."""

    finished_s: float = math.inf
    last_title: str = ""
    events: list[Event] = field(default_factory=list)
    prompts: list[tuple[float, int, str]] = field(default_factory=list)

    @property
    def skipped(self) -> int:
        """Steps that were skipped by a key."""
        return sum(isinstance(e, Marker) and e.text.startswith("skipped") for e in self.events)


def shortened(protocol: Protocol, most: int = 99) -> Protocol:
    """The protocol with short rests, and at most so many repetitions; swings are all needed."""
    steps = (
        replace(
            s,
            seconds=min(s.seconds, LONGEST_REST_S),
            count=s.count if s.kind == "swings" else min(s.count, most),
        )
        for s in protocol.steps
    )
    return replace(protocol, steps=tuple(steps))


def run(
    protocol: Protocol,
    character: str,
    seed: int,
    *,
    perfect: bool = True,
    most_s: float = MOST_S,
    most_repetitions: int = 99,
    on_frame: Callable[[LiveFrame], None] = lambda frame: None,
) -> Course:
    """Guides one simulated person through a protocol."""
    leg = InteractiveLeg(seed=seed, lead_s=PORTION_S + FRAME_S)
    person = VirtualPerson(leg, CHARACTERS[character], seed=seed)
    now = [0.0]
    course = Course()
    if perfect:
        feed: TrueAngleFeed | AngleFeed = TrueAngleFeed(leg, seed)
        course.events = feed.events
    else:
        feed = AngleFeed(lambda: now[0], RATE_HZ, sensors=lambda: (), keep=course.events.append)
    session = PersonFeed(GuidedFeed(feed, shortened(protocol, most_repetitions)), person, lambda: now[0])
    portions = 0
    waiting: list[tuple[Segment, ImuSamples]] = []
    while now[0] < most_s:
        now[0] += FRAME_S
        if now[0] > portions * PORTION_S:
            rows = (round(portions * PORTION_S * RATE_HZ), round((portions + 1) * PORTION_S * RATE_HZ))
            if isinstance(feed, TrueAngleFeed):
                waiting += feed.extend().items()
            else:
                waiting += [(segment, leg.samples(segment, *rows)) for segment in Segment]
            portions += 1
        if isinstance(feed, TrueAngleFeed):
            feed.now_s = now[0]
        later = []
        for segment, samples in waiting:
            due = int(np.searchsorted(samples.time_s, now[0] - 0.03))
            session.push(segment, samples[:due])
            if due < len(samples):
                later.append((segment, samples[due:]))
        waiting = later
        frame = session.poll()
        on_frame(frame)
        if frame.prompt is not None:
            here = (frame.prompt.step, frame.prompt.stage)
            if not course.prompts or course.prompts[-1][1:] != here:
                course.prompts.append((now[0], *here))
            course.last_title = frame.prompt.title
        if frame.finished:
            course.finished_s = now[0]
            break
    return course


def main() -> None:
    """Reads the options and prints one line a protocol and character."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--perfect", action="store_true")
    parser.add_argument("--protocol", action="append")
    parser.add_argument("--character", action="append")
    options = parser.parse_args()
    for name in options.protocol or protocol_names():
        protocol = load_protocol(name)
        for character in options.character or CHARACTERS:
            found = [run(protocol, character, seed, perfect=options.perfect) for seed in range(options.seeds)]
            stuck = [c for c in found if math.isinf(c.finished_s)]
            times_s = [c.finished_s for c in found if not math.isinf(c.finished_s)]
            print(
                f"{name:14} {character:10} {len(found)} seeds, {len(stuck)} stuck "
                f"{dict(Counter(c.last_title for c in stuck))}, minutes "
                f"{statistics.median(times_s) / 60 if times_s else math.nan:.1f} "
                f"({max(times_s, default=math.nan) / 60:.1f}), skipped {sum(c.skipped for c in found)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
