"""Movella (Xsens) DOT: packets of every documented payload mode, and the driver that streams mode 21.

Source: "Movella DOT BLE Service Specification", document XD0506P, revision C of July 2023. How several
sensors are brought to one clock is in `movella_sync`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

import numpy as np

from firmware_bridge.drivers import movella_sync
from firmware_bridge.drivers.movella_sync import uuid
from firmware_bridge.drivers.seam import Advertisement, Decoded, Decoder, Write, require_rate
from firmware_bridge.drivers.standard import DEG_RAD, G_M_S2, require_plausible
from firmware_bridge.errors import DecodeError
from firmware_bridge.session.model import DeviceClock, SensorInfo

DEVICE_INFO: Final = uuid(0x1001)
DEVICE_CONTROL: Final = uuid(0x1002)
MEASUREMENT_SERVICE: Final = uuid(0x2000)
MEASUREMENT_CONTROL: Final = uuid(0x2001)
LONG_PAYLOAD: Final = uuid(0x2002)
MEDIUM_PAYLOAD: Final = uuid(0x2003)
SHORT_PAYLOAD: Final = uuid(0x2004)
BATTERY: Final = uuid(0x3001)

COMPANY_ID: Final = 0x0886
CLOCK: Final = DeviceClock(tick_s=1e-6, ticks_modulo=1 << 32)  # wraps after 71.6 minutes
ACC_RANGE_M_S2: Final = 16 * G_M_S2
GYR_RANGE_RAD_S: Final = 2000 * DEG_RAD
_CALIBRATED = 1.25  # calibration and the mounting of the chip can lift a value above the chip's range


class Mode(IntEnum):
    """The payload modes whose content is documented."""

    EXTENDED_QUATERNION = 2
    COMPLETE_QUATERNION = 3
    EULER = 4
    QUATERNION = 5
    FREE_ACCELERATION = 6
    EXTENDED_EULER = 7
    COMPLETE_EULER = 16
    DELTA_WITH_MAG = 18
    DELTA = 19
    RATE_WITH_MAG = 20
    RATE = 21
    CUSTOM_1 = 22
    CUSTOM_2 = 23
    CUSTOM_3 = 24
    CUSTOM_5 = 26


_QUANTITIES: Final = {  # field of Measurement -> (how many numbers, their type)
    "quaternion": (4, "<f4"),
    "euler_deg": (3, "<f4"),
    "delta_quaternion": (4, "<f4"),
    "delta_velocity_m_s": (3, "<f4"),
    "free_acc_m_s2": (3, "<f4"),
    "acc_m_s2": (3, "<f4"),
    "gyr_deg_s": (3, "<f4"),
    "mag_counts": (3, "<i2"),
    "status": (1, "<u2"),
    "clips": (2, "u1"),
}
_EXTENDED: Final = ("free_acc_m_s2", "status", "clips")
LAYOUTS: Final[Mapping[Mode, tuple[str, ...]]] = {
    Mode.EXTENDED_QUATERNION: ("quaternion", *_EXTENDED),
    Mode.COMPLETE_QUATERNION: ("quaternion", "free_acc_m_s2"),
    Mode.EULER: ("euler_deg",),
    Mode.QUATERNION: ("quaternion",),
    Mode.FREE_ACCELERATION: ("free_acc_m_s2",),
    Mode.EXTENDED_EULER: ("euler_deg", *_EXTENDED),
    Mode.COMPLETE_EULER: ("euler_deg", "free_acc_m_s2"),
    Mode.DELTA_WITH_MAG: ("delta_quaternion", "delta_velocity_m_s", "mag_counts"),
    Mode.DELTA: ("delta_quaternion", "delta_velocity_m_s"),
    Mode.RATE_WITH_MAG: ("acc_m_s2", "gyr_deg_s", "mag_counts"),
    Mode.RATE: ("acc_m_s2", "gyr_deg_s"),
    Mode.CUSTOM_1: ("euler_deg", "free_acc_m_s2", "gyr_deg_s"),
    Mode.CUSTOM_2: ("euler_deg", "free_acc_m_s2", "mag_counts"),
    Mode.CUSTOM_3: ("quaternion", "gyr_deg_s"),
    Mode.CUSTOM_5: ("quaternion", "acc_m_s2", "gyr_deg_s"),
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One notification of a payload mode; a quantity that the mode does not carry is None.

    Attributes:
        clock_us: the sensor's clock, modulo 2**32; common to all sensors while they are synchronised.
        quaternion, delta_quaternion: (w, x, y, z).
        free_acc_m_s2: acceleration without gravity, in the sensor's earth frame.
        acc_m_s2: specific force in the frame of the box.
        mag_counts: the unit is not documented.
        status: bits 0-2 acc clipped in x, y, z, 3-5 gyr, 6-8 mag, 9 new mag sample.
        clips: how often acc and gyr clipped since the last packet.
    """

    clock_us: int
    quaternion: tuple[float, ...] | None = None
    euler_deg: tuple[float, ...] | None = None
    delta_quaternion: tuple[float, ...] | None = None
    delta_velocity_m_s: tuple[float, ...] | None = None
    free_acc_m_s2: tuple[float, ...] | None = None
    acc_m_s2: tuple[float, ...] | None = None
    gyr_deg_s: tuple[float, ...] | None = None
    mag_counts: tuple[float, ...] | None = None
    status: tuple[float, ...] | None = None
    clips: tuple[float, ...] | None = None

    @property
    def mode(self) -> Mode:
        """The payload mode that carries exactly these quantities."""
        present = tuple(name for name in _QUANTITIES if getattr(self, name) is not None)
        for mode, names in LAYOUTS.items():
            if tuple(sorted(names)) == tuple(sorted(present)):
                return mode
        raise ValueError(f"no payload mode carries {', '.join(present)}")

    @classmethod
    def from_bytes(cls, payload: bytes, mode: Mode) -> Measurement:
        """Reads the quantities of the mode; the sensor pads a payload with zeros, which are ignored."""
        names, size = LAYOUTS[mode], payload_bytes(mode)
        if len(payload) < size:
            raise DecodeError(
                f"A payload of mode {mode.value} has {len(payload)} bytes instead of {size}.",
                "If this repeats, the Bluetooth link uses too small packets; connect again.",
            )
        values: dict[str, tuple[float, ...]] = {}
        at = 4
        for name in names:
            count, dtype = _QUANTITIES[name]
            values[name] = tuple(np.frombuffer(payload, dtype, count, at).tolist())
            at += _bytes_of(name)
        return cls(int.from_bytes(payload[:4], "little"), **values)

    def __bytes__(self) -> bytes:
        body = b"".join(np.array(getattr(self, n), _QUANTITIES[n][1]).tobytes() for n in LAYOUTS[self.mode])
        return struct.pack("<I", self.clock_us % CLOCK.ticks_modulo) + body


