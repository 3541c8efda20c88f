"""The sessions of one person -> the days, and what they say. Gathers; `trend_of_days` computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from analysis.change import Reliability, TrendDay, TrendOfDays, repeats_of, trend_of_days
from analysis.days.doubts import (
    dated,
    of_angles,
    of_full_days,
    of_other_tests,
    of_slips,
    one_support,
    without_swapped_sides,
)
from analysis.days.session import SessionOfDay, session_of_day
from analysis.history import moment_of
from analysis.measured import Measurement, is_kept, measurement_of
from analysis.movement.result import Repetition
from firmware_bridge.errors import CannotAnswerError, SessionError
from firmware_bridge.samples import Side
from firmware_bridge.session.model import TestName
from firmware_bridge.session.person import PLANNED_DAYS, Person, read_person, sessions_of

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False, slots=True)
class PersonTrend:
    """The days of one person with the answer; what every view of them is drawn from.

    Attributes:
        client, side, test: whose, which knee, measured how.
        trend: the answer; its days are numbered by date (proleptic ordinals).
        sessions: what each session gave, both knees, in order of time.
        warnings: of the gathering and of the answer.
    """

    client: str
    side: Side
    test: TestName | None
    trend: TrendOfDays
    sessions: tuple[SessionOfDay, ...]
    warnings: tuple[str, ...]

    def sessions_on(self, day: TrendDay) -> tuple[SessionOfDay, ...]:
        """The sessions of this knee on a day."""
        return tuple(s for s in self.sessions if s.side == self.side and s.day.toordinal() == day.day)


def person_trend(
    root: Path,
    client: str,
    *,
    side: Side | None = None,
    test: TestName | None = None,
    planned_days: int | None = None,
    practice_from: date | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> PersonTrend:
    """Gathers the sessions of a person below a folder and answers over the days.

    Args:
        root: holds the person's folder, or is it.
        client: the code.
        side: the knee; what the person's folder says, or the one with most sessions, by default.
        test: the named test; what the person's folder says, or the one measured most, by default.
        planned_days: as planned with the first session; from the person's folder, else 14, by default.
        practice_from: the first day of practice; the day of the first session with an exercise by default.
        now: of today; sessions dated later have a wrong clock. None accepts every date.
        progress: called with (sessions done, sessions in all).

    Raises:
        CannotAnswerError: there is no session of this person with an angle.
    """
    person = _person(root, client)
    folders = sessions_of(root, client)
    if not folders:
        raise CannotAnswerError(
            f"There is no session of {client} in {root}.",
            "Record one with --client, or check the folder and the code.",
        )
    measured, notes = _measurements(folders, progress)
    if not measured:
        raise CannotAnswerError(
            f"None of the {len(folders)} sessions of {client} holds a knee angle.",
            f"`kneeflex check {folders[-1]}` tells what is wrong with one.",
        )
    side = side or (person.side if person is not None else _most([m.side for m in measured]))
    mine = [m for m in measured if m.side == side]
    if not mine:
        raise CannotAnswerError(f"{client} has no session of the {side} knee.", "Give the other --side.")
    if test is None:
        test = _usual_test(mine, person)
    sessions, told = dated(_sessions(measured, test), mine, now)
    sessions, swapped = without_swapped_sides(sessions, side)
    sessions, supports = one_support(sessions)
    days = _days([s for s in sessions if s.side == side])
    others = {d[0].day: d for d in _days([s for s in sessions if s.side != side])}
    if not days:
        raise CannotAnswerError(f"No session of {client} has a date that can be.", "Check session.json.")
    planned, kept = _plan(person, planned_days)
    first = practice_from or next((d[0].day for d in days if any(s.practised for s in d)), None)
    rows = [_row(d, others.get(d[0].day, [])) for d in days]
    trend = _answer(rows, first or days[-1][0].day, planned)
    warnings = (
        *notes,
        *told,
        *swapped,
        *supports,
        *kept,
        *of_angles(days),
        *of_slips(days),
        *trend.warnings,
        *of_full_days(days),
        *of_other_tests(mine, test),
    )
    return PersonTrend(client, side, test, trend, tuple(sessions), tuple(dict.fromkeys(warnings)))


@dataclass(frozen=True, slots=True)
class _Row:
    day: float
    before_deg: float
    after_deg: float
    other_deg: float
    zero: str | None
    zero_sd_deg: float
    why_not: str


def _answer(rows: Sequence[_Row], practice_from: date, planned_days: int) -> TrendOfDays:
    """The answer over the days, each day that does not count with its reason."""
    trend = trend_of_days(
        [r.day for r in rows],
        [r.before_deg for r in rows],
        [r.after_deg for r in rows],
        [r.other_deg for r in rows],
        practice_from=practice_from.toordinal(),
        zero_group=[r.zero for r in rows],
        planned_days=planned_days,
        zero_sd_deg=_shared_zero_sd_deg(rows),
    )
    reasons = {r.day: r.why_not for r in rows if r.why_not}
    days = (replace(d, why_not=reasons.get(d.day, d.why_not)) if not d.used else d for d in trend.days)
    return replace(trend, days=tuple(days))


def _measurements(folders: Sequence[Path], progress: Progress | None) -> tuple[list[Measurement], list[str]]:
    found, notes = [], []
    new = [] if progress is None else [folder for folder in folders if not is_kept(folder)]
    for folder in folders:
        try:
            measured = measurement_of(folder)
        except SessionError as error:
            notes.append(f"{folder} is left out: {error.problem}")
            continue
        finally:
            if progress is not None and folder in new:
                progress(new.index(folder) + 1, len(new))
        if measured.problem:
            notes.append(f"{folder} is left out: {measured.problem}")
        else:
            found.append(measured)
    return sorted(found, key=moment_of), notes


def _sessions(measured: Sequence[Measurement], test: TestName | None) -> list[SessionOfDay]:
    """What each session gives, its gain judged by the repeats of the same knee on the days before."""
    earlier: dict[Side, list[list[Repetition]]] = {}
    found = []
    for m in measured:
        rows = earlier.setdefault(m.side, [])
        found.append(session_of_day(m, test, Reliability(repeats_of(rows))))
        rows.append([r for r in m.repetitions if r.test == test])
    return found


def _days(sessions: Sequence[SessionOfDay]) -> list[list[SessionOfDay]]:
    """The sessions of each day, in order."""
    found: dict[date, list[SessionOfDay]] = {}
    for session in sorted(sessions, key=lambda s: s.moment):
        found.setdefault(session.day, []).append(session)
    return [found[day] for day in sorted(found)]


def _row(sessions: Sequence[SessionOfDay], others: Sequence[SessionOfDay]) -> _Row:
    """One day. What was measured after an exercise of that day is no reading before practice."""
    fresh = _before_exercise(sessions)
    known = [s for s in fresh if s.before_deg is not None and s.zero is not None]
    zero = known[0].zero if known else None
    same = [s for s in known if s.zero == zero]
    other = [s for s in _before_exercise(others) if s.before_deg is not None and s.zero is not None]
    gains = [s.gain_deg for s in sessions if s.gain_deg is not None]
    before = _mean([s.before_deg for s in same if s.before_deg is not None])
    if not known:
        before = _mean([s.before_deg for s in fresh if s.before_deg is not None])
    gain = _mean(gains)
    return _Row(
        day=float(sessions[0].day.toordinal()),
        before_deg=before,
        # The mean gain of the day, whatever its sessions counted from, seen from the reading before.
        after_deg=(before if before == before else 0.0) - gain,
        other_deg=_mean([s.before_deg for s in other if s.before_deg is not None]),
        zero=zero,
        zero_sd_deg=same[0].zero_sd_deg if same else 0.0,
        why_not="" if known else next((s.why_not for s in fresh if s.why_not), ""),
    )


def _before_exercise(sessions: Sequence[SessionOfDay]) -> list[SessionOfDay]:
    """The sessions of a day up to the first one with an exercise, it included."""
    for i, session in enumerate(sessions):
        if session.practised:
            return list(sessions[: i + 1])
    return list(sessions)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _shared_zero_sd_deg(rows: Sequence[_Row]) -> float:
    """The error of the zero that the newest days share: that of their support."""
    known = [r for r in rows if r.zero is not None]
    return known[-1].zero_sd_deg if known else 0.0


def _plan(person: Person | None, planned_days: int | None) -> tuple[int, list[str]]:
    planned = person.planned_days if person is not None else PLANNED_DAYS
    if planned_days is None or planned_days == planned:
        return planned, []
    if person is None:
        return planned_days, []
    return planned_days, [
        f"The plan of the first session was {planned} days, not {planned_days}. A plan that is chosen after "
        "looking at the days does not keep its promise of 5 %."
    ]


def _person(root: Path, client: str) -> Person | None:
    for folder in (root / client, root):
        found = read_person(folder)
        if found is not None and found.client == client:
            return found
    return None


def _usual_test(measured: Sequence[Measurement], person: Person | None) -> TestName | None:
    tests = [r.test for m in measured for r in m.repetitions if r.phase == "before"]
    if person is not None and person.test in tests:
        return person.test
    return _most(tests) if tests else None


def _most(values: Sequence[Any]) -> Any:
    return max(dict.fromkeys(values), key=values.count)
