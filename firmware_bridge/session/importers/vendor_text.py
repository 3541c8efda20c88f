"""What the text files of all vendors need: reading them, their header, and rows as samples."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firmware_bridge.errors import MissingPathError, SessionError
from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.session.delimited import Columns, read_columns

XYZ_ACC = ("Acc_X", "Acc_Y", "Acc_Z")
XYZ_GYR = ("Gyr_X", "Gyr_Y", "Gyr_Z")


@dataclass(frozen=True, eq=False, slots=True)
class VendorText:
    """A text file: lines of description, a line of column names, and rows from `start` on."""

    path: Path
    description: str
    names: tuple[str, ...]
    separator: str
    content: bytes
    start: int

    def described(self, pattern: str) -> str | None:
        """The first group of a pattern found in the description, at the start of a line."""
        found = re.search(pattern, self.description, re.IGNORECASE | re.MULTILINE)
        return found.group(1).strip() if found else None

    def columns(self, wanted: Sequence[str]) -> tuple[Columns, tuple[str, ...]]:
        """The numbers of the wanted columns, and a sentence about damaged lines."""
        columns, damaged = read_columns(
            self.content, self.names, wanted, start=self.start, separator=self.separator
        )
        warnings = (f"{damaged} damaged lines of {self.path.name} left out.",) if damaged else ()
        return columns, warnings


def read_file(path: Path) -> bytes:
    """The content of a file with plain line ends.

    Raises:
        MissingPathError: it is not there.
        SessionError: it cannot be opened, or is empty.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingPathError(f"There is no file {path}.", "Check the path.") from error
    except OSError as error:
        raise SessionError(
            f"{path} cannot be read: {error.strerror or error}.", "Check the path of the file."
        ) from error
    content = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not content.strip(b"\0 \n\t"):
        raise SessionError(f"{path} is empty.", "Export the recording again.")
    return content if content.endswith(b"\n") else content + b"\n"


def split(path: Path, is_header: Callable[[str], bool], separator: str, kind: str) -> VendorText:
    """Reads a file and finds its line of column names.

    Args:
        path: the file.
        is_header: tells the line of column names.
        separator: between columns, unless a first line such as "sep=;" says another.
        kind: what the file should be, for the error.

    Raises:
        SessionError: there is no such line near the beginning.
    """
    content = read_file(path)
    start = 0
    described: list[str] = []
    while start < len(content) and len(described) < 100:
        end = content.index(b"\n", start) + 1
        line = content[start:end].decode("utf-8-sig", "replace").strip("\n")
        start = end
        if is_header(line):
            separator = _separator("\n".join(described)) or separator
            names = tuple(cell.strip().strip('"') for cell in line.split(separator))
            # Some programs end every line with a separator.
            return VendorText(path, "\n".join(described), names, separator, content, start)
        described.append(line)
    raise SessionError(
        f"{path} does not look like {kind}: its column names are not found.",
        "Check the file and the format given to `kneeflex import`.",
    )


def samples_from(
    time_s: Float, acc_m_s2: Float, gyr_rad_s: Float, name: str, **counters: Any
) -> tuple[ImuSamples, tuple[str, ...]]:
    """The rows whose time, acceleration and rate are all there; the others are gaps.

    Args:
        time_s: (n,), NaN where missing.
        acc_m_s2: (n, 3), NaN where missing.
        gyr_rad_s: (n, 3), NaN where missing.
        name: of the file, for messages.
        counters: (n,) further columns of `ImuSamples`.

    Raises:
        SessionError: no row is complete.
    """
    whole = np.isfinite(np.column_stack([time_s, acc_m_s2, gyr_rad_s])).all(axis=1)
    if not whole.any():
        raise SessionError(f"{name} holds no complete sample.", "Export the recording again.")
    samples = ImuSamples(
        time_s[whole],
        acc_m_s2[whole],
        gyr_rad_s[whole],
        **{column: values[whole] for column, values in counters.items()},
    )
    empty = int((~whole).sum())
    return samples, (f"{empty} rows of {name} without numbers are gaps.",) if empty else ()


def matrix(columns: Columns, names: Sequence[str]) -> Float:
    """(n, 3) out of three columns."""
    return np.column_stack([columns[name] for name in names])


def leading_number(text: str | None) -> float | None:
    """The number with which a text such as "60Hz" begins."""
    found = re.match(r"\s*(\d+(?:\.\d+)?)", text or "")
    return float(found.group(1)) if found else None


def _separator(description: str) -> str | None:
    found = re.match(r"sep=(.)", description)
    return found.group(1) if found else None
