"""Movella (Xsens) DOT in payload mode 21, "rate quantities": clock, acceleration and angular rate.

Source: "Movella DOT BLE Service Specification", document XD0506P, revision C of July 2023. Whether several
sensors run by one clock is asked with the messages of `movella_sync`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers import movella_sync
from firmware_bridge.drivers.movella_sync import uuid
from firmware_bridge.drivers.seam import Advertisement, Decoded, Decoder, Write, require_rate
from firmware_bridge.drivers.standard import require_plausible
from firmware_bridge.errors import DecodeError
from firmware_bridge.session.model import SensorInfo
from firmware_bridge.timing.device_clock import DeviceClock

DEVICE_INFO: Final = uuid(0x1001)
DEVICE_CONTROL: Final = uuid(0x1002)
MEASUREMENT_SERVICE: Final = uuid(0x2000)
MEASUREMENT_CONTROL: Final = uuid(0x2001)
MEDIUM_PAYLOAD: Final = uuid(0x2003)
BATTERY: Final = uuid(0x3001)

RATE_MODE: Final = 21
COMPANY_ID: Final = 0x0886
CLOCK: Final = DeviceClock(tick_s=1e-6, ticks_modulo=1 << 32)  # wraps after 71.6 minutes
ACC_RANGE_M_S2: Final = 16 * G_M_S2
GYR_RANGE_RAD_S: Final = 2000 * DEG_RAD
_BUSY = "It may be recording: stop that in the vendor's app, or switch the sensor off and on."
_CALIBRATED = 1.25  # calibration and the mounting of the chip can lift a value above the chip's range


@dataclass(frozen=True, slots=True)
class Measurement:
    """One notification of payload mode 21.

    Attributes:
        clock_us: the sensor's clock, modulo 2**32; common to all sensors while they are synchronised.
        acc_m_s2: (x, y, z) specific force in the frame of the box.
        gyr_deg_s: (x, y, z) angular rate.
    """

    clock_us: int
    acc_m_s2: tuple[float, ...]
    gyr_deg_s: tuple[float, ...]

    _LAYOUT: ClassVar = struct.Struct("<I6f")

    @classmethod
    def from_bytes(cls, payload: bytes) -> Measurement:
        """Reads a payload; the sensor pads it with zeros, which are ignored."""
        if len(payload) < cls._LAYOUT.size:
            raise DecodeError(
                f"A payload of mode {RATE_MODE} has {len(payload)} bytes instead of {cls._LAYOUT.size}.",
                "If this repeats, the Bluetooth link uses too small packets; connect again.",
            )
        clock_us, *values = cls._LAYOUT.unpack_from(payload)
        return cls(clock_us, tuple(values[:3]), tuple(values[3:]))

    def __bytes__(self) -> bytes:
        return self._LAYOUT.pack(self.clock_us % CLOCK.ticks_modulo, *self.acc_m_s2, *self.gyr_deg_s)


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """The device information characteristic, as far as it is used."""

    address: str
    firmware: tuple[int, int, int]
    serial: int
    product: str

    @classmethod
    def from_bytes(cls, payload: bytes) -> DeviceInfo:
        """Reads the 34 bytes; the address is stored from its last byte to its first."""
        if len(payload) < 34:
            raise DecodeError(f"A device information of {len(payload)} bytes is too short.")
        address = ":".join(f"{byte:02X}" for byte in reversed(payload[:6]))
        firmware = (payload[6], payload[7], payload[8])
        product = payload[28:34].rstrip(b"\x00 ").decode("ascii", "replace")
        return cls(address, firmware, int.from_bytes(payload[20:28], "little"), product)

    def __bytes__(self) -> bytes:
        address = bytes.fromhex(self.address.replace(":", ""))[::-1]
        serial = self.serial.to_bytes(8, "little")
        return address + bytes(self.firmware) + bytes(11) + serial + self.product.encode().ljust(6, b"\x00")


def encode_rate(rate_hz: int) -> bytes:
    """The device control value that sets the output rate and touches nothing else."""
    return struct.pack("<B23xHB5x", 0b0001_0000, rate_hz, 0)


def encode_measurement(start: bool) -> bytes:
    """The measurement control value that starts or stops payload mode 21."""
    return bytes((1, int(start), RATE_MODE))


def decode_battery(payload: bytes) -> float:
    """The charge in percent; the second byte is 1 while the sensor is charging."""
    if len(payload) != 2 or payload[0] > 100 or payload[1] > 1:
        raise DecodeError(f"A battery report of {payload.hex() or 'no bytes'} makes no sense.")
    return float(payload[0])


class MovellaDotDecoder:
    """Packets of payload mode 21, battery reports, and the answer about synchronisation."""

    def decode(self, characteristic: str, payload: bytes) -> Decoded:
        """Turns one notification into its one sample."""
        if characteristic == BATTERY:
            return Decoded.nothing(battery_percent=decode_battery(payload))
        if characteristic == movella_sync.NOTIFICATION:
            return Decoded.nothing(shared_clock=movella_sync.is_synchronised(payload))
        if characteristic != MEDIUM_PAYLOAD:
            return Decoded.nothing()
        measurement = Measurement.from_bytes(payload)
        acc = require_plausible(
            np.array([measurement.acc_m_s2]), _CALIBRATED * ACC_RANGE_M_S2, "an acceleration"
        )
        gyr = np.array([measurement.gyr_deg_s]) * DEG_RAD
        require_plausible(gyr, _CALIBRATED * GYR_RANGE_RAD_S, "an angular rate")
        return Decoded(acc, gyr, device_ticks=np.array([measurement.clock_us]))


class MovellaDot:
    """The driver: mode 21, rate quantities."""

    name = "movella-dot"
    notify = (MEDIUM_PAYLOAD, BATTERY, movella_sync.NOTIFICATION)
    reads = (DEVICE_INFO, BATTERY)
    ping = None
    quiet_s = 0.0

    def recognises(self, advertisement: Advertisement) -> bool:
        """By name ("Xsens DOT", in newer firmware "Movella DOT") or by the vendor's service."""
        named = advertisement.name.lower().startswith(("xsens dot", "movella dot"))
        return named or any(
            service.startswith("1517") and service.endswith(uuid(0)[8:])
            for service in advertisement.service_uuids
        )

    def info(self, name: str, reads: Mapping[str, bytes], rate_hz: float) -> SensorInfo:
        """The ranges are fixed; the firmware is read from the device."""
        try:
            firmware = ".".join(str(n) for n in DeviceInfo.from_bytes(reads.get(DEVICE_INFO, b"")).firmware)
        except DecodeError:
            firmware = ""
        return SensorInfo(self.name, name, firmware, rate_hz, ACC_RANGE_M_S2, GYR_RANGE_RAD_S, CLOCK)

    def battery_percent(self, reads: Mapping[str, bytes]) -> float | None:
        """The level read at connection; None where it is absent or senseless."""
        try:
            return decode_battery(reads[BATTERY])
        except (KeyError, DecodeError):
            return None

    def serial_number(self, reads: Mapping[str, bytes]) -> str:
        """The serial number of the device information."""
        try:
            return f"{DeviceInfo.from_bytes(reads.get(DEVICE_INFO, b'')).serial:016X}"
        except DecodeError:
            return ""

    def rates_hz(self) -> tuple[float, ...]:
        """The output rates of a live stream (120 Hz exists in recordings on the sensor only)."""
        return (1.0, 4.0, 10.0, 12.0, 15.0, 20.0, 30.0, 60.0)

    def start(self, rate_hz: float) -> tuple[Write, ...]:
        """Asks whether the sensor is synchronised, sets the rate, and measures.

        A sensor that is synchronised or still measuring refuses the rate: it keeps the one it has.
        """
        require_rate(self, rate_hz)
        return (
            Write(movella_sync.CONTROL, bytes(movella_sync.get_status()), optional=True),
            Write(DEVICE_CONTROL, encode_rate(int(rate_hz)), optional=True),
            Write(MEASUREMENT_CONTROL, encode_measurement(True), refusal=_BUSY),
        )

    def stop(self) -> tuple[Write, ...]:
        """Ends the measurement."""
        return (Write(MEASUREMENT_CONTROL, encode_measurement(False)),)

    def decoder(self, reads: Mapping[str, bytes], rate_hz: float) -> Decoder:
        """One sample a packet."""
        return MovellaDotDecoder()
