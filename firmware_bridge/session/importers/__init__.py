"""Recordings of other programs -> session folders. One file per format; a dict is the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from firmware_bridge.errors import SessionError, UsageError
from firmware_bridge.findings import Finding, sentences
from firmware_bridge.samples import Segment, Side
from firmware_bridge.session.codec import events_from_jsonl
from firmware_bridge.session.importers.align import on_session_clock
from firmware_bridge.session.importers.metabase import read_metabase
from firmware_bridge.session.importers.movella_dot import read_movella_dot
from firmware_bridge.session.importers.own_csv import read_csv
from firmware_bridge.session.importers.plausible import refuse_other_units
from firmware_bridge.session.importers.seam import Imported, Importer
from firmware_bridge.session.importers.vendor_text import read_file
from firmware_bridge.session.importers.xsens_mt import read_xsens_mt
from firmware_bridge.session.model import Event, Recording
from firmware_bridge.session.outside import events_outside
from firmware_bridge.session.provenance import new_session
from firmware_bridge.session.writer import write_session

__all__ = ["IMPORTERS", "Imported", "Importer", "import_session", "read_recording"]

IMPORTERS: Mapping[str, Importer] = {
    "csv": read_csv,
    "movella-dot": read_movella_dot,
    "xsens-mt": read_xsens_mt,
    "metabase": read_metabase,
}


def import_session(
    format_: str,
    thigh_path: Path | str,
    shank_path: Path | str,
    out: Path | str,
    *,
    events: Path | str | None = None,
    side: Side | str = Side.RIGHT,
    client: str = "",
) -> Recording:
    """Makes a session folder out of two files of another program.

    Args:
        format_: a key of `IMPORTERS`.
        thigh_path: the thigh sensor's file; of formats with several files per sensor, any one of them.
        shank_path: the shank sensor's file.
        out: the session folder to make.
        events: a file of events, one JSON object a line, on the clock of the session: 0 is the first
            sample of the sensor that began first, except for csv, where `time_s` is kept.
        side: the leg.
        client: a code, never a name.

    Returns:
        What was written, with warnings about what had to be supposed.

    Raises:
        UsageError: the format is unknown, or a file is not there.
        SessionError: a file cannot be read as such a format, or the folder holds a session already.
    """
    recording = read_recording(format_, thigh_path, shank_path, events=events, side=side, client=client)
    write_session(out, recording)
    return recording


def read_recording(
    format_: str,
    thigh_path: Path | str,
    shank_path: Path | str,
    *,
    events: Path | str | None = None,
    side: Side | str = Side.RIGHT,
    client: str = "",
) -> Recording:
    """As `import_session`, without writing anything."""
    if format_ not in IMPORTERS:
        raise UsageError(f"The format {format_!r} is not known.", f"Choose one of {', '.join(IMPORTERS)}.")
    importer = IMPORTERS[format_]
    thigh_path, shank_path = Path(thigh_path), Path(shank_path)
    if thigh_path.absolute() == shank_path.absolute():
        raise UsageError("The same file is given for thigh and shank.", "Give one file per sensor.")
    thigh, shank = importer(thigh_path), importer(shank_path)
    aligned = on_session_clock(thigh, shank)
    for segment, samples in ((Segment.THIGH, aligned.thigh), (Segment.SHANK, aligned.shank)):
        refuse_other_units(samples, segment)
    noted = _read_events(Path(events), aligned.shift_s) if events is not None else ()
    findings = [
        *(Finding("import", Segment.THIGH, None, text) for text in thigh.warnings),
        *(Finding("import", Segment.SHANK, None, text) for text in shank.warnings),
        *aligned.findings,
    ]
    started_at = _started_at(thigh, shank, aligned.thigh.time_s[0], aligned.shank.time_s[0])
    if started_at is None:
        started_at = datetime.fromtimestamp(thigh_path.stat().st_mtime, UTC)
        text = "The files do not tell when they were recorded; the date of the thigh file is taken."
        findings.append(Finding("date_unknown", None, None, text))
    info = new_session(
        client,
        Side(side),
        {Segment.THIGH: thigh.sensor, Segment.SHANK: shank.sensor},
        status="imported",
        started_at=started_at,
        notes="\n".join([f"Imported from {format_}.", *sentences(findings)]),
        findings=tuple(findings),
    )
    recording = Recording(info, aligned.thigh, aligned.shank, noted)
    return replace(recording, findings=(*findings, *events_outside(recording)))


def _started_at(
    thigh: Imported, shank: Imported, thigh_first_s: float, shank_first_s: float
) -> datetime | None:
    """The moment of session time 0, from whichever file tells."""
    for imported, first_s in ((thigh, thigh_first_s), (shank, shank_first_s)):
        if imported.started_at is not None:
            return imported.started_at - timedelta(seconds=first_s)
    return None


def _read_events(path: Path, shift_s: float) -> tuple[Event, ...]:
    events, left_out = events_from_jsonl(read_file(path).decode("utf-8", "replace"), str(path))
    if left_out:
        raise SessionError(left_out[0], "Correct it.")
    return tuple(replace(event, time_s=event.time_s - shift_s) for event in events)
