"""Firmware of simulated boards: the wire formats of real sensors from the sensor's side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol

from firmware_bridge.constants import DEG_RAD
from firmware_bridge.drivers import kneeflex, movella_dot, movella_sync
from firmware_bridge.drivers.movella_sync import SyncId
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.drivers.standard import BATTERY_LEVEL, BATTERY_SERVICE
from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Float, Segment

Access = Literal["read", "write", "write-without-response", "notify"]
Services = Mapping[str, Mapping[str, tuple[Access, ...]]]

# The live angle must not lag: no sample waits longer than this for its packet to fill.
_PACKET_S = 0.04


class Board(Protocol):
    """The board that a firmware runs on."""

    @property
    def address(self) -> str:
        """Its Bluetooth address."""
        ...

    @property
    def rate_hz(self) -> float:
        """Its one sample rate."""
        ...

    @property
    def streaming(self) -> bool:
        """Whether the stream is switched on."""
        ...

    @property
    def battery_percent(self) -> int:
        """The charge left."""
        ...

    @property
    def synchronised(self) -> bool:
        """Whether its clock is shared with other boards."""
        ...

    def clock_us(self) -> int:
        """The microsecond clock now, without wraps."""
        ...

    def start(self) -> None:
        """Starts the stream, anew if it runs."""
        ...

    def stop(self) -> None:
        """Stops the stream."""
        ...

    def notify(self, characteristic: str, payload: bytes) -> None:
        """Sends a notification at once."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Burst:
    """Consecutive samples that go into one packet.

    Attributes:
        sequence: number of the first one.
        clock_us: the board's clock at the first one, without wraps.
        period_us: from one sample to the next, by the board's clock.
        acc_m_s2, gyr_rad_s: (k, 3).
    """

    sequence: int
    clock_us: int
    period_us: float
    acc_m_s2: Float
    gyr_rad_s: Float


class Firmware(Protocol):
    """One kind of sensor. `write` raises `DecodeError` for what the sensor refuses."""

    services: ClassVar[Services]
    data: ClassVar[str]

    def advertisement(self, segment: Segment) -> Advertisement:
        """What the sensor that is to be worn there advertises."""
        ...

    def samples_per_packet(self, mtu: int, rate_hz: float) -> int:
        """How many samples go into one notification."""
        ...

    def read(self, board: Board, characteristic: str) -> bytes:
        """Answers a read."""
        ...

    def write(self, board: Board, characteristic: str, payload: bytes) -> None:
        """Handles a write."""
        ...

    def encode(self, burst: Burst) -> bytes:
        """The notification of `data` that carries the samples."""
        ...

    def battery(self, percent: int) -> tuple[str, bytes]:
        """The notification that reports the charge: characteristic and payload."""
        ...


class KneeflexFirmware:
    """A board with the project's own profile, +-16 g and +-2000 deg/s, one sample rate."""

    services: ClassVar[Services] = {
        kneeflex.SERVICE: {
            kneeflex.DATA: ("notify",),
            kneeflex.CONFIGURATION: ("read",),
            kneeflex.CONTROL: ("write",),
            kneeflex.PING: ("write", "write-without-response", "notify"),
        },
        BATTERY_SERVICE: {BATTERY_LEVEL: ("read", "notify")},
    }
    data: ClassVar = kneeflex.DATA
    _SCALE: ClassVar = kneeflex.Scale()

    def advertisement(self, segment: Segment) -> Advertisement:
        """Beside flags and service UUID, 31 bytes leave 8 for the name."""
        return Advertisement(f"KF-{segment}", (kneeflex.SERVICE,))

    def samples_per_packet(self, mtu: int, rate_hz: float) -> int:
        """As many as the profile's 40 ms and the MTU allow."""
        return max(min(int(_PACKET_S * rate_hz), kneeflex.Packet.samples_fitting(mtu)), 1)

    def read(self, board: Board, characteristic: str) -> bytes:
        """The configuration or the battery level."""
        if characteristic == BATTERY_LEVEL:
            return self.battery(board.battery_percent)[1]
        running_hz = board.rate_hz if board.streaming else 0.0
        return bytes(kneeflex.Configuration((1, 0, 0), self._SCALE, running_hz, (board.rate_hz,)))

    def write(self, board: Board, characteristic: str, payload: bytes) -> None:
        """Starts at the one rate that there is, stops, or echoes a ping."""
        if characteristic == kneeflex.PING:
            if len(payload) != 4:
                raise DecodeError(f"A ping of {len(payload)} bytes is unknown.")
            echo = kneeflex.Echo(int.from_bytes(payload, "little"), board.clock_us())
            board.notify(kneeflex.PING, bytes(echo))
        elif kneeflex.Command.from_bytes(payload).rate_hz is None:
            board.stop()
        else:
            board.start()

    def encode(self, burst: Burst) -> bytes:
        """One packet; the numbers wrap as the profile says."""
        return bytes(
            kneeflex.Packet(
                burst.sequence,
                burst.clock_us,
                round(burst.period_us),
                burst.acc_m_s2,
                burst.gyr_rad_s,
                self._SCALE,
            )
        )

    def battery(self, percent: int) -> tuple[str, bytes]:
        """The standard Battery Level."""
        return BATTERY_LEVEL, bytes([percent])


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

    def encode(self, burst: Burst) -> bytes:
        """One measurement, padded with zeros to the length of the characteristic."""
        measurement = movella_dot.Measurement(
            burst.clock_us,
            acc_m_s2=tuple(burst.acc_m_s2[0]),
            gyr_deg_s=tuple(burst.gyr_rad_s[0] / DEG_RAD),
        )
        return bytes(measurement).ljust(40, b"\x00")

    def battery(self, percent: int) -> tuple[str, bytes]:
        """Level, and whether it is charging."""
        return movella_dot.BATTERY, bytes([percent, 0])

    @staticmethod
    def _tell_synchronisation(board: Board, payload: bytes) -> None:
        if payload != bytes(movella_sync.get_status()):
            raise DecodeError(f"The message {payload.hex()} is unknown.")
        status = movella_sync.SYNCHRONISED if board.synchronised else movella_sync.NOT_SYNCHRONISED
        board.notify(movella_sync.NOTIFICATION, _sync_message(SyncId.STATUS, status))


def _sync_message(kind: SyncId, value: int) -> bytes:
    return bytes(movella_sync.Message(movella_sync.SYNC, bytes((kind, value))))


FIRMWARES: Final[Mapping[str, Firmware]] = {
    "kneeflex": KneeflexFirmware(),
    "movella-dot": MovellaDotFirmware(),
}
