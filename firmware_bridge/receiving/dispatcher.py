"""The thread between the Bluetooth thread and everybody else: hands out samples and events."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import inf

from firmware_bridge.clock import Clock
from firmware_bridge.drivers.seam import Decoded
from firmware_bridge.receiving.messages import (
    EndOfMessages,
    LinkChange,
    Message,
    Notification,
    Opened,
    PingSent,
)
from firmware_bridge.receiving.sensor_stream import SensorStream, to_samples
from firmware_bridge.receiving.status import LinkStatus
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import LinkEvent, SensorInfo
from firmware_bridge.timing.timeline import TimedPacket

Sink = Callable[[Segment, ImuSamples], None]
Listener = Callable[[LinkEvent], None]

_IDLE_S = 0.1
_REPORT_DELAY_EVERY_S = 5.0


class Dispatcher:
    """Processes messages in a thread of its own, so that a slow sink never delays the Bluetooth thread.

    Args:
        segments: where sensors are worn.
        clock: on which the thread waits.
        sinks: called with every chunk of samples, from the dispatcher's thread.
        on_event: called with every event, from the dispatcher's thread.

    Attributes:
        ready: set when all sensors stream and the session's zero is set.
        zero_s: host time of the session's zero.
    """

    def __init__(
        self, segments: Iterable[Segment], clock: Clock, sinks: Sequence[Sink], on_event: Listener | None
    ) -> None:
        self.ready = clock.signal()
        self.zero_s: float | None = None
        self._clock = clock
        self._inbox: deque[Message] = deque()
        self._arrived = clock.signal()
        self._streams = {segment: SensorStream() for segment in segments}
        for stream in self._streams.values():
            stream.share_with(other for other in self._streams.values() if other is not stream)
        self._waiting: dict[Segment, list[TimedPacket[Decoded]]] = {s: [] for s in self._streams}
        self._sinks: list[Callable[..., None]] = list(sinks)
        self._listeners: list[Callable[..., None]] = [] if on_event is None else [on_event]
        self._error: Exception | None = None
        self._reported_delay_s = 0.0
        self._ended_s = inf
        self._lock = threading.Lock()  # guards the streams; never held while a sink runs
        self._thread = clock.worker(self._run, "sample dispatcher")

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def put(self, message: Message) -> None:
        """Takes a message from another thread, and returns at once."""
        self._inbox.append(message)
        self._arrived.set()

    def drain(self) -> None:
        """Hands out all that is left, and ends the thread."""
        self.put(EndOfMessages())
        self._thread.join()
        self._ended_s = self._clock.now_s()

    def status(self) -> dict[Segment, LinkStatus]:
        """The links as they stand, or stood at the end."""
        now_s = min(self._clock.now_s(), self._ended_s)
        with self._lock:
            return {segment: stream.status(now_s) for segment, stream in self._streams.items()}

    def infos(self) -> dict[Segment, SensorInfo]:
        """The sensors that were connected."""
        with self._lock:
            return {segment: s.info for segment, s in self._streams.items() if s.info is not None}

    def serial_numbers(self) -> dict[Segment, str]:
        """The serial numbers of the sensors, "" where there is none."""
        with self._lock:
            return {segment: stream.serial_number for segment, stream in self._streams.items()}

    def complaint_of(self, segment: Segment) -> str:
        """Why this sensor does not stream, in a sentence, or ""."""
        with self._lock:
            return self._streams[segment].complaint

    def complaint(self) -> str:
        """Why the session cannot begin, in a sentence, or ""."""
        with self._lock:
            return next((f"The {s} sensor: {p}" for s, x in self._streams.items() if (p := x.complaint)), "")

    def fail(self, error: Exception) -> None:
        """Keeps an error for `check`, unless there is one already."""
        self._error = self._error or error

    def check(self) -> None:
        """Raises the first error since the last call. A sink or listener that raised is not called again."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        running = True
        while running:
            messages, idle = self._next()
            running = not any(isinstance(message, EndOfMessages) for message in messages)
            with self._lock:
                for message in messages:
                    try:
                        self._take(message)
                    except Exception as error:  # a fault of one driver must not end the recording
                        self.fail(error)
                if idle or not running:
                    for segment, stream in self._streams.items():
                        self._waiting[segment] += stream.flush()
                self._begin()
                events, chunks = self._events(final=not running), self._chunks()
            for event in events:
                self._call(self._listeners, event)
            for segment, chunk in chunks:
                self._call(self._sinks, segment, chunk)

    def _next(self) -> tuple[list[Message], bool]:
        """Everything in the inbox, and whether nothing came within `_IDLE_S`."""
        idle = not self._arrived.wait(_IDLE_S)
        self._arrived.clear()
        messages: list[Message] = []
        while self._inbox:
            messages.append(self._inbox.popleft())
        return messages, idle

    def _take(self, message: Message) -> None:
        match message:
            case Notification():
                self._waiting[message.segment] += self._streams[message.segment].take(message)
            case PingSent():
                self._streams[message.segment].ping_sent(message)
            case Opened():
                self._streams[message.segment].opened(message)
            case LinkChange():
                self._streams[message.segment].changed(message)

    def _begin(self) -> None:
        """Sets the session's zero once every sensor has settled."""
        if self.zero_s is not None or not all(stream.settled for stream in self._streams.values()):
            return
        self.zero_s = max(stream.host_s for stream in self._streams.values())
        for stream in self._streams.values():
            stream.begin()
        self.ready.set()

    def _events(self, final: bool) -> list[LinkEvent]:
        now_s = self._clock.now_s()
        if final or now_s - self._reported_delay_s > _REPORT_DELAY_EVERY_S:
            self._reported_delay_s = now_s
            for stream in self._streams.values():
                stream.report_delay()
        zero_s = now_s if self.zero_s is None else self.zero_s
        return [
            LinkEvent(max((notice.host_s or now_s) - zero_s, 0.0), segment, notice.state, notice.detail)
            for segment, stream in self._streams.items()
            for notice in stream.take_notices()
        ]

    def _chunks(self) -> list[tuple[Segment, ImuSamples]]:
        chunks: list[tuple[Segment, ImuSamples]] = []
        for segment, packets in self._waiting.items():
            if packets and self.zero_s is not None:
                chunk = to_samples(packets, self.zero_s)
                self._streams[segment].received += len(chunk)
                if len(chunk):
                    chunks.append((segment, chunk))
            packets.clear()
        return chunks

    def _call(self, receivers: list[Callable[..., None]], *arguments: object) -> None:
        """Calls all of them; one that raises is removed, so that the others go on."""
        for receiver in tuple(receivers):
            try:
                receiver(*arguments)
            except Exception as error:
                receivers.remove(receiver)
                self.fail(error)
