"""derived/thigh.npz and shank.npz: the samples of a CSV file as arrays, so that it is parsed only once.

Text takes several times as long to read as arrays. What is kept here is never stale: it counts only for a raw
file of the same size, time and content, and for the same code that would parse it. Whatever else lies there
is ignored: a torn file, one of another program, one that holds Python objects. Nothing but arrays of numbers
is ever read from it. Deleting it costs time only.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from firmware_bridge.samples import ImuSamples
from firmware_bridge.session import table
from firmware_bridge.session.plain_arrays import load_plain, store_plain

_FORMAT = 2
_PLACE = "derived"
# The code and the library that turn the text into numbers.
_PARSERS = (
    "session/parsed.py",
    "session/plain_arrays.py",
    "session/table.py",
    "session/delimited.py",
    "samples.py",
)
_LIBRARY = "pandas"

Parsed = tuple[ImuSamples, tuple[str, ...]]


def parse_kept(raw: Path, *, keep: bool) -> Parsed:
    """`table.parse` of a CSV file in a session folder, from its parsed form where that is current.

    Args:
        raw: the file of a sensor.
        keep: write the parsed form where it is missing or not current. A folder that cannot be written to
            is no error.

    Raises:
        OSError: the file cannot be read.
        SessionError: the columns are not those of a recording.
    """
    kept = kept_file(raw)
    before = raw.stat()
    # Reading the whole file costs a tenth of parsing it, and no change of it can be missed.
    content = raw.read_bytes()
    mark = {
        "format": _FORMAT,
        "software": _software(),
        "size": len(content),
        "mtime_ns": before.st_mtime_ns,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    found = _load(kept, mark)
    if found is not None:
        return found
    parsed = table.parse(content, raw.name)
    # A file that changed meanwhile, or is about to, is parsed again the next time.
    if keep and _same(before, raw.stat()) and before.st_size == len(content):
        _store(kept, mark, parsed)
    return parsed


def kept_file(raw: Path) -> Path:
    """Where the parsed form of a CSV file lies."""
    return raw.parent / _PLACE / f"{raw.stem}.npz"


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _load(kept: Path, mark: dict[str, Any]) -> Parsed | None:
    found = load_plain(kept, mark)
    if found is None:
        return None
    header, columns = found
    try:
        return ImuSamples(**columns), tuple(str(text) for text in header["warnings"])
    except (ValueError, TypeError, KeyError):  # a file of the same mark that somebody else made
        return None


def _store(kept: Path, mark: dict[str, Any], parsed: Parsed) -> None:
    samples, warnings = parsed
    every = {field.name: getattr(samples, field.name) for field in fields(samples)}
    columns = {name: values for name, values in every.items() if values is not None}
    store_plain(kept, mark, {"warnings": warnings}, columns)


@cache
def _software() -> str:
    """A mark of the code that parses, and of the library that it uses."""
    digest = hashlib.sha256()
    for name in _PARSERS:
        digest.update((Path(__file__).parent.parent / name).read_bytes())
    try:
        digest.update(version(_LIBRARY).encode())
    except PackageNotFoundError:
        digest.update(b"-")
    return digest.hexdigest()
