"""Movella DOT: asks a sensor whether the vendor's app has synchronised it with others.

Source: "Movella DOT BLE Service Specification", document XD0506P, section 5.3. Synchronised sensors run by
one clock until one of them is switched off; their packets look like any others, so the driver asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from firmware_bridge.errors import DecodeError


def uuid(short: int) -> str:
    """The full UUID of a service or characteristic of the vendor."""
    return f"1517{short:04x}-4947-11e9-8646-d663bd873d93"


SERVICE: Final = uuid(0x7000)
CONTROL: Final = uuid(0x7001)
NOTIFICATION: Final = uuid(0x7003)

SYNC: Final = 2  # the message identifier of synchronisation
SYNCHRONISED: Final = 4
NOT_SYNCHRONISED: Final = 9
_CAPACITY = 157


class SyncId(IntEnum):
    """First data byte of a synchronisation message."""

    GET_STATUS = 0x08
    STATUS = 0x51


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the message service; the sum of all its bytes is 0 modulo 256.

    Attributes:
        group: the message identifier: 1 recording, 2 synchronisation, 3 configuration.
        content: the data bytes; in synchronisation the first one is a `SyncId`.
    """

    group: int
    content: bytes

    @classmethod
    def from_bytes(cls, payload: bytes) -> Message:
        """Reads a message; a characteristic is read as 160 bytes, so what follows the checksum is ignored."""
        if len(payload) < 3 or payload[1] > _CAPACITY or len(payload) < payload[1] + 3:
            raise DecodeError(f"The message {payload.hex()} of the sensor is cut off.")
        message = payload[: payload[1] + 3]
        if sum(message) % 256:
            raise DecodeError(f"The checksum of the message {message.hex()} is wrong.")
        return cls(message[0], message[2:-1])

    def __bytes__(self) -> bytes:
        body = bytes((self.group, len(self.content))) + self.content
        return body + bytes((-sum(body) % 256,))


def get_status() -> Message:
    """Asks whether the sensor is synchronised; `is_synchronised` reads the answer."""
    return Message(SYNC, bytes((SyncId.GET_STATUS,)))


def is_synchronised(payload: bytes) -> bool | None:
    """Reads the notified answer to `get_status`; None for any other message."""
    message = Message.from_bytes(payload)
    if message.group != SYNC or len(message.content) != 2 or message.content[0] != SyncId.STATUS:
        return None
    return message.content[1] == SYNCHRONISED
