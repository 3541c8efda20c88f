"""What is asked of a person once, so that a day at home is one command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from analysis.cli import console
from firmware_bridge.errors import UsageError
from firmware_bridge.samples import Side
from firmware_bridge.session.model import TEST_NAMES
from firmware_bridge.session.person import (
    Person,
    Pose,
    looks_like_a_name,
    new_session_folder,
    person_folder,
    read_person,
    sessions_of,
    write_person,
)
from firmware_bridge.settings import remember_sessions_root, sessions_root

Ask = Callable[[str, str], str]

_JIG_SD_DEG = 1.6
_GONIOMETER_SD_DEG = 2.5


@dataclass(frozen=True, slots=True)
class Visit:
    """Today's session of a person.

    Attributes:
        person: what is known, with what was given today instead.
        session: the folder to make.
        is_baseline: today is measured without the exercise.
    """

    person: Person
    session: Path
    is_baseline: bool


def begin_visit(
    code: str,
    root: Path | None,
    *,
    side: Side | None = None,
    thigh: str | None = None,
    shank: str | None = None,
    protocol: str | None = None,
    now: datetime | None = None,
    ask: Ask | None = None,
) -> Visit:
    """Opens the folder of a person, asking for what is not known yet.

    Args:
        code: of the person, never a name.
        root: holds the folders of people, and is remembered; None takes the remembered one.
        side, thigh, shank, protocol: as given today; kept only where nothing was known.
        now: in local time; of today by default.
        ask: (question, default) -> answer; by default on a terminal, and not at all without one.

    Raises:
        UsageError: the code cannot be one, or an answer makes no sense.
    """
    root = sessions_root() if root is None else remember_sessions_root(root)
    folder = person_folder(root, code)
    known = read_person(folder)
    if known is None:
        given = Person(code, side or Side.RIGHT, thigh=thigh, shank=shank, protocol=protocol or "daily")
        known = _asked(given, ask or _terminal(), side_is_known=side is not None)
        file = write_person(folder, known)
        console.note(f"Kept in {file}, and not asked again: `kneeflex person {code}` shows and changes it.")
        if looks_like_a_name(code):
            console.note(f"If {code} is a name: a code such as P07 keeps the recordings from telling whose.")
    days = {read.name[:10] for read in sessions_of(root, code) if read.parent == folder}
    now = now or datetime.now()
    is_baseline = len(days - {f"{now:%Y-%m-%d}"}) < known.baseline_days
    today = replace(
        known,
        side=side or known.side,
        thigh=thigh or known.thigh,
        shank=shank or known.shank,
        protocol=protocol or known.protocol,
    )
    return Visit(today, new_session_folder(root, code, now), is_baseline)


def _terminal() -> Ask | None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(question: str, default: str) -> str:
        return str(typer.prompt(question, default=default, err=True))

    return ask


def _asked(given: Person, ask: Ask | None, *, side_is_known: bool) -> Person:
    """The settings of a person's folder, asked in a terminal; the defaults where there is none."""
    if ask is None:
        return given
    console.note(f"{given.client} is new here: a few questions, only once. Enter takes the answer shown.")
    side = given.side
    if not side_is_known:
        side = Side(_choice(ask, "Which knee is practised, left or right?", "right", tuple(Side)))
    test = _choice(ask, f"Usual test ({', '.join(TEST_NAMES)})?", "prone", TEST_NAMES)
    pose = ask(
        "Knee angle in the reference pose, if it is the same support every day (empty: asked anew)?", ""
    )
    planned = _days(ask("After how many days is the answer due?", str(given.planned_days)), least=5)
    baseline = _days(ask("How many days of measuring alone come first (3 to 5 say most)?", "3"), least=0)
    return replace(
        given,
        side=side,
        test=test,
        pose=parse_pose(pose),
        planned_days=planned,
        baseline_days=baseline,
    )


def parse_pose(text: str) -> Pose | None:
    """The pose of an answer such as "20" (a support of that angle) or "20 goniometer"; empty is none.

    Raises:
        UsageError: it is no angle of a knee.
    """
    words = text.split()
    if not words:
        return None
    try:
        angle = float(words[0].rstrip("°"))
    except ValueError:
        angle = float("nan")
    method = words[1] if len(words) > 1 else "jig"
    if not -30 <= angle <= 150 or method not in ("jig", "goniometer", "straightedge"):
        raise UsageError(
            f"{text!r} is no reference pose.", "Give an angle in degrees, for example 20, or: 20 goniometer"
        )
    sd_deg = _JIG_SD_DEG if method == "jig" else _GONIOMETER_SD_DEG
    return Pose(angle, sd_deg, method)  # type: ignore[arg-type]


def _choice(ask: Ask, question: str, default: str, allowed: tuple[str, ...]) -> Any:
    answer = ask(question, default).strip().lower()
    if answer not in allowed:
        raise UsageError(f"{answer!r} is none of {', '.join(allowed)}.", "Start again with one of them.")
    return answer


def _days(answer: str, least: int) -> int:
    if not answer.strip().isdecimal() or int(answer) < least:
        raise UsageError(f"{answer!r} is no number of days from {least} on.", "Start again with a number.")
    return int(answer)
