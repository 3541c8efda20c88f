"""Movesense, through the GATT SensorData Protocol of its firmware.

Source: the vendor's firmware sample gatt_sensordata_app (GATTSensorDataClient.cpp), the vendor's description
of /Meas/IMU6, and one captured packet. A packet holds the time of its first sample, then all accelerations in
m/s2, then all angular rates in deg/s.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

import numpy as np

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers.seam import Advertisement, Decoded, Decoder, Write, require_rate
from firmware_bridge.drivers.standard import (
    BATTERY_LEVEL,
    FIRMWARE_REVISION,
    SERIAL_NUMBER,
    decode_battery_level,
    read_battery_level,
    read_firmware_revision,
    read_serial_number,
    require_plausible,
    vectors,
)
from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Float
from firmware_bridge.session.model import SensorInfo
from firmware_bridge.timing.device_clock import DeviceClock

SERVICE: Final = "34802252-7185-4d5d-b431-630e7050e8f0"
COMMAND: Final = "34800001-7185-4d5d-b431-630e7050e8f0"
DATA: Final = "34800002-7185-4d5d-b431-630e7050e8f0"

# The device tells u32 milliseconds for the first sample of a packet; samples between need a finer tick.
CLOCK: Final = DeviceClock(tick_s=1e-6, ticks_modulo=1000 << 32)

_REFERENCE = 75  # any number: it marks what belongs to our subscription
_SAMPLE_BYTES = 24
_NO_FREE_SLOT = 507
_MAX_ACC_M_S2 = 20 * G_M_S2
_MAX_GYR_RAD_S = 2500 * DEG_RAD
# Firmware before 2.2.1 sends the first part alone where a packet takes two (its list of changes).
_INCOMPLETE = "Update its firmware to 2.2.1 or newer, or choose --rate 52."


class Kind(IntEnum):
    """The first byte of a notification."""

    ANSWER = 1
    DATA = 2
    CONTINUATION = 3


@dataclass(frozen=True, eq=False, slots=True)
class ImuPacket:
    """The whole content of one data packet: `clock_ms` of the first of k samples, vectors (k, 3)."""

    clock_ms: int
    acc_m_s2: Float
    gyr_rad_s: Float

    _HEAD: ClassVar = struct.Struct("<BBI")

    @classmethod
    def from_bytes(cls, payload: bytes) -> ImuPacket:
        """Reads a data packet to which its continuation has been joined."""
        body = len(payload) - cls._HEAD.size
        if body < _SAMPLE_BYTES or body % _SAMPLE_BYTES or payload[0] != Kind.DATA:
            raise DecodeError(f"A data packet cannot be {len(payload)} bytes long.", _INCOMPLETE)
        triples = vectors(payload[cls._HEAD.size :], "<f4")
        k = len(triples) // 2
        return cls(cls._HEAD.unpack_from(payload)[2], triples[:k], triples[k:] * DEG_RAD)

    def to_bytes(self, reference: int = _REFERENCE) -> bytes:
        """The packet as a sensor sends it."""
        head = self._HEAD.pack(Kind.DATA, reference, self.clock_ms % (1 << 32))
        return head + np.concatenate((self.acc_m_s2, self.gyr_rad_s / DEG_RAD)).astype("<f4").tobytes()


def split(packet: bytes, room: int) -> tuple[bytes, ...]:
    """Cuts a data packet into the notifications that fit `room` bytes each, as the sensor does."""
    if len(packet) <= room:
        return (packet,)
    return packet[:room], bytes((Kind.CONTINUATION, packet[1])) + packet[room:]


class Joining:
    """Joins a data notification with its continuation.

    The protocol does not say whether one follows, but it is the same for every packet of a stream: the first
    packet is held back until the next notification shows it.
    """

    def __init__(self) -> None:
        self._held = b""
        self._continued: bool | None = None
        self._last = b""
        self._longest = 0

    def add(self, payload: bytes) -> tuple[bytes, ...]:
        """Adds a data or continuation notification; returns the packets that are whole now.

        A notification that was delivered twice is ignored: no two are equal, since they carry a time.
        """
        if payload == self._last:
            return ()
        self._last = payload
        if self._continued and payload[0] == Kind.DATA and not self._held and self._is_whole(payload):
            return (payload,)
        held, self._held = self._held, b""
        if payload[0] == Kind.CONTINUATION:
            self._continued = True
            if not held:
                raise DecodeError("The continuation of a packet came without its beginning.")
            return (held + payload[2:],)
        if held and self._continued:
            self._held = payload
            raise DecodeError("A packet came without its continuation.")
        if held:
            self._continued = False
        if self._continued is False:
            return (held, payload) if held else (payload,)
        self._held = payload
        return ()

    def _is_whole(self, payload: bytes) -> bool:
        """Whether a shorter packet in a stream of split ones needs no continuation."""
        self._longest = max(self._longest, len(payload))
        return len(payload) < self._longest and (len(payload) - 6) % _SAMPLE_BYTES == 0


class MovesenseDecoder:
    """Joins split packets and dates every sample."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._joining = Joining()

    def decode(self, characteristic: str, payload: bytes) -> Decoded:
        """Turns one notification into samples."""
        if characteristic == BATTERY_LEVEL:
            return Decoded.nothing(battery_percent=decode_battery_level(payload))
        if characteristic != DATA:
            return Decoded.nothing()
        if len(payload) < 2:
            raise DecodeError(f"A notification of {len(payload)} bytes says nothing.")
        if payload[1] != _REFERENCE:
            return Decoded.nothing()
        if payload[0] == Kind.ANSWER:
            return self._answer(payload)
        if payload[0] not in (Kind.DATA, Kind.CONTINUATION):
            raise DecodeError(f"A notification of kind {payload[0]} is unknown.")
        parts = [self._read(packet) for packet in self._joining.add(payload)]
        if len(parts) < 2:
            return parts[0] if parts else Decoded.nothing()
        return _concatenate(parts)

    def _answer(self, payload: bytes) -> Decoded:
        if len(payload) < 4:
            raise DecodeError("The answer of the sensor is cut off.")
        if payload[2:] == b"Hello":
            return Decoded.nothing()
        status = int.from_bytes(payload[2:4], "big")
        if 200 <= status < 300:
            return Decoded.nothing()
        reason = f"The sensor refused to start (status {status})"
        if status == _NO_FREE_SLOT:
            return Decoded.nothing(problem=f"{reason}: another program streams from it; restart the sensor.")
        return Decoded.nothing(problem=f"{reason}; restart it.")

    def _read(self, packet: bytes) -> Decoded:
        imu = ImuPacket.from_bytes(packet)
        require_plausible(imu.acc_m_s2, _MAX_ACC_M_S2, "an acceleration")
        require_plausible(imu.gyr_rad_s, _MAX_GYR_RAD_S, "an angular rate")
        later_us = np.rint(np.arange(len(imu.acc_m_s2)) * 1e6 / self._rate_hz).astype(np.int64)
        ticks = (imu.clock_ms * 1000 + later_us) % CLOCK.ticks_modulo
        return Decoded(imu.acc_m_s2, imu.gyr_rad_s, device_ticks=ticks)


