"""Movesense, through the GATT SensorData Protocol of its firmware.

Source: public clients of the protocol (no vendor document and no captured packet was at hand). They disagree
on the unit of the acceleration and on the order inside a packet, so both are told from the first packet at
rest, where gravity is 9.81 m/s2 and nothing turns; until then there are no samples.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final, Literal

import numpy as np

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers.seam import Advertisement, Decoded, Decoder, Write, require_rate
from firmware_bridge.drivers.standard import (
    BATTERY_LEVEL,
    FIRMWARE_REVISION,
    decode_battery_level,
    read_battery_level,
    read_firmware_revision,
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
_MAX_ACC_M_S2 = 20 * G_M_S2
_MAX_GYR_RAD_S = 2500 * DEG_RAD
_STILL_RAD_S = 15 * DEG_RAD
_GRAVITY_TOLERANCE = 0.05
_PATIENCE_S = 5.0


class Kind(IntEnum):
    """The first byte of a notification."""

    ANSWER = 1
    DATA = 2
    CONTINUATION = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read the floats of a packet: what one unit of acceleration is, and the order of the vectors."""

    acc_unit_m_s2: float = 1.0
    order: Literal["grouped", "alternating"] = "grouped"


READINGS: Final = tuple(
    Reading(unit, order) for order in ("grouped", "alternating") for unit in (1.0, G_M_S2 / 1000)
)


@dataclass(frozen=True, eq=False, slots=True)
class ImuPacket:
    """The whole content of one data packet: `clock_ms` of the first of k samples, vectors (k, 3)."""

    clock_ms: int
    acc_m_s2: Float
    gyr_rad_s: Float

    _HEAD: ClassVar = struct.Struct("<BBI")

    @classmethod
    def from_bytes(cls, payload: bytes, reading: Reading) -> ImuPacket:
        """Reads a data packet to which its continuation has been joined."""
        body = len(payload) - cls._HEAD.size
        if body < _SAMPLE_BYTES or body % _SAMPLE_BYTES or payload[0] != Kind.DATA:
            raise DecodeError(f"A data packet cannot be {len(payload)} bytes long.")
        triples = vectors(payload[cls._HEAD.size :], "<f4")
        k = len(triples) // 2
        acc, gyr = (
            (triples[:k], triples[k:]) if reading.order == "grouped" else (triples[0::2], triples[1::2])
        )
        return cls(cls._HEAD.unpack_from(payload)[2], acc * reading.acc_unit_m_s2, gyr * DEG_RAD)

    def to_bytes(self, reading: Reading, reference: int = _REFERENCE) -> bytes:
        """The packet as a sensor with this reading sends it."""
        parts = (self.acc_m_s2 / reading.acc_unit_m_s2, self.gyr_rad_s / DEG_RAD)
        values = np.concatenate(parts) if reading.order == "grouped" else np.stack(parts, 1).reshape(-1, 3)
        head = self._HEAD.pack(Kind.DATA, reference, self.clock_ms % (1 << 32))
        return head + values.astype("<f4").tobytes()

    @property
    def at_rest(self) -> bool:
        """Whether the packet shows gravity alone, as only the right reading does."""
        gravity = np.linalg.norm(self.acc_m_s2, axis=1) / G_M_S2
        still = np.linalg.norm(self.gyr_rad_s, axis=1) < _STILL_RAD_S
        return bool(np.all(np.abs(gravity - 1) < _GRAVITY_TOLERANCE) and np.all(still))


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

    def add(self, payload: bytes) -> tuple[bytes, ...]:
        """Adds a data or continuation notification; returns the packets that are whole now."""
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


class MovesenseDecoder:
    """Joins split packets, finds out how to read them, and dates every sample."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._joining = Joining()
        self._reading: Reading | None = None
        self._unread = 0

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
        status = int.from_bytes(payload[2:4], "little")
        if 200 <= status < 300:
            return Decoded.nothing()
        return Decoded.nothing(problem=f"The sensor refused to start (status {status}); restart it.")

    def _read(self, packet: bytes) -> Decoded:
        if self._reading is None:
            return self._find_reading(packet)
        imu = ImuPacket.from_bytes(packet, self._reading)
        require_plausible(imu.acc_m_s2, _MAX_ACC_M_S2, "an acceleration")
        require_plausible(imu.gyr_rad_s, _MAX_GYR_RAD_S, "an angular rate")
        later_us = np.rint(np.arange(len(imu.acc_m_s2)) * 1e6 / self._rate_hz).astype(np.int64)
        ticks = (imu.clock_ms * 1000 + later_us) % CLOCK.ticks_modulo
        return Decoded(imu.acc_m_s2, imu.gyr_rad_s, device_ticks=ticks)

    def _find_reading(self, packet: bytes) -> Decoded:
        self._reading = next((r for r in READINGS if ImuPacket.from_bytes(packet, r).at_rest), None)
        if self._reading is not None:
            return self._read(packet)
        self._unread += (len(packet) - 6) // _SAMPLE_BYTES
        if self._unread < _PATIENCE_S * self._rate_hz:
            return Decoded.nothing()
        self._unread = 0
        return Decoded.nothing(problem="Hold the sensor still for a second: its units are told at rest.")


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
    reads = (FIRMWARE_REVISION, BATTERY_LEVEL)
    ping = None
    quiet_s = 0.4  # a packet holds 8 samples or so

    def recognises(self, advertisement: Advertisement) -> bool:
        """By the name "Movesense" with its serial number, or by the service."""
        return advertisement.name.startswith("Movesense ") or SERVICE in advertisement.service_uuids

    def info(self, name: str, reads: Mapping[str, bytes], rate_hz: float) -> SensorInfo:
        """The ranges are settings of the sensor that are not asked for."""
        return SensorInfo(self.name, name, read_firmware_revision(reads), rate_hz, clock=CLOCK)

    def battery_percent(self, reads: Mapping[str, bytes]) -> float | None:
        """The standard Battery Level."""
        return read_battery_level(reads)

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
