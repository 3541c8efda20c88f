"""The text file of any program: its encoding, its separator, its decimal point, its line of column names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from firmware_bridge.errors import MissingPathError, SessionError
from firmware_bridge.session.delimited import BLANKS, read_columns, split_quoted

# Programs describe a recording in a few dozen lines at most before the names of the columns.
_LINES_BEFORE_NAMES = 200
_LINES_LOOKED_AT = 50
_SEPARATORS = ("\t", ";", ",", "|", BLANKS)
_UNTIDY = re.compile(r'[\s"]')
_WITH_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
_WITH_POINT = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
_ARCHIVES = {b"PK\x03\x04": "a zip archive or a spreadsheet", b"\x1f\x8b": "a compressed file"}


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """The rows of a text under their names.

    Attributes:
        path: the file.
        content: all of it, in UTF-8 with plain line ends.
        start: where in the content the rows begin.
        names: of the columns, in order; empty where a column has none.
        units: of the columns, from a line of units below the names; all empty without such a line.
        separator: between columns.
        decimal: the decimal point.
        described: the lines before the names, their fields joined by single blanks.
    """

    path: Path
    content: bytes
    start: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    separator: str
    decimal: str
    described: tuple[str, ...]

    def about(self, pattern: str | None) -> str:
        """The first group of a pattern found at the start of a line of the description, or ""."""
        found = (re.match(pattern, line, re.IGNORECASE) for line in self.described) if pattern else ()
        return next((match.group(1).strip() for match in found if match), "")

    def first_cells(self, place: int) -> list[str]:
        """What stands in a column in the first lines that have it."""
        lines = self.content[self.start : self.start + 20_000].decode("utf-8", "replace").split("\n")
        rows = (fields_of(line, self.separator) for line in lines[:_LINES_LOOKED_AT])
        return [row[place] for row in rows if len(row) > place and row[place]]

    def columns(
        self, wanted: Collection[int], *, texts: Collection[int] = (), integers: Collection[int] = ()
    ) -> tuple[dict[int, NDArray[Any]], int]:
        """The wanted columns by their place, and the number of damaged lines left out.

        Args:
            wanted: places of columns read as numbers.
            texts: places of columns read as they are written.
            integers: those of the wanted ones that hold whole numbers, read exactly.
        """
        places = [str(i) for i in range(len(self.names))]
        columns, damaged = read_columns(
            self.content,
            places,
            {str(i) for i in (*wanted, *texts)},
            start=self.start,
            separator=self.separator,
            decimal=self.decimal,
            integers={str(i) for i in integers},
            texts={str(i) for i in texts},
        )
        return {int(place): values for place, values in columns.items()}, damaged


def read_file(path: Path) -> bytes:
    """The content of a text file in UTF-8, without a byte order mark, with plain line ends.

    Raises:
        MissingPathError: it is not there.
        SessionError: it cannot be opened, is empty, or is no text.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingPathError(f"There is no file {path}.", "Check the path.") from error
    except OSError as error:
        raise SessionError(
            f"{path} cannot be read: {error.strerror or error}.", "Check the path of the file."
        ) from error
    for mark, what in _ARCHIVES.items():
        if content.startswith(mark):
            raise SessionError(
                f"{path.name} is not a text file but {what}.", "Unpack it, or save the table as CSV."
            )
    content = _utf8(content).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not content.strip(b"\0 \n\t"):
        raise SessionError(f"{path} is empty.", "Export the recording again.")
    if b"\0" in content[: content.find(b"\n", 1000) + 1 or 1000]:
        raise SessionError(f"{path.name} is not a text file.", "Choose the CSV file of a sensor.")
    return content if content.endswith(b"\n") else content + b"\n"


def tables(path: Path, content: bytes, is_header: Callable[[Sequence[str]], bool]) -> Iterator[Table]:
    """Every place near the beginning where a line of column names is found, with the rows below it.

    Args:
        path: the file, for messages.
        content: as `read_file` gives it.
        is_header: whether a line holds the names of the columns, given as the fields of a line.
    """
    lines, candidates = _candidates(_head(content))
    for number, start, separator, names in candidates:
        if is_header(names):
            described = tuple(map(_joined, lines[:number]))
            yield _table(path, content, start, list(names), separator, described)


