"""The start of a recording as programs write it: 2024-12-09_17:31:07_886 CET, ... GMT+8, ... +0100."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_MOMENT = re.compile(r"(\d{4})-(\d+)-(\d+)[_ T]+(\d+):(\d+):(\d+)[_.,](\d{1,3})\s*(.*)")
_OFFSET = re.compile(r"(?:GMT|UTC)?\s*([+-])(\d{1,2}):?(\d{2})?")


def moment_of(text: str) -> tuple[datetime | None, str]:
    """A moment with a time zone, and a sentence where the zone had to be supposed."""
    found = _MOMENT.match(text)
    if not found:
        return None, ""
    *parts, milliseconds, zone = found.groups()
    year, month, day, hour, minute, second = map(int, parts)
    try:
        local = datetime(year, month, day, hour, minute, second, 1000 * int(milliseconds.ljust(3, "0")))
    except ValueError:
        return None, ""
    zone = zone.strip()
    if zone in ("GMT", "UTC", "Z"):
        return local.replace(tzinfo=UTC), ""
    offset = _OFFSET.fullmatch(zone)
    if offset:
        shift = timedelta(hours=int(offset.group(2)), minutes=int(offset.group(3) or 0))
        if shift < timedelta(hours=24):
            return local.replace(tzinfo=timezone(-shift if offset.group(1) == "-" else shift)), ""
    return local.replace(tzinfo=UTC), f"The start time is kept as if its time zone {zone!r} were UTC."
