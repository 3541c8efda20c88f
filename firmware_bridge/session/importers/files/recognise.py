"""Which kind of file it is: by the lines before the names, and by the names of the columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_bridge.errors import MissingPathError, SessionError
from firmware_bridge.session.importers.files.mapping import FileMapping, Found, find, mappings
from firmware_bridge.session.importers.files.text import Table, read_file, table_without_names, tables

_QUANTITIES = {"acc": "acceleration", "gyr": "angular rate"}


@dataclass(frozen=True, eq=False, slots=True)
class Opened:
    """A file with the mapping that fits it, and the columns that the mapping found.

    `vectors` holds per quantity, per sensor named in the columns ("" for a single one), the columns in order.
    """

    table: Table
    mapping: FileMapping
    vectors: Mapping[str, Mapping[str, tuple[Found, ...]]]


def open_file(path: Path, format_: str, own: FileMapping | None = None) -> Opened:
    """Opens a file as a format, "auto", or as a mapping of the user's own.

    Raises:
        SessionError: it is of another kind, or of none that is known.
    """
    content = read_file(path)
    if own is not None:
        found = _fitting(path, content, own)
        if found is None and own.name == "columns":
            found = _fitting_numbered(path, content, own)
        if found is None:
            raise SessionError(
                f"{path} has no such columns: its first lines name {_names(path, content)}.",
                "Copy the names exactly, or write #1, #2, ... where the file has none.",
            )
        return found
    known = mappings()
    wanted = [known[format_]] if format_ != "auto" else list(known.values())
    if format_ == "csv":
        wanted.append(known["plain"])
    signed = _signed(path, content)
    if signed is not None and signed not in wanted:
        raise _another(path, signed)
    for mapping in [signed] if signed is not None else wanted:
        # Of two kinds that differ by their first lines only, neither is meant where these are missing.
        if signed is None and format_ == "auto" and mapping.signature:
            continue
        found = _fitting(path, content, mapping)
        if found is not None:
            return found
    raise _no_fit(path, content, wanted)


def _no_fit(path: Path, content: bytes, wanted: Sequence[FileMapping]) -> SessionError:
    known = mappings()
    first = wanted[0] if len(wanted) <= 2 else None
    signed = _signed(path, content)
    table = None if signed is None else _signed_table(path, content, signed)
    if signed is not None and table is not None:
        return without_quantities(table, signed)
    if first is not None:
        for mapping in known.values():
            if mapping not in wanted and not mapping.guessed and _fitting(path, content, mapping):
                return _another(path, mapping)
        words = (
            first.advice or "Check the file and the format given to `kneeflex import`, or let auto find it."
        )
        what = f"{path} does not look like {first.title}: its column names are not found"
        return SessionError(f"{what}; it names {_names(path, content)}.", words)
    headless = [one.name for one in known.values() if one.signature and _fitting(path, content, one)]
    if headless:
        return SessionError(
            f"{path} has lost the lines above its column names, which tell its units.",
            f"Name its format, {' or '.join(headless)}, or restore the file as it was exported.",
        )
    return SessionError(
        f"No known kind of file has the columns of {path}; it names {_names(path, content)}.",
        'Say what its columns are: --columns "time=t:ms; acc=ax,ay,az:g; gyr=gx,gy,gz:deg/s".',
    )


def without_quantities(table: Table, mapping: FileMapping) -> SessionError:
    """The error for a file of the right kind that lacks what an angle needs."""
    missing = [
        word
        for key, word in _QUANTITIES.items()
        if not _vectors(mapping, table.names, table.units).get(key)
        and not _vectors(mapping, table.names, table.units).get(f"{key}_increment")
    ]
    absent = " and no raw ".join(missing) or "time"
    lacking = [name for key in _QUANTITIES for name in _lacking(mapping, key, table)]
    if lacking:
        absent += f" ({', '.join(lacking)} is not among its columns)"
    mode = table.about(mapping.about.get("mode"))
    recorded = f": it was recorded in the mode {mode!r}" if mode else ""
    return SessionError(f"{table.path} holds no raw {absent}{recorded}.", mapping.advice)


def _lacking(mapping: FileMapping, key: str, table: Table) -> list[str]:
    """The columns of a quantity that are missing beside others of it."""
    vector = mapping.vectors.get(key)
    if vector is None:
        return []
    absent = [name for name in vector.columns if not find(name, table.names)]
    return [name.strip("/") for name in absent] if 0 < len(absent) < len(vector.columns) else []


def _another(path: Path, mapping: FileMapping) -> SessionError:
    return SessionError(
        f"{path} is {mapping.title}, not a file of the format that was named.",
        f"Use the format {mapping.name}, or auto.",
    )


def _fitting(path: Path, content: bytes, mapping: FileMapping) -> Opened | None:
    def fits(names: Sequence[str]) -> bool:
        return _fits(mapping, path, names)

    for table in tables(path, content, fits):
        return Opened(table, mapping, _vectors(mapping, table.names, table.units))
    return None


def _fitting_numbered(path: Path, content: bytes, mapping: FileMapping) -> Opened | None:
    table = table_without_names(path, content)
    if table is None or not _fits(mapping, path, table.names):
        return None
    return Opened(table, mapping, _vectors(mapping, table.names, table.units))


def _fits(mapping: FileMapping, path: Path, names: Sequence[str]) -> bool:
    if not any(_has_time(mapping, names, i) for i in range(len(mapping.time))):
        return False
    if any(not find(pattern, names) for pattern in mapping.required):
        return False
    vectors = _vectors(mapping, names, ())
    has = {key: bool(vectors.get(key) or vectors.get(f"{key}_increment")) for key in _QUANTITIES}
    return any(has.values()) if mapping.files else all(has.values())


def _has_time(mapping: FileMapping, names: Sequence[str], index: int) -> bool:
    column = mapping.time[index]
    return bool(find(column.column or column.counter, names))


def _vectors(
    mapping: FileMapping, names: Sequence[str], units: Sequence[str]
) -> dict[str, dict[str, tuple[Found, ...]]]:
    found: dict[str, dict[str, tuple[Found, ...]]] = {}
    for key, vector in mapping.vectors.items():
        axes: list[dict[str, Found]] = []
        for pattern in vector.columns:
            matches = find(pattern, names, units)
            by_sensor = {match.sensor: match for match in matches}
            if len(by_sensor) < len(matches):
                by_sensor = {}  # the same name twice: nobody knows which is meant
            axes.append(by_sensor)
        sensors = [sensor for sensor in axes[0] if all(sensor in axis for axis in axes)]
        if sensors:
            found[key] = {sensor: tuple(axis[sensor] for axis in axes) for sensor in sensors}
    return found


def _signed(path: Path, content: bytes) -> FileMapping | None:
    """The mapping whose signature stands before the names, if there is one that fits."""
    for mapping in mappings().values():
        if mapping.signature:
            table = _signed_table(path, content, mapping)
            if table is not None:
                return mapping
    return None


def _signed_table(path: Path, content: bytes, mapping: FileMapping) -> Table | None:
    def timed(names: Sequence[str]) -> bool:
        return any(_has_time(mapping, names, i) for i in range(len(mapping.time)))

    for table in tables(path, content, timed):
        if _has_signature(table, mapping):
            return table
    return None


def _has_signature(table: Table, mapping: FileMapping) -> bool:
    return bool(mapping.signature) and any(
        re.match(mapping.signature, line, re.IGNORECASE) for line in table.described
    )


def _names(path: Path, content: bytes) -> str:
    lines = content[:5000].decode("utf-8", "replace").split("\n")
    line = next((line for line in lines if len(line.split()) > 1 or "," in line), lines[0])
    return repr(line.strip()[:120])


def files_of(path: Path, mapping: FileMapping) -> dict[str, Path]:
    """The files of acceleration and of rate, given either of them, or a folder.

    Raises:
        SessionError: the name does not say which of the two it is, or the other is not there.
    """
    if not path.exists():
        raise MissingPathError(f"There is no file {path}.", "Check the path.")
    given, word = kind_of(path.name, mapping) if path.is_file() else ("", "")
    folder = path.parent if path.is_file() else path
    result: dict[str, Path] = {}
    for kind in _QUANTITIES:
        if kind == given:
            result[kind] = path
            continue
        found = _beside(folder, path.name if given else "", word, mapping.files[kind])
        if found is None:
            if not given and path.is_file():
                words = " nor ".join(words[0].lower() for words in mapping.files.values())
                raise SessionError(f"The name of {path} says neither {words}.", mapping.advice)
            what = mapping.files[kind][0]
            raise SessionError(f"There is no {what} file beside {path}.", mapping.advice)
        result[kind] = found
    return result


def kind_of(name: str, mapping: FileMapping) -> tuple[str, str]:
    """The quantity named by the longest known word in the name, and that word."""
    words = [(word, kind) for kind, words in mapping.files.items() for word in words]
    for word, kind in sorted(words, key=lambda pair: -len(pair[0])):
        if _at(name, word) >= 0:
            return kind, word
    return "", ""


def _at(name: str, word: str) -> int:
    """Where a word stands in a name, the last time, not within a longer word."""
    found = [m.start() for m in re.finditer(rf"(?<![a-z]){re.escape(word)}(?![a-z])", name, re.IGNORECASE)]
    return found[-1] if found else -1


def _beside(folder: Path, name: str, word: str, wanted: Sequence[str]) -> Path | None:
    others = sorted(other for other in folder.iterdir() if other.is_file())
    for candidate in wanted:
        if not name:
            exact = [other for other in others if other.stem.lower() == candidate.lower()]
            if exact:
                return exact[0]
            continue
        at = _at(name, word)
        stem = (name[:at] + candidate).lower()
        tail = name[at + len(word) :].lower()
        close = [o for o in others if o.name.lower().startswith(stem) and _at(o.name, candidate) == at]
        exact = [other for other in close if other.name.lower() == stem + tail]
        # The two may differ in the rate that a program appends: ..._Gyroscope_100.000Hz_1.5.0.csv
        if exact or close:
            return (exact or close)[0]
    return None
