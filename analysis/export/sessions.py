"""Sessions -> the files of a format, written whole or not at all; nothing of others is written over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from analysis import derived
from analysis.angle.result import AngleResult
from analysis.answer import angle_of, orientations_of
from analysis.export import bids
from analysis.export.dataset import Dataset
from analysis.export.opensim import opensim_files
from analysis.export.parquet import parquet_files
from analysis.tablefile import refuse_format
from firmware_bridge.errors import CannotAnswerError, SessionError, UsageError
from firmware_bridge.session.model import Recording
from firmware_bridge.session.reader import find_sessions, read_info, read_session

Format = Literal["motion-bids", "opensim", "parquet"]
FORMATS: Final[tuple[str, ...]] = get_args(Format)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        places: folder of each session's files.
        left_out: (session, why it was not exported, or not whole).
    """

    places: tuple[Path, ...]
    left_out: tuple[tuple[Path, str], ...]


def export(
    root: Path, target: Format, out: Path, *, overwrite: bool = False, progress: Progress | None = None
) -> Exported:
    """Exports a session, or every session below a folder.

    Args:
        root: a session folder, or one that holds session folders.
        target: one of `FORMATS`.
        out: a folder. For `motion-bids` the dataset, which may hold sessions of earlier exports; for the
            others it gets the files of one session, or a folder a session.
        overwrite: for files that are there already.
        progress: called with (sessions done, sessions in all).

    Raises:
        SessionError: there is no session, or a file cannot be written.
        CannotAnswerError: no session could be exported.
        UsageError: a file is there already, or the folder of the dataset holds something else.
    """
    folders = _in_order(find_sessions(root))
    if not folders:
        raise SessionError(f"There is no session in {root}.", "Choose a session folder.")
    if target == "parquet":
        refuse_format(Path("x.parquet"))
    dataset = Dataset.at(out) if target == "motion-bids" else None
    places: list[Path] = []
    left_out: list[tuple[Path, str]] = []
    for i, folder in enumerate(folders):
        place = out if len(folders) == 1 else out / folder.relative_to(root)
        try:
            if dataset is not None:
                place, files = _of_dataset(dataset, folder, left_out)
            else:
                files = _of_folder(folder, target, place, overwrite, left_out)
        except (CannotAnswerError, SessionError) as error:
            left_out.append((folder, str(error)))
        else:
            derived.write_files(files)
            places.append(place)
        if progress is not None:
            progress(i + 1, len(folders))
    if not places:
        raise CannotAnswerError(f"Nothing could be exported. {left_out[0][0]}: {left_out[0][1]}")
    return Exported(tuple(places), tuple(left_out))


def _in_order(folders: Iterable[Path]) -> Sequence[Path]:
    """By the time at which they began, so that sessions are numbered in that order."""

    def moment(folder: Path) -> tuple[str, Path]:
        try:
            return read_info(folder).started_at, folder
        except SessionError:
            return "", folder

    return sorted(folders, key=moment)


def _of_dataset(
    dataset: Dataset, folder: Path, left_out: list[tuple[Path, str]]
) -> tuple[Path, dict[Path, bytes]]:
    recording = read_session(folder)
    if not len(recording.thigh) and not len(recording.shank):
        raise CannotAnswerError("This session holds no samples.")
    angle = _angle(recording, folder, left_out)
    subject = dataset.subject(recording.info.client)
    session = dataset.session(subject, recording.info)
    place = dataset.root / f"sub-{subject}" / f"ses-{session}"
    texts = bids.session_files(recording, angle, subject, session)
    files = {place / name: text for name, text in texts.items()} | dataset.common_files()
    return place, {path: text.encode() for path, text in files.items()}


def _angle(recording: Recording, folder: Path, left_out: list[tuple[Path, str]]) -> AngleResult | None:
    """The knee angle; where there is none, the samples are exported without it."""
    try:
        return angle_of(recording, folder=folder)
    except CannotAnswerError as error:
        left_out.append((folder, f"exported without a knee angle: {error.problem}"))
        return None


def _of_folder(
    folder: Path, target: Format, place: Path, overwrite: bool, left_out: list[tuple[Path, str]]
) -> dict[Path, bytes]:
    recording = read_session(folder)
    if target == "parquet":
        angle = _angle(recording, folder, left_out)
        contents = parquet_files(recording, None if angle is None else angle.track)
    else:
        found, side = angle_of(recording, folder=folder), recording.info.side
        relative = found.zero == "relative"
        texts = opensim_files(orientations_of(recording), found.track, side, found.rate_hz, relative)
        contents = {name: text.encode() for name, text in texts.items()}
    files = {place / name: content for name, content in contents.items()}
    there = [path for path in files if path.exists()]
    if there and not overwrite:
        raise UsageError(f"{there[0]} is there already.", "Give another --out, or --overwrite.")
    return files
