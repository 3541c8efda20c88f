"""Inconsistencies in the days of one person: dates, sides, and impossible reference angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from analysis.days.session import SessionOfDay
from analysis.measured import Measurement
from firmware_bridge.samples import Side
from firmware_bridge.session.model import TestName

# A day on which each knee reads so much nearer to the other knee's usual reading than to its own.
_SWAPPED_DEG = 8.0
_FAR_APART = timedelta(days=200)
_SAME_ANGLE_DAYS = 4


def dated(
    sessions: Sequence[SessionOfDay], measured: Sequence[Measurement], now: datetime | None
) -> tuple[list[SessionOfDay], list[str]]:
    """Leaves out sessions whose date cannot be, and says so; doubts dates that may be wrong."""
    texts, kept = [], []
    for session in sessions:
        if now is not None and session.moment > now + timedelta(hours=1):
            texts.append(
                f"{session.session} is dated {session.day}, which is still to come: the clock was wrong. "
                "It is left out; mend started_at in its session.json."
            )
        else:
            kept.append(session)
    kept.sort(key=lambda s: s.moment)
    for earlier, later in pairwise(kept):
        if later.moment - earlier.moment > _FAR_APART:
            texts.append(
                f"{(later.day - earlier.day).days} days lie between {earlier.session.name} and "
                f"{later.session.name}: if a clock was wrong, mend started_at in session.json."
            )
    imported = sum(m.status == "imported" for m in measured)
    if imported:
        texts.append(
            f"{imported} session{' was' if imported == 1 else 's were'} imported: the date of an import may "
            "be no more than that of a file, so check the dates below."
        )
    return kept, texts


def without_swapped_sides(sessions: list[SessionOfDay], side: Side) -> tuple[list[SessionOfDay], list[str]]:
    """Leaves out days on which both knees read like each other's usual: the sides were mistaken."""
    readings = [s for s in sessions if s.before_deg is not None and s.zero is not None]
    mine = {s.day: s.before_deg or 0.0 for s in reversed(readings) if s.side == side}
    other = {s.day: s.before_deg or 0.0 for s in reversed(readings) if s.side != side}
    if min(len(mine), len(other)) < 3:
        return sessions, []
    usual, usual_other = median(mine.values()), median(other.values())
    wrong = {
        day
        for day in mine.keys() & other.keys()
        if abs(mine[day] - usual) + abs(other[day] - usual_other)
        > abs(mine[day] - usual_other) + abs(other[day] - usual) + _SWAPPED_DEG
    }
    texts = [
        f"On {day} each knee reads as the other one usually does: the sides were probably mistaken. That day "
        "is left out; mend `side` in its session.json files."
        for day in sorted(wrong)
    ]
    return [s for s in sessions if s.day not in wrong], texts


def one_support(sessions: list[SessionOfDay]) -> tuple[list[SessionOfDay], list[str]]:
    """A support whose angle is another one nearly every day was measured anew each day: one zero, not many.

    The error of each of those angles is then part of what readings differ by from day to day.
    """
    supports = [s.zero for s in sessions if s.zero is not None and s.zero.startswith("jig")]
    if len(set(supports)) <= max(2, len(supports) // 4):
        return sessions, []
    merged = [replace(s, zero="jig") if s.zero in set(supports) else s for s in sessions]
    return merged, [
        f"{len(set(supports))} different angles were entered for the support on {len(supports)} days: they "
        "count as one zero, measured anew each day. A support that is measured once and kept is steadier."
    ]


def of_angles(days: Sequence[Sequence[SessionOfDay]]) -> list[str]:
    """One and the same measured angle every day was not measured every day."""
    entered = [s.entered_deg for d in days for s in d[:1] if s.entered_deg is not None and s.zero]
    if len(entered) < _SAME_ANGLE_DAYS or len(set(entered)) > 1:
        return []
    return [
        f"The same reference angle of {entered[0]:g} deg was entered on all {len(entered)} days. If it was "
        "re-used and not measured again, in a pose that the knee itself limits, it hides every change: "
        "measure it each day, or use a firm support and enter it as a jig."
    ]


def of_full_days(days: Sequence[Sequence[SessionOfDay]]) -> list[str]:
    """Days with several sessions, and what counts of them."""
    full = [str(d[0].day) for d in days if len(d) > 1]
    if not full:
        return []
    return [
        f"Several sessions were recorded on {', '.join(full)}: the reading before practice is the mean of "
        "those up to the first exercise of the day, the gain that of all of them."
    ]


def of_other_tests(measured: Sequence[Measurement], test: TestName | None) -> list[str]:
    """That other tests were measured, too; they are never pooled."""
    others = {str(r.test) for m in measured for r in m.repetitions if r.phase == "before" and r.test != test}
    if not others:
        return []
    return [
        f"Other tests were measured too ({', '.join(sorted(others))}): --test chooses the one to tell of."
    ]


def of_slips(days: Sequence[Sequence[SessionOfDay]]) -> list[str]:
    """Days whose gain does not count: a strap slipped too far, or was put on anew."""
    return [
        f"On {s.day} {s.why_not}." for d in days for s in d if s.why_not.endswith("its gain is not counted")
    ]
