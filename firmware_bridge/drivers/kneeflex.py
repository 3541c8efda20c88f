"""The project's own GATT profile for boards that people build: docs/gatt-profile.md.

The packet types are symmetric, `from_bytes` and `__bytes__` in physical values, so that a simulated
sensor sends exactly the bytes of a real board.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers.seam import Advertisement, Decoded, Decoder, Ping, Write, require_rate
from firmware_bridge.drivers.standard import (
    BATTERY_LEVEL,
    SERIAL_NUMBER,
    counts,
    decode_battery_level,
    read_battery_level,
    read_serial_number,
    vectors,
)
from firmware_bridge.errors import DecodeError, LinkError
from firmware_bridge.samples import Float
from firmware_bridge.session.model import SensorInfo
from firmware_bridge.timing.device_clock import DeviceClock

PROFILE_VERSION: Final = 1


def _uuid(short: int) -> str:
    return f"047c{short:04x}-82f7-4cef-8f61-85aaef83ba53"


SERVICE: Final = _uuid(1)
DATA: Final = _uuid(2)
CONFIGURATION: Final = _uuid(3)
CONTROL: Final = _uuid(4)
PING: Final = _uuid(5)

CLOCK: Final = DeviceClock(tick_s=1e-6, ticks_modulo=1 << 32, sequence_modulo=1 << 16)


@dataclass(frozen=True, slots=True)
class Scale:
    """The value of one count. The defaults suit +-16 g and +-2000 deg/s."""

    acc_m_s2: float = 16 * G_M_S2 / 32768
    gyr_rad_s: float = 2000 * DEG_RAD / 32768


@dataclass(frozen=True, slots=True)
class Configuration:
    """The value of the configuration characteristic.

    Attributes:
        firmware: version numbers, each below 256.
        scale: meaning of one count; on the wire a float32 each.
        rate_hz: the nominal rate of the running stream, 0 while there is none.
        offered_rates_hz: the rates of the board, ascending, in steps of 0.1 Hz.
    """

    firmware: tuple[int, int, int]
    scale: Scale
    rate_hz: float
    offered_rates_hz: tuple[float, ...]

    _HEAD: ClassVar = struct.Struct("<4B2fHBx")

    @classmethod
    def from_bytes(cls, payload: bytes) -> Configuration:
        """Reads the configuration; bytes after the offered rates belong to later versions and are ignored."""
        if len(payload) < cls._HEAD.size:
            raise DecodeError(f"A configuration of {len(payload)} bytes is too short.")
        version, *firmware, acc, gyr, rate, offered = cls._HEAD.unpack_from(payload)
        if version != PROFILE_VERSION:
            raise DecodeError(
                f"The sensor speaks version {version} of the kneeflex profile, this program version "
                f"{PROFILE_VERSION}.",
                "Bring the firmware and this program to the same version.",
            )
        if len(payload) < cls._HEAD.size + 2 * offered or not (0 < acc < 1e3 and 0 < gyr < 1e3):
            raise DecodeError("The sensor's configuration makes no sense.", "Check its firmware.")
        rates = struct.unpack_from(f"<{offered}H", payload, cls._HEAD.size)
        return cls(
            (firmware[0], firmware[1], firmware[2]), Scale(acc, gyr), rate / 10, tuple(r / 10 for r in rates)
        )

    def __bytes__(self) -> bytes:
        head = self._HEAD.pack(
            PROFILE_VERSION,
            *self.firmware,
            self.scale.acc_m_s2,
            self.scale.gyr_rad_s,
            round(self.rate_hz * 10),
            len(self.offered_rates_hz),
        )
        return head + np.rint(np.multiply(self.offered_rates_hz, 10)).astype("<u2").tobytes()

    def chosen_rate_hz(self, wanted_hz: float) -> float:
        """The rate at which a board with these rates will run: the lowest not below the wanted one."""
        offered = self.offered_rates_hz or (wanted_hz,)
        return next((rate for rate in offered if rate >= wanted_hz), offered[-1])


@dataclass(frozen=True, eq=False, slots=True)
class Packet:
    """One data notification: k >= 1 consecutive samples.

    Attributes:
        sequence: counter of the first sample, modulo 2**16; every sample counts, sent or not.
        clock_us: microsecond clock of the board at the first sample, modulo 2**32.
        period_us: time from one sample to the next, below 65536.
        acc_m_s2, gyr_rad_s: (k, 3).
        scale: the scale from the configuration; not on the wire.
    """

    sequence: int
    clock_us: int
    period_us: int
    acc_m_s2: Float
    gyr_rad_s: Float
    scale: Scale

    _HEAD: ClassVar = struct.Struct("<HIH")
    _SAMPLE_BYTES: ClassVar = 12

    @classmethod
    def samples_fitting(cls, mtu: int) -> int:
        """How many samples one notification can carry at this ATT MTU: 1 at 23, 14 at 185, 19 at 247."""
        return (mtu - 3 - cls._HEAD.size) // cls._SAMPLE_BYTES

    @classmethod
    def from_bytes(cls, payload: bytes, scale: Scale) -> Packet:
        """Reads a packet; the number of samples follows from its length."""
        body = len(payload) - cls._HEAD.size
        if body < cls._SAMPLE_BYTES or body % cls._SAMPLE_BYTES:
            raise DecodeError(f"A data packet cannot be {len(payload)} bytes long.")
        sequence, clock_us, period_us = cls._HEAD.unpack_from(payload)
        if period_us == 0:
            raise DecodeError("A data packet tells no sample period.")
        values = vectors(payload[cls._HEAD.size :], "<i2").reshape(-1, 6)
        acc, gyr = values[:, :3] * scale.acc_m_s2, values[:, 3:] * scale.gyr_rad_s
        return cls(sequence, clock_us, period_us, acc, gyr, scale)

    def __bytes__(self) -> bytes:
        acc = counts(self.acc_m_s2, self.scale.acc_m_s2)
        gyr = counts(self.gyr_rad_s, self.scale.gyr_rad_s)
        body = b"".join(acc[i : i + 6] + gyr[i : i + 6] for i in range(0, len(acc), 6))
        return self._HEAD.pack(self.sequence % (1 << 16), self.clock_us % (1 << 32), self.period_us) + body


@dataclass(frozen=True, slots=True)
class Command:
    """A write to the control characteristic: start at a rate, or stop where the rate is None."""

    rate_hz: float | None

    @classmethod
    def from_bytes(cls, payload: bytes) -> Command:
        """Reads a command; a board does nothing on one that it cannot read."""
        if payload == b"\x00":
            return cls(None)
        if len(payload) == 3 and payload[0] == 1 and payload[1:] != b"\x00\x00":
            return cls(int.from_bytes(payload[1:], "little") / 10)
        raise DecodeError(f"The control command {payload.hex()} is unknown.")

    def __bytes__(self) -> bytes:
        return b"\x00" if self.rate_hz is None else struct.pack("<BH", 1, round(self.rate_hz * 10))


@dataclass(frozen=True, slots=True)
class Echo:
    """The answer to a ping: the token that was written, and the board's clock when it was read."""

    token: int
    clock_us: int

    _LAYOUT: ClassVar = struct.Struct("<II")

    @classmethod
    def from_bytes(cls, payload: bytes) -> Echo:
        """Reads an echo of exactly 8 bytes."""
        if len(payload) != cls._LAYOUT.size:
            raise DecodeError(f"A ping echo cannot be {len(payload)} bytes long.")
        return cls(*cls._LAYOUT.unpack(payload))

    def __bytes__(self) -> bytes:
        return self._LAYOUT.pack(self.token, self.clock_us % (1 << 32))


