"""Provenance of a recording: the program versions, the start time and the id."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from random import Random, SystemRandom

from firmware_bridge.findings import Finding
from firmware_bridge.samples import Segment, Side
from firmware_bridge.session.model import SensorInfo, SessionInfo, Status


def new_session(
    client: str,
    side: Side,
    sensors: Mapping[Segment, SensorInfo],
    *,
    status: Status = "recording",
    started_at: datetime | None = None,
    notes: str = "",
    random: Random | None = None,
    findings: tuple[Finding, ...] = (),
) -> SessionInfo:
    """A session that begins now, or at `started_at` (with a time zone), under a new random id.

    Args:
        client: a code, never a name.
        side: the leg.
        sensors: what is known of the sensors so far.
        status: "recording" for a writer, "imported" for data from elsewhere.
        started_at: the moment of time 0 of the session clock.
        notes: free text.
        random: draws the id; from the operating system's source by default.
        findings: what is known to be wrong from the start.
    """
    start = (started_at or datetime.now(UTC)).astimezone(UTC)
    return SessionInfo(
        id=f"{(random or SystemRandom()).getrandbits(128):032x}",
        client=client,
        side=side,
        started_at=start.isoformat(timespec="milliseconds"),
        status=status,
        sensors=dict(sensors),
        software=dict(software_versions()),
        notes=notes,
        findings=findings,
    )


@cache
def software_versions() -> Mapping[str, str]:
    """Versions of this program and what it runs on; nothing that names the machine or its owner."""
    versions = {"python": platform.python_version(), "system": f"{platform.system()} {platform.release()}"}
    for package in ("kneeflex", "bleak"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
