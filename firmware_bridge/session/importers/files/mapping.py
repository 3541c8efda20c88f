"""What the columns of a file mean, as data: read from TOML, or from one line that a person types.

A pattern is the name of a column, in any case and with any blanks; between slashes it is a regular
expression of the whole name. Its group `unit` is the unit, its groups `sensor` and `where` tell several
sensors of one file apart. `{acc_unit}`, `{gyr_unit}` and `{time_unit}` stand for all spellings that `units`
knows.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

from firmware_bridge.errors import UsageError
from firmware_bridge.session.importers.files.units import spellings

Clock = Literal["session", "shared", "own", "overlap"]
Quantity = Literal["acc", "gyr"]

# In the order in which a file of unknown format is tried: the particular before the general.
NAMES = (
    "movella-dot",
    "xsens-mt",
    "metabase",
    "x-imu3",
    "blue-trident",
    "witmotion",
    "polar-sensor-logger",
    "sensor-logger",
    "phyphox",
    "apdm",
    "csv",
    "plain",
)
EXAMPLE = "time=t:ms; acc=ax,ay,az:g; gyr=gx,gy,gz:deg/s"


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """Where the time of a row stands.

    Attributes:
        column: pattern of the column of stamps; "" where there is only a counter.
        unit: of the stamps; "" where the name states it, or it has to be found from the stamps.
        clock: whose time that is (`seam.Clock`); "overlap": shared if both files overlap in it.
        wrap: the stamps start anew after so many units, or None.
        even: "as_written", or "line": the sensor samples evenly and the stamps jitter.
        counter: pattern of a column that counts samples, or "".
        counter_wrap: the counter starts anew after so many, or None.
        host: pattern of a second column of stamps, made by the computer that both sensors sent to.
    """

    column: str = ""
    unit: str = ""
    clock: Clock = "own"
    wrap: float | None = None
    even: str = "as_written"
    counter: str = ""
    counter_wrap: float | None = None
    host: str = ""


@dataclass(frozen=True, slots=True)
class Vector:
    """Three (or four) columns and their unit: "" where it follows from the names or from gravity."""

    columns: tuple[str, ...]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class FileMapping:
    """What the columns of one kind of file mean.

    Attributes:
        name: by which a person chooses it.
        title: of the kind of file, for messages: "an export of ...".
        driver: what `SensorInfo` shall say.
        signature: regular expression of a line before the names that no other kind has, or "".
        about: regular expressions of lines before the names: name, firmware, rate_hz, started_at, synced,
            mode.
        time: in order of preference.
        vectors: acc and gyr; or orientation (w, x, y, z), acc_increment and gyr_increment (w, x, y, z).
        files: words in the names of files, where acceleration and rate are in two.
        sensor: pattern of a column that names the sensor of a row, or "".
        kept: further columns of `ImuSamples`, and their names.
        required: further columns that a file of this kind has.
        advice: what to do where the file does not hold acceleration and rate.
        guessed: the meaning was supposed from names that many programs use.
        text: the TOML it was read from.
    """

    name: str
    title: str
    driver: str
    time: tuple[TimeColumn, ...]
    vectors: Mapping[str, Vector]
    signature: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sensor: str = ""
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    advice: str = ""
    guessed: bool = False
    text: str = ""


@cache
def mappings() -> Mapping[str, FileMapping]:
    """The ready-made ones, in the order in which they are tried."""
    folder = files("firmware_bridge.session.importers") / "mappings"
    return {name: from_toml((folder / f"{name}.toml").read_text(encoding="utf-8"), name) for name in NAMES}


def from_toml(text: str, name: str) -> FileMapping:
    """Reads a mapping.

    Raises:
        UsageError: it is no TOML, or a key is unknown or has the wrong kind of value.
    """
    try:
        content = tomllib.loads(text)
        time = tuple(TimeColumn(**column) for column in content["time"])
        vectors: dict[str, Vector] = {
            str(key): Vector(tuple(content[key]["columns"]), content[key].get("unit", ""))
            for key in ("acc", "gyr", "orientation", "acc_increment", "gyr_increment")
            if key in content
        }
        mapping = FileMapping(
            name=name,
            title=content.get("title", f"a file of {name}"),
            driver=content.get("driver", name),
            time=time,
            vectors=vectors,
            signature=content.get("signature", ""),
            about=dict(content.get("about", {})),
            files={kind: tuple(words) for kind, words in content.get("files", {}).items()},
            sensor=content.get("sensor", ""),
            kept={key: tuple(names) for key, names in content.get("kept", {}).items()},
            required=tuple(content.get("required", ())),
            advice=content.get("advice", ""),
            guessed=content.get("guessed", False),
            text=text,
        )
        _check(mapping)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The mapping {name} is no TOML: {error}.", "See docs/import.md.") from error
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise UsageError(
            f"The mapping {name} cannot be understood ({error}).",
            "It needs [[time]], [acc] and [gyr], each with its columns; see docs/import.md.",
        ) from error
    return mapping


def from_line(line: str) -> FileMapping:
    """Reads a mapping typed as "time=t:ms; acc=ax,ay,az:g; gyr=gx,gy,gz:deg/s".

    A unit may be left out; then the name tells it, or gravity does. Columns of a file without names are
    #1, #2 and so on.

    Raises:
        UsageError: it is not of this form.
    """
    parts: dict[str, tuple[list[str], str]] = {}
    for part in line.split(";"):
        key, found, value = part.partition("=")
        key = key.strip().lower()
        if not found or key not in ("time", "acc", "gyr") or key in parts:
            raise UsageError(f"{part.strip()!r} is not understood in --columns.", f"Write: {EXAMPLE}")
        listed, mark, unit = value.rpartition(":")
        if not mark or unit.strip().lower() not in spellings(key):
            listed, unit = value, ""
        parts[key] = [name.strip() for name in listed.split(",")], unit.strip()
    counts = {key: len(names) for key, (names, _) in parts.items()}
    if counts != {"time": 1, "acc": 3, "gyr": 3}:
        raise UsageError(
            "--columns needs one column of time, three of acceleration and three of rate.",
            f"Write: {EXAMPLE}",
        )
    lines = []
    for key, (names, unit) in parts.items():
        if key == "time":
            lines += ["[[time]]", f"column = {_quoted(names[0])}", f"unit = {_quoted(unit)}"]
            lines += ['clock = "session"']
        else:
            listed = ", ".join(map(_quoted, names))
            lines += [f"[{key}]", f"columns = [{listed}]", f"unit = {_quoted(unit)}"]
    return from_toml("\n".join(lines) + "\n", "columns")


@dataclass(frozen=True, slots=True)
class Found:
    """A column that a pattern matched: its place, and what its name states."""

    place: int
    name: str
    unit: str
    sensor: str


def find(pattern: str, names: Sequence[str], units: Sequence[str] = ()) -> tuple[Found, ...]:
    """The columns that a pattern matches."""
    if not pattern:
        return ()
    expression = _expression(pattern)
    found = []
    for place, name in enumerate(names):
        match = expression.fullmatch(name) if name else None
        if match:
            groups = match.groupdict()
            unit = groups.get("unit") or (units[place] if place < len(units) else "")
            found.append(Found(place, name, unit, groups.get("sensor") or groups.get("where") or ""))
    return tuple(found)


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        text = pattern[1:-1]
        for key in ("acc", "gyr", "time"):
            known = "|".join(re.escape(s) for s in sorted(spellings(key), key=len, reverse=True))
            text = text.replace(f"{{{key}_unit}}", known)
        return re.compile(text, re.IGNORECASE)
    return re.compile(re.escape(" ".join(pattern.split())), re.IGNORECASE)


def _check(mapping: FileMapping) -> None:
    if not mapping.time or not all(t.column or t.counter for t in mapping.time):
        raise ValueError("no column of time")
    if not {"acc", "acc_increment"} & set(mapping.vectors) or not {"gyr", "gyr_increment"} & set(
        mapping.vectors
    ):
        raise ValueError("no columns of acceleration, or none of rate")
    widths = {"acc": 3, "gyr": 3, "acc_increment": 3}
    for key, vector in mapping.vectors.items():
        if len(vector.columns) != widths.get(key, 4):
            raise ValueError(f"{key} needs {widths.get(key, 4)} columns")
        for pattern in vector.columns:
            _expression(pattern)
        if key in ("acc", "gyr") and vector.unit and vector.unit.lower() not in spellings(key):
            raise ValueError(f"the unit {vector.unit!r} of {key} is unknown")
    for column in mapping.time:
        if column.unit and column.unit.lower() not in spellings("time"):
            raise ValueError(f"the unit {column.unit!r} of time is unknown")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
