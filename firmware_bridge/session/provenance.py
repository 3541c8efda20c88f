"""Where a recording comes from: which program made it, when, under which id."""

from __future__ import annotations

import platform
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

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
        findings: what is known to be wrong from the start.
    """
    start = (started_at or datetime.now(UTC)).astimezone(UTC)
    return SessionInfo(
        id=uuid.uuid4().hex,
        client=client,
        side=side,
        started_at=start.isoformat(timespec="milliseconds"),
        status=status,
        sensors=dict(sensors),
        software=software_versions(),
        notes=notes,
        findings=findings,
    )


def software_versions() -> dict[str, str]:
    """Versions of this program and what it runs on; nothing that names the machine or its owner."""
    versions = {"python": platform.python_version(), "system": f"{platform.system()} {platform.release()}"}
    for package in ("kneeflex", "bleak"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
