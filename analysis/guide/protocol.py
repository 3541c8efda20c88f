"""A protocol: the steps of a session in order, read from a TOML text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Final, get_args

from analysis.constants import RELEASE_RATE_DEG_S
from analysis.guide.prompt import Posture, StepKind
from firmware_bridge.errors import UsageError
from firmware_bridge.session.model import (
    PHASE_NAMES,
    POSE_METHODS,
    TEST_NAMES,
    PhaseName,
    PoseMethod,
    TestName,
)

STEP_KINDS: Final[tuple[str, ...]] = get_args(StepKind)
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "measure": ("phase", "count"),
    "swings": ("count",),
    "pandiculate": ("count",),
    "press": ("count",),
    "wait": ("seconds",),
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": STEP_KINDS,
    "phase": PHASE_NAMES,
    "test": TEST_NAMES,
    "method": POSE_METHODS,
    "posture": get_args(Posture),
}
_TEST_POSTURES: Final[Mapping[str, Posture]] = {
    "standing": "standing", "supine": "supine", "prone": "prone", "ake": "ake",
}  # fmt: skip
_PHASES: Final[Mapping[str, PhaseName]] = {
    "swings": "swings",
    "reference": "reference",
    "pandiculate": "pandiculation",
    "press": "quad_press",
    "closing": "closing_reference",
}


@dataclass(frozen=True, slots=True)
class ProtocolStep:
    """One step of a protocol.

    Attributes:
        kind: what is waited for, see `StepKind`.
        title: two or three words.
        text: one or two plain sentences to the person.
        page: paragraphs to be read first, for the kind "read".
        phase: the session's phase while the step lasts; given by the kind where there is only one.
        test: the named test of a measuring step.
        posture: of the person; that of the test, or of the step before, where it is not given.
        count: repetitions, swings, releases or presses.
        seconds: how long to be still, or to wait.
        hold_s: how long a pull or a press is held.
        rest_s: how long to let go after it.
        rate_deg_s: speed band of the slow release, (low, high).
        angle_deg: of the reference pose, where it is the same every time; else it is asked for.
        sd_deg: uncertainty of that angle.
        method: how it was measured.
        thigh_rests: the thigh moves less than the shin, so exchanged sensors can be told.
    """

    kind: StepKind
    title: str
    text: str = ""
    page: tuple[str, ...] = ()
    phase: PhaseName | None = None
    test: TestName | None = None
    posture: Posture = "prone"
    count: int = 0
    seconds: float = 3.0
    hold_s: float = 5.0
    rest_s: float = 5.0
    rate_deg_s: tuple[float, float] = RELEASE_RATE_DEG_S
    angle_deg: float | None = None
    sd_deg: float = 2.0
    method: PoseMethod = "goniometer"
    thigh_rests: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """The steps of a session."""

    name: str
    about: str
    steps: tuple[ProtocolStep, ...]


def parse_protocol(text: str, source: str) -> Protocol:
    """Reads a protocol.

    Args:
        text: TOML with `name`, `about` and one `[[step]]` table per step.
        source: what to call it in messages.

    Raises:
        UsageError: it is no TOML, or a step is not what it should be.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The protocol {source} cannot be read: {error}.") from error
    entries = table.pop("step", [])
    name, about = str(table.pop("name", source)), str(table.pop("about", ""))
    if table:
        raise UsageError(
            f"The protocol {source} has an unknown entry: {', '.join(table)}.",
            "At the top stand `name`, `about` and the [[step]] tables.",
        )
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"The protocol {source} has no steps.", "Every step is a [[step]] table.")
    steps: list[ProtocolStep] = []
    posture: Posture = "prone"
    for number, entry in enumerate(entries, 1):
        step = _step(entry, f"step {number} of the protocol {source}")
        if "posture" not in entry:
            step = replace(step, posture=_TEST_POSTURES.get(step.test or "", posture))
        posture = step.posture
        steps.append(step)
    return Protocol(name, about, tuple(steps))


def _step(entry: Mapping[str, Any], place: str) -> ProtocolStep:
    known = {field.name: field for field in fields(ProtocolStep)}
    for key in entry:
        if key not in known:
            raise UsageError(f"Unknown entry `{key}` in {place}.", f"Known are {', '.join(known)}.")
    for key, field in known.items():
        if field.default is MISSING and key not in entry:
            raise UsageError(f"There is no `{key}` in {place}.")
    for key, choices in _CHOICES.items():
        if key in entry and entry[key] not in choices:
            raise UsageError(f"`{key} = {entry[key]!r}` in {place}.", f"Possible are {', '.join(choices)}.")
    for key in _NEEDED.get(entry["kind"], ()):
        if key not in entry:
            raise UsageError(f"There is no `{key}` in {place}; the kind {entry['kind']} needs it.")
    values = {key: _value(key, value, place) for key, value in entry.items()}
    values.setdefault("phase", _PHASES.get(entry["kind"]))
    return ProtocolStep(**values)


def _value(key: str, value: Any, place: str) -> Any:
    if key in ("seconds", "hold_s", "rest_s", "sd_deg", "angle_deg", "count"):
        if (
            not isinstance(value, int | float)
            or isinstance(value, bool)
            or (key != "angle_deg" and value < 0)
        ):
            raise UsageError(f"`{key}` has to be a number in {place}, not {value!r}.")
        return value
    if key == "rate_deg_s":
        if not (isinstance(value, list) and len(value) == 2 and 0 <= value[0] < value[1]):
            raise UsageError(f"`rate_deg_s` has to be [low, high] in {place}, not {value!r}.")
        return float(value[0]), float(value[1])
    if key == "page":
        return tuple(str(paragraph) for paragraph in (value if isinstance(value, list) else [value]))
    if key == "thigh_rests":
        return bool(value)
    return value
