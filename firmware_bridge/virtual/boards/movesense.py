"""A Movesense sensor, from the vendor's firmware sample gatt_sensordata_app (version 2.2.1 or newer).

A subscription is answered by data alone, and an unknown path by silence, as the sample does. One subscription
of /Meas/IMU6 is simulated.
"""

from __future__ import annotations

from typing import ClassVar

from firmware_bridge.drivers import movesense
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.drivers.standard import (
    BATTERY_LEVEL,
    BATTERY_SERVICE,
    FIRMWARE_REVISION,
    SERIAL_NUMBER,
    bluetooth_uuid,
)
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.wire import Board, Burst, Services

_HELLO, _SUBSCRIBE, _UNSUBSCRIBE = 0, 1, 2
_ROOM = 158  # what the firmware's ATT MTU of 161 leaves


class MovesenseFirmware:
    """One sensor; its time stamps have steps of a millisecond."""

    services: ClassVar[Services] = {
        movesense.SERVICE: {movesense.COMMAND: ("write",), movesense.DATA: ("notify",)},
        BATTERY_SERVICE: {BATTERY_LEVEL: ("read", "notify")},
        bluetooth_uuid(0x180A): {FIRMWARE_REVISION: ("read",), SERIAL_NUMBER: ("read",)},
    }
    data: ClassVar = movesense.DATA

    def __init__(self) -> None:
        self._reference: int | None = None
        self._serial = ""

    def advertisement(self, segment: Segment) -> Advertisement:
        """By its name, which ends in the serial number."""
        self._serial = f"17463000{100 + list(Segment).index(segment):04d}"
        return Advertisement(f"Movesense {self._serial}")

    def samples_per_packet(self, mtu: int, rate_hz: float) -> int:
        """As the sensor groups them: 4 up to 52 Hz, 8 above."""
        return 4 if rate_hz <= 52 else 8

    def read(self, board: Board, characteristic: str) -> bytes:
        """The battery level, the firmware revision, or the serial number."""
        if characteristic == BATTERY_LEVEL:
            return bytes([board.battery_percent])
        return b"2.2.1" if characteristic == FIRMWARE_REVISION else self._serial.encode()

    def write(self, board: Board, characteristic: str, payload: bytes) -> None:
        """Greets, subscribes, or ends the subscription."""
        if len(payload) < 2:
            return
        command, reference = payload[0], payload[1]
        if command == _HELLO:
            board.notify(movesense.DATA, bytes((movesense.Kind.ANSWER, reference)) + b"Hello")
        elif command == _SUBSCRIBE and self._reference is not None:
            refusal = (507).to_bytes(2, "big")  # no free slot
            board.notify(movesense.DATA, bytes((movesense.Kind.ANSWER, reference)) + refusal)
        elif command == _SUBSCRIBE and payload[2:] == f"/Meas/IMU6/{board.rate_hz:.0f}".encode():
            self._reference = reference
            board.start()
        elif command == _UNSUBSCRIBE and reference == self._reference:
            self._reference = None
            board.stop()

    def encode(self, burst: Burst) -> tuple[bytes, ...]:
        """One packet, in two parts where it does not fit."""
        packet = movesense.ImuPacket(burst.clock_us // 1000, burst.acc_m_s2, burst.gyr_rad_s)
        return movesense.split(packet.to_bytes(self._reference or 0), _ROOM)

    def battery(self, percent: int) -> tuple[str, bytes] | None:
        """The standard Battery Level."""
        return BATTERY_LEVEL, bytes([percent])

    def subscribed(self, board: Board, characteristic: str, enabled: bool) -> None:
        """Nothing: the stream is started by a command."""

    def disconnected(self) -> None:
        """The firmware ends all subscriptions."""
        self._reference = None
