"""thigh.csv and shank.csv: the columns with their units, rows as text, text as samples.

Rows are formatted with 9 significant digits, which holds a float32 exactly and time to 10 us within a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import SessionError
from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.delimited import Columns, read_columns

ACC = ("acc_x_m_s2", "acc_y_m_s2", "acc_z_m_s2")
GYR = ("gyr_x_rad_s", "gyr_y_rad_s", "gyr_z_rad_s")
MAG = ("mag_x_ut", "mag_y_ut", "mag_z_ut")
REQUIRED = ("time_s", *ACC, *GYR)
_COUNTS = ("device_ticks", "sequence")
KNOWN = (*REQUIRED, *MAG, "arrival_s", *_COUNTS)


def columns_of(samples: ImuSamples) -> tuple[str, ...]:
    """The names of the columns that hold everything these samples have."""
    names = REQUIRED if samples.mag_ut is None else REQUIRED + MAG
    return names + tuple(c for c in ("arrival_s", *_COUNTS) if getattr(samples, c) is not None)


def header(columns: Sequence[str]) -> bytes:
    """The first line of the file."""
    return (",".join(columns) + "\n").encode("ascii")


def rows(samples: ImuSamples, columns: Sequence[str]) -> bytes:
    """One line per sample. A column that the samples do not have is left empty."""
    form = ",".join("%s" if values is None else kind for kind, values in _cells(samples, columns)) + "\n"
    lists = [[""] * len(samples) if v is None else v.tolist() for _, v in _cells(samples, columns)]
    return "".join([form % row for row in zip(*lists, strict=True)]).encode("ascii")


def parse(text: bytes, name: str) -> tuple[ImuSamples, tuple[str, ...]]:
    """Reads a whole file, leaving out the lines that hold no sample.

    Args:
        text: the content of the file.
        name: of the file, for messages.

    Returns:
        The samples in the order of the file, all finite; none where the file ends before its first row.
        And plain sentences about what was left out.

    Raises:
        SessionError: the columns are not those of a recording.
    """
    whole, torn = _whole_lines(text)
    warnings = [f"The last line of {name} was torn off and is left out."] if torn else []
    if not whole:
        return _empty(), tuple(warnings)
    start = whole.index(b"\n") + 1
    names = _header_names(whole[:start], name)
    columns, damaged = read_columns(whole, names, KNOWN, start=start, integers=_COUNTS)
    if damaged:
        warnings.append(f"{damaged} damaged {_lines(damaged)} of {name} left out.")
    finite = np.logical_and.reduce([np.isfinite(columns[column]) for column in REQUIRED])
    if not finite.all():
        lost = int((~finite).sum())
        warnings.append(f"{lost} {_lines(lost)} of {name} without finite numbers left out.")
        columns = {column: values[finite] for column, values in columns.items()}
    return _samples(columns, name, warnings), tuple(warnings)


def _cells(samples: ImuSamples, columns: Sequence[str]) -> list[tuple[str, Any]]:
    vectors = ((ACC, samples.acc_m_s2), (GYR, samples.gyr_rad_s), (MAG, samples.mag_ut))
    values: dict[str, Any] = {
        name: None if matrix is None else matrix[:, axis]
        for names, matrix in vectors
        for axis, name in enumerate(names)
    }
    for name in ("time_s", "arrival_s", *_COUNTS):
        values[name] = getattr(samples, name)
    return [("%d" if name in _COUNTS else "%.9g", values[name]) for name in columns]


def _whole_lines(text: bytes) -> tuple[bytes, bool]:
    end = text.rfind(b"\n") + 1
    return text[:end], end < len(text)


def _header_names(line: bytes, name: str) -> list[str]:
    if b"\0" in line:
        raise SessionError(f"{name} is not a text file.", "Choose the CSV file of a sensor.")
    names = [cell.strip().strip('"') for cell in line.decode("utf-8-sig", "replace").strip().split(",")]
    missing = [column for column in REQUIRED if column not in names]
    if missing:
        raise SessionError(
            f"{name} has no column {missing[0]}; its first line is {', '.join(names)[:120]!r}.",
            f"The file must begin with the line {','.join(REQUIRED)}, in these units, separated by commas.",
        )
    repeated = sorted({column for column in names if column in KNOWN and names.count(column) > 1})
    if repeated:
        raise SessionError(f"{name} has the column {repeated[0]} twice.", "Remove one of them.")
    return names


def _samples(columns: Columns, name: str, warnings: list[str]) -> ImuSamples:
    optional: dict[str, Any] = {}
    for column in ("arrival_s", *_COUNTS):
        if column not in columns:
            continue
        values = columns[column]
        if np.isfinite(values).all() and (np.abs(values) < 2**63).all():
            optional[column] = values
        else:
            warnings.append(f"The column {column} of {name} has holes and is not used.")
    if all(column in columns for column in MAG):
        optional["mag_ut"] = _matrix(columns, MAG)
    return ImuSamples(columns["time_s"], _matrix(columns, ACC), _matrix(columns, GYR), **optional)


def _matrix(columns: Columns, names: Sequence[str]) -> NDArray[Any]:
    matrix = np.column_stack([columns[name] for name in names])
    matrix.setflags(write=False)  # nobody else has it, so `ImuSamples` need not copy it
    return matrix


def _empty() -> ImuSamples:
    return ImuSamples(np.empty(0), np.empty((0, 3)), np.empty((0, 3)))


def _lines(count: int) -> str:
    return "line" if count == 1 else "lines"
