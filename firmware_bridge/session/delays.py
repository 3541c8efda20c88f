"""Link events that keep the constant delay of a sensor with its session, written and read back."""

from __future__ import annotations

from collections.abc import Iterable

from firmware_bridge.samples import Segment
from firmware_bridge.session.model import Event, LinkEvent
from firmware_bridge.timing.common_movement import SyncOffset
from firmware_bridge.timing.delay import Delay

CLOCK_EVENT = "clock"
SYNC_MOVEMENT = "sync movement"


def recorded_delay(events: Iterable[Event], segment: Segment, *, fitted: bool = True) -> Delay | None:
    """The best known delay of a recorded sensor, or None where none is recorded.

    A sync movement takes precedence over round trips: it compares the sensors themselves.

    Args:
        events: the events of the session.
        segment: which sensor.
        fitted: the delay is to be subtracted from a clock fit; round trips apply to no other times.
    """
    trips: list[Delay] = []
    movements: list[Delay] = []
    for event in events:
        if isinstance(event, LinkEvent) and event.segment == segment and event.state == CLOCK_EVENT:
            delay_s, uncertainty_s = event.detail.get("delay_s"), event.detail.get("uncertainty_s")
            if isinstance(delay_s, float) and isinstance(uncertainty_s, float):
                moved = event.detail.get("source") == SYNC_MOVEMENT
                (movements if moved else trips).append(Delay(delay_s, uncertainty_s))
    return min(movements or (trips if fitted else []), key=lambda delay: delay.uncertainty_s, default=None)


def sync_event(sync: SyncOffset, known: Delay | None, time_s: float) -> LinkEvent:
    """The event that stores an offset; reading the session subtracts it from the shank's times.

    Args:
        sync: the measured offset.
        known: the shank's delay that was already subtracted from its times, or None.
        time_s: when the movement ended.
    """
    delay_s = sync.offset_s + (0.0 if known is None else known.delay_s)
    return LinkEvent(
        time_s,
        Segment.SHANK,
        CLOCK_EVENT,
        {"delay_s": delay_s, "uncertainty_s": sync.uncertainty_s, "source": SYNC_MOVEMENT},
    )
