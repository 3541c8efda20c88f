"""Recordings of other programs -> session folders. What each kind of file means is data, in mappings/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from firmware_bridge.errors import MissingPathError, SessionError, UsageError
from firmware_bridge.findings import Finding, sentences, unique
from firmware_bridge.samples import Segment, Side
from firmware_bridge.session.codec import events_from_jsonl
from firmware_bridge.session.importers.align import on_session_clock
from firmware_bridge.session.importers.engine import read_sensor
from firmware_bridge.session.importers.files.mapping import NAMES, FileMapping, from_line, from_toml
from firmware_bridge.session.importers.files.text import read_file
from firmware_bridge.session.importers.seam import Imported, Wanted
from firmware_bridge.session.importers.understood import (
    SensorUnderstood,
    Understood,
    doubts_of,
    refuse_other_unit,
    understand,
)
from firmware_bridge.session.model import Event, Recording
from firmware_bridge.session.outside import events_outside
from firmware_bridge.session.provenance import new_session
from firmware_bridge.session.writer import write_session

__all__ = ["FORMATS", "Import", "Imported", "Understood", "import_session", "read_import", "read_recording"]

FORMATS: Sequence[str] = ("auto", *(name for name in NAMES if name != "plain"))


@dataclass(frozen=True, eq=False, slots=True)
class Import:
    """Two files, read: the recording, and what was understood of them."""

    recording: Recording
    understood: Understood


def import_session(
    format_: str,
    thigh_path: Path | str,
    shank_path: Path | str,
    out: Path | str,
    *,
    events: Path | str | None = None,
    side: Side | str = Side.RIGHT,
    client: str = "",
    columns: str = "",
    rate_hz: float | None = None,
    sensors: tuple[str, str] = ("", ""),
) -> Import:
    """Makes a session folder out of two files of another program.

    Args:
        format_: one of `FORMATS`.
        thigh_path: the thigh sensor's file; of formats with several files per sensor, any one of them, or
            their folder.
        shank_path: the shank sensor's file; the same one where it holds several sensors.
        out: the session folder to make.
        events: a file of events, one JSON object a line, on the clock of the session: 0 is the first
            sample of the sensor that began first, except for csv, where `time_s` is kept.
        side: the leg.
        client: a code, never a name.
        columns: what the columns mean, as `mapping.from_line` or a TOML file; it is kept in the session.
        rate_hz: samples a second, of files without a rate.
        sensors: the thigh's and the shank's, by the names that a file with several sensors gives them.

    Returns:
        What was written, and what was understood.

    Raises:
        UsageError: the format is unknown, or a file is not there.
        SessionError: a file cannot be read as such a format, or the folder holds a session already.
    """
    found = read_import(
        format_,
        thigh_path,
        shank_path,
        events=events,
        side=side,
        client=client,
        columns=columns,
        rate_hz=rate_hz,
        sensors=sensors,
    )
    write_session(out, found.recording)
    return found


def read_recording(format_: str, thigh_path: Path | str, shank_path: Path | str) -> Recording:
    """The recording of `read_import`."""
    return read_import(format_, thigh_path, shank_path).recording


def read_import(
    format_: str,
    thigh_path: Path | str,
    shank_path: Path | str,
    *,
    events: Path | str | None = None,
    side: Side | str = Side.RIGHT,
    client: str = "",
    columns: str = "",
    rate_hz: float | None = None,
    sensors: tuple[str, str] = ("", ""),
) -> Import:
    """As `import_session`, without writing anything."""
    if format_ not in FORMATS:
        raise UsageError(f"The format {format_!r} is not known.", f"Choose one of {', '.join(FORMATS)}.")
    own = _own_mapping(columns)
    thigh_path, shank_path = Path(thigh_path), Path(shank_path)
    for path in (thigh_path, shank_path):
        if not path.exists():
            raise MissingPathError(f"There is no file {path}.", "Check the path.")
    wanted = {
        segment: Wanted(path, segment, Side(side), sensor, rate_hz)
        for segment, path, sensor in zip(Segment, (thigh_path, shank_path), sensors, strict=True)
    }
    thigh, shank = (read_sensor(wanted[segment], format_, own) for segment in Segment)
    _refuse_the_same(thigh_path, shank_path, thigh, shank)
    _refuse_equal(thigh, shank)
    aligned = on_session_clock(thigh, shank)
    pairs = ((Segment.THIGH, thigh, aligned.thigh), (Segment.SHANK, shank, aligned.shank))
    understood = [understand(*pair) for pair in pairs]
    findings = [*thigh.findings, *shank.findings, *aligned.findings]
    for one, (_, _, samples) in zip(understood, pairs, strict=True):
        refuse_other_unit(one)
        findings += doubts_of(one, samples)
    noted = _read_events(Path(events), aligned.shift_s) if events is not None else ()
    started_at = _started_at(thigh, shank, aligned.thigh.time_s[0], aligned.shank.time_s[0])
    if started_at is None:
        started_at = datetime.fromtimestamp(thigh_path.stat().st_mtime, UTC)
        text = "The files do not tell when they were recorded; the date of the thigh file is taken."
        findings.append(Finding("date_unknown", None, None, text))
    found = unique(findings)
    info = new_session(
        client,
        Side(side),
        {Segment.THIGH: thigh.sensor, Segment.SHANK: shank.sensor},
        status="imported",
        started_at=started_at,
        notes=_notes(thigh, aligned.clock, understood, own),
        findings=found,
    )
    recording = Recording(info, aligned.thigh, aligned.shank, noted)
    recording = replace(recording, findings=(*found, *events_outside(recording)))
    return Import(recording, Understood(tuple(understood), aligned.clock, sentences(recording.findings)))


def _own_mapping(columns: str) -> FileMapping | None:
    if not columns:
        return None
    if columns.lower().endswith(".toml"):
        path = Path(columns)
        return from_toml(read_file(path).decode("utf-8", "replace"), path.stem)
    return from_line(columns)


def _refuse_the_same(thigh_path: Path, shank_path: Path, thigh: Imported, shank: Imported) -> None:
    same = thigh_path.absolute() == shank_path.absolute()
    if same and thigh.sensor.name == shank.sensor.name:
        raise UsageError(
            "The same file is given for thigh and shank.",
            "Give one file per sensor. If it holds several, use --thigh-sensor and --shank-sensor.",
        )


def _refuse_equal(thigh: Imported, shank: Imported) -> None:
    one, other = thigh.samples, shank.samples
    told = np.ptp(one.acc_m_s2, axis=0).any()  # what never changes is no fingerprint
    if told and len(one) == len(other) and np.array_equal(one.acc_m_s2, other.acc_m_s2):
        raise UsageError(
            "Both files hold the same numbers: one is a copy of the other.", "Give one file per sensor."
        )


def _notes(
    thigh: Imported, clock: str, understood: Sequence[SensorUnderstood], own: FileMapping | None
) -> str:
    lines = [f"Imported from {thigh.mapping.name}.", f"Clocks: {clock}."]
    for one in understood:
        lines += one.sentences()
    if own is not None:
        lines += ["The columns were named by hand:", own.text.strip()]
    return "\n".join(lines)


def _started_at(
    thigh: Imported, shank: Imported, thigh_first_s: float, shank_first_s: float
) -> datetime | None:
    """The moment of session time 0, from whichever file states it."""
    for imported, first_s in ((thigh, thigh_first_s), (shank, shank_first_s)):
        if imported.started_at is not None:
            return imported.started_at - timedelta(seconds=first_s)
    return None


def _read_events(path: Path, shift_s: float) -> tuple[Event, ...]:
    events, left_out = events_from_jsonl(read_file(path).decode("utf-8", "replace"), str(path))
    if left_out:
        raise SessionError(left_out[0], "Correct it.")
    return tuple(replace(event, time_s=event.time_s - shift_s) for event in events)
