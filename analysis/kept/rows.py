"""derived/rows.json: the rows of a session for the table of `batch`, so that an interrupted run goes on.

A run over a thousand sessions takes hours. What was computed before it was interrupted, or before another
session was added, counts as long as the stamp of the raw files and of the program is the same, and is the
same to the last bit. Deleting it costs time only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.kept.stamp import stamp
from firmware_bridge.errors import KneeflexError
from firmware_bridge.session.files import make_private_folder, replace_file
from firmware_bridge.session.reader import read_info

FILE = "derived/rows.json"
_FORMAT = 1

Row = dict[str, Any]
# Computes rows, and says whether the same files will always give the same ones.
Compute = Callable[[], tuple[list[Row], bool]]


def kept_or_computed(folder: Path, name: str, compute: Compute) -> list[Row]:
    """The rows of a session: as they were kept, or else computed and kept.

    Args:
        folder: the session.
        name: how the table calls it, in the column `session`; it is not kept.
        compute: rows that begin with that column, and whether they may be kept. A disk that was not connected
            gives rows, too, but other ones tomorrow.
    """
    mark = _stamp(folder)
    rows = None if mark is None else _kept(folder, mark)
    if rows is None:
        computed, lasting = compute()
        # Through the text of the file in either case, so that what is read later is the same.
        text = json.dumps([_without_name(row) for row in computed], default=_plain)
        if lasting and mark is not None and mark == _stamp(folder):
            _keep(folder, mark, text)
        rows = json.loads(text)
    return [{"session": name, **row} for row in rows]


def _without_name(row: Row) -> Row:
    return {column: value for column, value in row.items() if column != "session"}


def _stamp(folder: Path) -> str | None:
    """None for a session whose files are missing, or about to change."""
    try:
        return None if read_info(folder).status == "recording" else stamp(folder)
    except (KneeflexError, OSError):
        return None


def _kept(folder: Path, mark: str) -> list[Row] | None:
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT or content["stamp"] != mark:
            return None
        rows = [dict(row) for row in content["rows"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return rows or None


def _keep(folder: Path, mark: str, rows: str) -> None:
    file = folder / FILE
    if file.is_symlink():  # it may lead to what was recorded
        return
    text = f'{{"format": {_FORMAT}, "stamp": "{mark}", "rows": {rows}}}\n'
    try:
        make_private_folder(file.parent)
        replace_file(file, text.encode("utf-8", "backslashreplace"), durable=False)
    except OSError:
        pass  # on a read-only disk everything is computed each time


def _plain(value: Any) -> Any:
    """A number of numpy as one of Python."""
    return value.item()