def table_without_names(path: Path, content: bytes) -> Table | None:
    """The rows of a file that has no line of names: the columns are called #1, #2 and so on."""
    start = 0
    for line in _lines(_head(content)):
        for separator in _SEPARATORS:
            names = fields_of(line, separator)
            if len(names) >= 7 and all(_is_number(name) for name in names if name):
                count = len(names) if names[-1] else len(names) - 1
                numbered = [f"#{i + 1}" for i in range(count)] + [""] * (len(names) - count)
                return _table(path, content, start, numbered, separator, ())
        start += len(line.encode("utf-8", "surrogateescape")) + 1
    return None


def fields_of(line: str, separator: str) -> list[str]:
    """The fields of a line, without blanks and quotation marks around them."""
    if separator == BLANKS:
        parts = line.split()
    else:
        parts = split_quoted(line, separator) if '"' in line else line.split(separator)
    if _UNTIDY.search(line.replace(separator, "")) is None:
        return parts
    return [" ".join(part.strip().strip('"').split()) for part in parts]


@lru_cache(maxsize=4)
def _candidates(head: bytes) -> tuple[list[str], list[tuple[int, int, str, tuple[str, ...]]]]:
    """The lines, and everything in them that may be names of columns: line, start below, separator, names."""
    lines, start = _lines(head), 0
    stated = [line[4:5] for line in lines[:2] if line.startswith("sep=") and len(line) > 4]
    candidates = []
    for number, line in enumerate(lines):
        start += len(line.encode("utf-8", "surrogateescape")) + 1
        for separator in dict.fromkeys([*stated, *_SEPARATORS]):
            names = tuple(map(_clean, fields_of(line, separator))) if separator in line else ()
            if len(names) >= 4 and sum(map(_is_number, names)) < len(names) / 2:
                candidates.append((number, start, separator, names))
    return lines, candidates


def _lines(head: bytes) -> list[str]:
    return head.decode("utf-8", "surrogateescape").split("\n")[:-1]


def _head(content: bytes) -> bytes:
    end = 0
    for _ in range(_LINES_BEFORE_NAMES):
        following = content.find(b"\n", end) + 1
        if not following:
            break
        end = following
    return content[:end]


def _table(
    path: Path, content: bytes, start: int, names: list[str], separator: str, described: tuple[str, ...]
) -> Table:
    below = content[start : start + 200_000].decode("utf-8", "replace").split("\n")
    rows = [fields_of(line, separator) for line in below[:_LINES_LOOKED_AT] if line.strip()]
    units = [""] * len(names)
    if rows and not any(_is_number(cell) for cell in rows[0]) and len(rows) > 1:
        # The moments of a recording are no numbers either: a line of units is shorter than that.
        if max(map(len, rows[0])) < 12 and any(rows[0]):
            units = (rows[0] + units)[: len(names)]
            start = content.index(b"\n", start) + 1
        rows = rows[1:]
    widths = [len(row) for row in rows]
    usual = max(widths, key=widths.count, default=len(names))
    # Programs and spreadsheets differ on whether a line ends in separators.
    while usual < len(names) and not names[-1]:
        names, units = names[:-1], units[:-1]
    if usual > len(names) and all(not any(row[len(names) :]) for row in rows if len(row) == usual):
        names, units = names + [""] * (usual - len(names)), units + [""] * (usual - len(units))
    # Between commas, only numbers in quotation marks can have decimal commas.
    decimal = "." if separator == "," and '"' not in "".join(below[:_LINES_LOOKED_AT]) else _decimal(rows)
    return Table(path, content, start, tuple(names), tuple(units), separator, decimal, described)


def _clean(name: str) -> str:
    """Without bytes that are no UTF-8: signs of degrees were often saved in another encoding."""
    return name if name.isascii() else name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    cells = [cell for row in rows for cell in row]
    commas, points = (sum(bool(form.fullmatch(c)) for c in cells) for form in (_WITH_COMMA, _WITH_POINT))
    return "," if commas > points else "."


def _joined(line: str) -> str:
    return " ".join(cell for cell in fields_of(line.replace(";", ",").replace("\t", ","), ",") if cell)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _utf8(content: bytes) -> bytes:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            return content[2:].decode(encoding, "replace").encode("utf-8", "replace")
    head = content[:200]
    if len(head) > 20 and (
        head[1::2].count(0) > 0.9 * len(head) / 2 or head[::2].count(0) > 0.9 * len(head) / 2
    ):
        encoding = "utf-16-le" if head[1] == 0 else "utf-16-be"
        return content.decode(encoding, "replace").encode("utf-8", "replace")
    return content.removeprefix(b"\xef\xbb\xbf")
