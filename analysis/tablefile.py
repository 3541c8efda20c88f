"""A table as the content of a file: CSV, or Parquet with the unit of every column in its metadata."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from analysis.derived import table_text
from firmware_bridge.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

PARQUET: Final = ".parquet"
# Names that promise a format that is not written here; CSV in them would open as nonsense, or not at all.
_OTHERS = (".xlsx", ".xls", ".ods", ".feather", ".arrow", ".json", ".sav", ".dta", ".h5")
_UNITS: Final[Mapping[str, str]] = {
    "_deg_s": "deg/s", "_rad_s": "rad/s", "_m_s2": "m/s^2", "_percent": "%", "_deg": "deg", "_hz": "Hz",
    "_ut": "uT", "_s": "s",
}  # fmt: skip


def unit_of(column: str) -> str:
    """The unit that a column's name ends in; "" where it has none."""
    return next((unit for suffix, unit in _UNITS.items() if column.endswith(suffix)), "")


def refuse_format(path: Path) -> None:
    """Refuses a file name whose format cannot be written, before anything is computed for it.

    Raises:
        UsageError: its ending names another format, or Parquet while pyarrow is not installed.
    """
    ending = path.suffix.lower()
    if ending in _OTHERS:
        raise UsageError(
            f"{path}: tables are written as CSV or Parquet, not as {ending}.", "End it in .csv or .parquet."
        )
    if ending == PARQUET:
        _pyarrow()


def table_bytes(table: pd.DataFrame, path: Path, about: Mapping[str, str] | None = None) -> bytes:
    """A table as the content of a file: Parquet where the name ends in .parquet, else CSV.

    Raises:
        UsageError: Parquet is wanted and pyarrow is not installed.
    """
    if path.suffix.lower() == PARQUET:
        return parquet_bytes(table, about)
    return table_text(table).encode("utf-8", "backslashreplace")


def parquet_bytes(table: pd.DataFrame, about: Mapping[str, str] | None = None) -> bytes:
    """A table as Parquet. Each column's unit is in its metadata under `unit`, `about` in that of the file.

    Raises:
        UsageError: pyarrow is not installed.
    """
    pyarrow, parquet = _pyarrow()
    content = pyarrow.Table.from_pandas(table, preserve_index=False)
    fields = [
        field.with_metadata({"unit": unit_of(field.name)}) if unit_of(field.name) else field
        for field in content.schema
    ]
    metadata: dict[Any, Any] = dict(content.schema.metadata or {}) | dict(about or {})
    buffer = io.BytesIO()
    parquet.write_table(content.cast(pyarrow.schema(fields, metadata)), buffer, compression="zstd")
    return buffer.getvalue()


def _pyarrow() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed.",
            "Install it with: pip install 'kneeflex[parquet]', or write .csv.",
        ) from error
