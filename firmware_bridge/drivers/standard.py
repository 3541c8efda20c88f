"""What several drivers share: Bluetooth SIG characteristics and conversions of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Float


def bluetooth_uuid(short: int) -> str:
    """The full-length form of a 16-bit UUID of the Bluetooth SIG."""
    return f"{short:08x}-0000-1000-8000-00805f9b34fb"


BATTERY_SERVICE: Final = bluetooth_uuid(0x180F)
BATTERY_LEVEL: Final = bluetooth_uuid(0x2A19)
FIRMWARE_REVISION: Final = bluetooth_uuid(0x2A26)
SERIAL_NUMBER: Final = bluetooth_uuid(0x2A25)


def decode_battery_level(payload: bytes) -> float:
    """The Battery Level characteristic: one byte, 0 to 100 percent."""
    if len(payload) != 1 or payload[0] > 100:
        raise DecodeError(f"A battery level of {payload.hex() or 'no bytes'} is not a percentage.")
    return float(payload[0])


def read_battery_level(reads: Mapping[str, bytes]) -> float | None:
    """The battery level among the values read at connection; None where it is absent or invalid."""
    try:
        return decode_battery_level(reads[BATTERY_LEVEL])
    except (KeyError, DecodeError):
        return None


def read_firmware_revision(reads: Mapping[str, bytes]) -> str:
    """The Firmware Revision String among the values read at connection, or ""."""
    return reads.get(FIRMWARE_REVISION, b"").decode("utf-8", "replace").strip("\x00 ")


def read_serial_number(reads: Mapping[str, bytes]) -> str:
    """The Serial Number String among the values read at connection, or ""."""
    return reads.get(SERIAL_NUMBER, b"").decode("utf-8", "replace").strip("\x00 ")


def vectors(payload: bytes, dtype: DTypeLike) -> Float:
    """Consecutive triples of one number type as a (k, 3) float array."""
    return as_float64(np.frombuffer(payload, dtype)).reshape(-1, 3)


def as_float64(numbers: NDArray[Any]) -> Float:
    """The same numbers; a signalling NaN, which only damaged bytes hold, becomes a quiet one in silence."""
    with np.errstate(invalid="ignore"):
        return numbers.astype(np.float64)


def counts(values: Float, per_lsb: float) -> bytes:
    """Physical values as little-endian int16 counts, saturated as a converter saturates."""
    return np.clip(np.rint(np.asarray(values) / per_lsb), -32768, 32767).astype("<i2").tobytes()


def require_plausible(values: Float, limit: float, what: str) -> Float:
    """Returns the values; raises `DecodeError` for a number that the sensor cannot have measured."""
    if not bool(np.all(np.abs(values) <= limit)):  # a NaN fails as well
        raise DecodeError(f"A packet holds {what} that the sensor cannot measure.")
    return values
