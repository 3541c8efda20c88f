"""The text export of Xsens MT Manager (MTw, MTi).

Lines "// Key: value", then tab-separated columns: acceleration in m/s2, angular rate in rad/s. Time is the
packet counter, 16 bits wide, over the update rate of the header; sensors of one Awinda station count in
step. Packets that never arrived are empty or missing rows. The magnetic field is in arbitrary units and
is not kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from firmware_bridge.errors import SessionError
from firmware_bridge.session.importers.seam import Imported
from firmware_bridge.session.importers.vendor_text import (
    XYZ_ACC,
    XYZ_GYR,
    leading_number,
    matrix,
    samples_from,
    split,
)
from firmware_bridge.session.model import SensorInfo
from firmware_bridge.timing.counters import unwrap

_MODULO = 2**16


def read_xsens_mt(path: Path) -> Imported:
    """Reads the file of one sensor.

    Raises:
        SessionError: it is no such file, or it lacks the rate, acceleration or angular rate.
    """
    text = split(path, lambda line: "PacketCounter" in line, "\t", "a text export of Xsens MT Manager")
    missing = [name for name in (*XYZ_ACC, *XYZ_GYR) if name not in text.names]
    if missing:
        raise SessionError(
            f"{path} has no column {missing[0]}.",
            "Export again with calibrated acceleration and rate of turn (inertial data).",
        )
    rate_hz = leading_number(text.described(r"^//\s*(?:Update|Output|Sample) Rate:(.*)$"))
    if not rate_hz:
        raise SessionError(
            f"{path} does not tell its update rate in the lines that begin with //.",
            "Export again with the header, or add the line: // Update Rate: 100.0Hz",
        )
    columns, damaged = text.columns(("PacketCounter", *XYZ_ACC, *XYZ_GYR))
    counter = columns["PacketCounter"]
    known = np.isfinite(counter)
    sequence = np.where(known, counter, 0).astype(np.int64)
    time_s = np.full(len(counter), np.nan)
    time_s[known] = unwrap(sequence[known], _MODULO) / rate_hz
    samples, gaps = samples_from(
        time_s, matrix(columns, XYZ_ACC), matrix(columns, XYZ_GYR), path.name, sequence=sequence
    )
    return Imported(
        samples=samples,
        sensor=SensorInfo(
            driver="xsens-mt",
            firmware=text.described(r"^//\s*Firmware Version:(.*)$") or "",
            nominal_rate_hz=rate_hz,
        ),
        clock="shared",
        clock_period_s=_MODULO / rate_hz,
        warnings=(*damaged, *gaps),
    )
