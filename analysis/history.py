"""A person's other sessions: how well the person's own readings repeat."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from analysis.answer import Answer, judged_by
from analysis.change import Reliability, Repeats, repeats_of
from analysis.change.blocks import tests_of
from analysis.measured import Measurement, measurement_of
from analysis.movement.result import Repetition
from firmware_bridge.errors import KneeflexError, SessionError
from firmware_bridge.session.model import SessionInfo, TestName
from firmware_bridge.session.reader import read_info

RETEST_FILE = "derived/retest.json"

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class OwnRepeats:
    """The person's own noise by test.

    Attributes:
        by_test: what each test's sessions say.
        days: on how many days it rests, by test.
    """

    by_test: Mapping[TestName | None, Reliability]
    days: Mapping[TestName | None, int]

    def sentence(self, test: TestName | None) -> str:
        """On how many of the person's own days an answer rests."""
        days = self.days.get(test, 0)
        if not days:
            return (
                "No earlier session of this person holds a rest block of this test, so published figures "
                "stand for how well readings repeat."
            )
        return f"It rests on the person's own repeats on {days} earlier day{'' if days == 1 else 's'}."


def siblings(folder: Path) -> tuple[Path, ...]:
    """The sessions that lie beside a session, it included: those of its person."""
    parent = folder.resolve().parent
    return tuple(sorted(p.parent for p in parent.glob("*/session.json")))


def own_repeats(
    judged: Sequence[SessionInfo],
    sessions: Iterable[Path],
    *,
    retest: Path | None = None,
    warn: Warn = lambda text: None,
) -> OwnRepeats:
    """The person's own noise from earlier sessions of the same client and knee.

    A session that is to be judged never counts, nor one that was recorded later: the answer of a day
    stays what it was.

    Args:
        judged: the session, or the pair of them, that is to be judged.
        sessions: folders to look in; sessions of other people, of the other knee and later ones are
            left out.
        retest: a session that `kneeflex retest` was run on.
        warn: takes a sentence for every session that cannot be used.

    Raises:
        SessionError: `kneeflex retest` has not been run on the folder.
    """
    newest = max(judged, key=moment_of)
    ids = {info.id for info in judged}
    days: dict[TestName | None, list[list[Repetition]]] = {}
    for folder in sessions:
        found = _earlier(folder, newest, ids, warn)
        repetitions = () if found is None else found.repetitions
        for test in tests_of(repetitions):
            rows = [r for r in repetitions if r.test == test]
            if repeats_of([rows]) is not None:
                days.setdefault(test, []).append(rows)
    across = None if retest is None else _retest(retest)
    by_test = {test: Reliability(repeats_of(rows), across) for test, rows in days.items()}
    if across is not None:
        for test in (None, *get_args(TestName)):
            by_test.setdefault(test, Reliability(across=across))
    return OwnRepeats(by_test, {test: len(rows) for test, rows in days.items()})


def judged_by_own(answer: Answer, folder: Path, warn: Warn = lambda text: None) -> tuple[Answer, OwnRepeats]:
    """The answer of a session judged by the person's own repeats, and what those rest on."""
    info = answer.recording.info
    own = own_repeats([info], siblings(folder) if info.client else (), warn=warn)
    return (judged_by(answer, own.by_test) if own.by_test else answer), own


def moment_of(info: SessionInfo | Measurement) -> datetime:
    """When a session began; without a time zone it counts as UTC."""
    moment = datetime.fromisoformat(info.started_at)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _earlier(folder: Path, judged: SessionInfo, ids: set[str], warn: Warn) -> Measurement | None:
    """What a session measured, if it is an earlier one of the same person and knee."""
    try:
        info = read_info(folder)
        foreign = info.client != judged.client or info.side != judged.side or info.id in ids
        if foreign or moment_of(info) >= moment_of(judged):
            return None
        found = measurement_of(folder)
        if found.problem:
            warn(f"{folder} is left out of the person's own repeats: {found.problem}")
        return found
    except KneeflexError as error:  # one broken day must not cost the person the others
        warn(f"{folder} is left out of the person's own repeats: {error.problem}")
        return None


def _retest(folder: Path) -> Repeats:
    try:
        return Repeats(**json.loads((folder / RETEST_FILE).read_text(encoding="utf-8"))["repeats"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SessionError(
            f"There is no re-strapping study in {folder}.", f"Run: kneeflex retest {folder}"
        ) from error