def _concatenate(parts: list[Decoded]) -> Decoded:
    acc = np.concatenate([p.acc_m_s2 for p in parts])
    gyr = np.concatenate([p.gyr_rad_s for p in parts])
    ticks = [p.device_ticks for p in parts if p.device_ticks is not None]
    problem = next((p.problem for p in parts if p.problem), "")
    return Decoded(acc, gyr, device_ticks=np.concatenate(ticks) if ticks else None, problem=problem)


class Movesense:
    """The driver: the path /Meas/IMU6."""

    name = "movesense"
    notify = (DATA, BATTERY_LEVEL)
    reads = (FIRMWARE_REVISION, BATTERY_LEVEL, SERIAL_NUMBER)
    ping = None
    quiet_s = 0.4  # a packet holds 8 samples or so

    def recognises(self, advertisement: Advertisement) -> bool:
        """By the name "Movesense" with its serial number, or by the service."""
        return advertisement.name.startswith("Movesense ") or SERVICE in advertisement.service_uuids

    def info(self, name: str, reads: Mapping[str, bytes], rate_hz: float) -> SensorInfo:
        """The ranges are settings of the sensor that the driver does not read."""
        return SensorInfo(self.name, name, read_firmware_revision(reads), rate_hz, clock=CLOCK)

    def battery_percent(self, reads: Mapping[str, bytes]) -> float | None:
        """The standard Battery Level."""
        return read_battery_level(reads)

    def serial_number(self, reads: Mapping[str, bytes]) -> str:
        """The standard Serial Number String."""
        return read_serial_number(reads)

    def rates_hz(self) -> tuple[float, ...]:
        """The rates that the radio can carry."""
        return (26.0, 52.0, 104.0, 208.0)

    def start(self, rate_hz: float) -> tuple[Write, ...]:
        """Subscribes to acceleration and angular rate."""
        require_rate(self, rate_hz)
        return (Write(COMMAND, bytes((1, _REFERENCE)) + f"/Meas/IMU6/{rate_hz:.0f}".encode()),)

    def stop(self) -> tuple[Write, ...]:
        """Ends the subscription."""
        return (Write(COMMAND, bytes((2, _REFERENCE))),)

    def decoder(self, reads: Mapping[str, bytes], rate_hz: float) -> Decoder:
        """Needs the rate to date the samples inside a packet."""
        return MovesenseDecoder(rate_hz)
