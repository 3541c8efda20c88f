"""A CSV with the columns of a session, time_s to gyr_z_rad_s: the bridge for every other sensor."""

from __future__ import annotations

from pathlib import Path

from firmware_bridge.errors import SessionError
from firmware_bridge.session import table
from firmware_bridge.session.importers.seam import Imported
from firmware_bridge.session.importers.vendor_text import read_file
from firmware_bridge.session.model import SensorInfo


def read_csv(path: Path) -> Imported:
    """Reads the file of one sensor; its `time_s` is the session clock, the same for both sensors.

    Raises:
        SessionError: a column is missing or named in another unit, or there is no row.
    """
    samples, warnings = table.parse(read_file(path), path.name)
    if not len(samples):
        raise SessionError(f"{path} holds no complete sample.", "Export the recording again.")
    return Imported(samples, SensorInfo(driver="csv"), clock="session", warnings=warnings)
