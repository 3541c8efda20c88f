"""One session -> what it gives to its day: reading before practice, gain, and the zero they count from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from analysis.change import Comparison, Reliability, compare_blocks
from analysis.change.checks import LEAST_REPETITIONS, SLIP_REFUSE_DEG
from analysis.history import moment_of
from analysis.measured import Measurement
from firmware_bridge.samples import Side
from firmware_bridge.session.model import ReferencePose, TestName


@dataclass(frozen=True, slots=True)
class SessionOfDay:
    """What one session gives to its day.

    Attributes:
        day: the local date on which it began.
        before_deg, after_deg: None where not measured, or not to be used.
        gain_deg: before minus after within one strapping, also where no zero is known.
        gain_ci95_deg: of that gain, by the person's repeats on the days before.
        zero: how the zero was set: method, and for a support its angle; None when relative.
        zero_sd_deg: one sigma of the entered angle, shared by all days of one support.
        practised: it holds an exercise.
        why_not: what keeps a reading out, in words.
    """

    session: Path
    day: date
    moment: datetime
    side: Side
    before_deg: float | None
    after_deg: float | None
    gain_deg: float | None
    gain_ci95_deg: tuple[float, float] | None
    zero: str | None
    zero_sd_deg: float
    entered_deg: float | None
    practised: bool
    why_not: str = ""


def session_of_day(
    measured: Measurement, test: TestName | None, own: Reliability | None = None
) -> SessionOfDay:
    """What a session gives to its day, in one named test.

    Args:
        measured: the session.
        test: the test.
        own: the person's repeats on the days before.
    """
    comparisons = compare_blocks(
        measured.repetitions,
        relative=measured.relative,
        zero_sd_deg=measured.zero_sd_deg,
        pose_checks=measured.pose_checks,
        reliability=own,
    )
    found = next((c for c in comparisons if c.test == test), None)
    before = None if found is None else found.before
    after = None if found is None else found.after
    enough = [b is not None and b.n >= LEAST_REPETITIONS for b in (before, after)]
    why = "" if enough[0] else _why_no_reading(found)
    doubt = _doubt_of_gain(found)
    why = why or doubt
    gain = found.change_deg if found is not None and all(enough) and not doubt else None
    pose = _zero_pose(measured, before.start_s if before is not None else 0.0)
    moment = moment_of(measured)
    return SessionOfDay(
        session=measured.session,
        day=moment.astimezone().date(),
        moment=moment,
        side=measured.side,
        before_deg=before.extension_deg if before is not None and enough[0] else None,
        after_deg=after.extension_deg if after is not None and gain is not None else None,
        gain_deg=gain,
        gain_ci95_deg=found.change_ci95_deg if found is not None and gain is not None else None,
        zero=None if measured.relative or pose is None else _label(pose),
        zero_sd_deg=pose.sd_deg if pose is not None and pose.method == "jig" else 0.0,
        entered_deg=None if pose is None or pose.method == "jig" else pose.flexion_deg,
        practised=measured.practised or after is not None,
        why_not=why,
    )


def _doubt_of_gain(found: Comparison | None) -> str:
    """Why the gain of a session does not count, though its blocks were measured."""
    if found is None or found.before is None or found.after is None:
        return ""
    if found.before.strapping != found.after.strapping:
        return "the sensors were strapped on again before the last block: its gain is not counted"
    if abs(found.slip_deg or 0.0) > SLIP_REFUSE_DEG:
        return f"the strap slipped by {abs(found.slip_deg or 0.0):.1f} deg: its gain is not counted"
    return ""


def _why_no_reading(found: Comparison | None) -> str:
    if found is None:
        return "this test was not measured"
    if found.before is None:
        return "no repetition before practice was held for a second"
    return f"only {found.before.n} repetition{'' if found.before.n == 1 else 's'} before practice"


def _zero_pose(measured: Measurement, before_s: float) -> ReferencePose | None:
    """The reference pose that the reading before practice counts from: the first of its strapping."""
    strapping = next((r.strapping for r in measured.repetitions if r.start_s >= before_s), 0)
    earlier = [p for p in measured.poses if p.time_s <= before_s]
    if strapping == 0 or not earlier:
        return measured.poses[0] if measured.poses else None
    return earlier[-1]


def _label(pose: ReferencePose) -> str:
    return f"jig at {pose.flexion_deg:g} deg" if pose.method == "jig" else pose.method.replace("_", " ")
