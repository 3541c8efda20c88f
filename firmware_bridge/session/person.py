"""One person's folder: ROOT/CODE with person.json, which is asked for once, and a folder a session."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from firmware_bridge.errors import SessionError, UsageError
from firmware_bridge.samples import Side
from firmware_bridge.session.files import make_private_folder, replace_file
from firmware_bridge.session.model import POSE_METHODS, TEST_NAMES, PoseMethod, TestName
from firmware_bridge.session.reader import find_sessions, read_info

PERSON_FILE = "person.json"
PLANNED_DAYS = 14
_FORMAT = "kneeflex-person"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Pose:
    """A reference pose that is the same every day: its knee angle and how that was measured."""

    flexion_deg: float
    sd_deg: float
    method: PoseMethod


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a person, by a code, and asked only once.

    Attributes:
        client: the code; never a name.
        side: the knee that is practised.
        test: the usual named test.
        pose: the reference pose of every day; None where its angle is measured anew each time.
        planned_days: after which the answer over the days is due; fixed with the first session.
        baseline_days: days with the measurements alone before practice begins.
        protocol: that leads through a session.
        thigh, shank: the sensors; None for those that `kneeflex pair` remembers.
    """

    client: str
    side: Side = Side.RIGHT
    test: TestName = "prone"
    pose: Pose | None = None
    planned_days: int = PLANNED_DAYS
    baseline_days: int = 0
    protocol: str = "daily"
    thigh: str | None = None
    shank: str | None = None


def check_code(code: str) -> str:
    """The code, if it can be one.

    Raises:
        UsageError: it holds other characters than letters, digits, - and _.
    """
    if not _CODE.fullmatch(code):
        raise UsageError(
            f"{code!r} cannot be the code of a person.",
            "Use letters, digits, - and _ only, for example P07; never a name.",
        )
    return code


def looks_like_a_name(code: str) -> bool:
    """Whether a code has no digit in it: codes that people make up for themselves usually are names."""
    return not any(c.isdigit() for c in code)


def person_folder(root: Path, code: str) -> Path:
    """The folder of a person."""
    return root / check_code(code)


def new_session_folder(root: Path, code: str, now: datetime) -> Path:
    """A name for a session that begins now, in local time: ROOT/CODE/DATE-TIME. Nothing is made."""
    folder = person_folder(root, code)
    name = f"{now:%Y-%m-%d-%H%M%S}"
    same = 1
    while (folder / (name if same == 1 else f"{name}-{same}")).exists():
        same += 1
    return folder / (name if same == 1 else f"{name}-{same}")


def read_person(folder: Path) -> Person | None:
    """What is known of the person of a folder; None where nothing was kept.

    Raises:
        SessionError: person.json makes no sense.
    """
    file = folder / PERSON_FILE
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(content["format"])
        return _person(content)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SessionError(
            f"{file} cannot be read ({error}).", "Mend it, or delete it to be asked again."
        ) from error


def write_person(folder: Path, person: Person) -> Path:
    """Keeps what is known of a person, in place of what was kept before; returns the file.

    Raises:
        SessionError: it cannot be written.
    """
    file = folder / PERSON_FILE
    content = {"format": _FORMAT, "version": 1} | asdict(person) | {"side": person.side.value}
    try:
        make_private_folder(folder)
        replace_file(file, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise SessionError(f"{file} cannot be written: {error.strerror or error}.") from error
    return file


def sessions_of(root: Path, code: str) -> list[Path]:
    """The sessions of one person below a folder, in the order of their names.

    A folder that cannot be read as a session is left out.
    """
    found = []
    for folder in find_sessions(root) if root.is_dir() else ():
        try:
            if read_info(folder).client == code:
                found.append(folder)
        except SessionError:
            continue
    return found


def forget(root: Path, code: str) -> tuple[Path, ...]:
    """Deletes everything of a person below a folder, and returns the files that were deleted.

    That is every session with this code, and the person's folder with all that is in it; a session of
    another person that lies there is kept. Links are removed, what they point to is not.

    Raises:
        SessionError: there is nothing of this person, or something cannot be deleted.
    """
    own = person_folder(root, code)
    sessions = sessions_of(root, code)
    if not sessions and not own.is_dir():
        raise SessionError(
            f"There is nothing of {code} in {root}.", "Check the code, or give the folder with --root DIR."
        )
    deleted: list[Path] = []
    try:
        for session in sessions:
            deleted += _delete(session)
        foreign = [] if own.is_symlink() or not own.is_dir() else _of_others(own, code)
        if own.is_symlink() or not foreign:
            deleted += _delete(own) if own.is_dir() else []
        else:
            inside = [p for p in sorted(own.iterdir()) if not any(_holds(p, f) for f in foreign)]
            for path in inside:
                deleted += _delete(path)
    except OSError as error:
        raise SessionError(
            f"{error.filename or own} cannot be deleted: {error.strerror or error}. "
            f"{len(deleted)} files were deleted before that.",
            "Close the programs that use it and run the command again.",
        ) from error
    return tuple(deleted)


def _of_others(folder: Path, code: str) -> list[Path]:
    """The sessions of other people in a person's folder; what cannot be read is the person's own."""
    others = []
    for session in find_sessions(folder):
        try:
            if read_info(session).client not in (code, ""):
                others.append(session)
        except SessionError:
            continue
    return others


def _holds(folder: Path, inner: Path) -> bool:
    return folder == inner or folder in inner.parents


def _delete(path: Path) -> list[Path]:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return [path]
    files = [Path(base) / name for base, _, names in os.walk(path) for name in names]
    shutil.rmtree(path)
    return sorted(files)


def _person(content: dict[str, Any]) -> Person:
    pose = content.get("pose")
    person = Person(
        client=check_code(content["client"]),
        side=Side(content["side"]),
        test=_one_of(content.get("test", "prone"), TEST_NAMES),
        pose=None
        if pose is None
        else Pose(float(pose["flexion_deg"]), float(pose["sd_deg"]), _one_of(pose["method"], POSE_METHODS)),
        planned_days=int(content.get("planned_days", PLANNED_DAYS)),
        baseline_days=int(content.get("baseline_days", 0)),
        protocol=str(content.get("protocol", "daily")),
        thigh=content.get("thigh"),
        shank=content.get("shank"),
    )
    if person.planned_days < 1 or person.baseline_days < 0:
        raise ValueError("a number of days that cannot be")
    return person


def _one_of(value: Any, allowed: Iterable[str]) -> Any:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
    return value
