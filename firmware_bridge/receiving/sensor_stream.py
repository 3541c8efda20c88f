"""One sensor from its notifications to timed samples, events and its status."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.drivers.seam import Decoded
from firmware_bridge.errors import DecodeError
from firmware_bridge.receiving.decoding import Decoding, PingAnswer
from firmware_bridge.receiving.messages import LinkChange, Notification, Opened, PingSent
from firmware_bridge.receiving.status import LinkStatus, State
from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.delays import CLOCK_EVENT
from firmware_bridge.session.model import SensorInfo
from firmware_bridge.timing.timeline import Counts, TimedPacket, Timeline

_RATE_OVER_S = 5.0
_LEAST_DELAY_CHANGE_S = 0.0005
# Relative difference from which the sensor is said to run at another rate than the one it was given.
_ANOTHER_RATE = 0.2
# Enough packets for a first clock fit, and the first burst of round trips.
_SETTLE_S = 1.0
_LOW_BATTERY_PERCENT = 10.0
_PROBE_S = 0.9
_PROBE_ATTEMPTS = 3
_LONGEST_PAUSE = 0.25  # of the probed time
_STATES: Mapping[str, State] = {"lost": "lost", "stalled": "stalled", "recovered": "connected"}


class Notice(NamedTuple):
    """An event to be passed on; becomes a `LinkEvent`. `host_s` is None for "now"."""

    state: str
    detail: Mapping[str, float | str]
    host_s: float | None = None


class _RateProbe:
    """Measures the sample rate by the arrivals of one undisturbed second."""

    def __init__(self) -> None:
        self._first_s = self._last_s = 0.0
        self._longest_s = 0.0
        self._attempts = 1
        self._samples: int | None = None

    def add(self, arrival_s: float, samples: int) -> bool:
        """Takes in one packet; whether the rate is known now."""
        if self._samples is None:
            self._first_s, self._samples = arrival_s, 0
        else:
            self._longest_s = max(self._longest_s, arrival_s - self._last_s)
            self._samples += samples
        self._last_s = arrival_s
        span_s = arrival_s - self._first_s
        if span_s < _PROBE_S:
            return False
        if self._longest_s <= _LONGEST_PAUSE * span_s or self._attempts == _PROBE_ATTEMPTS:
            return True
        if span_s > 2 * _PROBE_S:  # a stall, or very few packets
            self._attempts, self._samples, self._longest_s = self._attempts + 1, None, 0.0
        return False

    @property
    def rate_hz(self) -> float:
        """The rate, once `add` has returned True."""
        return (self._samples or 0) / (self._last_s - self._first_s)


class SensorStream:
    """The samples of one sensor over all its connections. Used by one thread at a time.

    Attributes:
        info: the sensor as it was last connected.
        state: of its link.
        serial_number: of the sensor, or "".
        received: samples handed out; kept by the owner.
    """

    def __init__(self) -> None:
        self.info: SensorInfo | None = None
        self.state: State = "connecting"
        self.serial_number = ""
        self.received = 0
        self._decoding = Decoding()
        self._timeline: Timeline[Decoded] = Timeline()
        self._notices: list[Notice] = []
        self._first_arrival_s = inf
        self._last_arrival_s: float | None = None
        self._recent: deque[tuple[float, int]] = deque()
        self._reported_delay_s = inf
        self._reconnects = 0
        self._counts_at_start, self._undecodable_at_start = Counts(), 0
        self._battery_percent: float | None = None
        self._rate_probe: _RateProbe | None = None

    def share_with(self, others: Iterable[SensorStream]) -> None:
        """Sets the streams of the other sensors, which may run by the same device clock."""
        self._timeline.others = [other._timeline for other in others]

    @property
    def host_s(self) -> float:
        """Time of the last sample, on the host's clock; minus infinity before the first."""
        return self._timeline.host_s

    @property
    def settled(self) -> bool:
        """Whether it has streamed long enough for its clock fit to hold."""
        return (
            self.state == "connected"
            and self._rate_probe is None
            and self.host_s - self._first_arrival_s >= _SETTLE_S
        )

    @property
    def complaint(self) -> str:
        """Why it has not settled, in a sentence, or "" where nothing is known."""
        return "" if self.settled else self._decoding.problem or self._decoding.senseless

    def opened(self, message: Opened) -> None:
        """The notifications from here on come over this connection."""
        self._decoding.connected(message)
        self.info, self.serial_number = message.info, message.serial_number
        self._last_arrival_s = None
        self._timeline.connected(message.info.clock, message.info.nominal_rate_hz or message.rate_hz)
        self._rate_probe = _RateProbe() if message.info.clock is None else None

    def begin(self) -> None:
        """The session begins: counts start from zero."""
        self._check_rate()
        self._counts_at_start = self._timeline.counts
        self._undecodable_at_start = self._decoding.undecodable

    def take(self, notification: Notification) -> list[TimedPacket[Decoded]]:
        """Takes in a notification; returns the packets that are next in order, with their times."""
        if not self._decoding.is_current(notification.connection):
            return []
        problem = self._decoding.problem
        ready = self._decoding.without_copies(notification)
        if self._decoding.problem != problem:
            self._report_problem(self._decoding.problem)
        return [packet for each in ready for packet in self._process(each)]

    def _process(self, notification: Notification) -> list[TimedPacket[Decoded]]:
        try:
            content = self._decoding.decode(notification)
        except DecodeError as error:
            self._report_garbage(error)
            return []
        if content is None:
            return []
        if isinstance(content, PingAnswer):
            self._timeline.ping_answered(content.token, content.ticks, notification.arrival_s)
            return []
        self._use(content)
        if not len(content):
            return []
        self._note_arrival(notification.arrival_s, len(content))
        self._check_arrival_rate(notification.arrival_s, len(content))
        return self._timeline.push(content, notification.arrival_s)

    def ping_sent(self, message: PingSent) -> None:
        """Takes in when a ping was written."""
        if self._decoding.is_current(message.connection):
            self._timeline.ping_sent(message.token, message.sent_s)

    def flush(self) -> list[TimedPacket[Decoded]]:
        """Stops waiting for overtaken packets; returns what was held back."""
        return self._timeline.flush()

    def changed(self, change: LinkChange) -> None:
        """Takes in a change of the link."""
        if change.state == "battery":
            self._report_battery(float(change.detail["percent"]))
            return
        if change.state == "problem":
            self._report_problem(str(change.detail["text"]))
            return
        # Not every connection after a loss counts: one over which nothing comes is given up and tried again.
        self._reconnects += change.state == "recovered" and self.state == "lost"
        self.state = _STATES.get(change.state, self.state)
        self._notices.append(Notice(change.state, change.detail, change.host_s))

    def take_notices(self) -> list[Notice]:
        """The events since the last call."""
        notices, self._notices = self._notices, []
        return notices

    def report_delay(self) -> None:
        """Leaves a notice of the delay that the round trips show, if it has changed."""
        delay = self._timeline.delay
        if delay is not None and abs(delay.delay_s - self._reported_delay_s) >= _LEAST_DELAY_CHANGE_S:
            self._reported_delay_s = delay.delay_s
            detail = {"delay_s": delay.delay_s, "uncertainty_s": delay.uncertainty_s}
            self._notices.append(Notice(CLOCK_EVENT, detail))

    def status(self, now_s: float) -> LinkStatus:
        """The link as it stands.

        Args:
            now_s: host time.
        """
        now, before, due = self._timeline.counts, self._counts_at_start, self._due(now_s)
        return LinkStatus(
            state=self.state,
            received=self.received,
            lost=None if now.lost is None else now.lost - (before.lost or 0) + due,
            lost_estimate=None
            if now.lost_estimate is None
            else now.lost_estimate - (before.lost_estimate or 0) + due,
            duplicates=now.duplicates - before.duplicates,
            late=now.late - before.late,
            garbage=now.strays - before.strays + self._decoding.undecodable - self._undecodable_at_start,
            reconnects=self._reconnects,
            battery_percent=self._battery_percent,
            rate_hz=self._arrival_rate_hz(now_s),
            nominal_rate_hz=self.info.nominal_rate_hz if self.info else None,
            age_s=None if self._last_arrival_s is None else max(now_s - self._last_arrival_s, 0.0),
            drift_ppm=self._timeline.drift_ppm,
            clock_uncertainty_s=self._timeline.uncertainty_s,
            problem=self._decoding.problem,
        )

    def _due(self, now_s: float) -> int:
        """Samples due since a sensor was lost; they are counted exactly once it is back."""
        if self.state != "lost" or self.info is None or self.info.nominal_rate_hz is None:
            return 0
        if self.host_s == -inf:  # nothing that made sense ever came
            return 0
        return max(int((now_s - self.host_s) * self.info.nominal_rate_hz), 0)

    def _arrival_rate_hz(self, now_s: float) -> float | None:
        recent = [
            (arrival_s, samples) for arrival_s, samples in self._recent if now_s - arrival_s < _RATE_OVER_S
        ]
        span_s = recent[-1][0] - recent[0][0] if recent else 0.0
        return sum(samples for _, samples in recent[1:]) / span_s if span_s > 0 else None

    def _check_rate(self) -> None:
        """A sensor may refuse the rate that it was given, and run at another one."""
        rate_hz = self._timeline.rate_hz
        if rate_hz is not None and self._differs(rate_hz):
            self._replace_rate(rate_hz, round(rate_hz, 1))

    def _check_arrival_rate(self, arrival_s: float, samples: int) -> None:
        """Without a clock in the packets, the rate shows in the arrivals of a connection's first second."""
        if self._rate_probe is None or not self._rate_probe.add(arrival_s, samples):
            return
        rate_hz, self._rate_probe = self._rate_probe.rate_hz, None
        if self._differs(rate_hz):
            rounded_hz = round(rate_hz, 1)
            self._replace_rate(rate_hz, rounded_hz)
            self._timeline.set_rate(rounded_hz)

    def _use_rate(self, rate_hz: float) -> None:
        """The sensor itself says at which rate it runs."""
        self._rate_probe = None
        if self.info is not None and self.info.nominal_rate_hz != rate_hz:
            self.info = replace(self.info, nominal_rate_hz=rate_hz)
            self._timeline.set_rate(rate_hz)

    def _differs(self, rate_hz: float) -> bool:
        nominal_hz = None if self.info is None else self.info.nominal_rate_hz
        return nominal_hz is not None and abs(rate_hz / nominal_hz - 1.0) > _ANOTHER_RATE

    def _replace_rate(self, rate_hz: float, nominal_hz: float) -> None:
        assert self.info is not None
        wanted_hz = self.info.nominal_rate_hz
        self.info = replace(self.info, nominal_rate_hz=nominal_hz)
        self._report_problem(f"The sensor runs at {rate_hz:.0f} Hz instead of {wanted_hz:g} Hz.")

    def _use(self, decoded: Decoded) -> None:
        """Takes in what a notification held beside samples."""
        if decoded.battery_percent is not None:
            self._report_battery(decoded.battery_percent)
        if decoded.shared_clock is not None and self.info is not None and self.info.clock is not None:
            self.info = replace(self.info, clock=replace(self.info.clock, shared=decoded.shared_clock))
            self._timeline.shared = decoded.shared_clock
        if decoded.problem and decoded.problem != self._decoding.problem:
            self._report_problem(decoded.problem)
        if decoded.rate_hz is not None:
            self._use_rate(decoded.rate_hz)

    def _report_problem(self, text: str) -> None:
        self._decoding.problem = text
        self._notices.append(Notice("problem", {"text": text}))

    def _report_battery(self, percent: float) -> None:
        before = self._battery_percent
        if before is None or round(percent) != round(before):
            self._notices.append(Notice("battery", {"percent": percent}))
        if percent < _LOW_BATTERY_PERCENT and (before is None or before >= _LOW_BATTERY_PERCENT):
            self._report_problem(f"The battery is at {percent:.0f} %: charge the sensor.")
        self._battery_percent = percent

    def _report_garbage(self, error: DecodeError) -> None:
        count = self._decoding.undecodable
        if count & (count - 1) == 0:  # reported at 1, 2, 4, 8, ...
            self._notices.append(Notice("garbage", {"notifications": count, "text": str(error)}))

    def _note_arrival(self, arrival_s: float, samples: int) -> None:
        self._first_arrival_s = min(self._first_arrival_s, arrival_s)
        self._last_arrival_s = arrival_s
        if self.state == "connecting":
            self.state = "connected"
        self._recent.append((arrival_s, samples))
        while arrival_s - self._recent[0][0] > _RATE_OVER_S:
            self._recent.popleft()


def to_samples(packets: Sequence[TimedPacket[Decoded]], zero_s: float) -> ImuSamples:
    """Joins timed packets on the session clock, without the samples before its zero.

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
