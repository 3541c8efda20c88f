"""A recording -> everything there is to say about it. The one place where the stages meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from analysis.angle import estimate_angle
from analysis.angle.parameters import DEFAULTS
from analysis.angle.result import AngleResult
from analysis.angle.segments import SegmentOrientations, estimate_orientations
from analysis.change import (
    Measured,
    OwnNoise,
    Sensitivity,
    SideDifference,
    compare_blocks,
    compare_sessions,
    sensitivity_of,
    side_differences,
)
from analysis.change.result import Comparison
from analysis.check import Checked, check_recording, check_result, no_verdict_of, refuse_wrong
from analysis.check.slip import check_turned
from analysis.kept.angle import KeptAngle, Place
from analysis.movement import find_releases, find_repetitions
from analysis.movement.result import Release, Repetition
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import Finding, known_and_found, sentences, unique
from firmware_bridge.session.model import Recording, SessionInfo

_SIGNED = ("change_deg", "change_ci95_deg", "control_change_deg", "net_change_deg", "net_change_ci95_deg")
# What concerns the change within one session only.
_WITHIN = ("order", "phase_twice", "strap_turned")


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """A recording with its angle, movement and change; what every view is drawn from."""

    recording: Recording
    angle: AngleResult
    repetitions: tuple[Repetition, ...]
    releases: tuple[Release, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def sensitivities(self) -> tuple[Sensitivity | None, ...]:
        """For every comparison, what it would be if a calibration figure were wrong; None without blocks."""
        poses = self.recording.reference_poses
        at_deg = poses[0].flexion_deg if poses else 0.0
        return tuple(
            None
            if c.before is None or c.after is None
            else sensitivity_of(c.before, c.after, reference_flexion_deg=at_deg)
            for c in self.comparisons
        )

    @property
    def data_findings(self) -> tuple[Finding, ...]:
        """The findings about recording and angle, which hold whatever is compared."""
        return known_and_found(self.recording.findings, self.angle.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding of every stage, each once, in the order of the data's way."""
        return unique([*self.data_findings, *(f for c in self.comparisons for f in c.findings)])

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences of the findings, each once."""
        return sentences(self.findings)


def angle_of(
    recording: Recording, *, causal: bool = False, folder: Path | None = None, keep: bool = False
) -> AngleResult:
    """The knee angle of a recording.

    Args:
        recording: the session.
        causal: True computes what the live view would have shown, False uses the whole recording.
        folder: the session folder. What was kept in its derived/ of the very same recording is taken instead
            of being computed anew; that never changes a number.
        keep: also keep what had to be computed there.

    Raises:
        CannotAnswerError: the recording does not hold what the angle needs.
    """
    check = partial(check_recording, recording)
    return _estimate(recording, check, causal=causal, folder=folder, keep=keep).angle


def orientations_of(recording: Recording) -> SegmentOrientations:
    """The orientation of both segments, from the same samples and on the same grid as `angle_of`.

    Raises:
        CannotAnswerError: the recording does not hold what the angle needs.
    """
    checked = check_recording(recording)
    refuse_wrong(checked.findings)
    return estimate_orientations(checked.thigh, checked.shank, phases=recording.phases, poses=checked.poses)


def _estimate(
    recording: Recording,
    check: Callable[[], Checked],
    *,
    causal: bool = False,
    folder: Path | None,
    keep: bool,
) -> KeptAngle:
    """Everything that is computed from samples: as it was kept, or else computed and, if wanted, kept."""
    place = None if folder is None else Place.of(folder, recording, DEFAULTS, causal=causal)
    found = None if place is None else place.load()
    if found is not None:
        return found
    checked = check()
    refuse_wrong(checked.findings)
    result = estimate_angle(
        checked.thigh,
        checked.shank,
        phases=recording.phases,
        poses=checked.poses,
        causal=causal,
        parameters=DEFAULTS,
    )
    result = check_result(result, checked, recording.findings, causal=causal)
    turned: tuple[Finding, ...] = ()
    if not causal:
        repetitions = find_repetitions(result.track, recording.phases, result.thigh_tilt_deg)
        turned = check_turned(checked.thigh, checked.shank, result.axes, repetitions)
    computed = KeptAngle(result, turned)
    # A session that was never closed may still be growing: it is another one each time.
    if place is not None and keep and recording.info.status != "recovered":
        place.store(computed)
    return computed


def findings_of(recording: Recording, *, folder: Path | None = None) -> tuple[Finding, ...]:
    """Everything that is found wrong with a recording, also where it allows no answer.

    Args:
        recording: the session.
        folder: as in `angle_of`. Nothing is written there.
    """
    check = cache(partial(check_recording, recording))
    try:
        return _answer(recording, check, folder=folder, keep=False).findings
    except CannotAnswerError as error:
        checked = check()
        found = Finding("no_answer", None, None, str(error), "refuse")
        told = any(f.sentence == found.sentence for f in checked.findings)
        return checked.findings if told else (*checked.findings, found)


def answer(recording: Recording, *, folder: Path | None = None, keep: bool = False) -> Answer:
    """Runs every stage on a recording.

    Args:
        recording: the session.
        folder, keep: as in `angle_of`.

    Raises:
        CannotAnswerError: there is no knee angle in it, hence nothing further.
    """
    return _answer(recording, partial(check_recording, recording), folder=folder, keep=keep)


def _answer(recording: Recording, check: Callable[[], Checked], *, folder: Path | None, keep: bool) -> Answer:
    found = _estimate(recording, check, folder=folder, keep=keep)
    angle, phases = found.angle, recording.phases
    repetitions = find_repetitions(angle.track, phases, angle.thigh_tilt_deg)
    angle = replace(angle, findings=unique([*angle.findings, *found.turned]))
    return Answer(
        recording=recording,
        angle=angle,
        repetitions=repetitions,
        releases=find_releases(angle.track, phases),
        comparisons=_compare(repetitions, angle),
    )


def judged_by(answer: Answer, reliability: OwnNoise) -> Answer:
    """The same answer, judged by how well this person's own readings repeat."""
    return replace(answer, comparisons=_compare(answer.repetitions, answer.angle, reliability))


