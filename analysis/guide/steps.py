"""The guide: which step the session is in, when the next one comes, what is written down.

Pure. A state goes in with what is seen, or with what a person wishes; a turn comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from analysis.guide.prompt import Cue, Prompt
from analysis.guide.protocol import Protocol, Step
from analysis.guide.watchers import WATCHERS, Report, Seen, StepState
from firmware_bridge.session.model import Event, Marker, Pain, Phase, PhaseName, ReferencePose

Wish = Literal["next", "back", "repeat", "pause", "pain", "angle"]

PAIN_RISE: Final = 2.0
HINT_S: Final = 25.0
SLOWER_EVERY_S: Final = 2.5
_HINT: Final = "Not recognised? n goes on."
_HINTED: Final = ("ready", "still", "swings", "measure", "pandiculate", "reference", "closing")
_STAGE_CUES: Final[dict[str, Cue]] = {"hold": "hold", "release": "release", "let_go": "let_go"}


@dataclass(frozen=True, slots=True)
class GuideState:
    """Where the session stands. The first `advance` enters the first step.

    Attributes:
        index: of the step, from 0; -1 before the first, the number of steps after the last.
        step: how that step stands.
        phase: the phase that was written last.
        reference: the pose that set the zero, to be held again at the end.
        first_pain: score before the exercise.
        advice: what must stay on the screen from now on.
        paused: nothing is waited for.
        slower_s: when the person was last told to go slower.
        finished_s: when the last step ended; None while there are steps.
    """

    index: int = -1
    step: StepState = field(default_factory=StepState)
    phase: str | None = None
    reference: ReferencePose | None = None
    first_pain: float | None = None
    advice: str = ""
    paused: bool = False
    slower_s: float = float("-inf")
    finished_s: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one look or wish leads to.

    Attributes:
        state: for the next turn.
        prompt: what to show.
        events: to be written down at once, in order.
        cues: to be sounded once; empty in measuring blocks.
        entered: the step that begins with this turn, if one does.
    """

    state: GuideState
    prompt: Prompt
    events: tuple[Event, ...] = ()
    cues: tuple[Cue, ...] = ()
    entered: Step | None = None


def advance(protocol: Protocol, state: GuideState, seen: Seen) -> Turn:
    """Looks at what is seen, and goes on to the next step where this one is done."""
    if state.index < 0:
        return _enter(protocol, state, 0, seen)
    if state.finished_s is not None or state.paused:
        return Turn(state, _prompt(protocol, state, Report()))
    step = protocol.steps[state.index]
    report = WATCHERS[step.kind](step, state.step, seen)
    if report.done:
        events = _pose(step, state, seen)
        reference = state.reference or next(iter(events), None)
        return _enter(protocol, replace(state, reference=reference), state.index + 1, seen, events)
    cues: tuple[Cue, ...] = ()
    changed = report.stage != state.step.stage
    if changed and report.stage in _STAGE_CUES and step.kind != "closing" and step.kind != "reference":
        cues = (_STAGE_CUES[report.stage],)
    slower_s = state.slower_s
    if report.is_too_fast and seen.now_s - slower_s >= SLOWER_EVERY_S:
        cues, slower_s = (*cues, "slower"), seen.now_s
    inner = replace(
        state.step,
        stage=report.stage,
        stage_s=seen.now_s if changed else state.step.stage_s,
        rounds=report.rounds,
        fast_since_s=report.fast_since_s,
    )
    state = replace(state, step=inner, slower_s=slower_s)
    report = _hinted(step, report, seen.now_s - inner.began_s)
    return Turn(state, _prompt(protocol, state, report), cues=() if step.kind == "measure" else cues)


def wish(protocol: Protocol, state: GuideState, seen: Seen, name: Wish, value: float | None = None) -> Turn:
    """Does what a person asks for.

    Args:
        protocol: the steps.
        state: where the session stands.
        seen: what is known now.
        name: "next" skips the step, "back" and "repeat" begin one again, "pause" stops and resumes,
            "pain" and "angle" answer what was asked, or tell it unasked.
        value: the pain score, or the angle in degrees.
    """
    if name == "pause":
        return _pause(protocol, state, seen)
    if name == "pain" and value is not None:
        return _take_pain(protocol, state, seen, value)
    step = _step(protocol, state)
    if name == "angle" and step is not None and step.kind == "reference":
        return advance(protocol, replace(state, step=replace(state.step, angle_deg=value)), seen)
    if name == "next" and step is not None:
        skipped = () if step.kind == "read" else (Marker(seen.now_s, f"skipped: {step.title}"),)
        return _enter(protocol, state, state.index + 1, seen, skipped)
    if name == "back":
        return _enter(protocol, state, max(0, state.index - 1), seen)
    if name == "repeat" and step is not None:
        events = (Marker(seen.now_s, f"repeated: {step.title}"),)
        return _enter(protocol, state, _repeated(protocol, state, seen), seen, events)
    return Turn(state, _prompt(protocol, state, Report()))


