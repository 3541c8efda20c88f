"""Columns of the user's own: a condition, a group, a goniometer reading, by person, session or day."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import pandas as pd

from analysis.cohort.table.reading import Table, names, read_texts
from firmware_bridge.errors import SessionError
from firmware_bridge.findings import Finding

KEYS: Final = ("session", "id", "client", "side", "test", "day", "date")


def join_columns(table: Table, path: Path) -> Table:
    """The table with the columns of another file beside its rows.

    Rows belong together where every column of `KEYS` that the file has is the same: `client` alone for a
    group, `client` and `day` or `date` (UTC) for a condition that alternates, `session` or `id` for one
    session. Everything else in the file is taken over as it is.

    Args:
        table: of `read_table`.
        path: the other file, CSV or Parquet.

    Raises:
        SessionError: the file has none of the keys or nothing else, one key twice, or a column that the table
            has already.
    """
    other = read_texts(path).astype(object)
    other = other.where(other.notna(), "").astype(str).apply(lambda column: column.str.strip())
    keys = [key for key in KEYS if key in other.columns]
    added = [name for name in other.columns if name not in KEYS]
    if not keys or not added:
        raise SessionError(
            f"{path} needs a column that says whose its rows are ({', '.join(KEYS)}) and one that is new.",
            "For example: client,condition",
        )
    taken = [name for name in added if name in table.rows.columns]
    if taken:
        raise SessionError(f"The table has a column {taken[0]} already.", f"Rename it in {path.name}.")
    index = [_key(row) for row in other[keys].itertuples(index=False)]
    twice = sorted(" ".join(key) for key, times in Counter(index).items() if times > 1)
    if twice:
        raise SessionError(
            f"{path} says two things of {names(twice)}.",
            "Keep one row for each, or add a column that parts them.",
        )
    wanted = [_key(row) for row in _key_columns(table.rows, keys).itertuples(index=False)]
    rows = table.rows.copy()
    position = {key: i for i, key in enumerate(index)}
    for name in added:
        values = list(other[name])
        rows[name] = [values[position[key]] if key in position else "" for key in wanted]
    return Table(rows, (*table.findings, *_unmatched(index, wanted, rows, path.name)))


def _key(row: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(_number_as_text(str(cell)) for cell in row)


def _number_as_text(text: str) -> str:
    """Days are the same whether a spreadsheet wrote 1 or 1.0; codes such as 007 stay what they are."""
    return text[:-2] if text.endswith(".0") and text[:-2].isdigit() else text


def _key_columns(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    found = {}
    for key in keys:
        if key == "date":
            found[key] = rows["started_at"].str[:10]
        elif key == "day":
            found[key] = rows["day"].map(lambda day: "" if day != day else f"{day:.0f}")
        else:
            found[key] = rows[key].astype(str)
    return pd.DataFrame(found)


def _unmatched(
    index: list[tuple[str, ...]], wanted: list[tuple[str, ...]], rows: pd.DataFrame, name: str
) -> list[Finding]:
    known, asked = set(index), set(wanted)
    without = [" ".join(k) for k in dict.fromkeys(wanted) if k not in known and any(k)]
    unused = [" ".join(k) for k in dict.fromkeys(index) if k not in asked]
    findings = []
    if without:
        text = f"{name} says nothing of {names(without)}: check the spelling, also of capitals."
        findings.append(Finding("join_missing", None, None, text))
    if unused:
        text = f"{name} speaks of {names(unused)}, of whom the table holds nothing."
        findings.append(Finding("join_unused", None, None, text))
    return findings
