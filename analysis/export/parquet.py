"""A session as Parquet: samples of both sensors, angle and events, with units in the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.angle.result import FlexionTrack
from analysis.tablefile import parquet_bytes
from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.model import Event, LinkEvent, Marker, Recording

_AXES = "xyz"


def parquet_files(recording: Recording, track: FlexionTrack | None) -> dict[str, bytes]:
    """The files of a session: thigh, shank, events, and angle where there is one.

    Raises:
        UsageError: pyarrow is not installed.
    """
    about = {"kneeflex_session": recording.info.id, "side": recording.info.side.value}
    files = {
        "thigh.parquet": parquet_bytes(samples_table(recording.thigh), about),
        "shank.parquet": parquet_bytes(samples_table(recording.shank), about),
        "events.parquet": parquet_bytes(events_table(recording.events), about),
    }
    if track is not None:
        columns = {
            name: getattr(track, name) for name in ("time_s", "flexion_deg", "flexion_sd_deg", "valid")
        }
        files["angle.parquet"] = parquet_bytes(pd.DataFrame(columns), about)
    return files


def samples_table(samples: ImuSamples) -> pd.DataFrame:
    """The samples of one sensor, a row a sample, columns as in the session folder."""
    columns: dict[str, Any] = {"time_s": samples.time_s}
    for name, unit, values in (
        ("acc", "m_s2", samples.acc_m_s2),
        ("gyr", "rad_s", samples.gyr_rad_s),
        ("mag", "ut", samples.mag_ut),
    ):
        if values is not None:
            columns |= {f"{name}_{axis}_{unit}": values[:, i] for i, axis in enumerate(_AXES)}
    for name in ("arrival_s", "device_ticks", "sequence"):
        if getattr(samples, name) is not None:
            columns[name] = getattr(samples, name)
    return pd.DataFrame(columns)


def events_table(events: tuple[Event, ...]) -> pd.DataFrame:
    """The events of a session without free text: time, kind, and what has a number or a name."""
    rows = [event_row(event) for event in sorted(events, key=lambda e: e.time_s)]
    columns = ("time_s", "duration_s", "kind", "test", "value", "sd")
    numbers = dict.fromkeys(("time_s", "duration_s", "value", "sd"), "float64")
    return pd.DataFrame(rows, columns=list(columns)).astype(numbers)


def event_row(event: Event) -> Mapping[str, Any]:
    """Its kind, and a number where it has one. The text of a marker may name somebody, so it is left out."""
    if isinstance(event, LinkEvent):
        return {"time_s": event.time_s, "kind": f"{event.segment.value}_{event.state}"}
    if isinstance(event, Marker):
        return {"time_s": event.time_s, "kind": "marker"}
    return {
        "time_s": event.time_s,
        "kind": getattr(event, "name", None)
        or ("reference_pose" if hasattr(event, "flexion_deg") else "pain"),
        "duration_s": getattr(event, "duration_s", None),
        "test": getattr(event, "test", None),
        "value": getattr(event, "flexion_deg", getattr(event, "score", None)),
        "sd": getattr(event, "sd_deg", None),
    }
