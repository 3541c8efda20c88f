"""A file and what its columns mean -> the samples of one sensor, in our units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import SessionError, UsageError
from firmware_bridge.findings import Consequence, Finding
from firmware_bridge.samples import Float, ImuSamples, Segment
from firmware_bridge.session.importers.clocks import timing
from firmware_bridge.session.importers.clocks.rates import Turned
from firmware_bridge.session.importers.files.mapping import FileMapping, Found, find
from firmware_bridge.session.importers.files.recognise import (
    Opened,
    files_of,
    kind_of,
    open_file,
    without_quantities,
)
from firmware_bridge.session.importers.files.units import GYR, unit_of
from firmware_bridge.session.importers.quantities import in_units, refuse_units
from firmware_bridge.session.importers.seam import Imported, Wanted
from firmware_bridge.session.model import SensorInfo
from firmware_bridge.timing.device_clock import DeviceClock

_WORDS = {
    Segment.THIGH: ("thigh", "femur", "upper leg", "upperleg", "upper_leg", "oberschenkel", "cuisse"),
    Segment.SHANK: ("shank", "shin", "tibia", "lower leg", "lowerleg", "lower_leg", "unterschenkel", "calf"),
}
# Beyond what any sensor on a leg measures: a damaged number, not a movement.
_LARGEST_ACC_M_S2, _LARGEST_GYR_RAD_S = 2000.0, 80.0
_FEW = 0.02  # of all rows
_SINCE_1970_S, _UNTIL_2100_S = 9e8, 4.1e9  # stamps between these are dates


@dataclass
class Notes:
    """What is found while a file is read; the findings of one sensor."""

    segment: Segment
    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: str, sentence: str, consequence: Consequence = "tell") -> None:
        """Adds one finding."""
        self.findings.append(Finding(kind, self.segment, None, sentence, consequence))


def read_sensor(wanted: Wanted, format_: str, own: FileMapping | None = None) -> Imported:
    """Reads the file, or the two files, of one sensor.

    Args:
        wanted: the file, and what is known of it.
        format_: a name of `mapping.NAMES`, or "auto".
        own: a mapping of the user's own, instead of a format.

    Raises:
        SessionError: it is no such file, or it lacks what is needed.
        UsageError: it holds several sensors, and which one is meant is not clear.
    """
    path = wanted.path
    if path.is_dir():
        path = _in_folder(path, format_, own)
    opened = open_file(path, format_, own)
    notes = Notes(wanted.segment)
    if opened.mapping.guessed:
        notes.add(
            "columns_guessed",
            f"What the columns of {path.name} mean was supposed from their names: check what each was taken "
            "for.",
        )
    if _holds_both(opened):
        stream = _stream(opened, wanted, notes, ("acc", "gyr"))
        acc, gyr, time_s = stream.vectors["acc"], stream.vectors["gyr"], stream.time.time_s
    else:
        stream, acc, gyr, time_s = _two_files(replace(wanted, path=path), opened, notes, own)
    return _imported(stream, acc, gyr, time_s, wanted, notes)


def _holds_both(opened: Opened) -> bool:
    """Whether the file holds acceleration and rate, in columns of their own."""
    places = []
    for key in ("acc", "gyr"):
        sensors = opened.vectors.get(key) or opened.vectors.get(f"{key}_increment")
        if not sensors:
            return False
        places.append({column.place for columns in sensors.values() for column in columns})
    return not places[0] & places[1]


@dataclass(frozen=True, eq=False, slots=True)
class Stream:
    """The columns of one file: whole rows in order of the file."""

    opened: Opened
    time: timing.Times
    vectors: Mapping[str, Float]
    names: Mapping[str, str]
    units: Mapping[str, str]
    extra: Mapping[str, NDArray[Any]]
    sensor: str


def _in_folder(folder: Path, format_: str, own: FileMapping | None) -> Path:
    """A file of a folder that can be read, where a folder was given."""
    problem: SessionError | None = None
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix.lower() in (".csv", ".txt", ".tsv"):
            try:
                open_file(path, format_, own)
            except SessionError as error:
                problem = problem or error
                continue
            return path
    if problem is not None:
        raise problem
    raise SessionError(f"{folder} holds no csv or txt file.", "Give the file of the sensor.")


def _two_files(
    wanted: Wanted, opened: Opened, notes: Notes, own: FileMapping | None
) -> tuple[Stream, Float, Float, Float]:
    """Acceleration, interpolated over two periods at most at the times of the rate, and the rate."""
    mapping = opened.mapping
    given = kind_of(wanted.path.name, mapping)[0]
    if given and not opened.vectors.get(given):
        raise SessionError(
            f"The name of {wanted.path} says {mapping.files[given][0].lower()}, but its columns are those of "
            f"another quantity: {', '.join(opened.table.names)[:100]}.",
            mapping.advice,
        )
    streams = {}
    for kind, path in files_of(wanted.path, mapping).items():
        other = open_file(path, mapping.name, own)
        if not other.vectors.get(kind):
            raise without_quantities(other.table, replace(mapping, about={}))
        streams[kind] = _stream(other, replace(wanted, path=path), notes, (kind,))
    acc, gyr = streams["acc"], streams["gyr"]
    # Both streams have the clock of their sensor; one shift places it on that of the phone.
    known_s = acc.time.time_s + (gyr.time.host_shift_s - acc.time.host_shift_s)
    time_s = gyr.time.time_s
    order = np.argsort(known_s, kind="stable")
    known_s, values = known_s[order], acc.vectors["acc"][order]
    first = np.diff(known_s, prepend=-np.inf) > 0
    joined = _interpolated(time_s, known_s[first], values[first])
    inside = np.isfinite(joined).all(axis=1)
    if inside.sum() < 2:
        raise SessionError(
            f"Acceleration and angular rate beside {wanted.path} were not recorded at the same time.",
            "Give two files of one recording.",
        )
    if inside.mean() < 1 - _FEW:
        notes.add(
            "streams_apart",
            f"{int((~inside).sum())} of {len(time_s)} rows of rate have no acceleration beside them: gaps.",
        )
    both = replace(
        gyr,
        names={**acc.names, **gyr.names},
        units={**acc.units, **gyr.units},
        vectors={"acc": joined[inside], "gyr": gyr.vectors["gyr"][inside]},
        time=replace(gyr.time, time_s=time_s[inside], ticks=None, sequence=None),
        extra={},
    )
    return both, joined[inside], gyr.vectors["gyr"][inside], time_s[inside]


def _stream(opened: Opened, wanted: Wanted, notes: Notes, quantities: Sequence[str]) -> Stream:
    """Reads the columns of one file and gives them units and times."""
    table, mapping = opened.table, opened.mapping
    plan = timing.plan(table, mapping)
    sensor_column = find(mapping.sensor, table.names)
    # A sensor is named either in every row or in the names of columns.
    by_name = replace(wanted, sensor="") if sensor_column else wanted
    chosen, sensor = _chosen_columns(opened, by_name, quantities)
    kept = {
        key: [column for name in names for column in find(name, table.names)]
        for key, names in mapping.kept.items()
    }
    kept = {key: columns for key, columns in kept.items() if len(columns) == len(mapping.kept[key])}
    numbers = {column.place for columns in (*chosen.values(), *kept.values()) for column in columns}
    whole = {c.place for key in ("device_ticks", "sequence") for c in kept.get(key, ())}
    texts = {*plan.texts, *(column.place for column in sensor_column[:1])}
    columns, damaged = table.columns(numbers | plan.numbers, texts=texts, integers=whole)
    count = len(next(iter(columns.values())))
    rows = np.ones(count, dtype=bool)
    if sensor_column and quantities:
        rows, sensor = _rows_of(columns[sensor_column[0].place], wanted)
    values = {key: _matrix(columns, found) for key, found in chosen.items()}
    extra = {key: _matrix(columns, found) for key, found in kept.items()}
    extra = {key: value if key == "mag_ut" else value[:, 0] for key, value in extra.items()}
    for key in ("device_ticks", "sequence"):
        if key in kept:  # exactly, not as a float
            extra[key] = columns[kept[key][0].place]
    needed = [value for key, value in values.items() if key != "orientation"]
    found_rows = np.isfinite(np.column_stack(needed)).all(axis=1) & rows
    if not found_rows.any():
        raise SessionError(f"{table.path} holds no complete sample.", "Export the recording again.")
    empty = int((rows & ~found_rows).sum())
    if damaged:
        lines = "line" if damaged == 1 else "lines"
        notes.add("damaged_rows", f"{damaged} damaged {lines} of {table.path.name} left out.")
    if empty:
        notes.add("damaged_rows", f"{empty} rows of {table.path.name} without numbers are gaps.")
    if damaged + empty > 0.5 * (count + damaged):
        raise SessionError(
            f"More than half of the rows of {table.path} are damaged.", "Export the recording again."
        )
    orientation = values.pop("orientation", None)
    times = timing.times(
        plan,
        table,
        {place: column[found_rows] for place, column in columns.items()},
        wanted,
        notes,
        Turned(
            gyr=values["gyr"][found_rows] * GYR.get(unit_of(mapping.vectors["gyr"].unit, "gyr"), np.nan)
            if "gyr" in values
            else None,
            acc=values["acc"][found_rows] if "acc" in values else None,
            orientation=None if orientation is None else orientation[found_rows],
        ),
    )
    picked = np.flatnonzero(found_rows)[times.rows]
    values = {key: value[picked] for key, value in values.items()}
    values, names, units = in_units(values, chosen, opened, times.period_s, notes)
    return Stream(
        opened,
        times,
        values,
        {**names, "time": plan.name},
        {**units, "time": times.unit},
        {key: value[picked] for key, value in extra.items()},
        sensor,
    )


def _chosen_columns(
    opened: Opened, wanted: Wanted, quantities: Sequence[str]
) -> tuple[dict[str, tuple[Found, ...]], str]:
    keys = [key if opened.vectors.get(key) else f"{key}_increment" for key in quantities]
    whole = [s for s in opened.vectors[keys[0]] if all(s in opened.vectors[key] for key in keys)]
    sensor = _which(whole, wanted)
    chosen = {key: opened.vectors[key][sensor] for key in keys}
    if "orientation" in opened.vectors and sensor in opened.vectors["orientation"] and "gyr" in chosen:
        chosen["orientation"] = opened.vectors["orientation"][sensor]
    return chosen, sensor


def _rows_of(column: NDArray[Any], wanted: Wanted) -> tuple[NDArray[np.bool_], str]:
    labels = np.array([str(text).strip() for text in column])
    named = [label for label in dict.fromkeys(labels.tolist()) if label and label != "nan"]
    if not named:
        return np.ones(len(labels), dtype=bool), ""
    sensor = _which(named, wanted)
    return labels == sensor, sensor


def _which(sensors: Sequence[str], wanted: Wanted) -> str:
    """The sensor that is meant, of those in a file."""
    if wanted.sensor:
        exact = [s for s in sensors if s.lower() == wanted.sensor.lower()]
        close = exact or [s for s in sensors if wanted.sensor.lower() in s.lower()]
        if len(close) == 1:
            return close[0]
        raise UsageError(
            f"{wanted.path.name} holds {', '.join(sensors)}; {wanted.sensor!r} is none of these sensors.",
            f"Name it with --{wanted.segment}-sensor.",
        )
    others = [word for segment, words in _WORDS.items() if segment != wanted.segment for word in words]
    if len(sensors) == 1 and not any(word in sensors[0].lower() for word in others):
        return sensors[0]
    named = [s for s in sensors if any(word in s.lower() for word in _WORDS[wanted.segment])]
    sided = [s for s in named if wanted.side.value in s.lower()] or named
    if len(sided) == 1:
        return sided[0]
    if not named and "" in sensors:  # "Linear Acceleration x" beside "Acceleration x"
        return ""
    raise UsageError(
        f"{wanted.path.name} holds the sensors {', '.join(sensors) or 'of nobody'}.",
        f"Say which one is on the {wanted.segment}: --{wanted.segment}-sensor NAME.",
    )


def _imported(
    stream: Stream, acc: Float, gyr: Float, time_s: Float, wanted: Wanted, notes: Notes
) -> Imported:
    path, mapping = stream.opened.table.path, stream.opened.mapping
    possible = (np.linalg.norm(acc, axis=1) < _LARGEST_ACC_M_S2) & (
        np.linalg.norm(gyr, axis=1) < _LARGEST_GYR_RAD_S
    )
    wild = int((~possible).sum())
    if wild > _FEW * len(possible):
        refuse_units(acc, gyr, wanted.segment)
        possible[:] = True
    elif wild:
        notes.add("damaged_rows", f"{wild} rows of {path.name} with impossible numbers are gaps.")
    extra: dict[str, Any] = {
        key: value[possible]
        for key, value in stream.extra.items()
        if np.isfinite(value).all() and (key == "mag_ut" or (np.abs(value) < 2**63).all())
    }
    for key in stream.extra:
        if key not in extra:
            notes.add("column_unused", f"The column {key} of {path.name} has holes and is not used.")
    for key, column in (("device_ticks", stream.time.ticks), ("sequence", stream.time.sequence)):
        if column is not None:
            extra[key] = column[possible]
    samples = ImuSamples(time_s[possible], acc[possible], gyr[possible], **extra)
    refuse_units(samples.acc_m_s2, samples.gyr_rad_s, wanted.segment)
    started_at = stream.time.started_at
    if started_at is None and _SINCE_1970_S < samples.time_s[0] < _UNTIL_2100_S:
        started_at = datetime.fromtimestamp(float(samples.time_s[0]), UTC)
    return Imported(
        samples=samples,
        sensor=SensorInfo(
            driver=mapping.driver,
            name=stream.opened.table.about(mapping.about.get("name")) or stream.sensor,
            firmware=stream.opened.table.about(mapping.about.get("firmware")),
            nominal_rate_hz=stream.time.nominal_rate_hz or timing.rate_in_name(path.name),
            clock=None
            if stream.time.ticks is None or stream.time.wrap is None
            else DeviceClock(stream.time.tick_s, int(stream.time.wrap)),
            sample_delay_steps=mapping.sample_delay_steps,
        ),
        clock=stream.time.clock,
        mapping=mapping,
        clock_period_s=stream.time.clock_period_s,
        clock_error_s=stream.time.clock_error_s,
        started_at=started_at,
        findings=tuple(notes.findings),
        columns=stream.names,
        units=stream.units,
        rate_source=stream.time.rate_source,
    )


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


def _matrix(columns: Mapping[int, NDArray[Any]], found: Sequence[Found]) -> Float:
    return np.column_stack([columns[column.place].astype(np.float64) for column in found])
