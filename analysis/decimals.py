"""Columns of numbers -> lines of decimals, for tables that are too long to format number by number.

The digits are computed for many rows at once. Every field is exactly what "%.4f" (or another number of
places) gives. The few numbers that lie so near to the middle between two decimals that this arithmetic could
round them to the other one are formatted one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float

# So many rows at a time stay in the cache of one core.
_ROWS_AT_ONCE = 4096
# Distance to the middle between two decimals, in units of the last place. The product that it is computed
# from is wrong by less than this as long as it is below the limit, where numbers still have 32 bits.
_NEAR_HALF = 1e-5
_LARGEST = 2.0**32 - 2


def decimal_lines(columns: Sequence[Float], places: Sequence[int]) -> str:
    """One line for each row, fields separated by commas; what is no number becomes an empty field.

    Args:
        columns: (n,) each.
        places: of each column, digits after the point; with 0 there is no point.
    """
    n = len(columns[0]) if columns else 0
    return "".join(
        _lines([column[start : start + _ROWS_AT_ONCE] for column in columns], places)
        for start in range(0, n, _ROWS_AT_ONCE)
    )


def _lines(columns: Sequence[Float], places: Sequence[int]) -> str:
    with np.errstate(over="ignore"):
        scaled = [np.abs(column) * 10.0**p for column, p in zip(columns, places, strict=True)]
    if max(float(np.max(s, initial=0.0, where=~np.isnan(s))) for s in scaled) > _LARGEST:
        return _one_by_one(columns, places)
    cells = [_cells(*column) for column in zip(columns, scaled, places, strict=True)]
    ends = [np.full((len(columns[0]), 1), ord(mark), np.uint8) for mark in "," * (len(columns) - 1) + "\n"]
    table = np.concatenate([part for pair in zip(cells, ends, strict=True) for part in pair], axis=1)
    return table.tobytes().translate(None, b"\0").decode("ascii")


def _cells(values: Float, scaled: Float, places: int) -> NDArray[np.uint8]:
    """(n, width) the characters of a column, filled up with zero bytes on the left."""
    known = ~np.isnan(scaled)
    scaled = np.where(known, scaled, 0.0)
    rounded = np.rint(scaled)
    for row in np.flatnonzero(np.abs(np.abs(scaled - rounded) - 0.5) < _NEAR_HALF):
        rounded[row] = round(float(f"{abs(values[row]):.{places}f}") * 10.0**places)
    rest = rounded.astype(np.uint32)
    least = places + 1
    width = max(len(str(int(rest.max(initial=0)))), least)
    characters = np.zeros((len(values), 1 + width + (places > 0)), np.uint8)
    column = characters.shape[1] - 1
    for digit in range(width):
        if digit == places and places:
            characters[:, column] = ord(".")
            column -= 1
        tenth = rest // 10
        shown = rest - tenth * 10 + ord("0")
        characters[:, column] = shown if digit < least else np.where(rest > 0, shown, 0)
        rest, column = tenth, column - 1
    characters[:, 0] = np.where(np.signbit(values), ord("-"), 0)  # zero bytes between it and the digits go
    characters[~known] = 0
    return characters


def _one_by_one(columns: Sequence[Float], places: Sequence[int]) -> str:
    form = ",".join(f"%.{p}f" for p in places) + "\n"
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return "".join([form % row for row in rows]).replace("nan", "")
