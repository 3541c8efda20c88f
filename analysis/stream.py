"""From a running stream of samples to what a live view shows: the angle, the movement, the sensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf
from queue import Empty, SimpleQueue

from analysis.angle.live import LiveAngle
from analysis.angle.result import FlexionTrack
from analysis.guide.motion import MotionWatch
from analysis.views.feed import Command, LiveFrame, SensorState
from firmware_bridge.link.status import LinkStatus
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import Event, Marker, Pain, Phase, PhaseSpan, Recording, ReferencePose

Keep = Callable[[Event], None]

_REPLAY_STEP_S = 0.1


class Cues:
    """Events that are due at known times, as a script or a recording has them."""

    def __init__(self, events: Sequence[Event], offset_s: float = 0.0) -> None:
        self._events = sorted(events, key=lambda e: e.time_s, reverse=True)
        self.offset_s = offset_s

    def due(self, now_s: float) -> list[Event]:
        """What has become due since the last call; `offset_s` is added to every time."""
        events: list[Event] = []
        while self._events and self._events[-1].time_s + self.offset_s <= now_s:
            event = self._events.pop()
            events.append(replace(event, time_s=event.time_s + self.offset_s))
        return events


class StreamFeed:
    """The feed of a live view. `push` may be called from any thread, all else from the view's own.

    Args:
        now_s: the session clock.
        rate_hz: of the angle's grid.
        sensors: how the links are.
        keep: puts an event on disk at once.
        is_over: whether the stream has ended.

    Attributes:
        cues: events that come by themselves.
    """

    def __init__(
        self,
        now_s: Callable[[], float],
        rate_hz: float,
        *,
        sensors: Callable[[], tuple[SensorState, ...]],
        keep: Keep,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._now_s, self._sensors, self._keep, self._is_over = now_s, sensors, keep, is_over
        self.cues = Cues(())
        self._live = LiveAngle(rate_hz)
        self._watch = MotionWatch(rate_hz)
        self._arrived: SimpleQueue[tuple[Segment, ImuSamples]] = SimpleQueue()
        self._phase: Phase | None = None
        self._zeroed = self._hidden = self._paused = self._stopped = False

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Takes samples as they arrive."""
        self._arrived.put((segment, samples))

    def poll(self) -> LiveFrame:
        """What is new since the last poll."""
        over = self._stopped or self._is_over()
        now_s = self._now_s()
        for event in self.cues.due(now_s):
            self.event(event)
        while True:
            try:
                self._live.push(*self._arrived.get_nowait())
            except Empty:
                break
        track = self._live.update()
        status = self._live.status
        return LiveFrame(
            now_s=now_s,
            track=track,
            sensors=self._sensors(),
            motion=self._watch.feed(track),
            phase=self._phase.name if self._phase else None,
            test=self._phase.test if self._phase else None,
            axis_sd_deg=status.sd_deg,
            axes_ready=status.ready,
            swings=status.swings,
            message="" if status.ready else status.sentence,
            relative=not self._zeroed,
            hidden=self._hidden,
            paused=self._paused,
            finished=over,
        )

    def event(self, event: Event) -> None:
        """Something happens in the session: it goes to disk, and the angle and the view learn of it."""
        self._keep(event)
        if isinstance(event, Phase):
            if self._phase is not None and self._phase.name == "restrap":
                self._live.set_phase(PhaseSpan(self._phase.time_s, event.time_s, "restrap"))
                self._zeroed = False
            self._phase = event
            self._watch.restart(event.time_s)
            self._live.set_phase(PhaseSpan(event.time_s, inf, event.name, event.test))
        elif isinstance(event, ReferencePose):
            self._live.set_pose(event)
            self._zeroed = True

    def command(self, command: Command) -> None:
        """Takes a person's wish."""
        now_s = self._now_s()
        match command.name:
            case "marker":
                self.event(Marker(now_s, command.text or "marker"))
            case "pain" if command.value is not None:
                self.event(Pain(now_s, command.value))
            case "hide":
                self._hidden = not self._hidden
            case "pause":
                self._paused = not self._paused
                self.event(Marker(now_s, "pause" if self._paused else "go on"))
            case "stop":
                self._stopped = True
            case _:
                pass


def sensor_states(status: Mapping[Segment, LinkStatus]) -> tuple[SensorState, ...]:
    """The links as a live view shows them."""
    return tuple(
        SensorState(
            segment=segment,
            state=link.state,
            battery_percent=link.battery_percent,
            loss_percent=None if link.lost is None else 100.0 * link.lost / max(link.lost + link.received, 1),
            delay_s=link.age_s,
            problem=link.problem,
        )
        for segment, link in status.items()
    )


class Replay:
    """Plays a recording as if it were happening now.

    Args:
        recording: the session.
        clock_s: any monotonic clock.
        speed: 1 plays as it happened.
        seconds: how much of the session to play; None plays all.
    """

    def __init__(
        self,
        recording: Recording,
        clock_s: Callable[[], float],
        speed: float = 1.0,
        seconds: float | None = None,
    ) -> None:
        self._recording, self._clock_s, self._speed = recording, clock_s, speed
        self._start_s = clock_s()
        self._played_s = 0.0
        self._next = dict.fromkeys(Segment, 0)
        stop_s = recording.duration_s + 1.0 if seconds is None else seconds
        rate_hz = max(
            (s.nominal_rate_hz for s in recording.info.sensors.values() if s.nominal_rate_hz), default=100.0
        )
        self.feed = StreamFeed(
            self.now_s,
            rate_hz,
            sensors=lambda: tuple(SensorState(segment) for segment in Segment),
            keep=lambda event: None,
            is_over=lambda: self.now_s() > stop_s,
        )
        self.feed.cues = Cues(recording.events)

    def now_s(self) -> float:
        """The session clock."""
        return self._played_s

    def poll(self) -> LiveFrame:
        """Plays up to now, in steps so small that every event meets the samples of its time."""
        now_s = (self._clock_s() - self._start_s) * self._speed
        tracks = []
        while True:
            self._played_s = min(now_s, self._played_s + _REPLAY_STEP_S)
            self._push_due()
            frame = self.feed.poll()
            tracks.append(frame.track)
            if self._played_s >= now_s or frame.finished:
                return replace(frame, track=FlexionTrack.concatenate(tracks))

    def _push_due(self) -> None:
        recording = self._recording
        for segment, samples in ((Segment.THIGH, recording.thigh), (Segment.SHANK, recording.shank)):
            start = self._next[segment]
            stop = int(samples.time_s.searchsorted(self._played_s, side="right"))
            if stop > start:
                self.feed.push(segment, samples[start:stop])
                self._next[segment] = stop

    def command(self, command: Command) -> None:
        """Takes a person's wish."""
        self.feed.command(command)
