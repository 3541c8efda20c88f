"""From the notifications of one sensor to samples on the host's clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.drivers.seam import Decoded, Decoder
from firmware_bridge.errors import DecodeError
from firmware_bridge.link.connection import Connection
from firmware_bridge.link.inbox import Happened, Notification
from firmware_bridge.link.status import GapCounter, LinkStatus, State
from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.session.model import SensorInfo
from firmware_bridge.timing.arrivals import LiveCount
from firmware_bridge.timing.clock_fit import UNKNOWN_SLOPE_SD
from firmware_bridge.timing.delay import CLOCK_EVENT, Delay, RoundTrips
from firmware_bridge.timing.live_clock import LiveClock
from firmware_bridge.timing.reorder import Placed, StreamOrder
from firmware_bridge.timing.shared_clock import LARGEST_DISAGREEMENT_S, nearest_wrap_s

# Without a clock of its own, a sensor's nominal rate is all there is, and it may lie.
_RATE_SD = 0.02
_RATE_OVER_S = 5.0
_DELAY_NEWS_S = 0.0005
_ANOTHER_RATE = 0.2
# Enough packets for a first clock fit, and the first burst of round trips.
_SETTLE_S = 1.0
_STATES: Mapping[str, State] = {"lost": "lost", "stalled": "stalled", "recovered": "connected"}


_LEAST_STEP_S = 1e-6


class Timed(NamedTuple):
    """The samples of one packet on the host's clock."""

    decoded: Decoded
    arrival_s: float
    host_s: Float


class Notice(NamedTuple):
    """Something to tell the person; becomes a `LinkEvent`. `host_s` is None for "now"."""

    state: str
    detail: Mapping[str, float | str]
    host_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Counts:
    lost: int | None = None
    lost_estimate: int | None = None
    duplicates: int = 0
    late: int = 0
    garbage: int = 0