def _enter(
    protocol: Protocol, state: GuideState, index: int, seen: Seen, events: tuple[Event, ...] = ()
) -> Turn:
    """Begins a step; every step has its phase, so no block runs on into what follows it."""
    step = protocol.steps[index] if index < len(protocol.steps) else None
    if step is not None and step.kind == "closing" and state.reference is None:
        return _enter(protocol, state, index + 1, seen, events)
    phase = _phase(step, state)
    if phase is not None:
        events = (*events, Phase(seen.now_s, phase, step.test if step else None))
    if phase == "restrap":
        state = replace(state, reference=None)
    inner = StepState(
        began_s=seen.now_s, stage_s=seen.now_s, swings_before=seen.swings, angle_deg=_angle(step, state)
    )
    state = replace(
        state,
        index=index,
        step=inner,
        phase=phase or state.phase,
        paused=False,
        finished_s=seen.now_s if step is None else None,
    )
    cue: Cue = "done" if step is None else "step"
    # What was seen so far belongs to the step before, so nothing is reported yet.
    return Turn(state, _prompt(protocol, state, Report()), events, (cue,), step)


def _phase(step: Step | None, state: GuideState) -> PhaseName | None:
    """The phase to write down for a step; None where the session stays in the one it is in."""
    if step is not None and step.phase is not None:
        return step.phase
    if step is not None and step.kind == "strap" and state.phase is not None:
        return "restrap"
    return None if state.phase in (None, "pause") else "pause"


def _repeated(protocol: Protocol, state: GuideState, seen: Seen) -> int:
    """The step to begin again: strapping, where the sensors turned out to be exchanged."""
    kinds = [step.kind for step in protocol.steps[: state.index + 1]]
    if seen.strap.swapped and kinds[-1] == "swings" and "strap" in kinds:
        return len(kinds) - 1 - kinds[::-1].index("strap")
    return state.index


def _angle(step: Step | None, state: GuideState) -> float | None:
    if step is not None and step.kind == "closing" and state.reference is not None:
        return state.reference.flexion_deg
    return step.angle_deg if step is not None else None


def _pose(step: Step, state: GuideState, seen: Seen) -> tuple[ReferencePose, ...]:
    angle_deg = state.step.angle_deg
    if step.kind not in ("reference", "closing") or angle_deg is None:
        return ()
    start_s = seen.now_s - step.seconds
    if step.kind == "closing" and state.reference is not None:
        return (replace(state.reference, time_s=start_s, duration_s=step.seconds),)
    return (ReferencePose(start_s, step.seconds, angle_deg, step.sd_deg, step.method),)


def _take_pain(protocol: Protocol, state: GuideState, seen: Seen, score: float) -> Turn:
    first = score if state.first_pain is None else state.first_pain
    advice = state.advice
    cues: tuple[Cue, ...] = ()
    if score - first >= PAIN_RISE:
        advice = f"Pain rose from {first:g} to {score:g}: stop for today, let the leg rest."
        cues = ("stop",)
    state = replace(state, first_pain=first, advice=advice)
    event = Pain(seen.now_s, score)
    step = _step(protocol, state)
    if step is not None and step.kind == "pain" and not state.paused:
        turn = _enter(protocol, state, state.index + 1, seen, (event,))
        return replace(turn, cues=cues or turn.cues)
    return Turn(state, _prompt(protocol, state, Report()), (event,), cues)


def _pause(protocol: Protocol, state: GuideState, seen: Seen) -> Turn:
    step = _step(protocol, state)
    if step is None:
        return Turn(state, _prompt(protocol, state, Report()))
    if state.paused:
        return _enter(protocol, state, state.index, seen)
    events = () if state.phase in (None, "pause") else (Phase(seen.now_s, "pause"),)
    state = replace(state, paused=True, phase="pause" if events else state.phase)
    return Turn(state, _prompt(protocol, state, Report()), events)


def _step(protocol: Protocol, state: GuideState) -> Step | None:
    return protocol.steps[state.index] if 0 <= state.index < len(protocol.steps) else None


def _hinted(step: Step, report: Report, passed_s: float) -> Report:
    waits = step.kind in _HINTED and report.ask is None and passed_s > HINT_S + step.seconds
    if not waits or (step.kind in ("measure", "pandiculate") and report.progress[:1] != "0"):
        return report
    text = step.text if report.instruction is None else report.instruction
    return replace(report, instruction=f"{text} {_HINT}")


def _prompt(protocol: Protocol, state: GuideState, report: Report) -> Prompt:
    step = _step(protocol, state)
    if step is None:
        return Prompt("Done", "Take the sensors off. The result comes in a moment.", warning=state.advice)
    if state.paused:
        return Prompt(
            step.title, "Paused. Space begins this step again.", step=state.index + 1,
            steps=len(protocol.steps), warning=state.advice,
        )  # fmt: skip
    return Prompt(
        title=report.title or step.title,
        instruction=step.text if report.instruction is None else report.instruction,
        progress=report.progress,
        step=state.index + 1,
        steps=len(protocol.steps),
        countdown_s=report.countdown_s,
        target_deg=report.target_deg,
        target_rate_deg_s=report.target_rate_deg_s,
        ask=report.ask,
        quiet=step.kind == "measure",
        warning=state.advice or report.warning,
        page=step.page,
    )
