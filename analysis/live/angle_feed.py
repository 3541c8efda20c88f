"""Running samples -> frames with the live angle, the detected movement and the state of the sensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf, nan
from queue import Empty, SimpleQueue

import numpy as np

from analysis.angle.causal.live_angle import LiveAngle
from analysis.guide.motion import MotionState, MotionTracker
from analysis.live.checks import LiveChecks, worst_first
from analysis.live.frame import LiveFrame, SensorState, UserCommand
from analysis.movement.repetitions import MEASURING_PHASES
from firmware_bridge.findings import Finding
from firmware_bridge.receiving.status import LinkStatus
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import Event, Marker, Pain, Phase, PhaseSpan, ReferencePose

Keep = Callable[[Event], None]


class ScheduledEvents:
    """Events of a script or a recording, released at their times."""

    def __init__(self, events: Sequence[Event], offset_s: float = 0.0) -> None:
        # Taken from its end; events of one moment keep their order.
        self._events = sorted(events, key=lambda e: e.time_s)[::-1]
        self.offset_s = offset_s

    def due(self, now_s: float) -> list[Event]:
        """The events due since the last call; `offset_s` is added to their times."""
        events: list[Event] = []
        while self._events and self._events[-1].time_s + self.offset_s <= now_s:
            event = self._events.pop()
            events.append(replace(event, time_s=event.time_s + self.offset_s))
        return events


class AngleFeed:
    """Live feed without a guide. `push` may be called from any thread, everything else from the view's.

    Args:
        now_s: the session clock.
        rate_hz: of the angle's grid.
        sensors: returns the state of both links.
        keep: records an event at once.
        is_over: whether the stream has ended.

    Attributes:
        scheduled: events that happen by themselves.
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
        self.scheduled = ScheduledEvents(())
        self._live = LiveAngle(rate_hz)
        self._watch = MotionTracker(rate_hz)
        self._checks = LiveChecks()
        self._arrived: SimpleQueue[tuple[Segment, ImuSamples]] = SimpleQueue()
        self._phase: Phase | None = None
        self._before_deg = self._straightest_deg = nan
        self._zeroed = self._hidden = self._paused = self._stopped = False

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Accepts samples as they arrive."""
        self._arrived.put((segment, samples))

    def poll(self) -> LiveFrame:
        """The next frame."""
        over = self._stopped or self._is_over()
        now_s = self._now_s()
        for event in self.scheduled.due(now_s):
            self.event(event)
        while True:
            try:
                segment, samples = self._arrived.get_nowait()
            except Empty:
                break
            self._live.push(segment, self._checks.pass_on(segment, samples))
        track = self._live.update()
        motion = self._watch.feed(track)
        self._remember(motion)
        status = self._live.status
        return LiveFrame(
            now_s=now_s,
            track=track,
            sensors=self._sensors(),
            motion=motion,
            phase=self._phase.name if self._phase else None,
            test=self._phase.test if self._phase else None,
            axis_sd_deg=status.sd_deg,
            axes_ready=status.ready,
            swings=status.swings,
            message="" if status.ready else status.sentence,
            before_deg=self._before_deg,
            straightest_deg=self._straightest_deg,
            relative=not self._zeroed,
            hidden=self._hidden,
            paused=self._paused,
            finished=over,
            findings=worst_first([*self._checks.check(now_s), *self._about_axes()]),
        )

    def _about_axes(self) -> Iterator[Finding]:
        """The doubts about the axes that the band of the running number does not show."""
        for finding in self._live.findings:
            # Before a reference pose the number has no meaning yet that a wrong direction could spoil.
            withheld = finding.consequence in ("refuse", "no_verdict") and self._zeroed
            if withheld or finding.kind == "swapped":
                yield finding

    def event(self, event: Event) -> None:
        """Records an event and applies it to the angle and the next frames."""
        self._keep(event)
        if isinstance(event, Phase):
            if self._phase is not None and self._phase.name == "restrap":
                self._live.set_phase(PhaseSpan(self._phase.time_s, event.time_s, "restrap"))
                self._zeroed = False
                self._checks.restart()
            self._phase = event
            self._watch.restart(event.time_s)
            self._live.set_phase(PhaseSpan(event.time_s, inf, event.name, event.test))
        elif isinstance(event, ReferencePose):
            self._live.set_pose(event)
            if not self._zeroed:
                self._before_deg = self._straightest_deg = nan
            self._zeroed = True

    def _remember(self, motion: MotionState) -> None:
        phase = self._phase.name if self._phase else ""
        if motion.extension is None or phase not in MEASURING_PHASES:
            return
        if phase in ("before", "before_again"):
            self._before_deg = motion.extension.flexion_deg
        # The least of NaN and a number is the number.
        self._straightest_deg = float(np.fmin(self._straightest_deg, motion.extension.flexion_deg))

    def command(self, command: UserCommand) -> None:
        """Executes a command of the user."""
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
    """State of both links for a frame."""
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
