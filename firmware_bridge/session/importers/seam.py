"""What an importer is: one file of a vendor's program -> samples in our units, on the clock of that file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from firmware_bridge.samples import ImuSamples
from firmware_bridge.session.model import SensorInfo

Clock = Literal["session", "shared", "own"]


@dataclass(frozen=True, eq=False, slots=True)
class Imported:
    """One sensor's file, read.

    Attributes:
        samples: in our units; `time_s` counts from the zero of `clock`. Gaps are kept as gaps.
        sensor: what the file tells of the sensor.
        clock: whose time that is. "session": it is the session clock already; "shared": two files of one
            recording count from the same arbitrary zero; "own": it says nothing about another sensor.
        clock_period_s: the clock starts anew after this time, or None.
        started_at: when the first sample was taken (with a time zone), where the file tells.
        warnings: plain sentences about what was left out or supposed.
    """

    samples: ImuSamples
    sensor: SensorInfo
    clock: Clock
    clock_period_s: float | None = None
    started_at: datetime | None = None
    warnings: tuple[str, ...] = ()


class Importer(Protocol):
    """Reads the file of one sensor."""

    def __call__(self, path: Path) -> Imported:
        """Reads it; raises `SessionError` for a file of another kind, or one without what is needed."""
        ...
