"""The samples of one sensor on the host's clock while they arrive: order, time and loss in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Generic, NamedTuple

from firmware_bridge.samples import Float
from firmware_bridge.timing.arrivals import LiveCount
from firmware_bridge.timing.clock_fit import UNKNOWN_SLOPE_SD
from firmware_bridge.timing.delay import Delay, RoundTrips
from firmware_bridge.timing.device_clock import DeviceClock
from firmware_bridge.timing.live_clock import LiveClock
from firmware_bridge.timing.reorder import P, Placed, ReorderBuffer
from firmware_bridge.timing.shared_clock import LARGEST_DISAGREEMENT_S, nearest_wrap_s

# Prior of the sample rate where only the nominal rate is known.
_RATE_SD = 0.02
_LEAST_STEP_S = 1e-6
_PINGS_KEPT = 64


class TimedPacket(NamedTuple, Generic[P]):
    """The samples of one packet with their host times (k,)."""

    decoded: P
    arrival_s: float
    host_s: Float


@dataclass(frozen=True, slots=True)
class Counts:
    """What the order of the packets proves so far.

    Attributes:
        lost: samples that never came, or None where the sensor has no counter or clock.
        lost_estimate: without one, what the rate of the arrivals shows instead; otherwise None.
        duplicates: samples that came twice.
        late: samples that came after their successors had been passed on.
        strays: samples whose counter fitted nowhere.
    """

    lost: int | None = None
    lost_estimate: int | None = None
    duplicates: int = 0
    late: int = 0
    strays: int = 0


class Timeline(Generic[P]):
    """Orders and times the packets of one sensor over all its connections.

    Attributes:
        host_s: time of the last sample, on the host's clock; minus infinity before the first.
        delay: the constant delay as the round trips bound it, or None without round trips.
        others: the timelines of the other sensors, which may run by the same device clock.
        shared: whether this device clock is that of other sensors, too.
    """

    def __init__(self) -> None:
        self.host_s = -inf
        self.delay: Delay | None = None
        self.others: Sequence[Timeline[P]] = ()
        self.shared = False
        self._device: DeviceClock | None = None
        self._buffer: ReorderBuffer[P] | None = None
        self._clock: LiveClock | None = None
        self._count: LiveCount | None = None
        self._skipped = 0
        self._trips = RoundTrips()
        self._sent_s: dict[int, float] = {}
        self._earlier_estimate = 0

    def connected(self, device: DeviceClock | None, rate_hz: float) -> None:
        """From here on packets come over a new connection.

        Args:
            device: how to read the sensor's clock and counter, or None.
            rate_hz: the nominal sample rate.
        """
        self._device, self.shared = device, device is not None and device.shared
        self._sent_s.clear()
        if self._buffer is None:
            self._buffer = ReorderBuffer(device, rate_hz)
        else:
            self._buffer.reconnected()

    def set_rate(self, rate_hz: float) -> None:
        """Corrects the nominal rate of a sensor without clock and counter; its times begin anew."""
        if self._buffer is None or self._buffer.lost is not None:
            return
        counts = self.counts
        self._earlier_estimate = counts.lost_estimate or 0
        self._buffer = ReorderBuffer(self._device, rate_hz)
        self._clock, self._count, self._skipped = None, None, 0

    def push(self, decoded: P, arrival_s: float) -> list[TimedPacket[P]]:
        """Takes in a packet with at least one sample; returns the packets that are next in order."""
        if self._buffer is None:
            return []
        return [self._time(placed, self._buffer) for placed in self._buffer.push(decoded, arrival_s)]

    def flush(self) -> list[TimedPacket[P]]:
        """Stops waiting for overtaken packets; returns what was held back."""
        return [] if self._buffer is None else [self._time(p, self._buffer) for p in self._buffer.flush()]

    def ping_sent(self, token: int, sent_s: float) -> None:
        """A ping with this token was written at this host time."""
        self._sent_s.pop(token - _PINGS_KEPT, None)
        self._sent_s[token] = sent_s

    def ping_answered(self, token: int, ticks: int, arrival_s: float) -> None:
        """The sensor read the ping at this value of its clock; the answer arrived at this host time."""
        sent_s = self._sent_s.get(token)
        if sent_s is None or self._buffer is None or self._clock is None:
            return
        position = self._buffer.position(ticks, arrival_s)
        if position is not None:
            self._trips.add(sent_s, position)
            self.delay = self._trips.delay(self._clock.line_s)

    @property
    def uncertainty_s(self) -> float | None:
        """One-sigma figure of the offset of the live times that remains; None before the first packet.

        It holds the constant delay that is unknown, and what a line that has moved leaves to catch up with.
        """
        if self._clock is None:
            return None
        constant_s = self._clock.delay_s if self.delay is None else self.delay.uncertainty_s
        return max(constant_s, self._clock.behind_s)

    @property
    def drift_ppm(self) -> float | None:
        """How fast the sensor's clock runs against the host's, or None where it has none."""
        has_clock = self._buffer is not None and self._buffer.has_clock
        return self._clock.drift_ppm if self._clock is not None and has_clock else None

    @property
    def rate_hz(self) -> float | None:
        """The sample rate by the sensor's clock, or None where that is not known."""
        return None if self._buffer is None else self._buffer.rate_hz

    @property
    def counts(self) -> Counts:
        """Loss, repeats and strays since the first packet."""
        buffer = self._buffer
        if buffer is None:
            return Counts()
        estimate = None if self._count is None else self._earlier_estimate + self._count.lost
        return Counts(buffer.lost, estimate, buffer.duplicates, buffer.late, buffer.strays)

    def _time(self, placed: Placed[P], buffer: ReorderBuffer[P]) -> TimedPacket[P]:
        if self._clock is None:
            self._clock = LiveClock(buffer.unit_s, UNKNOWN_SLOPE_SD if buffer.has_clock else _RATE_SD)
            self._count = LiveCount(buffer.unit_s) if buffer.lost is None else None
        if placed.restarted:
            self._clock.restart()
            self._trips.clear()
        positions = placed.positions + self._skipped
        delay_s = self.delay.delay_s if self.delay else self._excess_s(int(positions[-1]))
        host_s = self._clock.update(positions, placed.arrival_s, delay_s)
        if host_s[0] <= self.host_s:  # the counter jumped by no more than a late packet may
            host_s = host_s + (self.host_s - host_s[0] + _LEAST_STEP_S)
        if self._count is not None:
            if placed.restarted:
                self._count.restart(float(host_s[0]) - self.host_s)
            late_s = placed.arrival_s - self._clock.line_s(int(positions[-1]))
            self._skipped += self._count.skip(placed.arrival_s, late_s)
        self.host_s = float(host_s[-1])
        return TimedPacket(placed.decoded, placed.arrival_s, host_s)

    def _excess_s(self, position: int) -> float:
        """By how much this sensor's line lies above the lowest of those that share its clock."""
        line_s = self._shared_line_s(position)
        if line_s is None or self._device is None:
            return 0.0
        wrap_s = self._device.ticks_modulo * self._device.tick_s
        lowest_s = line_s
        for other in self.others:
            other_s = other._shared_line_s(position)
            if other_s is not None:
                other_s = nearest_wrap_s(line_s, other_s, wrap_s)
                if line_s - other_s <= LARGEST_DISAGREEMENT_S:
                    lowest_s = min(lowest_s, other_s)
        return line_s - lowest_s

    def _shared_line_s(self, position: int) -> float | None:
        """Host time of a value of the shared clock, up to whole wraps; None without such a clock."""
        if not self.shared or self._clock is None or not self._clock.running:
            return None
        return self._clock.line_s(position)
