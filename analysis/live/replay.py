"""A recorded session played as if it were happening now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from analysis.angle.result import FlexionTrack
from analysis.live.angle_feed import AngleFeed, ScheduledEvents
from analysis.live.frame import LiveFrame, SensorState, UserCommand
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import Recording

_REPLAY_STEP_S = 0.1


class ReplayFeed:
    """Live feed that plays a recording.

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
        self.feed = AngleFeed(
            self.now_s,
            rate_hz,
            sensors=lambda: tuple(SensorState(segment) for segment in Segment),
            keep=lambda event: None,
            is_over=lambda: self.now_s() > stop_s,
        )
        self.feed.scheduled = ScheduledEvents(recording.events)

    def now_s(self) -> float:
        """The session clock."""
        return self._played_s

    def poll(self) -> LiveFrame:
        """The next frame; played in steps of 0.1 s so that events and samples keep their order."""
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

    def command(self, command: UserCommand) -> None:
        """Executes a command of the user."""
        self.feed.command(command)