class Stream:
    """The samples of one sensor over all its connections. Used by one thread at a time.

    Attributes:
        info: the sensor as it was last connected.
        state: of its link.
        host_s: time of the last sample, on the host's clock; minus infinity before the first.
        received: samples handed out; kept by the owner.
        others: the streams of the other sensors; set by the owner.
    """

    def __init__(self) -> None:
        self.info: SensorInfo | None = None
        self.state: State = "connecting"
        self.host_s = -inf
        self.received = 0
        self.others: Sequence[Stream] = ()
        self._began_s = inf
        self._notices: list[Notice] = []
        self._connection: Connection | None = None
        self._decoder: Decoder | None = None
        self._order: StreamOrder | None = None
        self._clock: LiveClock | None = None
        self._count: LiveCount | None = None
        self._skipped = 0
        self._trips = RoundTrips()
        self._delay: Delay | None = None
        self._told_delay_s = inf
        self._gaps = GapCounter()
        self._last_arrival_s: float | None = None
        self._recent: deque[tuple[float, int]] = deque()
        self._undecodable = self._reconnects = 0
        self._before = _Counts()
        self._battery_percent: float | None = None
        self._problem = self._senseless = ""

    def opened(self, connection: Connection) -> None:
        """The notifications from here on come over this connection."""
        self._decoder, self.info = connection.decoder(), connection.info
        if self._order is None:
            self._order = StreamOrder(self.info.clock, self.info.nominal_rate_hz or connection.rate_hz)
        else:
            self._reconnects += 1
            self._order.reconnected()
        self._connection, self._last_arrival_s = connection, None
        self._problem = ""

    @property
    def settled(self) -> bool:
        """Whether it has streamed long enough for its clock fit to hold."""
        return self.state == "connected" and self.host_s - self._began_s >= _SETTLE_S

    @property
    def complaint(self) -> str:
        """Why it has not settled, in a sentence, or "" where nothing is known."""
        return "" if self.settled else self._problem or self._senseless

    def begin(self) -> None:
        """The session begins: counts start from zero."""
        self._note_rate()
        self._before = _Counts()
        self._before = self._counts()
        self._gaps = GapCounter()

    def take(self, notification: Notification) -> list[Timed]:
        """Takes in a notification; returns the samples whose turn has come."""
        connection, characteristic, arrival_s, payload = notification
        if connection is not self._connection or self._decoder is None or self._order is None:
            return []
        ping = connection.wearer.driver.ping
        echo = None if ping is None or characteristic != ping.notify else ping.decode(payload)
        if echo is not None:
            self._round_trip(connection.pings.get(echo[0]), echo[1], arrival_s)
            return []
        try:
            decoded = self._decoder.decode(characteristic, payload)
        except DecodeError as error:
            self._garbage(error)
            return []
        self._heed(connection, decoded)
        if not len(decoded):
            return []
        self._note_arrival(arrival_s, len(decoded))
        return [self._time(placed, self._order) for placed in self._order.push(decoded, arrival_s)]

    def flush(self) -> list[Timed]:
        """Gives up waiting for packets that others overtook."""
        return [] if self._order is None else [self._time(p, self._order) for p in self._order.flush()]

    def status(self, now_s: float) -> LinkStatus:
        """The link as it stands.

        Args:
            now_s: host time.
        """
        counts, clock, missing = self._counts(), self._clock, self._missing(now_s)
        uncertainty_s = self._delay.uncertainty_s if self._delay else clock.delay_s if clock else None
        return LinkStatus(
            state=self.state,
            received=self.received,
            lost=None if counts.lost is None else counts.lost + missing,
            lost_estimate=None if counts.lost_estimate is None else counts.lost_estimate + missing,
            duplicates=counts.duplicates,
            late=counts.late,
            garbage=counts.garbage,
            reconnects=self._reconnects,
            battery_percent=self._battery_percent,
            rate_hz=self._rate_hz(now_s),
            nominal_rate_hz=self.info.nominal_rate_hz if self.info else None,
            age_s=None if self._last_arrival_s is None else max(now_s - self._last_arrival_s, 0.0),
            gaps=self._gaps.gaps(),
            drift_ppm=clock.drift_ppm if clock and self._order and self._order.has_clock else None,
            clock_uncertainty_s=uncertainty_s,
            problem=self._problem,
        )

    def _missing(self, now_s: float) -> int:
        """Samples due since a sensor was lost; they are counted exactly once it is back."""
        if self.state != "lost" or self.info is None or self.info.nominal_rate_hz is None:
            return 0
        return max(int((now_s - self.host_s) * self.info.nominal_rate_hz), 0)

    def _rate_hz(self, now_s: float) -> float | None:
        recent = [
            (arrival_s, samples) for arrival_s, samples in self._recent if now_s - arrival_s < _RATE_OVER_S
        ]
        span_s = recent[-1][0] - recent[0][0] if recent else 0.0
        return sum(samples for _, samples in recent[1:]) / span_s if span_s > 0 else None

    def take_notices(self) -> list[Notice]:
        """What there is to tell since the last call."""
        notices, self._notices = self._notices, []
        return notices

    def happened(self, event: Happened) -> None:
        """Takes in what the keeper of the link noticed."""
        if event.state == "battery":
            self._report_battery(float(event.detail["percent"]))
            return
        self.state = _STATES.get(event.state, self.state)
        self._notices.append(Notice(event.state, event.detail, event.host_s))

    def tell_delay(self) -> None:
        """Leaves a notice of what the round trips tell, if that has changed."""
        if self._delay is not None and abs(self._delay.delay_s - self._told_delay_s) >= _DELAY_NEWS_S:
            self._told_delay_s = self._delay.delay_s
            detail = {"delay_s": self._delay.delay_s, "uncertainty_s": self._delay.uncertainty_s}
            self._notices.append(Notice(CLOCK_EVENT, detail))

    def _note_rate(self) -> None:
        """A sensor may refuse the rate that it was given, and go on at another."""
        rate_hz = None if self._order is None else self._order.rate_hz
        if rate_hz is None or self.info is None or self.info.nominal_rate_hz is None:
            return
        wanted_hz = self.info.nominal_rate_hz
        if abs(rate_hz / wanted_hz - 1.0) > _ANOTHER_RATE:
            self.info = replace(self.info, nominal_rate_hz=round(rate_hz, 1))
            text = f"The sensor runs at {rate_hz:.0f} Hz instead of {wanted_hz:g} Hz."
            self._notices.append(Notice("problem", {"text": text}))

    def _report_battery(self, percent: float) -> None:
        if self._battery_percent is None or round(percent) != round(self._battery_percent):
            self._notices.append(Notice("battery", {"percent": percent}))
        self._battery_percent = percent

    def _heed(self, connection: Connection, decoded: Decoded) -> None:
        if decoded.battery_percent is not None:
            self._report_battery(decoded.battery_percent)
        if decoded.replies:
            connection.reply(decoded.replies)
        if decoded.shared_clock is not None and self.info is not None and self.info.clock is not None:
            self.info = replace(self.info, clock=replace(self.info.clock, shared=decoded.shared_clock))
        if decoded.problem and decoded.problem != self._problem:
            self._problem = decoded.problem
            self._notices.append(Notice("problem", {"text": decoded.problem}))

    def _garbage(self, error: DecodeError) -> None:
        self._undecodable += 1
        self._senseless = f"its packets make no sense. {error.problem}"
        if self._undecodable & (self._undecodable - 1) == 0:  # told at 1, 2, 4, 8, ...
            self._notices.append(
                Notice("garbage", {"notifications": self._undecodable, "text": error.problem})
            )

    def _note_arrival(self, arrival_s: float, samples: int) -> None:
        self._began_s = min(self._began_s, arrival_s)
        if self._last_arrival_s is not None:
            self._gaps.add(max(arrival_s - self._last_arrival_s, 0.0))
        self._last_arrival_s = arrival_s
        if self.state == "connecting":
            self.state = "connected"
        self._recent.append((arrival_s, samples))
        while arrival_s - self._recent[0][0] > _RATE_OVER_S:
            self._recent.popleft()

    def _time(self, placed: Placed, order: StreamOrder) -> Timed:
        if self._clock is None:
            self._clock = LiveClock(order.unit_s, UNKNOWN_SLOPE_SD if order.has_clock else _RATE_SD)
            self._count = LiveCount(order.unit_s) if order.lost is None else None
        if placed.restarted:
            self._clock.restart()
            self._trips.clear()
        positions = placed.positions + self._skipped
        delay_s = self._delay.delay_s if self._delay else self._excess_s(int(positions[-1]))
        host_s = self._clock.update(positions, placed.arrival_s, delay_s)
        if host_s[0] <= self.host_s:  # a counter that jumped within the lateness allowed
            host_s = host_s + (self.host_s - host_s[0] + _LEAST_STEP_S)
        if self._count is not None:
            if placed.restarted:
                self._count.restart(float(host_s[0]) - self.host_s)
            late_s = placed.arrival_s - self._clock.line_s(int(positions[-1]))
            self._skipped += self._count.skip(placed.arrival_s, late_s)
        self.host_s = float(host_s[-1])
        return Timed(placed.decoded, placed.arrival_s, host_s)

    def _excess_s(self, position: int) -> float:
        """By how much this sensor's line lies above the lowest of those that share its clock."""
        line_s = self._shared_line_s(position)
        if line_s is None or self.info is None or self.info.clock is None:
            return 0.0
        wrap_s = self.info.clock.ticks_modulo * self.info.clock.tick_s
        lowest_s = line_s
        for other in self.others:
            other_s = other._shared_line_s(position)
            if other_s is not None:
                other_s = nearest_wrap_s(line_s, other_s, wrap_s)
                if line_s - other_s <= LARGEST_DISAGREEMENT_S:
                    lowest_s = min(lowest_s, other_s)
        return line_s - lowest_s

    def _shared_line_s(self, position: int) -> float | None:
        """Host time of a value of the shared clock, give or take whole wraps; None without such a clock."""
        shared = self.info is not None and self.info.clock is not None and self.info.clock.shared
        if not shared or self._clock is None or not self._clock.running:
            return None
        return self._clock.line_s(position)

    def _round_trip(self, sent_s: float | None, ticks: int, arrival_s: float) -> None:
        if sent_s is None or self._order is None or self._clock is None:
            return
        position = self._order.position(ticks, arrival_s)
        if position is not None:
            self._trips.add(sent_s, position)
            self._delay = self._trips.delay(self._clock.line_s)

    def _counts(self) -> _Counts:
        order, before = self._order, self._before
        if order is None:
            return _Counts()
        return _Counts(
            None if order.lost is None else order.lost - (before.lost or 0),
            None if self._count is None else self._count.lost - (before.lost_estimate or 0),
            order.duplicates - before.duplicates,
            order.late - before.late,
            self._undecodable + order.strays - before.garbage,
        )


def to_samples(packets: Sequence[Timed], zero_s: float) -> ImuSamples:
    """Joins timed packets on the session clock, without what came before its zero.

    Args:
        packets: at least one, in order of time.
        zero_s: host time of the session's zero.
    """

    def column(name: str) -> NDArray[Any] | None:
        parts = [getattr(packet.decoded, name) for packet in packets]
        return None if any(part is None for part in parts) else np.concatenate(parts)

    time_s = np.concatenate([packet.host_s for packet in packets]) - zero_s
    arrival_s = np.repeat(
        [packet.arrival_s - zero_s for packet in packets], [len(packet.host_s) for packet in packets]
    )
    samples = ImuSamples(
        time_s,
        np.concatenate([packet.decoded.acc_m_s2 for packet in packets]),
        np.concatenate([packet.decoded.gyr_rad_s for packet in packets]),
        column("mag_ut"),
        arrival_s,
        column("device_ticks"),
        column("sequence"),
    )
    return samples if time_s[0] >= 0 else samples[time_s >= 0]
