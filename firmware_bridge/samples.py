"""The data type that both packages share: samples of one strapped-on IMU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmware_bridge.segments import Segment as Segment
from firmware_bridge.segments import Side as Side

Float = NDArray[np.float64]
Int = NDArray[np.int64]


# Name, type and width of every column, in the order of the fields.
_COLUMNS: tuple[tuple[Any, ...], ...] = (
    ("time_s", np.float64),
    ("acc_m_s2", np.float64, 3),
    ("gyr_rad_s", np.float64, 3),
    ("mag_ut", np.float64, 3),
    ("arrival_s", np.float64),
    ("device_ticks", np.int64),
    ("sequence", np.int64),
)


def _frozen(values: ArrayLike, dtype: type[Any], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    array = values if _cannot_change(values, dtype) else np.array(values, dtype=dtype)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    array.setflags(write=False)
    return array


def _cannot_change(values: ArrayLike, dtype: type[Any]) -> TypeGuard[NDArray[Any]]:
    """Whether an array needs no copy: read-only, as is what it is a view of, and in one piece."""
    if not isinstance(values, np.ndarray) or values.dtype != dtype or values.flags.writeable:
        return False
    owner = values if values.base is None else values.base
    whole = isinstance(owner, np.ndarray) and owner.flags.owndata and not owner.flags.writeable
    return whole and values.flags.forc


def _owned(values: NDArray[Any]) -> NDArray[Any]:
    """A new array that nobody else has, read-only; a view as it is."""
    if values.base is None:
        values.setflags(write=False)
    return values


@dataclass(frozen=True, eq=False, slots=True)
class ImuSamples:
    """n samples of one IMU, all vectors in the frame of its own box. Arrays are read-only.

    What could still be changed elsewhere is copied.

    A sample is the mean over the step before: it describes the motion from the sample before up to its own
    `time_s`, and its middle lies half a step earlier.

    Attributes:
        time_s: (n,) seconds on the session clock, in order of measurement; the end of each step.
        acc_m_s2: (n, 3) specific force; +9.81 along the upward axis at rest.
        gyr_rad_s: (n, 3) angular rate.
        mag_ut: (n, 3) magnetic field in microtesla, or None. Kept, never used for the angle.
        arrival_s: (n,) host time of arrival on the session clock, or None where it was not streamed.
        device_ticks: (n,) the sensor's own clock as received (wraps included), or None.
        sequence: (n,) the sensor's own counter as received (wraps included), or None.
    """

    time_s: Float
    acc_m_s2: Float
    gyr_rad_s: Float
    mag_ut: Float | None = None
    arrival_s: Float | None = None
    device_ticks: Int | None = None
    sequence: Int | None = None

    def __post_init__(self) -> None:
        n = len(self.time_s)
        for name, dtype, *width in _COLUMNS:
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, _frozen(values, dtype, (n, *width), name))

    def __len__(self) -> int:
        return len(self.time_s)

    def __getitem__(self, rows: slice | NDArray[Any]) -> ImuSamples:
        """The samples of a slice, a boolean mask or an index array."""
        columns: list[Any] = []
        for name, *_ in _COLUMNS:
            values = getattr(self, name)
            columns.append(None if values is None else _owned(values[rows]))
        return ImuSamples(*columns)

    @classmethod
    def concatenate(cls, parts: Sequence[ImuSamples]) -> ImuSamples:
        """Joins parts in the given order; an optional column stays only if every part has it."""
        columns: list[Any] = []
        for name, *_ in _COLUMNS:
            values = [getattr(part, name) for part in parts]
            columns.append(None if any(v is None for v in values) else _owned(np.concatenate(values)))
        return cls(*columns)
