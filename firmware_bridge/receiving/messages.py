"""Messages from the Bluetooth thread to the dispatcher's thread, with all it needs of a connection.

No object is used by both threads: `Opened.make_decoder` is called by the dispatcher alone, and
`Opened.reply` only hands its argument to the Bluetooth thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from firmware_bridge.drivers.seam import Decoder, Ping, Write
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import SensorInfo


class Opened(NamedTuple):
    """A sensor was connected, for the first time or again.

    Attributes:
        segment: where it is worn.
        connection: number of the connection; notifications carry it, too.
        info: the sensor, as its driver describes it.
        serial_number: of the sensor, or "".
        rate_hz: the sample rate that it will be started at.
        make_decoder: returns a fresh decoder for this connection.
        data: the characteristic that carries the samples.
        ping: the clock round trip that the sensor offers, or None.
        reply: has writes sent to the sensor by the Bluetooth thread; returns at once.
    """

    segment: Segment
    connection: int
    info: SensorInfo
    serial_number: str
    rate_hz: float
    make_decoder: Callable[[], Decoder]
    data: str
    ping: Ping | None
    reply: Callable[[Sequence[Write]], None]


class Notification(NamedTuple):
    """The bytes of one notification with the host time of their arrival."""

    segment: Segment
    connection: int
    characteristic: str
    arrival_s: float
    payload: bytes


class PingSent(NamedTuple):
    """A ping with this token is being written at this host time."""

    segment: Segment
    connection: int
    token: int
    sent_s: float


class LinkChange(NamedTuple):
    """A change of the link, or a battery reading; becomes a `LinkEvent`."""

    segment: Segment
    state: str
    host_s: float
    detail: Mapping[str, float | str]


class EndOfMessages(NamedTuple):
    """The last message."""


Message = Opened | Notification | PingSent | LinkChange | EndOfMessages
