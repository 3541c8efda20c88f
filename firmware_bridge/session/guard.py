"""What was recorded is never written over: one check for everything that writes a file a person named."""

from __future__ import annotations

import os
from pathlib import Path

from firmware_bridge.errors import SessionError, UsageError

_RAW = ("session.json", "thigh.csv", "shank.csv", "events.jsonl")
# Larger than any derived file that could be taken for a recording by its first lines.
_LOOKED_AT = 200_000
# The first line of the longest table of results, which holds no quantity that a sensor measures. To try every
# kind of file on it takes 0.2 s.
ANGLE_HEADER = "time_s,flexion_deg,flexion_sd_deg,relative_sd_deg,valid\n"


def refuse_raw(path: Path) -> None:
    """Refuses to write a file that belongs to a recording, of this program or of another.

    Raises:
        UsageError: it does.
    """
    real = Path(os.path.realpath(path))
    if _of_session(real) or _of_other_program(real):
        raise UsageError(
            f"{path} is part of a recording and is never written over.", "Choose another file for the result."
        )


def _of_session(real: Path) -> bool:
    """Whether it is, or would be, one of the raw files of a session folder, by whatever name or link."""
    siblings = [real.parent / name for name in _RAW]
    whole = sum(file.exists() for file in siblings) >= 2
    if whole and real.name.lower() in _RAW:
        return True
    if not real.is_file():
        return False
    if any(file.exists() and file.samefile(real) for file in siblings) and whole:
        return True
    return real.stat().st_nlink > 1 and _linked(real)


def _linked(real: Path) -> bool:
    """Whether a file with several names is a raw file by its content: a hard link may lie anywhere."""
    with real.open("rb") as file:
        head = file.read(_LOOKED_AT)
    return b'"kneeflex-session"' in head or head.startswith((b"time_s,acc_x_m_s2", b'{"time_s"'))


def _of_other_program(real: Path) -> bool:
    if not real.is_file() or real.suffix.lower() not in (".csv", ".txt", ".tsv"):
        return False
    if _is_angle(real):
        return False
    from firmware_bridge.session.importers.files.recognise import open_file

    try:
        open_file(real, "auto")
    except SessionError:
        return False
    return True


def _is_angle(real: Path) -> bool:
    head = ANGLE_HEADER.encode()
    try:
        with real.open("rb") as file:
            return file.read(len(head)) == head
    except OSError:
        return False
