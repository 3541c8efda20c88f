"""Polar Verity Sense: its measurement data service, with acceleration and angular rate on one time base.

Source: see `polar_frame`. The two quantities come in frames of their own, each dated at its last sample;
acceleration is interpolated to the times of the angular rate. The H10 has no gyroscope and is not recognised.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers.polar_frame import Frame, Quantity
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
)
from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Float, Int
from firmware_bridge.session.model import SensorInfo
from firmware_bridge.timing.device_clock import DeviceClock


def _uuid(short: int) -> str:
    return f"fb00{short:04x}-02e7-f387-1cad-8acd2d8df0c8"


SERVICE: Final = _uuid(0x5C80)
CONTROL: Final = _uuid(0x5C81)
DATA: Final = _uuid(0x5C82)

CLOCK: Final = DeviceClock(tick_s=1e-9, ticks_modulo=1 << 62)  # 146 years; 2**64 would not fit int64 sums
NORMAL_RATE_HZ: Final = 52.0  # other rates need the sensor's "SDK mode"
ACC_RANGE_G: Final = 8
GYR_RANGE_DEG_S: Final = 2000
_STREAMS = (Quantity.ACC, Quantity.GYRO)
_RANGES = {Quantity.ACC: ACC_RANGE_G, Quantity.GYRO: GYR_RANGE_DEG_S}
_MAX_ACC_M_S2 = 1.25 * ACC_RANGE_G * G_M_S2
_MAX_GYR_RAD_S = 1.25 * GYR_RANGE_DEG_S * DEG_RAD
_RATE_TOLERANCE = 0.25
_MAX_INTERPOLATED_S = 0.1
_KEPT = 1024  # rows of one quantity that wait for the other


class Op(IntEnum):
    """Commands of the control point."""

    START = 2
    STOP = 3


class Setting(IntEnum):
    """Settings inside a start command and its response."""

    RATE = 0
    RESOLUTION = 1
    RANGE = 2
    RANGE_MILLI = 3
    CHANNELS = 4
    FACTOR = 5


_SETTING_BYTES: Final[Mapping[int, int]] = {
    Setting.RATE: 2,
    Setting.RESOLUTION: 2,
    Setting.RANGE: 2,
    Setting.RANGE_MILLI: 4,
    Setting.CHANNELS: 1,
    Setting.FACTOR: 4,
}
_STATUSES = {
    1: "it does not know the command; update its firmware in the vendor's app",
    2: "it does not know this measurement; update its firmware in the vendor's app",
    3: "it does not support this measurement; update its firmware in the vendor's app",
    5: "it does not accept these settings; update its firmware in the vendor's app",
    8: "it does not offer this rate",
    9: "it does not offer this range",
    10: "the Bluetooth packets are too small; connect again, or use another Bluetooth adapter",
    12: "it is busy with a training; put it into sensor mode, where the heart symbol is lit",
    13: "it is in the charger; take it out",
}
_UNSUPPORTED = (1, 2, 3)
_ALREADY = 6


def start_command(quantity: Quantity, rate_hz: float) -> bytes:
    """The command that starts one stream at 16 bit and the driver's range."""
    settings = struct.pack(
        "<BBHBBHBBHBBB",
        *(Setting.RATE, 1, int(rate_hz)),
        *(Setting.RESOLUTION, 1, 16),
        *(Setting.RANGE, 1, _RANGES[quantity]),
        *(Setting.CHANNELS, 1, 3),
    )
    return bytes((Op.START, quantity)) + settings


@dataclass(frozen=True, slots=True)
class Response:
    """The answer of the control point to a command; `factor` is what scales the compressed frames."""

    op: int
    quantity: int
    status: int
    factor: float = 1.0

    @classmethod
    def from_bytes(cls, payload: bytes) -> Response:
        """Reads the response and the conversion factor among its settings."""
        if len(payload) < 4 or payload[0] != 0xF0:
            raise DecodeError(f"{payload.hex()} is no response of the control point.")
        factor = _conversion_factor(payload[5:]) if payload[3] == 0 and payload[1] == Op.START else 1.0
        return cls(payload[1], payload[2], payload[3], factor)

    def __bytes__(self) -> bytes:
        head = bytes((0xF0, self.op, self.quantity, self.status))
        if self.status or self.op != Op.START:
            return head
        return head + bytes(1) + struct.pack("<BBf", Setting.FACTOR, 1, self.factor)


def _conversion_factor(settings: bytes) -> float:
    at, factor = 0, 1.0
    while at + 2 <= len(settings):
        kind, count = settings[at], settings[at + 1]
        size = _SETTING_BYTES.get(kind, 0)
        end = at + 2 + size * count
        if not size or end > len(settings):
            raise DecodeError("The settings in the response to the start make no sense.")
        if kind == Setting.FACTOR and count:
            (factor,) = struct.unpack_from("<f", settings, at + 2)
        at = end
    if not 0 < factor < 1e3:
        raise DecodeError(f"The conversion factor {factor:g} makes no sense.")
    return factor


