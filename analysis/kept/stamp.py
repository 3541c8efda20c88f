"""Marks of what was computed from what: of the raw files of a session, and of the program."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_RAW_FILES = ("thigh.csv", "shank.csv")
_SMALL_FILES = ("session.json", "events.jsonl")
_END_BYTES = 65_536
# Rooms that nothing measured depends on.
_BESIDE = ("views", "cli", "guide", "drivers", "virtual")


def stamp(folder: Path) -> str:
    """A mark that changes with the raw files of a session and with the program that reads them."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(program_mark().encode())
    for name in _SMALL_FILES:
        path = folder / name
        digest.update(path.read_bytes() if path.is_file() else b"-")
    for name in _RAW_FILES:
        path = folder / name
        if not path.is_file():
            digest.update(b"-")
            continue
        status = path.stat()
        digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())
        with path.open("rb") as file:
            digest.update(file.read(_END_BYTES))
            file.seek(max(0, status.st_size - _END_BYTES))
            digest.update(file.read(_END_BYTES))
    return digest.hexdigest()


@cache
def program_mark(beside: tuple[str, ...] = _BESIDE) -> str:
    """A mark of the code of this program and of the libraries that it computes with.

    Args:
        beside: rooms that are left out, because nothing that is marked depends on them.
    """
    digest = hashlib.blake2b(digest_size=16)
    home = Path(__file__).resolve().parent.parent.parent
    for wing in ("analysis", "firmware_bridge"):
        for base, folders, names in os.walk(home / wing):
            folders[:] = sorted(f for f in folders if f not in beside and not f.startswith("__"))
            for name in sorted(names):
                if name.endswith((".py", ".j2")):
                    digest.update(name.encode() + Path(base, name).read_bytes())
    for package in ("numpy", "scipy", "matplotlib"):
        try:
            digest.update(version(package).encode())
        except PackageNotFoundError:
            digest.update(b"-")
    return digest.hexdigest()