def encode_ping(token: int) -> bytes:
    """The token as the four bytes to write."""
    return struct.pack("<I", token % (1 << 32))


def _decode_echo(payload: bytes) -> tuple[int, int] | None:
    try:
        echo = Echo.from_bytes(payload)
    except DecodeError:
        return None
    return echo.token, echo.clock_us


class KneeflexDecoder:
    """Data packets and battery reports; the echo of a ping carries no samples."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale

    def decode(self, characteristic: str, payload: bytes) -> Decoded:
        """Turns one notification into samples."""
        if characteristic == BATTERY_LEVEL:
            return Decoded.nothing(battery_percent=decode_battery_level(payload))
        if characteristic != DATA:
            return Decoded.nothing()
        packet = Packet.from_bytes(payload, self._scale)
        index = np.arange(len(packet.acc_m_s2))
        return Decoded(
            packet.acc_m_s2,
            packet.gyr_rad_s,
            device_ticks=(packet.clock_us + index * packet.period_us) % CLOCK.ticks_modulo,
            sequence=(packet.sequence + index) % (1 << 16),
        )


class Kneeflex:
    """A board that runs the project's own profile."""

    name = "kneeflex"
    notify = (DATA, PING, BATTERY_LEVEL)
    reads = (CONFIGURATION, BATTERY_LEVEL, SERIAL_NUMBER)
    ping = Ping(write=PING, notify=PING, encode=encode_ping, decode=_decode_echo)
    quiet_s = 0.0

    def recognises(self, advertisement: Advertisement) -> bool:
        """By the service UUID alone; the name is the builder's own."""
        return SERVICE in advertisement.service_uuids

    def info(self, name: str, reads: Mapping[str, bytes], rate_hz: float) -> SensorInfo:
        """The ranges follow from the scale factors: a 16-bit count saturates at 32768."""
        configuration = self._configuration(reads)
        return SensorInfo(
            driver=self.name,
            name=name,
            firmware=".".join(str(number) for number in configuration.firmware),
            nominal_rate_hz=configuration.chosen_rate_hz(rate_hz),
            acc_range_m_s2=32768 * configuration.scale.acc_m_s2,
            gyr_range_rad_s=32768 * configuration.scale.gyr_rad_s,
            clock=CLOCK,
        )

    def battery_percent(self, reads: Mapping[str, bytes]) -> float | None:
        """The standard Battery Level."""
        return read_battery_level(reads)

    def serial_number(self, reads: Mapping[str, bytes]) -> str:
        """The standard Serial Number String."""
        return read_serial_number(reads)

    def rates_hz(self) -> tuple[float, ...]:
        """What may be asked for; the board runs at its nearest rate above, see `Configuration`."""
        return (25.0, 50.0, 100.0, 200.0, 400.0)

    def start(self, rate_hz: float) -> tuple[Write, ...]:
        """One command."""
        require_rate(self, rate_hz)
        return (Write(CONTROL, bytes(Command(rate_hz))),)

    def stop(self) -> tuple[Write, ...]:
        """One command."""
        return (Write(CONTROL, bytes(Command(None))),)

    def decoder(self, reads: Mapping[str, bytes], rate_hz: float) -> Decoder:
        """Needs the configuration for its scale factors."""
        return KneeflexDecoder(self._configuration(reads).scale)

    @staticmethod
    def _configuration(reads: Mapping[str, bytes]) -> Configuration:
        if CONFIGURATION not in reads:
            raise LinkError(
                "The sensor did not tell its configuration.",
                "Its firmware must offer the configuration characteristic of docs/gatt-profile.md.",
            )
        return Configuration.from_bytes(reads[CONFIGURATION])
