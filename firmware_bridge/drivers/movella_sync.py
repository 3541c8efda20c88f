"""Movella DOT: the messages that bring several sensors to one common clock.

Source: "Movella DOT BLE Service Specification", document XD0506P, section 5.3. The procedure: set the same
rate on all sensors; ask each for its status and stop any earlier synchronisation; write `start` with the
address of one of them, the root, to every sensor; disconnect all; wait `WAIT_S`; reconnect and read the
acknowledgement of each. From then on the clocks of their packets agree until one is switched off.
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
ACKNOWLEDGE: Final = uuid(0x7002)
NOTIFICATION: Final = uuid(0x7003)

SYNC: Final = 2  # the message identifier of synchronisation
SETTLE_S: Final = 12.0  # what the sensors need, once they are disconnected
WAIT_S: Final = 14.0
SYNCHRONISED: Final = 4
NOT_SYNCHRONISED: Final = 9
_CAPACITY = 157


class SyncId(IntEnum):
    """What a synchronisation message says."""

    START = 0x01
    STOP = 0x02
    ACKNOWLEDGE = 0x03
    GET_STATUS = 0x08
    STOP_RESULT = 0x50
    STATUS = 0x51


NOT_HEARD: Final = 5
NOT_STARTED: Final = 9
FAILURES: Final = {
    NOT_HEARD: "The sensor did not hear the root sensor often enough.",
    7: "The clock of the sensor runs too differently from that of the root sensor.",
    8: "The sensor could not start at the common time.",
    NOT_STARTED: "The synchronisation was not started.",
}


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


def start(root_address: str) -> Message:
    """Starts the synchronisation to the root, whose address is written as "D4:CA:6E:F1:69:3D"."""
    return Message(SYNC, bytes((SyncId.START,)) + bytes.fromhex(root_address.replace(":", ""))[::-1])


def stop() -> Message:
    """Ends the synchronisation of a sensor."""
    return Message(SYNC, bytes((SyncId.STOP,)))


def get_status() -> Message:
    """Asks whether the sensor is synchronised; `is_synchronised` reads the answer."""
    return Message(SYNC, bytes((SyncId.GET_STATUS,)))


def is_synchronised(payload: bytes) -> bool | None:
    """Reads the notified answer to `get_status`; None for any other message."""
    message = Message.from_bytes(payload)
    if message.group != SYNC or len(message.content) != 2 or message.content[0] != SyncId.STATUS:
        return None
    return message.content[1] == SYNCHRONISED


def is_stopped(payload: bytes) -> bool | None:
    """Reads the notified answer to `stop`: whether it worked; None for any other message."""
    message = Message.from_bytes(payload)
    if message.group != SYNC or len(message.content) != 2 or message.content[0] != SyncId.STOP_RESULT:
        return None
    return message.content[1] == 0


def failure(acknowledgement: bytes) -> str:
    """What went wrong according to the acknowledgement read after reconnecting; "" for success."""
    message = Message.from_bytes(acknowledgement)
    if message.group != SYNC or len(message.content) < 2 or message.content[0] != SyncId.ACKNOWLEDGE:
        raise DecodeError("The sensor does not acknowledge a synchronisation.")
    code = message.content[1]
    return "" if code == 0 else FAILURES.get(code, f"The sensor reports the unknown result {code}.")
