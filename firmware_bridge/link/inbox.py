"""What the radio's thread hands to the pump's thread: bytes with their time of arrival, and events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from firmware_bridge.samples import Segment

if TYPE_CHECKING:
    from firmware_bridge.link.connection import Connection


class Notification(NamedTuple):
    """Bytes of one sensor as they arrived."""

    connection: Connection
    characteristic: str
    arrival_s: float
    payload: bytes


class Opened(NamedTuple):
    """A sensor was connected, for the first time or again."""

    connection: Connection


class Happened(NamedTuple):
    """Something a person may want to know; becomes a `LinkEvent`."""

    segment: Segment
    state: str
    host_s: float
    detail: Mapping[str, float | str]


class Closed(NamedTuple):
    """Nothing will come any more."""


Message = Notification | Opened | Happened | Closed
