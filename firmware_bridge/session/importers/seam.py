"""What an import makes of one sensor's file, before both are placed on one clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from firmware_bridge.findings import Finding
from firmware_bridge.samples import ImuSamples, Segment, Side
from firmware_bridge.session.importers.files.mapping import Clock, FileMapping
from firmware_bridge.session.model import SensorInfo


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks of a file.

    Attributes:
        path: the file; of formats with several files a sensor, any one of them or their folder.
        segment: whose sensor it is.
        side: the leg.
        sensor: which of several sensors in the file, or "".
        rate_hz: given by hand, or None.
    """

    path: Path
    segment: Segment
    side: Side = Side.RIGHT
    sensor: str = ""
    rate_hz: float | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Imported:
    """One sensor's file, read.

    Attributes:
        samples: in our units; `time_s` counts from the zero of `clock`. Gaps are kept as gaps.
        sensor: what the file states about the sensor.
        clock: whose time that is. "session": it is the session clock already; "shared": two files of one
            recording count from the same arbitrary zero; "own": it says nothing about another sensor;
            "overlap": shared if the spans of both files overlap.
        clock_period_s: the clock starts anew after this time, or None.
        clock_error_s: by which the relation to another file's times may be wrong.
        started_at: when the first sample was taken (with a time zone), where the file states it.
        findings: what was left out, supposed or doubted.
        mapping: what the columns were taken to mean.
        columns: the names of the columns of time, acc and gyr.
        units: of the same, with how they are known.
        rate_source: how the rate is known.
    """

    samples: ImuSamples
    sensor: SensorInfo
    clock: Clock
    mapping: FileMapping
    clock_period_s: float | None = None
    clock_error_s: float = 0.0
    started_at: datetime | None = None
    findings: tuple[Finding, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    rate_source: str = "from the stamps"