class SampleDating:
    """Dates the samples of one quantity: a frame carries the time of its last sample only."""

    def __init__(self, rate_hz: float, factor: float) -> None:
        self._period_ns = 1e9 / rate_hz
        self._previous_ns: int | None = None
        self.factor = factor

    def stamps_ns(self, last_ns: int, k: int) -> Int:
        """(k,) evenly from the previous frame, or at the nominal rate where that cannot be the rate."""
        period = self._period_ns
        if self._previous_ns is not None:
            measured = (last_ns - self._previous_ns) / k
            if abs(measured / period - 1) < _RATE_TOLERANCE:
                period = measured
        self._previous_ns = last_ns
        before_ns: Int = np.rint(np.arange(k - 1, -1, -1) * period).astype(np.int64)
        return last_ns - before_ns


class TimedVectors(NamedTuple):
    """Values (k, 3) at times (k,) that increase."""

    times_ns: Int
    values: Float

    def append(self, later: TimedVectors) -> TimedVectors:
        """Both in one, at most `_KEPT` rows; the later one alone where the clock was set back."""
        if len(self.times_ns) and later.times_ns[0] <= self.times_ns[-1]:
            return later
        times = np.concatenate((self.times_ns, later.times_ns))
        values = np.concatenate((self.values, later.values))
        return TimedVectors(times[-_KEPT:], values[-_KEPT:])

    def rows(self, rows: slice | NDArray[np.bool_]) -> TimedVectors:
        """The selected rows."""
        return TimedVectors(self.times_ns[rows], self.values[rows])

    def at(self, times_ns: Int) -> Float:
        """Linear interpolation; exact in time, since only differences of times become floats."""
        x, xp = ((t - self.times_ns[0]).astype(np.float64) for t in (times_ns, self.times_ns))
        return np.stack([np.interp(x, xp, self.values[:, axis]) for axis in range(3)], axis=1)


_NOTHING = TimedVectors(np.empty(0, np.int64), np.empty((0, 3)))


class Merging:
    """Interpolates acceleration to the times of the angular rate, never across a gap."""

    def __init__(self) -> None:
        self._acc = self._gyr = _NOTHING

    def add(self, quantity: Quantity, samples: TimedVectors) -> tuple[Int, Float, Float]:
        """Adds a frame; returns the times (k,), acc (k, 3) and gyr (k, 3) of the samples known by now."""
        if quantity is Quantity.ACC:
            self._acc = self._acc.append(samples)
        else:
            self._gyr = self._gyr.append(samples)
        acc, gyr = self._acc, self._gyr
        n = int(np.searchsorted(gyr.times_ns, acc.times_ns[-1], "right")) if len(acc.times_ns) else 0
        if n == 0:
            return _NOTHING.times_ns, _NOTHING.values, _NOTHING.values
        done = gyr.rows(slice(None, n))
        after = np.searchsorted(acc.times_ns, done.times_ns)
        between_ns = acc.times_ns[after] - acc.times_ns[np.maximum(after - 1, 0)]
        known = acc.times_ns[after] == done.times_ns
        known |= (after > 0) & (between_ns < _MAX_INTERPOLATED_S * 1e9)
        kept = max(int(np.searchsorted(acc.times_ns, done.times_ns[-1], "right")) - 1, 0)
        self._acc, self._gyr = acc.rows(slice(kept, None)), gyr.rows(slice(n, None))
        return done.times_ns[known], acc.at(done.times_ns)[known], done.values[known]


