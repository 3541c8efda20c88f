"""Columns of numbers out of delimited text, fast where the text is sound and patient where it is not.

No line is believed whose number of fields is not that of the header: a field too many, such as a decimal
comma among commas, would move every number behind it into another column.
"""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]

# Runs of blanks are one separator.
BLANKS = " "
# Stands between fields that may hold any other separator.
_UNIT_SEPARATOR = "\x1f"
# So many bytes at a time stay in the cache of one core.
_COUNTED_AT_ONCE = 262_144


def read_columns(
    text: bytes,
    names: Sequence[str],
    wanted: Collection[str],
    *,
    start: int = 0,
    separator: str = ",",
    decimal: str = ".",
    integers: Collection[str] = (),
    texts: Collection[str] = (),
) -> tuple[Columns, int]:
    """Reads the wanted columns of a text.

    Args:
        text: lines of fields from `start` on.
        names: of all columns, in order; the wanted ones must be unique.
        wanted: the columns to read; those not in `names` are left out.
        start: where the rows begin, after the header.
        separator: one character; `BLANKS` for any run of blanks.
        decimal: the decimal point of numbers.
        integers: columns read as int64, exactly, as long as every line has a whole number there.
        texts: columns read as they are written.

    Returns:
        (n,) values per wanted column, NaN where a field is no number; and the number of lines left out
        because their number of fields is wrong.
    """
    used = [i for i, name in enumerate(names) if name in wanted]
    types: dict[int, Any] = {i: np.int64 if names[i] in integers else np.float64 for i in used}
    as_text = [i for i in used if names[i] in texts]
    types |= dict.fromkeys(as_text, str)
    if not text[start : start + 1000].strip() and not text[start:].strip():
        return {names[i]: np.empty(0, object if i in as_text else types[i]) for i in used}, 0

    import pandas as pd

    options: dict[str, Any] = {
        "sep": r"\s+" if separator == BLANKS else separator,
        "header": None,
        "names": range(len(names)),
        "usecols": used,
        "index_col": False,
        "engine": "c",
        "decimal": decimal,
        "keep_default_na": True,
    }
    damaged = 0
    try:
        body = io.BytesIO(text)
        body.seek(start)  # no copy of what may be 100 MB
        if separator == BLANKS or text.find(b'"', start) >= 0 or text.find(b"\0", start) >= 0:
            raise ValueError("a text that needs a closer look")
        lines = _count(text, start, "\n") + (not text.endswith(b"\n"))
        enough = _count(text, start, separator) == lines * (len(names) - 1)
        if not enough and not _all_whole(text, start, separator, len(names)):
            raise ValueError("lines with another number of fields")
        # A hole among integers, which pandas may only warn of; a line that it would cut.
        with np.errstate(invalid="raise"), warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(body, dtype=types, **options)
        # A line with too few fields lacks the last one. Where none does, and there are as many fields in all
        # as the lines need, no line has more.
        last = frame.get(len(names) - 1)
        proven = last is not None and len(frame) == lines and last.notna().all()
        if enough and not proven and not _all_whole(text, start, separator, len(names)):
            raise ValueError("lines with another number of fields")
    except (ValueError, ArithmeticError, pd.errors.ParserWarning):  # ParserError is a ValueError
        if b'"' in text[start:] and separator != BLANKS:
            text, start, separator = _without_quotes(text[start:], separator), 0, _UNIT_SEPARATOR
            options["sep"] = separator
        whole, damaged = _whole_lines(text[start:], separator, len(names))
        options |= {"dtype": str, "quoting": 3, "encoding_errors": "replace", "decimal": "."}
        frame = pd.read_csv(io.BytesIO(whole), **options)
        for i in used:
            if i not in as_text:
                frame[i] = pd.to_numeric(_pointed(frame[i], decimal), errors="coerce")
    return {names[i]: frame[i].to_numpy() for i in used}, damaged


def _pointed(values: Any, decimal: str) -> Any:
    values = values.str.strip().str.strip('"')
    if decimal == ".":
        return values
    # A point beside a decimal comma may be one of thousands: such a field is no number.
    return values.where(~values.str.contains(".", regex=False, na=False)).str.replace(
        decimal, ".", regex=False
    )


def _count(text: bytes, start: int, character: str) -> int:
    """How often a character stands in a text; several times as fast as `bytes.count` where it is frequent."""
    octets = np.frombuffer(text, np.uint8)
    parts = range(start, len(octets), _COUNTED_AT_ONCE)
    return sum(int(np.count_nonzero(octets[k : k + _COUNTED_AT_ONCE] == ord(character))) for k in parts)


def _all_whole(text: bytes, start: int, separator: str, fields: int) -> bool:
    """Whether every line that is not empty has so many fields, each line counted."""
    octets = np.frombuffer(text, np.uint8)[start:]
    ends = np.flatnonzero(octets == ord("\n"))
    starts = np.concatenate([[0], ends + 1])
    starts = starts[starts < len(octets)]
    counts = np.add.reduceat(octets == ord(separator), starts, dtype=np.int32)
    empty = octets[starts] == ord("\n")
    return bool((empty | (counts == fields - 1)).all())


def _whole_lines(body: bytes, separator: str, fields: int) -> tuple[bytes, int]:
    lines = [line for line in body.splitlines() if line.strip()]
    if separator == BLANKS:
        whole = [line for line in lines if len(line.split()) == fields and b"\0" not in line]
    else:
        mark = separator.encode()
        lines = [line for line in lines if line.strip(mark + b" \t") or mark not in line]
        whole = [line for line in lines if line.count(mark) == fields - 1 and b"\0" not in line]
    # A line of empty fields stands in where none is whole: pandas refuses an empty text.
    stand_in = b" ".join([b"nan"] * fields) if separator == BLANKS else separator.encode() * (fields - 1)
    return b"\n".join(whole or [stand_in]), len(lines) - len(whole)


def split_quoted(line: str, separator: str) -> list[str]:
    """The fields of a line, of which some are in quotation marks and may hold separators."""
    if line.count('"') % 2:
        return line.split(separator)
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])


def _without_quotes(body: bytes, separator: str) -> bytes:
    lines = body.decode("utf-8", "replace").split("\n")
    parts = (split_quoted(line, separator) if '"' in line else line.split(separator) for line in lines)
    return "\n".join(_UNIT_SEPARATOR.join(cells) for cells in parts).encode()
