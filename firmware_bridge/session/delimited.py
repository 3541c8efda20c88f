"""Reads columns of numbers from delimited text: fast where the text is sound, line by line otherwise."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]


def read_columns(
    text: bytes,
    names: Sequence[str],
    wanted: Collection[str],
    *,
    start: int = 0,
    separator: str = ",",
    integers: Collection[str] = (),
) -> tuple[Columns, int]:
    """Reads the wanted columns of a text.

    Args:
        text: lines of fields from `start` on.
        names: of all columns, in order; the wanted ones must be unique.
        wanted: the columns to read; those not in `names` are left out.
        start: where the rows begin, after the header.
        separator: one character.
        integers: columns read as int64, exactly, as long as every line has a whole number there.

    Returns:
        (n,) values per wanted column, NaN where a field is no number; and the number of lines left out
        because their number of fields is wrong.
    """
    used = [i for i, name in enumerate(names) if name in wanted]
    types = {i: np.int64 if names[i] in integers else np.float64 for i in used}
    if not text[start : start + 1000].strip() and not text[start:].strip():
        return {names[i]: np.empty(0, types[i]) for i in used}, 0

    import pandas as pd

    options: dict[str, Any] = {
        "sep": separator,
        "header": None,
        "names": range(len(names)),
        "usecols": used,
        "index_col": False,
        "engine": "c",
    }
    damaged = 0
    try:
        body = io.BytesIO(text)
        body.seek(start)  # no copy of what may be 100 MB
        with np.errstate(invalid="raise"):  # a hole among integers, which pandas may only warn of
            frame = pd.read_csv(body, dtype=types, **options)
    except (ValueError, ArithmeticError):  # pandas' own ParserError is a ValueError
        whole, damaged = _whole_lines(text[start:], separator.encode(), len(names))
        options |= {"dtype": str, "quoting": 3, "encoding_errors": "replace"}
        frame = pd.read_csv(io.BytesIO(whole), **options).apply(pd.to_numeric, errors="coerce")
    return {names[i]: frame[i].to_numpy() for i in used}, damaged


def _whole_lines(body: bytes, separator: bytes, fields: int) -> tuple[bytes, int]:
    lines = [line for line in body.splitlines() if line.strip()]
    whole = [line for line in lines if line.count(separator) == fields - 1 and b"\0" not in line]
    # A line of empty fields stands in where none is whole: pandas refuses an empty text.
    return b"\n".join(whole or [separator * (fields - 1)]), len(lines) - len(whole)