class PolarDecoder:
    """Starts one stream after the other, after each answer of the sensor, then merges their frames."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._commands = start_commands(rate_hz)
        self._streams: dict[Quantity, SampleDating] = {}
        self._restarted: set[Quantity] = set()
        self._merging = Merging()

    def decode(self, characteristic: str, payload: bytes) -> Decoded:
        """Turns one notification into the samples that it completes."""
        if characteristic == BATTERY_LEVEL:
            return Decoded.nothing(battery_percent=decode_battery_level(payload))
        if characteristic == CONTROL:
            return self._control(payload)
        if characteristic != DATA:
            return Decoded.nothing()
        frame = Frame.from_bytes(payload)
        if frame.quantity not in self._streams:  # left over from an earlier connection, in unknown counts
            return Decoded.nothing()
        return self._merge(frame, self._streams[frame.quantity])

    def _control(self, payload: bytes) -> Decoded:
        if payload[:1] == b"\x01":
            return Decoded.nothing(problem="The sensor itself stopped the stream; start again.")
        response = Response.from_bytes(payload)
        waiting = next(iter(self._commands), None)
        if response.op != Op.START or response.quantity != waiting:
            return Decoded.nothing()
        if response.status == _ALREADY and waiting in _STREAMS and waiting not in self._restarted:
            self._restarted.add(waiting)
            return Decoded.nothing(replies=_writes(bytes((Op.STOP, waiting)), self._commands[waiting]))
        if response.status not in (0, _ALREADY) or (response.status and waiting in _STREAMS):
            reason = _STATUSES.get(response.status, f"its status is {response.status}; switch it off and on")
            if waiting is Quantity.SDK_MODE and response.status in _UNSUPPORTED:
                reason = "its firmware has no SDK mode, which all rates but 52 Hz need; choose --rate 52"
            return Decoded.nothing(problem=f"The sensor refused to start: {reason}.")
        if waiting in _STREAMS:
            self._streams[waiting] = SampleDating(self._rate_hz, response.factor)
        del self._commands[waiting]
        return Decoded.nothing(replies=_writes(*list(self._commands.values())[:1]))

    def _merge(self, frame: Frame, stream: SampleDating) -> Decoded:
        if frame.last_ns >= CLOCK.ticks_modulo:
            raise DecodeError("A frame is dated more than a century ahead.")
        values = frame.values(stream.factor)
        if frame.quantity is Quantity.ACC:
            require_plausible(values, _MAX_ACC_M_S2, "an acceleration")
        else:
            require_plausible(values, _MAX_GYR_RAD_S, "an angular rate")
        samples = TimedVectors(stream.stamps_ns(frame.last_ns, len(values)), values)
        times_ns, acc, gyr = self._merging.add(frame.quantity, samples)
        return Decoded(acc, gyr, device_ticks=times_ns % CLOCK.ticks_modulo)


def start_commands(rate_hz: float) -> dict[Quantity, bytes]:
    """The commands that start both streams, in order, each to be sent when the one before is answered."""
    commands = {quantity: start_command(quantity, rate_hz) for quantity in _STREAMS}
    if rate_hz == NORMAL_RATE_HZ:
        return commands
    return {Quantity.SDK_MODE: bytes((Op.START, Quantity.SDK_MODE)), **commands}


def _writes(*commands: bytes) -> tuple[Write, ...]:
    return tuple(Write(CONTROL, command) for command in commands)


class PolarVeritySense:
    """The driver: both streams at one rate, 8 g and 2000 deg/s."""

    name = "polar-verity-sense"
    notify = (DATA, CONTROL, BATTERY_LEVEL)
    reads = (FIRMWARE_REVISION, BATTERY_LEVEL, SERIAL_NUMBER)
    ping = None
    quiet_s = 1.2  # a frame holds up to 57 samples

    def recognises(self, advertisement: Advertisement) -> bool:
        """By the name "Polar Sense" with its number; other Polar sensors have no gyroscope."""
        return advertisement.name.startswith(("Polar Sense", "Polar Verity"))

    def info(self, name: str, reads: Mapping[str, bytes], rate_hz: float) -> SensorInfo:
        """The ranges are set at the start."""
        firmware = read_firmware_revision(reads)
        acc, gyr = ACC_RANGE_G * G_M_S2, GYR_RANGE_DEG_S * DEG_RAD
        return SensorInfo(self.name, name, firmware, rate_hz, acc, gyr, CLOCK)

    def battery_percent(self, reads: Mapping[str, bytes]) -> float | None:
        """The standard Battery Level."""
        return read_battery_level(reads)

    def serial_number(self, reads: Mapping[str, bytes]) -> str:
        """The standard Serial Number String."""
        return read_serial_number(reads)

    def rates_hz(self) -> tuple[float, ...]:
        """52 Hz, and in the sensor's SDK mode the others."""
        return (26.0, NORMAL_RATE_HZ, 104.0, 208.0)

    def start(self, rate_hz: float) -> tuple[Write, ...]:
        """The first command; the decoder replies to its answer with the next."""
        require_rate(self, rate_hz)
        return _writes(*list(start_commands(rate_hz).values())[:1])

    def stop(self) -> tuple[Write, ...]:
        """Stops both streams and leaves SDK mode, in which the sensor measures no heart rate."""
        quantities = (*_STREAMS, Quantity.SDK_MODE)
        return tuple(Write(CONTROL, bytes((Op.STOP, quantity)), optional=True) for quantity in quantities)

    def decoder(self, reads: Mapping[str, bytes], rate_hz: float) -> Decoder:
        """Holds the rate for the commands that follow."""
        return PolarDecoder(rate_hz)
