"""Nordic Thingy:52: raw motion data of its motion service.

Source: the vendor's firmware, ble_tms.h and the motion module. There is no clock and no counter.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers.seam import Advertisement, Decoded, Decoder, Write, require_rate
from firmware_bridge.drivers.standard import (
    BATTERY_LEVEL,
    SERIAL_NUMBER,
    counts,
    decode_battery_level,
    read_battery_level,
    read_serial_number,
)
from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Float
from firmware_bridge.session.model import SensorInfo


def _uuid(short: int) -> str:
    return f"ef68{short:04x}-9b35-4933-9b10-52ffa9740042"


CONFIGURATION_SERVICE: Final = _uuid(0x0100)
FIRMWARE: Final = _uuid(0x0107)
MOTION_SERVICE: Final = _uuid(0x0400)
MOTION_CONFIGURATION: Final = _uuid(0x0401)
RAW: Final = _uuid(0x0406)

ACC_RANGE_M_S2: Final = 2 * G_M_S2
GYR_RANGE_RAD_S: Final = 1023 * DEG_RAD


@dataclass(frozen=True, eq=False, slots=True)
class RawMotion:
    """One notification of the raw characteristic, one sample; vectors of shape (3,).

    The firmware sends the negative of the acceleration that the chip measures (drv_motion.c), and the angular
    rate as it is.
    """

    acc_m_s2: Float
    gyr_rad_s: Float
    mag_ut: Float

    _SCALES: ClassVar = np.array([[-G_M_S2 / (1 << 10)], [DEG_RAD / (1 << 5)], [1 / (1 << 4)]])

    @classmethod
    def from_bytes(cls, payload: bytes) -> RawMotion:
        """Reads 9 fixed-point numbers of 16 bits."""
        if len(payload) != 18:
            raise DecodeError(f"A raw motion packet cannot be {len(payload)} bytes long.")
        acc, gyr, mag = np.frombuffer(payload, "<i2").reshape(3, 3) * cls._SCALES
        return cls(acc, gyr, mag)

    def __bytes__(self) -> bytes:
        vectors = (self.acc_m_s2, self.gyr_rad_s, self.mag_ut)
        return b"".join(counts(v, s) for v, s in zip(vectors, self._SCALES[:, 0], strict=True))


@dataclass(frozen=True, slots=True)
class MotionConfiguration:
    """The motion configuration characteristic; the intervals are at least 100 and at most 5000 ms."""

    rate_hz: int
    pedometer_ms: int = 1000
    temperature_ms: int = 1000
    compass_ms: int = 1000
    wake_on_motion: bool = False

    _LAYOUT: ClassVar = struct.Struct("<4H?")

    @classmethod
    def from_bytes(cls, payload: bytes) -> MotionConfiguration:
        """Reads 9 bytes."""
        if len(payload) != cls._LAYOUT.size:
            raise DecodeError(f"A motion configuration cannot be {len(payload)} bytes long.")
        pedometer, temperature, compass, rate, wake = cls._LAYOUT.unpack(payload)
        return cls(rate, pedometer, temperature, compass, wake)

    def __bytes__(self) -> bytes:
        return self._LAYOUT.pack(
            self.pedometer_ms, self.temperature_ms, self.compass_ms, self.rate_hz, self.wake_on_motion
        )


class Thingy52Decoder:
    """Raw motion packets and battery reports."""

    def decode(self, characteristic: str, payload: bytes) -> Decoded:
        """Turns one notification into its one sample."""
        if characteristic == BATTERY_LEVEL:
            return Decoded.nothing(battery_percent=decode_battery_level(payload))
        if characteristic != RAW:
            return Decoded.nothing()
        raw = RawMotion.from_bytes(payload)
        return Decoded(raw.acc_m_s2[None], raw.gyr_rad_s[None], raw.mag_ut[None])


class Thingy52:
    """The driver. Subscribing starts the stream."""

    name = "thingy52"
    notify = (RAW, BATTERY_LEVEL)
    reads = (FIRMWARE, BATTERY_LEVEL, SERIAL_NUMBER)
    ping = None
    quiet_s = 0.0

    def recognises(self, advertisement: Advertisement) -> bool:
        """By the configuration service that it advertises; the name can be changed."""
        return CONFIGURATION_SERVICE in advertisement.service_uuids or advertisement.name == "Thingy"

    def info(self, name: str, reads: Mapping[str, bytes], rate_hz: float) -> SensorInfo:
        """The firmware sets the chip to 2 g; its fixed-point numbers end at 1024 deg/s."""
        firmware = ".".join(str(number) for number in reads.get(FIRMWARE, b""))
        return SensorInfo(self.name, name, firmware, rate_hz, ACC_RANGE_M_S2, GYR_RANGE_RAD_S)

    def battery_percent(self, reads: Mapping[str, bytes]) -> float | None:
        """The standard Battery Level."""
        return read_battery_level(reads)

    def serial_number(self, reads: Mapping[str, bytes]) -> str:
        """The standard Serial Number String."""
        return read_serial_number(reads)

    def rates_hz(self) -> tuple[float, ...]:
        """Any whole number from 5 to 200 is possible; these suit a knee."""
        return (25.0, 50.0, 100.0, 200.0)

    def start(self, rate_hz: float) -> tuple[Write, ...]:
        """Sets the rate."""
        require_rate(self, rate_hz)
        return (Write(MOTION_CONFIGURATION, bytes(MotionConfiguration(int(rate_hz)))),)

    def stop(self) -> tuple[Write, ...]:
        """Nothing: the stream ends with the subscription."""
        return ()

    def decoder(self, reads: Mapping[str, bytes], rate_hz: float) -> Decoder:
        """One sample a packet."""
        return Thingy52Decoder()