def _bytes_of(name: str) -> int:
    count, dtype = _QUANTITIES[name]
    return count * np.dtype(dtype).itemsize


def payload_bytes(mode: Mode) -> int:
    """The length of a payload without its padding: the time stamp and the quantities of the mode."""
    return 4 + sum(_bytes_of(name) for name in LAYOUTS[mode])


def payload_characteristic(mode: Mode) -> str:
    """The characteristic that notifies the mode, which its length decides."""
    size = payload_bytes(mode)
    return SHORT_PAYLOAD if size <= 20 else MEDIUM_PAYLOAD if size <= 40 else LONG_PAYLOAD


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


def encode_measurement(start: bool, mode: Mode) -> bytes:
    """The measurement control value that starts or stops a payload mode."""
    return bytes((1, int(start), mode))


def decode_battery(payload: bytes) -> float:
    """The charge in percent; the second byte tells whether the sensor is charging."""
    if len(payload) != 2 or payload[0] > 100 or payload[1] > 1:
        raise DecodeError(f"A battery report of {payload.hex() or 'no bytes'} makes no sense.")
    return float(payload[0])


class MovellaDotDecoder:
    """Packets of one measuring mode that carries acceleration and angular rate."""

    def __init__(self, mode: Literal[Mode.RATE, Mode.RATE_WITH_MAG, Mode.CUSTOM_5] = Mode.RATE) -> None:
        self._mode = mode
        self._payload = payload_characteristic(mode)

    def decode(self, characteristic: str, payload: bytes) -> Decoded:
        """Turns one notification into its one sample."""
        if characteristic == BATTERY:
            return Decoded.nothing(battery_percent=decode_battery(payload))
        if characteristic == movella_sync.NOTIFICATION:
            return Decoded.nothing(shared_clock=movella_sync.is_synchronised(payload))
        if characteristic != self._payload:
            return Decoded.nothing()
        measurement = Measurement.from_bytes(payload, self._mode)
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
            Write(MEASUREMENT_CONTROL, encode_measurement(True, Mode.RATE)),
        )

    def stop(self) -> tuple[Write, ...]:
        """Ends the measurement."""
        return (Write(MEASUREMENT_CONTROL, encode_measurement(False, Mode.RATE)),)

    def decoder(self, reads: Mapping[str, bytes], rate_hz: float) -> Decoder:
        """One sample a packet."""
        return MovellaDotDecoder()
