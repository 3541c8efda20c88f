"""The thread between the radio and everybody else: decodes, times, and hands out samples and events."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import inf

from firmware_bridge.link.inbox import Closed, Happened, Message, Notification, Opened
from firmware_bridge.link.radio import Radio
from firmware_bridge.link.status import LinkStatus
from firmware_bridge.link.stream import Stream, Timed, to_samples
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import LinkEvent, SensorInfo

Sink = Callable[[Segment, ImuSamples], None]
Listener = Callable[[LinkEvent], None]

_IDLE_S = 0.1
_TELL_DELAY_EVERY_S = 5.0


class Pump:
    """Drains the inbox in a thread of its own, so that a slow user never holds up the radio.

    Args:
        segments: who is worn.
        radio: for its clock.
        sinks: called with every chunk of samples, from the pump's thread.
        on_event: called with every event, from the pump's thread.

    Attributes:
        ready: set when both sensors stream and the session's zero is set.
        zero_s: host time of the session's zero.
    """

    def __init__(
        self, segments: Iterable[Segment], radio: Radio, sinks: Sequence[Sink], on_event: Listener | None
    ) -> None:
        self.ready = radio.clock.signal()
        self.zero_s: float | None = None
        self._clock = radio.clock
        self._inbox: deque[Message] = deque()
        self._arrived = radio.clock.signal()
        self._streams = {segment: Stream() for segment in segments}
        for stream in self._streams.values():
            stream.others = [other for other in self._streams.values() if other is not stream]
        self._waiting: dict[Segment, list[Timed]] = {segment: [] for segment in segments}
        self._sinks: list[Callable[..., None]] = list(sinks)
        self._listeners: list[Callable[..., None]] = [] if on_event is None else [on_event]
        self._error: Exception | None = None
        self._told_delay_s = 0.0
        self._ended_s = inf
        self._lock = threading.Lock()  # of the streams; never held while a sink runs
        self._thread = radio.clock.worker(self._run, "sample pump")

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def put(self, message: Message) -> None:
        """Takes a message from the radio's thread, and returns at once."""
        self._inbox.append(message)
        self._arrived.set()

    def drain(self) -> None:
        """Hands out all that is left, and ends the thread."""
        self.put(Closed())
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

    def complaint(self) -> str:
        """What speaks against beginning the session, in a sentence, or ""."""
        with self._lock:
            return next((f"The {s} sensor: {p}" for s, x in self._streams.items() if (p := x.complaint)), "")

    def fail(self, error: Exception) -> None:
        """Keeps an error for `check`, unless there is one already."""
        self._error = self._error or error

    def check(self) -> None:
        """Raises what went wrong since the last call. A sink or listener that raised is not called again."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        running = True
        while running:
            messages, idle = self._next()
            running = not any(isinstance(message, Closed) for message in messages)
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
        """Everything in the inbox, and whether nothing came for a moment."""
        idle = not self._arrived.wait(_IDLE_S)
        self._arrived.clear()
        messages: list[Message] = []
        while self._inbox:
            messages.append(self._inbox.popleft())
        return messages, idle

    def _take(self, message: Message) -> None:
        if isinstance(message, Notification):
            segment = message.connection.wearer.segment
            self._waiting[segment] += self._streams[segment].take(message)
        elif isinstance(message, Opened):
            self._streams[message.connection.wearer.segment].opened(message.connection)
        elif isinstance(message, Happened):
            self._streams[message.segment].happened(message)

    def _begin(self) -> None:
        """Sets the session's zero once every sensor has streamed for a while."""
        if self.zero_s is not None or not all(stream.settled for stream in self._streams.values()):
            return
        self.zero_s = max(stream.host_s for stream in self._streams.values())
        for stream in self._streams.values():
            stream.begin()
        self.ready.set()

    def _events(self, final: bool) -> list[LinkEvent]:
        now_s = self._clock.now_s()
        if final or now_s - self._told_delay_s > _TELL_DELAY_EVERY_S:
            self._told_delay_s = now_s
            for stream in self._streams.values():
                stream.tell_delay()
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
        """Calls everybody; one that fails is left out from then on, so that the others go on."""
        for receiver in tuple(receivers):
            try:
                receiver(*arguments)
            except Exception as error:
                receivers.remove(receiver)
                self.fail(error)
