"""session.json and events.jsonl as text <-> the dataclasses of `model`. No files are touched here.

Known fields are checked strictly; unknown keys, as of a later version, are ignored, and events of an unknown
type become a warning.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, TypeVar, get_args

from firmware_bridge.errors import SessionError
from firmware_bridge.findings import CONSEQUENCES, Finding, finding_to_json
from firmware_bridge.samples import Segment, Side
from firmware_bridge.session.model import (
    PHASE_NAMES,
    POSE_METHODS,
    TEST_NAMES,
    Event,
    LinkEvent,
    Marker,
    Pain,
    Phase,
    ReferencePose,
    SensorInfo,
    SessionInfo,
    Status,
)
from firmware_bridge.timing.device_clock import DeviceClock

FORMAT = "kneeflex-session"
VERSION = 1
_MOST_WARNINGS = 3
_STATUSES: tuple[str, ...] = get_args(Status)
_RESTORE = "Restore the file from a backup, or import the two sensor files again with `kneeflex import csv`."

T = TypeVar("T")


def info_to_json(info: SessionInfo) -> str:
    """The text of session.json."""
    content: dict[str, Any] = {"format": FORMAT, "version": VERSION} | asdict(info)
    content["side"] = info.side.value
    content["sensors"] = {segment.value: asdict(sensor) for segment, sensor in info.sensors.items()}
    content["software"] = dict(info.software)
    content["findings"] = [finding_to_json(finding) for finding in info.findings]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def info_from_json(text: str) -> SessionInfo:
    """Reads the text of session.json.

    Raises:
        SessionError: it is no JSON, no kneeflex session, of a later version, or a field makes no sense.
    """
    content = _Fields(_parse(text, "session.json"), "session.json")
    if content.raw.get("format") != FORMAT:
        raise SessionError(f'session.json is not marked "format": "{FORMAT}".', "Choose a session folder.")
    version = content.number("version")
    if version > VERSION:
        raise SessionError(
            f"This session has format version {version:g}; this program reads up to {VERSION}.",
            "Update kneeflex.",
        )
    sensors = content.mapping("sensors")
    return SessionInfo(
        id=content.text("id"),
        client=content.text("client", ""),
        side=Side(content.choice("side", tuple(Side))),
        started_at=_utc(content.text("started_at")),
        status=content.choice("status", _STATUSES),  # type: ignore[arg-type]
        sensors={s: _sensor(sensors[s.value], s) for s in Segment if s.value in sensors},
        software={name: str(version) for name, version in content.mapping("software", {}).items()},
        notes=content.text("notes", ""),
        findings=tuple(f for f in map(_finding, content.rows("findings")) if f is not None),
    )


def event_to_json(event: Event) -> str:
    """One line of events.jsonl, without the line end. Raises SessionError for a time that is no number."""
    content: dict[str, Any] = {"time_s": event.time_s, "type": _TYPES[type(event)]}
    if isinstance(event, LinkEvent):
        content |= {"segment": event.segment.value, "state": event.state}
        content |= {key: value for key, value in event.detail.items() if key not in content}
    else:
        values = {f.name: getattr(event, f.name) for f in fields(event)}
        content |= {name: value for name, value in values.items() if value is not None}
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise SessionError(f"An event holds a number that is not finite: {event}.") from error


def event_from_json(line: str) -> Event | None:
    """Reads one line of events.jsonl; None for a type that this version does not support.

    Raises:
        SessionError: the line is no JSON object or a field of a known type makes no sense.
    """
    raw = _parse(line, "the line")
    content = _Fields(raw, "the event")
    kind = content.text("type")
    if kind not in _TYPES.values():
        return None
    time_s = content.number("time_s")
    if kind == "phase":
        test = None if raw.get("test") is None else content.choice("test", TEST_NAMES)
        return Phase(time_s, content.choice("name", PHASE_NAMES), test)  # type: ignore[arg-type]
    if kind == "reference_pose":
        return ReferencePose(
            time_s,
            content.number("duration_s", least=0),
            content.number("flexion_deg", least=-180, most=180),
            content.number("sd_deg", least=0),
            content.choice("method", POSE_METHODS),  # type: ignore[arg-type]
        )
    if kind == "marker":
        return Marker(time_s, content.text("text"))
    if kind == "pain":
        return Pain(time_s, content.number("score", least=0, most=10))
    known = ("time_s", "type", "segment", "state")
    rest = {_whole_text(k): v for k, v in raw.items() if k not in known}
    detail = {k: _whole_text(v) if isinstance(v, str) else v for k, v in rest.items() if _is_plain(v)}
    segment = Segment(content.choice("segment", tuple(Segment)))
    return LinkEvent(time_s, segment, content.text("state"), detail)


def events_from_jsonl(text: str, name: str = "events.jsonl") -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """Reads all lines that can be read.

    Args:
        text: of the file.
        name: of the file, for messages.

    Returns:
        The events in the order of the file, and a plain sentence for each of the first few lines left out,
        with one for all the others.
    """
    events: list[Event] = []
    warnings: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):  # a text may hold other kinds of line ends
        if not line.strip():
            continue
        try:
            event = event_from_json(line)
        except SessionError as error:
            warnings.append(f"Line {number} of {name} was left out: {error.problem}")
            continue
        if event is None:
            warnings.append(f"Line {number} of {name} was left out: an event of an unknown type.")
        else:
            events.append(event)
    if len(warnings) > _MOST_WARNINGS:
        more = len(warnings) - _MOST_WARNINGS
        warnings = [*warnings[:_MOST_WARNINGS], f"{more} more lines of {name} were left out."]
    return tuple(events), tuple(warnings)


_TYPES: dict[type[Event], str] = {
    Phase: "phase",
    ReferencePose: "reference_pose",
    Marker: "marker",
    Pain: "pain",
    LinkEvent: "link",
}


def _parse(text: str, what: str) -> dict[str, Any]:
    try:
        content = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise SessionError(f"{_capital(what)} is not valid JSON.", _RESTORE) from error
    if not isinstance(content, dict):
        raise SessionError(f"{_capital(what)} holds no JSON object.", _RESTORE)
    return content


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON number")


def _capital(text: str) -> str:
    return text if text.endswith(".json") else text[:1].upper() + text[1:]


def _utc(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise SessionError(f'session.json: "started_at" is no ISO 8601 time: "{text}".', _RESTORE) from error
    return text


def _sensor(raw: Any, segment: Segment) -> SensorInfo:
    content = _Fields(raw, f"the {segment} sensor in session.json")
    clock = None
    if content.raw.get("clock") is not None:
        inner = _Fields(content.raw["clock"], f"the clock of the {segment} sensor in session.json")
        modulo = inner.optional_number("sequence_modulo", least=1)
        clock = DeviceClock(
            tick_s=inner.number("tick_s", least=1e-12),
            ticks_modulo=int(inner.number("ticks_modulo", least=1)),
            sequence_modulo=None if modulo is None else int(modulo),
            shared=inner.flag("shared"),
        )
    return SensorInfo(
        driver=content.text("driver"),
        name=content.text("name", ""),
        firmware=content.text("firmware", ""),
        nominal_rate_hz=content.optional_number("nominal_rate_hz", least=0),
        acc_range_m_s2=content.optional_number("acc_range_m_s2", least=0),
        gyr_range_rad_s=content.optional_number("gyr_range_rad_s", least=0),
        clock=clock,
    )


def _finding(raw: Any) -> Finding | None:
    """A finding of session.json; None where a later version gave it a consequence unknown here."""
    content = _Fields(raw, "a finding in session.json")
    consequence = content.text("consequence")
    if consequence not in CONSEQUENCES:
        return None
    segment, span = content.raw.get("segment"), content.raw.get("span")
    if segment is not None:
        segment = Segment(content.choice("segment", tuple(Segment)))
    if span is not None:
        start_s, stop_s = content.pair("span")
        span = (start_s, stop_s)
    return Finding(
        content.text("kind"),
        segment,
        span,
        content.text("sentence"),
        consequence,  # type: ignore[arg-type]
    )


def _as_float(value: float) -> float:
    """A whole number of 400 digits is infinite here, not an accident."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(_as_float(value)))


