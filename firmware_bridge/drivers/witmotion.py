"""WitMotion WT901BLE and BWT901BLE: a byte stream of frames that notifications split and merge.

Source: the vendor's data sheet "WT901BLECL v20-0707", section 6, and the vendor's public example code.
There is no clock, no counter and no checksum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers.seam import Advertisement, Decoded, Decoder, Write, require_rate
from firmware_bridge.drivers.standard import SERIAL_NUMBER, counts, read_serial_number
from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Float
from firmware_bridge.session.model import SensorInfo


def _uuid(short: int) -> str:
    return f"0000{short:04x}-0000-1000-8000-00805f9a34fb"  # 9a34fb, not the 9b34fb of the Bluetooth SIG


SERVICE: Final = _uuid(0xFFE5)
DATA: Final = _uuid(0xFFE4)
COMMAND: Final = _uuid(0xFFE9)

ACC_RANGE_M_S2: Final = 16 * G_M_S2
GYR_RANGE_RAD_S: Final = 2000 * DEG_RAD
RATE_CODES: Final = {10.0: 0x06, 20.0: 0x07, 50.0: 0x08, 100.0: 0x09, 200.0: 0x0B}
# As the register may hold them; 125 Hz is no rate that the driver sets.
_RATES: Final = {
    **{code: rate for rate, code in RATE_CODES.items()},
    0x03: 1.0,
    0x04: 2.0,
    0x05: 5.0,
    0x0A: 125.0,
}

_RATE_REGISTER = 0x03
_UNLOCK = bytes.fromhex("ffaa6988b5")
_SETTLE_S = 0.1  # the pause that the vendor's own program makes
_SAMPLE, _REGISTER = 0x61, 0x71
_FRAME_BYTES = 20
_TOLERATED_BYTES = 10 * _FRAME_BYTES


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One sample, each vector of shape (3,). The angles are those of the sensor's own filter."""

    acc_m_s2: Float
    gyr_rad_s: Float
    angle_deg: Float

    _SCALES: ClassVar = np.array([[ACC_RANGE_M_S2], [GYR_RANGE_RAD_S], [180.0]]) / 32768

    @classmethod
    def from_bytes(cls, payload: bytes) -> Frame:
        """Reads a frame of 20 bytes."""
        if len(payload) != _FRAME_BYTES or payload[:2] != bytes((0x55, _SAMPLE)):
            raise DecodeError(f"{payload.hex()} is no WitMotion sample.")
        acc, gyr, angle = np.frombuffer(payload, "<i2", 9, 2).reshape(3, 3) * cls._SCALES
        return cls(acc, gyr, angle)

    def __bytes__(self) -> bytes:
        vectors = (self.acc_m_s2, self.gyr_rad_s, self.angle_deg)
        body = b"".join(counts(v, s) for v, s in zip(vectors, self._SCALES[:, 0], strict=True))
        return bytes((0x55, _SAMPLE)) + body


class FrameParser:
    """Cuts a byte stream into frames, wherever notifications cut it.

    In step, a frame is taken as soon as it is complete. Out of step, two headers one frame apart are
    needed, since the bytes of a header may well occur inside a frame. The frames depend on the bytes alone,
    not on how notifications split them.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._in_step = False
        self.discarded = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yields the frames that are complete now."""
        self._buffer += chunk
        while True:
            needed = _FRAME_BYTES if self._in_step else _FRAME_BYTES + 2
            if len(self._buffer) < needed:
                return
            if self._header_at(0) and (self._in_step or self._header_at(_FRAME_BYTES)):
                self._in_step = True
                self.discarded = 0
                frame = bytes(self._buffer[:_FRAME_BYTES])
                del self._buffer[:_FRAME_BYTES]
                yield frame
            else:
                self._in_step = False
                self.discarded += 1
                del self._buffer[0]

    def _header_at(self, index: int) -> bool:
        return self._buffer[index] == 0x55 and self._buffer[index + 1] in (_SAMPLE, _REGISTER)


