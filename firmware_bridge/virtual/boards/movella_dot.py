"""A Movella DOT, from the vendor's specification of its services (XD0506P)."""

from __future__ import annotations

from typing import ClassVar

from firmware_bridge.constants import DEG_RAD
from firmware_bridge.drivers import movella_dot, movella_sync
from firmware_bridge.drivers.movella_sync import SyncId
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.wire import Board, Burst, Services


class MovellaDotFirmware:
    """A Movella DOT in payload mode 21, one sample a packet, without a counter."""

    services: ClassVar[Services] = {
        "15171000-4947-11e9-8646-d663bd873d93": {
            movella_dot.DEVICE_INFO: ("read",),
            movella_dot.DEVICE_CONTROL: ("read", "write"),
        },
        movella_dot.MEASUREMENT_SERVICE: {
            movella_dot.MEASUREMENT_CONTROL: ("read", "write"),
            movella_dot.MEDIUM_PAYLOAD: ("notify",),
        },
        "15173000-4947-11e9-8646-d663bd873d93": {movella_dot.BATTERY: ("read", "notify")},
        movella_sync.SERVICE: {
            movella_sync.CONTROL: ("write",),
            movella_sync.NOTIFICATION: ("notify",),
        },
    }
    data: ClassVar = movella_dot.MEDIUM_PAYLOAD

    def advertisement(self, segment: Segment) -> Advertisement:
        """By name and company; the owner has named the two."""
        return Advertisement(f"Xsens DOT {segment}", (), (movella_dot.COMPANY_ID,))

    def samples_per_packet(self, mtu: int, rate_hz: float) -> int:
        """Always one."""
        return 1

    def read(self, board: Board, characteristic: str) -> bytes:
        """The device information, the battery, or the rate."""
        if characteristic == movella_dot.BATTERY:
            return self.battery(board.battery_percent)[1]
        if characteristic == movella_dot.DEVICE_INFO:
            serial = int(board.address.replace(":", ""), 16)
            return bytes(movella_dot.DeviceInfo(board.address, (2, 0, 0), serial, "XS-T01"))
        if characteristic == movella_dot.DEVICE_CONTROL:
            return movella_dot.encode_rate(int(board.rate_hz))
        return movella_dot.encode_measurement(board.streaming)

    def write(self, board: Board, characteristic: str, payload: bytes) -> None:
        """Accepts its one rate while it may, starts or stops mode 21, or reports its synchronisation."""
        if characteristic == movella_sync.CONTROL:
            self._tell_synchronisation(board, payload)
        elif characteristic == movella_dot.DEVICE_CONTROL:
            if (
                board.streaming
                or board.synchronised
                or payload != movella_dot.encode_rate(int(board.rate_hz))
            ):
                raise DecodeError("The sensor does not take this setting now.")
        elif payload == movella_dot.encode_measurement(True):
            board.start()
        elif payload == movella_dot.encode_measurement(False):
            board.stop()
        else:
            raise DecodeError(f"The command {payload.hex()} is unknown.")

    def encode(self, burst: Burst) -> tuple[bytes, ...]:
        """One measurement, padded with zeros to the length of the characteristic."""
        measurement = movella_dot.Measurement(
            burst.clock_us,
            acc_m_s2=tuple(burst.acc_m_s2[0]),
            gyr_deg_s=tuple(burst.gyr_rad_s[0] / DEG_RAD),
        )
        return (bytes(measurement).ljust(40, b"\x00"),)

    def battery(self, percent: int) -> tuple[str, bytes]:
        """Level, and whether it is charging."""
        return movella_dot.BATTERY, bytes([percent, 0])

    @staticmethod
    def _tell_synchronisation(board: Board, payload: bytes) -> None:
        if payload != bytes(movella_sync.get_status()):
            raise DecodeError(f"The message {payload.hex()} is unknown.")
        status = movella_sync.SYNCHRONISED if board.synchronised else movella_sync.NOT_SYNCHRONISED
        board.notify(movella_sync.NOTIFICATION, _sync_message(SyncId.STATUS, status))

    def subscribed(self, board: Board, characteristic: str, enabled: bool) -> None:
        """Nothing: the stream is started by a command."""

    def disconnected(self) -> None:
        """No state to reset."""


def _sync_message(kind: SyncId, value: int) -> bytes:
    return bytes(movella_sync.Message(movella_sync.SYNC, bytes((kind, value))))
