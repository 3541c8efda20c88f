"""The CSV of the MetaBase app (mbientlab): one file for acceleration in g, one for angular rate in deg/s.

The stamps are whole milliseconds since 1970 and jitter by 1 to 2 ms, while the sensor samples evenly at a
rate of its own, up to 1.3 % off the nominal one. So the stamps of every stretch without a gap are replaced
by the straight line through them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from firmware_bridge.constants import G_M_S2
from firmware_bridge.errors import SessionError
from firmware_bridge.samples import Float
from firmware_bridge.session.importers.seam import Imported
from firmware_bridge.session.importers.vendor_text import VendorText, matrix, samples_from, split
from firmware_bridge.session.model import SensorInfo

_EPOCH = "epoc (ms)"
_KINDS = {"accelerometer": "g", "gyroscope": "deg/s"}


def read_metabase(path: Path) -> Imported:
    """Reads the acceleration and the angular rate of one sensor, given either of its two files.

    Acceleration is interpolated at the times of the angular rate, over two periods at most.

    Raises:
        SessionError: the files are of another kind, or the second one is not found beside the first.
    """
    acc_time_s, acc_g, acc_warnings = _read(_file_of(path, "accelerometer"), "accelerometer")
    gyr_path = _file_of(path, "gyroscope")
    time_s, gyr_deg_s, gyr_warnings = _read(gyr_path, "gyroscope")
    acc_m_s2 = G_M_S2 * _interpolated(time_s, acc_time_s, acc_g)
    inside = np.isfinite(acc_m_s2).all(axis=1)
    if not inside.any():
        raise SessionError(
            f"Acceleration and angular rate beside {path} were not recorded at the same time.",
            "Give two files of one recording.",
        )
    # Only the ends and the gaps of the other file drop out here; they need no warning.
    samples, _ = samples_from(time_s[inside], acc_m_s2[inside], np.radians(gyr_deg_s[inside]), gyr_path.name)
    return Imported(
        samples=samples,
        sensor=SensorInfo(driver="metamotion", nominal_rate_hz=_nominal_rate_hz(gyr_path.name)),
        clock="shared",
        started_at=datetime.fromtimestamp(float(samples.time_s[0]), UTC),
        warnings=(*acc_warnings, *gyr_warnings),
    )


def even_out(stamps_s: Float) -> Float:
    """Replaces jittering stamps of an evenly sampling sensor by straight lines, one per gap-free stretch.

    Args:
        stamps_s: (n,) increasing, one per sample.

    Returns:
        (n,) times; the stamps themselves in stretches that no straight line fits within half a period.
    """
    steps = np.diff(stamps_s)
    period_s = float(np.median(steps)) if len(steps) else 0.0
    times_s = stamps_s.copy()
    bounds = np.concatenate([[0], np.flatnonzero(steps > 1.5 * period_s) + 1, [len(stamps_s)]])
    for start, stop in pairwise(bounds):
        if stop - start < 3:
            continue
        count = np.arange(stop - start)
        offsets_s = stamps_s[start:stop] - stamps_s[start]
        line = np.polynomial.Polynomial.fit(count, offsets_s, 1)(count)
        if np.abs(line - offsets_s).max() < 0.5 * period_s:
            times_s[start:stop] = stamps_s[start] + line
    return times_s


def _file_of(path: Path, kind: str) -> Path:
    """The file of this kind beside a file of either kind: the same name with the other word in it."""
    given = next((other for other in _KINDS if other in path.name.lower()), None)
    if given is None:
        raise SessionError(
            f"The name of {path} says neither accelerometer nor gyroscope.",
            "Keep the file names that MetaBase gives, and name either of the two files.",
        )
    if given == kind or not path.parent.is_dir():
        return path
    wanted = path.name.lower().replace(given, kind)
    # The two may differ in the rate that MetaBase appends: ..._Gyroscope_100.000Hz_1.5.0.csv
    stem = wanted[: wanted.index(kind) + len(kind)]
    beside = sorted(other for other in path.parent.iterdir() if other.name.lower().startswith(stem))
    exact = [other for other in beside if other.name.lower() == wanted]
    if not beside:
        raise SessionError(
            f"There is no {kind} file beside {path}.",
            "Put both files of a sensor in one folder, with the names that MetaBase gave them.",
        )
    return (exact or beside)[0]


def _read(path: Path, kind: str) -> tuple[Float, Float, tuple[str, ...]]:
    text = split(path, lambda line: _EPOCH in line, ",", "an export of the MetaBase app")
    names = _axes(text, kind)
    columns, damaged = text.columns((_EPOCH, *names))
    values, stamps_s = matrix(columns, names), columns[_EPOCH] / 1000
    whole = np.isfinite(stamps_s) & np.isfinite(values).all(axis=1)
    stamps_s, values = stamps_s[whole], values[whole]
    order = np.argsort(stamps_s, kind="stable")
    stamps_s, values = stamps_s[order], values[order]
    first = np.diff(stamps_s, prepend=-np.inf) > 0
    if not first.any():
        raise SessionError(f"{path} holds no complete sample.", "Export the recording again.")
    return even_out(stamps_s[first]), values[first], damaged


def _axes(text: VendorText, kind: str) -> tuple[str, ...]:
    unit = _KINDS[kind]
    names = tuple(f"{axis}-axis ({unit})" for axis in "xyz")
    if any(name not in text.names for name in names):
        raise SessionError(
            f"{text.path} does not hold the columns {', '.join(names)}.",
            f"It should be the {kind} file as MetaBase exports it, in {unit}.",
        )
    return names


def _interpolated(time_s: Float, known_s: Float, values: Float) -> Float:
    """Values at other times. In gaps and outside, the nearest value within half a period, else NaN."""
    result = np.column_stack([np.interp(time_s, known_s, column) for column in values.T])
    period_s = float(np.median(np.diff(known_s))) if len(known_s) > 1 else 0.0
    after = np.clip(np.searchsorted(known_s, time_s), 0, len(known_s) - 1)
    before = np.clip(after - 1, 0, None)
    apart = (known_s[after] - known_s[before] > 2 * period_s) | (time_s < known_s[0]) | (time_s > known_s[-1])
    nearest = np.where(time_s - known_s[before] < known_s[after] - time_s, before, after)
    result[apart] = values[nearest[apart]]
    result[apart & (np.abs(time_s - known_s[nearest]) > 0.5 * period_s)] = np.nan
    return result


def _nominal_rate_hz(name: str) -> float | None:
    found = re.search(r"_(\d+(?:\.\d+)?)Hz", name, re.IGNORECASE)
    return float(found.group(1)) if found else None