def _whole_text(text: str) -> str:
    """The text without halves of characters, which JSON can hold and no file can."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


class _Fields:
    """Typed access to a JSON object; every failure is one sentence that names the field."""

    def __init__(self, raw: Any, where: str) -> None:
        if not isinstance(raw, dict):
            raise SessionError(f"{_capital(where)} is not a JSON object.", _RESTORE)
        self.raw: dict[str, Any] = raw
        self._where = where

    def text(self, key: str, default: str | None = None) -> str:
        value = self.raw.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return _whole_text(value)

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        value = self.raw.get(key)
        if not isinstance(value, str) or value not in allowed:
            raise self._wrong(key, "one of " + ", ".join(allowed))
        return value

    def number(self, key: str, least: float = -math.inf, most: float = math.inf) -> float:
        value = self.raw.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        number = _as_float(value)
        if not (math.isfinite(number) and least <= number <= most):
            raise self._wrong(key, f"a number from {least:g} to {most:g}")
        return number

    def optional_number(self, key: str, least: float = -math.inf) -> float | None:
        return None if self.raw.get(key) is None else self.number(key, least)

    def flag(self, key: str) -> bool:
        value = self.raw.get(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def mapping(self, key: str, default: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        value = self.raw.get(key, default)
        if not isinstance(value, dict):
            raise self._wrong(key, "a JSON object")
        return value

    def rows(self, key: str) -> Sequence[Any]:
        value = self.raw.get(key, [])
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def pair(self, key: str) -> tuple[float, float]:
        value = self.raw.get(key)
        if not isinstance(value, list) or len(value) != 2:
            raise self._wrong(key, "a list of two numbers")
        first, second = (_Fields({key: v}, self._where).number(key) for v in value)
        return first, second

    def _wrong(self, key: str, wanted: str) -> SessionError:
        found = f"{self.raw[key]!r}"[:80] if key in self.raw else "missing"
        return SessionError(f'{_capital(self._where)}: "{key}" must be {wanted}; it is {found}.', _RESTORE)
