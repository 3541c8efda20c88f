"""Reads a session folder, also one that a crash has left behind. Never changes a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from firmware_bridge.errors import MissingPathError, SessionError
from firmware_bridge.findings import Finding
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session import table
from firmware_bridge.session.codec import events_from_jsonl, info_from_json
from firmware_bridge.session.delays import recorded_delay
from firmware_bridge.session.model import Event, Recording, SessionInfo
from firmware_bridge.session.outside import events_outside
from firmware_bridge.session.repair import in_order
from firmware_bridge.session.writer import EVENTS_FILE, INFO_FILE, SAMPLE_FILES
from firmware_bridge.timing.delay import Delay
from firmware_bridge.timing.shared_clock import session_times


def read_session(folder: Path | str) -> Recording:
    """Reads a session; repairs are listed in `Recording.findings`.

    A session that was never closed gets the status "recovered" in memory; on disk all stays as it is, so
    that a program that is still recording is not disturbed and the raw files remain the truth.

    Raises:
        MissingPathError: there is no such folder.
        SessionError: this is no session folder, or neither sensor has a sample.
    """
    folder = Path(folder)
    info = read_info(folder)
    findings: list[Finding] = list(info.findings)
    if info.status == "recording":
        text = "This session was not closed: the recording was interrupted, or is still running."
        findings.append(Finding("not_closed", None, None, text))
        info = replace(info, status="recovered")
    events = _read_events(folder, findings)
    samples = {segment: _read_samples(folder, segment, findings) for segment in Segment}
    if not any(len(s) for s in samples.values()):
        raise SessionError(
            f"The session {folder} holds no samples of either sensor.",
            "Nothing was received during this recording; check the sensors with `kneeflex scan`.",
        )
    timed = _timed(samples, info, events, findings)
    recording = Recording(info, timed[Segment.THIGH], timed[Segment.SHANK], events)
    return replace(recording, findings=(*findings, *events_outside(recording)))


def read_info(folder: Path | str) -> SessionInfo:
    """Reads session.json alone, with the status that it states.

    Raises:
        MissingPathError: there is no such folder.
        SessionError: this is no session folder, or session.json makes no sense.
    """
    folder = Path(folder)
    if not folder.exists():
        raise _no_folder(folder)
    if not folder.is_dir():
        raise MissingPathError(
            f"{folder} is a file, not a session folder.",
            "Choose the folder that holds session.json, or bring the file in with `kneeflex import`.",
        )
    path = folder / INFO_FILE
    if not path.is_file():
        raise _no_session(folder)
    try:
        return info_from_json(_read(path).decode())
    except UnicodeDecodeError as error:
        raise SessionError(f"{path} is not a text file.", "Restore it from a backup.") from error
    except SessionError as error:
        raise SessionError(f"{folder}: {error.problem}", error.advice) from error


def delay_of(
    segment: Segment, samples: ImuSamples, info: SessionInfo, events: tuple[Event, ...]
) -> Delay | None:
    """The delay that `read_session` subtracts from the times of a sensor, or None where none is known."""
    fitted = info.status != "imported" and samples.arrival_s is not None
    return recorded_delay(events, segment, fitted=fitted)


def find_sessions(root: Path | str) -> tuple[Path, ...]:
    """All session folders at or below `root`, also damaged ones, sorted by path.

    A folder counts that holds session.json, or the file of a sensor and the events.

    Raises:
        MissingPathError: there is no folder `root`.
    """
    if not Path(root).is_dir():
        raise _no_folder(Path(root))
    found: list[Path] = []
    for place, names in _folders(Path(root), set()):
        if INFO_FILE in names or (EVENTS_FILE in names and any(n in names for n in SAMPLE_FILES.values())):
            found.append(place)
    return tuple(sorted(found))


def _folders(folder: Path, seen: set[str]) -> Iterator[tuple[Path, set[str]]]:
    """The folder and all below it, also those that are links, each once, with the names in them."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        children = sorted(folder.iterdir(), key=lambda child: (child.is_symlink(), child))
    except OSError:  # one folder that may not be opened must not cost the others
        return
    yield folder, {child.name for child in children}
    for child in children:
        if child.name != "derived" and not child.name.startswith(".") and child.is_dir():
            yield from _folders(child, seen)


def _read_samples(folder: Path, segment: Segment, findings: list[Finding]) -> ImuSamples:
    name = SAMPLE_FILES[segment]
    path = folder / name
    content = _read(path) if path.is_file() else b""
    samples, left_out = table.parse(content, name)
    findings += [Finding("damaged_file", segment, None, text) for text in left_out]
    if not len(samples):
        text = f"There is not one sample of the {segment} sensor."
        findings.append(Finding("no_samples", segment, None, text))
    return samples


def _timed(
    samples: Mapping[Segment, ImuSamples],
    info: SessionInfo,
    events: tuple[Event, ...],
    findings: list[Finding],
) -> dict[Segment, ImuSamples]:
    """Places the samples on the session clock, in order.

    The clock fit made while recording was causal; this one uses the whole recording.
    """
    timed: dict[Segment, ImuSamples] = {}
    times = {segment: s.time_s for segment, s in samples.items()}
    if info.status != "imported":
        clocks = {segment: sensor.clock for segment, sensor in info.sensors.items()}
        times, doubts = session_times(samples, clocks)
        findings += [Finding("clock_not_shared", None, None, text) for text in doubts]
    for segment, s in samples.items():
        delay = delay_of(segment, s, info, events)
        time_s = times[segment] if delay is None else times[segment] - delay.delay_s
        timed[segment], sorted_out = in_order(replace(s, time_s=time_s), SAMPLE_FILES[segment])
        findings += [Finding("rows_out_of_order", segment, None, text) for text in sorted_out]
    return timed


def _read_events(folder: Path, findings: list[Finding]) -> tuple[Event, ...]:
    path = folder / EVENTS_FILE
    if not path.is_file():
        text = "There is no events.jsonl: the phases of this session are not known."
        findings.append(Finding("no_events", None, None, text))
        return ()
    events, left_out = events_from_jsonl(_read(path).decode("utf-8", "replace"))
    findings += [Finding("damaged_events", None, None, text) for text in left_out]
    return events


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SessionError(
            f"{path} cannot be read: {error.strerror or error}.",
            "Check that the disk is connected and that you may open the file.",
        ) from error


def _no_folder(folder: Path) -> MissingPathError:
    return MissingPathError(f"There is no folder {folder}.", "Check the spelling of the path.")


def _no_session(folder: Path) -> SessionError:
    if any((folder / name).exists() for name in SAMPLE_FILES.values()):
        return SessionError(
            f"{folder} holds samples but no session.json.",
            f"Bring them in as a new session: kneeflex import csv --thigh {folder / 'thigh.csv'} "
            f"--shank {folder / 'shank.csv'} --out NEW_FOLDER",
        )
    inner = next((child for child in sorted(folder.glob("*")) if (child / INFO_FILE).is_file()), None)
    advice = f"Did you mean {inner}?" if inner else "Choose the folder that holds session.json."
    return SessionError(f"{folder} is not a session folder: it holds no session.json.", advice)
