"""What a session measured, kept beside it: many days are answered without reading the raw samples again.

derived/measured.json holds what the angle and the movement of a recording came to, under a stamp of
everything they were computed from: the raw files and the program. A stamp that does not match is no
answer, so what is kept is never stale. Deleting it costs time only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from typing import Any

from analysis.answer import Answer, answer
from analysis.kept.stamp import stamp
from analysis.movement.result import Plateau, Repetition
from firmware_bridge.errors import CannotAnswerError, SessionError
from firmware_bridge.findings import sentences
from firmware_bridge.samples import Side
from firmware_bridge.session.files import make_private_folder, replace_file
from firmware_bridge.session.model import PoseMethod, ReferencePose
from firmware_bridge.session.reader import read_info, read_session

FILE = "derived/measured.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Measurement:
    """One session as the days need it.

    Attributes:
        session: its folder.
        id, client, side, started_at, status: from session.json.
        problem: why there is no angle, in words; "" where there is one. Nothing below holds then.
        relative: no reference pose fixed the zero.
        zero_sd_deg: one sigma of the absolute angle; NaN when relative.
        poses: the reference poses.
        pose_checks: (time_s, read minus entered flexion) of the later ones.
        repetitions: all of them.
        practised: the phases hold an exercise.
        warnings: of recording and angle.
    """

    session: Path
    id: str
    client: str
    side: Side
    started_at: str
    status: str
    problem: str = ""
    relative: bool = True
    zero_sd_deg: float = nan
    poses: tuple[ReferencePose, ...] = ()
    pose_checks: tuple[tuple[float, float], ...] = ()
    repetitions: tuple[Repetition, ...] = ()
    practised: bool = False
    warnings: tuple[str, ...] = ()


def measurement_of(folder: Path, found: Answer | None = None) -> Measurement:
    """What a session measured: as it was kept, or else computed and kept.

    Args:
        folder: the session.
        found: its answer, where it has been computed already.

    Raises:
        SessionError: it cannot be read. A session without an answer is no error: see `problem`.
    """
    mark = stamp(folder)
    if found is None:
        kept = _kept(folder, mark)
        if kept is not None:
            return kept
    result = _measure(folder, found)
    # While a session is being recorded, its files are about to change.
    if result.status != "recording" and mark == stamp(folder):
        _keep(folder, mark, result)
    return result


def is_kept(folder: Path) -> bool:
    """Whether a session can be answered without reading its samples."""
    return _kept(folder, stamp(folder)) is not None


def _measure(folder: Path, found: Answer | None) -> Measurement:
    info = read_info(folder)
    common: dict[str, Any] = {
        "session": folder, "id": info.id, "client": info.client, "side": info.side,
        "started_at": info.started_at, "status": info.status,
    }  # fmt: skip
    try:
        found = found or answer(read_session(folder), folder=folder)
    except (CannotAnswerError, SessionError) as error:
        return Measurement(**common, problem=error.problem)
    return Measurement(
        **common,
        relative=found.angle.zero == "relative",
        zero_sd_deg=found.angle.zero_sd_deg,
        poses=found.recording.reference_poses,
        pose_checks=found.angle.pose_check_deg,
        repetitions=found.repetitions,
        practised=any(p.name in ("pandiculation", "quad_press") for p in found.recording.phases),
        warnings=sentences(found.data_findings),
    )


def _kept(folder: Path, mark: str) -> Measurement | None:
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT or content["stamp"] != mark:
            return None
        return _from_json(folder, content["measurement"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _keep(folder: Path, mark: str, result: Measurement) -> None:
    content = asdict(result)
    del content["session"]
    text = json.dumps({"format": _FORMAT, "stamp": mark, "measurement": content}, default=str)
    file = folder / FILE
    try:
        make_private_folder(file.parent)
        replace_file(file, text.encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # on a read-only disk everything is computed each time


def _from_json(folder: Path, content: Mapping[str, Any]) -> Measurement:
    fields: dict[str, Any] = dict(content)
    fields["session"] = folder
    fields["side"] = Side(content["side"])
    fields["poses"] = tuple(
        ReferencePose(p["time_s"], p["duration_s"], p["flexion_deg"], p["sd_deg"], _method(p["method"]))
        for p in content["poses"]
    )
    fields["pose_checks"] = tuple((float(t), float(d)) for t, d in content["pose_checks"])
    fields["repetitions"] = tuple(_repetition(r) for r in content["repetitions"])
    fields["warnings"] = tuple(content["warnings"])
    return Measurement(**fields)


def _repetition(content: Mapping[str, Any]) -> Repetition:
    held = content["extension"]
    return Repetition(**{**content, "extension": None if held is None else Plateau(**held)})


def _method(name: str) -> PoseMethod:
    return name  # type: ignore[return-value]