def _compare(
    repetitions: tuple[Repetition, ...], angle: AngleResult, reliability: OwnNoise = None
) -> tuple[Comparison, ...]:
    compared = compare_blocks(
        repetitions,
        relative=angle.zero == "relative",
        zero_sd_deg=angle.zero_sd_deg,
        pose_checks=angle.pose_check_deg,
        reliability=reliability,
    )
    return tuple(_withheld(c, angle.findings) for c in compared)


def _withheld(comparison: Comparison, findings: Iterable[Finding]) -> Comparison:
    """No verdict on a recording that cannot carry one; no signed change where the sign is in doubt."""
    findings = tuple(findings)
    if any(f.kind == "swapped" for f in findings):
        # The tilt is that of the shin then, which tilts with every repetition.
        comparison = replace(
            comparison, findings=tuple(f for f in comparison.findings if f.kind != "thigh_tilt")
        )
    against = no_verdict_of(findings)
    if against is None:
        return comparison
    if any(f.kind == "direction" for f in findings):
        signed = (
            "change_deg",
            "change_ci95_deg",
            "control_change_deg",
            "net_change_deg",
            "net_change_ci95_deg",
        )
        comparison = replace(comparison, **dict.fromkeys(signed))  # type: ignore[arg-type]
    return replace(comparison, verdict="not enough data", reason=against.sentence)


def compare_answers(before: Answer, after: Answer, *, reliability: OwnNoise = None) -> tuple[Comparison, ...]:
    """Compares two sessions of the same knee, of different days or strappings.

    Raises:
        CannotAnswerError: they are of different legs.
    """
    sides = [a.recording.info.side for a in (before, after)]
    if sides[0] != sides[1]:
        raise CannotAnswerError(
            f"The earlier session is of the {sides[0]} leg, the later one of the {sides[1]}.",
            "A change can only be told of one knee.",
        )
    compared = compare_sessions(_measured(before), _measured(after), reliability=reliability)
    findings = (*before.angle.findings, *after.angle.findings)
    return tuple(_withheld(c, (f for f in findings if f.kind not in _WITHIN)) for c in compared)


def _measured(answer: Answer) -> Measured:
    return Measured(answer.repetitions, answer.angle.zero == "relative", answer.angle.zero_sd_deg)


def compare_knees(this: Answer, other: Answer, *, reliability: OwnNoise = None) -> tuple[SideDifference, ...]:
    """Compares the two knees of one person, block by block.

    Raises:
        CannotAnswerError: both are of the same leg, or a zero is missing, or no block is in both, or what was
            found wrong with one of them forbids it.
    """
    if this.recording.info.side == other.recording.info.side:
        raise CannotAnswerError(
            f"Both sessions are of the {this.recording.info.side} leg.",
            "Give a session of each leg; a wrong side can be mended in session.json.",
        )
    if "relative" in (this.angle.zero, other.angle.zero):
        raise CannotAnswerError(
            "Two knees can only be compared by absolute angles.", "Both sessions need a reference pose."
        )
    findings = (*this.angle.findings, *other.angle.findings)
    against = no_verdict_of(f for f in findings if f.kind not in _WITHIN)
    if against is not None:
        raise CannotAnswerError(against.sentence)
    found = side_differences(_measured(this), _measured(other), reliability=reliability)
    if not found:
        raise CannotAnswerError(
            "The sessions have no test and phase in common with three repetitions each.",
            "Measure the same test with both knees.",
        )
    return found


def two_people(one: Answer, other: Answer) -> tuple[Finding, ...]:
    """A finding where two sessions are of different clients, else none."""
    first, second = (a.recording.info.client for a in (one, other))
    if first and second and first != second:
        text = f"The sessions are of two people: {first} and {second}."
        return (Finding("two_people", None, None, text),)
    return ()


def doubts_of_pair(before: Answer, after: Answer) -> tuple[Finding, ...]:
    """Findings that contradict two sessions being an earlier and a later one of one person."""
    first, second = (a.recording.info for a in (before, after))
    doubts = list(two_people(before, after))
    # The start of an imported session may be no more than the date of a file.
    if "imported" not in (first.status, second.status) and _moment(second) < _moment(first):
        text = "The session given as the later one was recorded first: check their order."
        doubts.append(Finding("sessions_exchanged", None, None, text))
    return tuple(doubts)


def _moment(info: SessionInfo) -> datetime:
    moment = datetime.fromisoformat(info.started_at)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