class WitMotionDecoder:
    """Samples from the byte stream; of the register replies, the one about the sample rate.

    Args:
        rate_hz: the rate that the sensor was set to.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._parser = FrameParser()

    def decode(self, characteristic: str, payload: bytes) -> Decoded:
        """Turns one notification into the samples that it completes, and the answer about the rate."""
        if characteristic != DATA:
            return Decoded.nothing()
        frames: list[Frame] = []
        rate_hz = None
        for frame in self._parser.feed(payload):
            if frame[1] == _SAMPLE:
                frames.append(Frame.from_bytes(frame))
            elif frame[2:4] == bytes((_RATE_REGISTER, 0)):
                rate_hz = _RATES.get(frame[4])
        if self._parser.discarded > _TOLERATED_BYTES:
            self._parser.discarded = 0
            raise DecodeError("The sensor sends bytes that hold no frames.", "Switch it off and on again.")
        problem = "" if rate_hz in (None, self._rate_hz) else self._kept_its_rate(rate_hz)
        if not frames:
            return Decoded.nothing(problem=problem, rate_hz=rate_hz)
        acc, gyr = np.array([f.acc_m_s2 for f in frames]), np.array([f.gyr_rad_s for f in frames])
        return Decoded(acc, gyr, problem=problem, rate_hz=rate_hz)

    def _kept_its_rate(self, rate_hz: float | None) -> str:
        return (
            f"The sensor keeps its rate of {rate_hz:g} Hz instead of {self._rate_hz:g} Hz. "
            "Switch it off and on, or set the rate in the vendor's app."
        )


def read_register(register: int) -> bytes:
    """The command that asks for a register; a frame of eight registers from this one on answers it."""
    return bytes((0xFF, 0xAA, 0x27, register, 0))


def write_register(register: int, value: int) -> bytes:
    """The command that sets a register until the sensor is switched off."""
    return bytes((0xFF, 0xAA, register)) + value.to_bytes(2, "little")


class WitMotion:
    """The driver: the default frames, at the wanted rate."""

    name = "witmotion"
    notify = (DATA,)
    reads = (SERIAL_NUMBER,)
    ping = None
    quiet_s = 0.0

    def recognises(self, advertisement: Advertisement) -> bool:
        """By the vendor's service, or by the beginning of the name."""
        named = advertisement.name.upper().startswith(("WT901BLE", "BWT901BLE", "WT9011DCL"))
        return named or SERVICE in advertisement.service_uuids

    def info(self, name: str, reads: Mapping[str, bytes], rate_hz: float) -> SensorInfo:
        """The ranges are fixed; there is no clock."""
        return SensorInfo(self.name, name, "", rate_hz, ACC_RANGE_M_S2, GYR_RANGE_RAD_S)

    def battery_percent(self, reads: Mapping[str, bytes]) -> float | None:
        """The sensor does not report it in these frames."""
        return None

    def serial_number(self, reads: Mapping[str, bytes]) -> str:
        """The standard Serial Number String."""
        return read_serial_number(reads)

    def rates_hz(self) -> tuple[float, ...]:
        """The rates of the rate register that suit a knee."""
        return tuple(RATE_CODES)

    def start(self, rate_hz: float) -> tuple[Write, ...]:
        """Unlocks the registers, sets the rate, unsaved, and reads it back; the sensor streams unasked."""
        require_rate(self, rate_hz)
        rate = write_register(_RATE_REGISTER, RATE_CODES[rate_hz])
        commands = (_UNLOCK, rate, read_register(_RATE_REGISTER))
        return tuple(Write(COMMAND, command, False, _SETTLE_S) for command in commands)

    def stop(self) -> tuple[Write, ...]:
        """Nothing: the sensor stops when it is disconnected."""
        return ()

    def decoder(self, reads: Mapping[str, bytes], rate_hz: float) -> Decoder:
        """A parser of its own for each sensor."""
        return WitMotionDecoder(rate_hz)
