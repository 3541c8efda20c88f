"""Polar Measurement Data frames: plain and delta-compressed three-axis samples.

Source: the vendor's text "Polar Measurement Data specification" of August 2024 and the tests of its
polar-ble-sdk. A frame carries one quantity; its time is that of its last sample.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

import numpy as np

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers.standard import as_float64
from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Float, Int

_AXES = 3


class Quantity(IntEnum):
    """What a frame or a command is about."""

    ACC = 2
    GYRO = 5
    SDK_MODE = 9


@dataclass(frozen=True, slots=True)
class Encoding:
    """Bytes of one number, whether it is a float32, and what one count means before any factor."""

    size: int
    is_float: bool
    unit: float


_MILLI_G = G_M_S2 / 1000
ENCODINGS: Final = {  # quantity, frame type, compressed
    (Quantity.ACC, 0, False): Encoding(1, False, _MILLI_G),
    (Quantity.ACC, 1, False): Encoding(2, False, _MILLI_G),
    (Quantity.ACC, 2, False): Encoding(3, False, _MILLI_G),
    (Quantity.ACC, 0, True): Encoding(2, False, G_M_S2),
    (Quantity.ACC, 1, True): Encoding(2, False, _MILLI_G),
    (Quantity.GYRO, 0, False): Encoding(2, False, DEG_RAD),
    (Quantity.GYRO, 1, False): Encoding(4, True, DEG_RAD),
    (Quantity.GYRO, 0, True): Encoding(2, False, DEG_RAD),
    (Quantity.GYRO, 1, True): Encoding(4, True, DEG_RAD),
}


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One data notification.

    Attributes:
        last_ns: nanoseconds since 2000-01-01 UTC by the sensor's clock, at the last sample.
        frame_type, compressed: select the encoding.
        counts: (k, 3) numbers as sent, before factor and unit; a float32 as the integer of its bits.
    """

    quantity: Quantity
    last_ns: int
    frame_type: int
    compressed: bool
    counts: Int

    _HEAD: ClassVar = struct.Struct("<BQB")

    @classmethod
    def from_bytes(cls, payload: bytes) -> Frame:
        """Reads a frame of a quantity and type that is listed in `ENCODINGS`."""
        if len(payload) <= cls._HEAD.size:
            raise DecodeError(f"A data frame cannot be {len(payload)} bytes long.")
        quantity, last_ns, kind = cls._HEAD.unpack_from(payload)
        encoding = ENCODINGS.get((quantity & 0x3F, kind & 0x7F, bool(kind & 0x80)))
        if encoding is None:
            raise DecodeError(f"Frames of quantity {quantity & 0x3F} and type {kind:#04x} are unknown.")
        body = payload[cls._HEAD.size :]
        compressed = bool(kind & 0x80)
        counts = _decompress(body, encoding.size) if compressed else _integers(body, encoding.size)
        return cls(Quantity(quantity & 0x3F), last_ns, kind & 0x7F, compressed, counts)

    def __bytes__(self) -> bytes:
        encoding = self._encoding
        head = self._HEAD.pack(self.quantity, self.last_ns, self.frame_type | self.compressed << 7)
        pack = _compress if self.compressed else _pack_integers
        return head + pack(self.counts, encoding.size)

    @property
    def _encoding(self) -> Encoding:
        return ENCODINGS[self.quantity, self.frame_type, self.compressed]

    def values(self, factor: float) -> Float:
        """(k, 3) in m/s2 or rad/s; `factor` is the one in the response to the start command.

        Plain numbers are already in their unit, so the factor applies to compressed ones only.
        """
        encoding = self._encoding
        numbers = as_float64(self.counts.astype("<i4").view("<f4") if encoding.is_float else self.counts)
        return numbers * (encoding.unit * (factor if self.compressed else 1.0))


def _integers(body: bytes, size: int) -> Int:
    if len(body) % (_AXES * size):
        raise DecodeError(f"{len(body)} bytes are no whole number of samples of {_AXES * size} bytes.")
    little = np.frombuffer(body, np.uint8).reshape(-1, size).astype(np.int64)
    unsigned = (little << (8 * np.arange(size))).sum(axis=1)
    return _signed(unsigned, 8 * size).reshape(-1, _AXES)


def _pack_integers(numbers: Int, size: int) -> bytes:
    shifted = numbers.reshape(-1, 1) >> (8 * np.arange(size))
    return (shifted & 0xFF).astype(np.uint8).tobytes()


def _signed(unsigned: Int, bits: int) -> Int:
    return ((unsigned + (1 << bits - 1)) % (1 << bits)) - (1 << bits - 1)


def _decompress(body: bytes, size: int) -> Int:
    """A reference sample, then blocks of u8 width in bits, u8 count, and the packed differences."""
    if len(body) < _AXES * size:
        raise DecodeError("A compressed frame ends before its first sample.")
    parts = [_integers(body[: _AXES * size], size)]
    at = _AXES * size
    while at < len(body):
        if at + 2 > len(body):
            raise DecodeError("A compressed frame ends inside the head of a block.")
        width, count = body[at], body[at + 1]
        at += 2
        used = (width * count * _AXES + 7) // 8
        if width > 8 * size or at + used > len(body):
            raise DecodeError("A compressed frame ends inside a block.")
        parts.append(_differences(body[at : at + used], width, count))
        at += used
    # Differences of floats are differences of their bit patterns, so sums wrap as 32-bit numbers do.
    return _signed(np.cumsum(np.concatenate(parts), axis=0), 8 * size)


def _differences(packed: bytes, width: int, count: int) -> Int:
    if width == 0:
        return np.zeros((count, _AXES), np.int64)
    stream = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")[: width * count * _AXES]
    bits = stream.reshape(-1, width).astype(np.int64)
    return _signed((bits << np.arange(width)).sum(axis=1), width).reshape(-1, _AXES)


def _compress(numbers: Int, size: int) -> bytes:
    """The frame body with one block of up to 255 differences after another, each as narrow as it can be."""
    body = _pack_integers(numbers[:1], size)
    differences = _signed(np.diff(numbers, axis=0), 8 * size)
    for start in range(0, len(differences), 255):
        block = differences[start : start + 255]
        width = max(int(np.abs(block + (block < 0)).max()).bit_length() + 1, 1)
        bits = (block.reshape(-1, 1) >> np.arange(width)) & 1
        body += bytes((width, len(block))) + np.packbits(bits.astype(np.uint8), bitorder="little").tobytes()
    return body
