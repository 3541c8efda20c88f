"""The CSV of the Movella DOT (Xsens DOT) app and data exporter.

A line "sep=,", lines "Key:,value", an empty line, then the columns of the measurement mode. Acceleration
is in m/s2, angular rate in deg/s, SampleTimeFine in microseconds of a 32-bit clock that all sensors share
once they were synchronised. The magnetic field is in arbitrary units and is not kept.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from firmware_bridge.errors import SessionError
from firmware_bridge.session.importers.seam import Imported
from firmware_bridge.session.importers.vendor_text import (
    XYZ_ACC,
    XYZ_GYR,
    VendorText,
    leading_number,
    matrix,
    samples_from,
    split,
)
from firmware_bridge.session.model import SensorInfo
from firmware_bridge.timing.counters import unwrap
from firmware_bridge.timing.device_clock import DeviceClock

_TICK_S = 1e-6
_MODULO = 2**32


def read_movella_dot(path: Path) -> Imported:
    """Reads the file of one sensor.

    Raises:
        SessionError: it is no such file, or its measurement mode keeps no raw acceleration and rate.
    """
    text = split(path, _is_header, ",", "an export of the Movella DOT app")
    _refuse_without_raw_data(text)
    columns, damaged = text.columns(("PacketCounter", "SampleTimeFine", *XYZ_ACC, *XYZ_GYR))
    stamps = columns["SampleTimeFine"]
    known = np.isfinite(stamps)
    ticks = np.where(known, stamps, 0).astype(np.int64)
    time_s = np.full(len(stamps), np.nan)
    time_s[known] = unwrap(ticks[known], _MODULO) * _TICK_S
    samples, gaps = samples_from(
        time_s, matrix(columns, XYZ_ACC), np.radians(matrix(columns, XYZ_GYR)), path.name, device_ticks=ticks
    )
    started_at, zone = _start_time(text.described(r"^StartTime:\s*[,;](.*)$"))
    synced = (text.described(r"^SyncStatus:\s*[,;](.*)$") or "").lower() == "synced"
    return Imported(
        samples=samples,
        sensor=SensorInfo(
            driver="movella-dot",
            name=text.described(r"^DeviceTag:\s*[,;](.*)$") or "",
            firmware=text.described(r"^FirmwareVersion:\s*[,;](.*)$") or "",
            nominal_rate_hz=leading_number(text.described(r"^OutputRate:\s*[,;](.*)$")),
            clock=DeviceClock(_TICK_S, _MODULO),
        ),
        clock="shared" if synced else "own",
        clock_period_s=_MODULO * _TICK_S,
        started_at=started_at,
        warnings=(*damaged, *gaps, *zone),
    )


def _is_header(line: str) -> bool:
    return "SampleTimeFine" in line


def _refuse_without_raw_data(text: VendorText) -> None:
    missing = {
        "acceleration": set(XYZ_ACC) - set(text.names),
        "angular rate": set(XYZ_GYR) - set(text.names),
    }
    absent = " and no raw ".join(quantity for quantity, columns in missing.items() if columns)
    if absent:
        mode = text.described(r"^Measurement Mode:\s*[,;](.*)$") or "unknown"
        raise SessionError(
            f"{text.path} holds no raw {absent}: it was recorded in the mode {mode!r}.",
            "Record in a mode with acceleration and angular velocity, such as Rate Quantities.",
        )


def _start_time(stamp: str | None) -> tuple[datetime | None, tuple[str, ...]]:
    """2024-12-09_17:31:07_886 CET, or with GMT+8, as a moment."""
    found = re.match(r"(\d+-\d+-\d+_\d+:\d+:\d+)_(\d{3})\s*(.*)", stamp or "")
    if not found:
        return None, ()
    local = datetime.strptime(found.group(1), "%Y-%m-%d_%H:%M:%S").replace(
        microsecond=1000 * int(found.group(2))
    )
    zone = found.group(3).strip()
    offset = re.fullmatch(r"(?:GMT|UTC)\s*([+-]\d{1,2})?(?::?(\d{2}))?", zone)
    if offset:
        hours, minutes = int(offset.group(1) or 0), int(offset.group(2) or 0)
        shift = timedelta(hours=hours, minutes=-minutes if hours < 0 else minutes)
        return local.replace(tzinfo=timezone(shift)), ()
    remark = f"The start time is kept as if its time zone {zone!r} were UTC."
    return local.replace(tzinfo=UTC), (remark,)
