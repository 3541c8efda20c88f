"""A table file -> a table with the columns of `analysis.table`, whatever a spreadsheet has done to it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from typing import Final

import pandas as pd

from analysis.table import COLUMNS, NUMBERS, TRUTH
from firmware_bridge.errors import MissingPathError, SessionError, UsageError
from firmware_bridge.findings import Finding

NEEDED: Final = ("session", "client", "side", "test", "change_deg", "verdict")
_NOTHING = {"", "na", "n/a", "nan", "none", "null", "-", ".", "#n/a"}
_YES, _NO = {"true", "1", "1.0", "wahr", "vrai", "yes"}, {"false", "0", "0.0", "falsch", "faux", "no"}
_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers")
_SHOWN = 3


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """A table with the columns of `kneeflex batch`, each of its own kind, and any others as text."""

    rows: pd.DataFrame
    findings: tuple[Finding, ...] = ()


def read_table(path: Path) -> Table:
    """Reads the table of `kneeflex batch`: CSV with any usual separator and decimal sign, or Parquet.

    Raises:
        MissingPathError: there is no such file.
        SessionError: it is no table, or its numbers can be read in two ways.
        UsageError: its format cannot be read here.
    """
    raw = read_texts(path)
    missing = [name for name in NEEDED if name not in raw.columns]
    if missing:
        raise SessionError(
            f"{path} lacks the columns {', '.join(missing)}, so it is not the table of `kneeflex batch`.",
            "Make it with: kneeflex batch ROOT --out table.csv",
        )
    if raw.empty:
        raise SessionError(f"{path} has no rows.", "Make it again with: kneeflex batch ROOT --out table.csv")
    return typed(raw, str(path))


def read_texts(path: Path) -> pd.DataFrame:
    """The cells of a table file as text; those of Parquet as they are.

    Raises:
        MissingPathError: there is no such file.
        SessionError: it is no table.
        UsageError: its format cannot be read here.
    """
    if not path.is_file():
        raise MissingPathError(f"There is no file {path}.", "Give the table of `kneeflex batch`.")
    if path.suffix.lower() in _SPREADSHEETS:
        raise UsageError(f"{path} is a spreadsheet.", "Save it as CSV, or make the table again.")
    content = path.read_bytes()
    if content[:4] == b"PAR1":
        return _parquet(path, content)
    text = _decoded(path, content)
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep="):
        text, first = rest, rest.partition("\n")[0]
    separator = max(",;\t", key=lambda sign: len(next(csv.reader([first], delimiter=sign), [])))
    try:
        lines = [line for line in csv.reader(io.StringIO(text), delimiter=separator) if line]
    except csv.Error as error:
        raise SessionError(f"{path} cannot be read as a table ({error}).", "Make it again.") from error
    header = [name.strip() for name in lines[0]] if lines else []
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise SessionError(
            f"{path} has the column {twice[0] or 'without a name'} twice.", "Rename one of them."
        )
    width = len(header)
    for number, line in enumerate(lines[1:], start=2):
        if any(cell.strip() for cell in line[width:]):
            raise SessionError(
                f"Row {number} of {path} has more cells than the table has columns.",
                "A text with the separator in it may have lost its quotes: make the table again.",
            )
    cells = [[_plain(cell) for cell in line[:width]] + [""] * (width - len(line)) for line in lines[1:]]
    return pd.DataFrame(cells, columns=header, dtype=object)


def _plain(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@") else cell


def _decoded(path: Path, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content[:4096]:
        raise SessionError(f"{path} is not a text table.", "Give CSV or Parquet, as `kneeflex batch` writes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _parquet(path: Path, content: bytes) -> pd.DataFrame:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "Reading Parquet needs pyarrow, which is not installed.",
            "Install it with: pip install 'kneeflex[parquet]', or give the table as CSV.",
        ) from error
    try:
        return pd.read_parquet(io.BytesIO(content))
    except (ValueError, OSError) as error:
        raise SessionError(f"{path} cannot be read as Parquet ({error}).", "Make it again.") from error


def typed(raw: pd.DataFrame, name: str = "The table") -> Table:
    """A table whose known columns have their kinds; cells that make no sense are empty, with a finding.

    Args:
        raw: with the columns `NEEDED` at least; cells may be text.
        name: of the table, for messages.

    Raises:
        SessionError: some numbers have a decimal comma and others a decimal point.
    """
    absent = [column for column in COLUMNS if column not in raw.columns]
    numbers = {column: _cells(raw[column]) for column in NUMBERS if column in raw.columns}
    comma = _decimal_comma(numbers, name)
    unreadable: list[str] = []
    found: dict[str, object] = {}
    for column, cells in numbers.items():
        values = [_number(cell, comma) for cell in cells]
        unreadable += [f"{cell!r} in {column}" for cell, v in zip(cells, values, strict=True) if v is None]
        found[column] = pd.array([nan if v is None else v for v in values], dtype="float64")
    for column in raw.columns:
        if column not in found:
            found[str(column)] = [_text(cell) for cell in raw[column]]
    rows = pd.DataFrame(found, index=range(len(raw)))
    for column in absent:
        rows[column] = nan if column in NUMBERS else ""
    for column in TRUTH:
        rows[column] = [_truth(cell) for cell in rows[column]]
    findings = []
    if unreadable:
        shown = ", ".join(unreadable[:_SHOWN]) + (", ..." if len(unreadable) > _SHOWN else "")
        text = (
            f"{count(len(unreadable), 'cell')} without a number where one belongs ({shown}): empty. Make "
            "the table again rather than saving it from a spreadsheet."
        )
        findings.append(Finding("table_cells", None, None, text, "gap"))
    if absent:
        text = (
            f"The table lacks {len(absent)} columns of this version ({', '.join(absent[:_SHOWN])}"
            f"{', ...' if len(absent) > _SHOWN else ''}): what rests on them is not answered. Make it again "
            "with `kneeflex batch`."
        )
        findings.append(Finding("table_columns", None, None, text))
    return Table(rows, tuple(findings))


def _cells(column: pd.Series) -> list[str | float]:
    return [_cell(cell) for cell in column]


def _cell(cell: object) -> str | float:
    if isinstance(cell, str):
        return cell.strip().replace("\u2212", "-")
    if cell is None or cell is pd.NA:
        return nan
    return float(cell)  # type: ignore[arg-type]


def _decimal_comma(numbers: dict[str, list[str | float]], name: str) -> bool:
    texts = [cell for cells in numbers.values() for cell in cells if isinstance(cell, str)]
    comma = next((t for t in texts if _COMMA.fullmatch(t)), None)
    point = next((t for t in texts if _POINT.fullmatch(t)), None)
    if comma is not None and point is not None:
        raise SessionError(
            f"{name} has numbers with a decimal comma ({comma}) and with a decimal point ({point}), so they "
            "can be read in two ways.",
            "Make it again with `kneeflex batch`, and do not save it from a spreadsheet.",
        )
    return comma is not None


def _number(cell: str | float, comma: bool) -> float | None:
    """A number, NaN for nothing, None for what makes no sense."""
    if isinstance(cell, str):
        if cell.lower() in _NOTHING:
            return nan
        try:
            cell = float(cell.replace(",", ".") if comma and _COMMA.fullmatch(cell) else cell)
        except ValueError:
            return None
        return cell if isfinite(cell) else None
    return cell if isfinite(cell) or cell != cell else None


def _text(cell: object) -> str:
    return "" if cell is None or cell is pd.NA or cell != cell else str(cell).strip()


def _truth(cell: object) -> bool | None:
    text = str(cell).strip().lower()
    return True if text in _YES else False if text in _NO else None


def count(number: int, noun: str) -> str:
    """A number of things, in words that fit one of them too."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def names(values: Sequence[str], most: int = 5) -> str:
    """Some names as text, not endlessly many."""
    return ", ".join(values[:most]) + (f" and {len(values) - most} more" if len(values) > most else "")
