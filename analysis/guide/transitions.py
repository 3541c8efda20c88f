"""State machine of the guide.

Pure: state and observation, or state and command -> transition with the new state, prompt, events and cues.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from analysis.guide.conditions import CONDITIONS, Observation, StepState, StepStatus
from analysis.guide.prompt import Cue, Prompt
from analysis.guide.protocol import Protocol, ProtocolStep
from firmware_bridge.session.model import Event, Marker, Pain, Phase, PhaseName, ReferencePose

GuideCommand = Literal["next", "back", "repeat", "pause", "pain", "angle"]

PAIN_RISE: Final = 2.0
HINT_S: Final = 25.0
SLOWER_EVERY_S: Final = 2.5
_HINT: Final = "Not recognised? n goes on."
_HINTED: Final = ("ready", "still", "swings", "measure", "pandiculate", "reference", "closing")
# Seconds that one repetition of a step takes, beside what the protocol says.
_REPETITION_S: Final = {"swings": 2.5, "measure": 6.0}
_FIXED_S: Final = {"read": 40.0, "pain": 5.0, "strap": 60.0, "ready": 15.0, "reference": 15.0}
_STAGE_CUES: Final[dict[str, Cue]] = {"hold": "hold", "release": "release", "let_go": "let_go"}


@dataclass(frozen=True, slots=True)
class GuideState:
    """State of the guided session. The first `advance` enters the first step.

    Attributes:
        index: of the step, from 0; -1 before the first, the number of steps after the last.
        step: its state.
        phase: name of the last phase event.
        reference: the pose that set the zero, to be held again at the end.
        first_pain: score before the exercise.
        advice: a warning that stays on the screen from now on.
        paused: conditions are not evaluated.
        slower_s: when the cue "slower" last sounded.
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
class Transition:
    """Result of an observation or a command.

    Attributes:
        state: the new state.
        prompt: what to show.
        events: to be recorded at once, in order.
        cues: to be sounded once; empty in measuring blocks.
        entered: the step that this transition enters, if any.
    """

    state: GuideState
    prompt: Prompt
    events: tuple[Event, ...] = ()
    cues: tuple[Cue, ...] = ()
    entered: ProtocolStep | None = None


def advance(protocol: Protocol, state: GuideState, observation: Observation) -> Transition:
    """Evaluates the current step, and enters the next one if it is done."""
    if state.index < 0:
        return _enter(protocol, state, 0, observation)
    if state.finished_s is not None or state.paused:
        return Transition(state, _prompt(protocol, state, StepStatus()))
    step = protocol.steps[state.index]
    status = CONDITIONS[step.kind](step, state.step, observation)
    if status.done:
        events = _pose(step, state, observation)
        reference = state.reference or next(iter(events), None)
        return _enter(protocol, replace(state, reference=reference), state.index + 1, observation, events)
    cues: tuple[Cue, ...] = ()
    changed = status.stage != state.step.stage
    if changed and status.stage in _STAGE_CUES and step.kind != "closing" and step.kind != "reference":
        cues = (_STAGE_CUES[status.stage],)
    slower_s = state.slower_s
    if status.is_too_fast and observation.now_s - slower_s >= SLOWER_EVERY_S:
        cues, slower_s = (*cues, "slower"), observation.now_s
    inner = replace(
        state.step,
        stage=status.stage,
        stage_s=observation.now_s if changed else state.step.stage_s,
        rounds=status.rounds,
        fast_since_s=status.fast_since_s,
    )
    state = replace(state, step=inner, slower_s=slower_s)
    status = _hinted(step, status, observation.now_s - inner.began_s)
    return Transition(state, _prompt(protocol, state, status), cues=() if step.kind == "measure" else cues)


def handle_command(
    protocol: Protocol,
    state: GuideState,
    observation: Observation,
    name: GuideCommand,
    value: float | None = None,
) -> Transition:
    """Executes a command of the user.

    Args:
        protocol: the steps.
        state: where the session stands.
        observation: at this moment.
        name: "next" skips the step, "back" and "repeat" begin one again, "pause" stops and resumes,
            "pain" and "angle" enter a number, whether it was asked for or not.
        value: the pain score, or the angle in degrees.
    """
    if name == "pause":
        return _pause(protocol, state, observation)
    if name == "pain" and value is not None:
        return _take_pain(protocol, state, observation, value)
    step = _step(protocol, state)
    if name == "angle" and step is not None and step.kind == "reference":
        return advance(protocol, replace(state, step=replace(state.step, angle_deg=value)), observation)
    if name == "next" and step is not None:
        skipped = () if step.kind == "read" else (Marker(observation.now_s, f"skipped: {step.title}"),)
        return _enter(protocol, state, state.index + 1, observation, skipped)
    if name == "back":
        return _enter(protocol, state, max(0, state.index - 1), observation)
    if name == "repeat" and step is not None:
        events = (Marker(observation.now_s, f"repeated: {step.title}"),)
        return _enter(protocol, state, _repeated(protocol, state, observation), observation, events)
    return Transition(state, _prompt(protocol, state, StepStatus()))


def _enter(
    protocol: Protocol,
    state: GuideState,
    index: int,
    observation: Observation,
    events: tuple[Event, ...] = (),
) -> Transition:
    """Enters a step. Every step sets a phase, so that no block extends into the next step."""
    step = protocol.steps[index] if index < len(protocol.steps) else None
    if step is not None and step.kind == "closing" and state.reference is None:
        return _enter(protocol, state, index + 1, observation, events)
    phase = _phase(step, state)
    if phase is not None:
        events = (*events, Phase(observation.now_s, phase, step.test if step else None))
    if phase == "restrap":
        state = replace(state, reference=None)
    inner = StepState(
        began_s=observation.now_s,
        stage_s=observation.now_s,
        swings_before=observation.swings,
        angle_deg=_angle(step, state),
    )
    state = replace(
        state,
        index=index,
        step=inner,
        phase=phase or state.phase,
        paused=False,
        finished_s=observation.now_s if step is None else None,
    )
    cue: Cue = "done" if step is None else "step"
    # This observation belongs to the previous step, so the new one is not evaluated yet.
    return Transition(state, _prompt(protocol, state, StepStatus()), events, (cue,), step)


def _phase(step: ProtocolStep | None, state: GuideState) -> PhaseName | None:
    """The phase of a step; None if the session stays in its phase."""
    if step is not None and step.phase is not None:
        return step.phase
    if step is not None and step.kind == "strap" and state.phase is not None:
        return "restrap"
    return None if state.phase in (None, "pause") else "pause"


def _repeated(protocol: Protocol, state: GuideState, observation: Observation) -> int:
    """Index of the step to repeat: the strap step if the sensors are exchanged, else the current one."""
    kinds = [step.kind for step in protocol.steps[: state.index + 1]]
    if observation.placement.swapped and kinds[-1] == "swings" and "strap" in kinds:
        return len(kinds) - 1 - kinds[::-1].index("strap")
    return state.index


def _angle(step: ProtocolStep | None, state: GuideState) -> float | None:
    if step is not None and step.kind == "closing" and state.reference is not None:
        return state.reference.flexion_deg
    return step.angle_deg if step is not None else None


def _pose(step: ProtocolStep, state: GuideState, observation: Observation) -> tuple[ReferencePose, ...]:
    angle_deg = state.step.angle_deg
    if step.kind not in ("reference", "closing") or angle_deg is None:
        return ()
    start_s = observation.now_s - step.seconds
    if step.kind == "closing" and state.reference is not None:
        return (replace(state.reference, time_s=start_s, duration_s=step.seconds),)
    return (ReferencePose(start_s, step.seconds, angle_deg, step.sd_deg, step.method),)


def _take_pain(protocol: Protocol, state: GuideState, observation: Observation, score: float) -> Transition:
    first = score if state.first_pain is None else state.first_pain
    advice = state.advice
    cues: tuple[Cue, ...] = ()
    if score - first >= PAIN_RISE:
        advice = f"Pain rose from {first:g} to {score:g}: stop for today, let the leg rest."
        cues = ("stop",)
    state = replace(state, first_pain=first, advice=advice)
    event = Pain(observation.now_s, score)
    step = _step(protocol, state)
    if step is not None and step.kind == "pain" and not state.paused:
        transition = _enter(protocol, state, state.index + 1, observation, (event,))
        return replace(transition, cues=cues or transition.cues)
    return Transition(state, _prompt(protocol, state, StepStatus()), (event,), cues)


def _pause(protocol: Protocol, state: GuideState, observation: Observation) -> Transition:
    step = _step(protocol, state)
    if step is None:
        return Transition(state, _prompt(protocol, state, StepStatus()))
    if state.paused:
        return _enter(protocol, state, state.index, observation)
    events = () if state.phase in (None, "pause") else (Phase(observation.now_s, "pause"),)
    state = replace(state, paused=True, phase="pause" if events else state.phase)
    return Transition(state, _prompt(protocol, state, StepStatus()), events)


def _step(protocol: Protocol, state: GuideState) -> ProtocolStep | None:
    return protocol.steps[state.index] if 0 <= state.index < len(protocol.steps) else None


def _hinted(step: ProtocolStep, status: StepStatus, passed_s: float) -> StepStatus:
    waits = step.kind in _HINTED and status.ask is None and passed_s > HINT_S + step.seconds
    if not waits or (step.kind in ("measure", "pandiculate") and status.progress[:1] != "0"):
        return status
    text = step.text if status.instruction is None else status.instruction
    return replace(status, instruction=f"{text} {_HINT}")


def _prompt(protocol: Protocol, state: GuideState, status: StepStatus) -> Prompt:
    step = _step(protocol, state)
    if step is None:
        return Prompt("Done", "Take the sensors off. The result comes in a moment.", warning=state.advice)
    if state.paused:
        return Prompt(
            step.title, "Paused. Space begins this step again.", step=state.index + 1,
            steps=len(protocol.steps), warning=state.advice, kind=step.kind, posture=step.posture,
            outline=tuple(s.title for s in protocol.steps),
        )  # fmt: skip
    return Prompt(
        title=status.title or step.title,
        instruction=step.text if status.instruction is None else status.instruction,
        progress=status.progress,
        step=state.index + 1,
        steps=len(protocol.steps),
        countdown_s=status.countdown_s,
        target_deg=status.target_deg,
        target_rate_deg_s=status.target_rate_deg_s,
        ask=status.ask,
        quiet=step.kind == "measure",
        warning=state.advice or status.warning,
        page=step.page,
        kind=step.kind,
        stage=state.step.stage,
        posture=step.posture,
        counted=status.counted,
        count=step.count,
        countdown_of_s=status.countdown_of_s,
        next_instruction=_next_instruction(protocol, state),
        outline=tuple(s.title for s in protocol.steps),
        left_s=_left_s(protocol, state, status),
    )


def _next_instruction(protocol: Protocol, state: GuideState) -> str:
    """The text of the next step, if that is a measuring block."""
    following = protocol.steps[state.index + 1 : state.index + 2]
    return following[0].text if following and following[0].kind == "measure" else ""


def _left_s(protocol: Protocol, state: GuideState, status: StepStatus) -> float:
    """About how long the session still takes."""
    step, following = protocol.steps[state.index], protocol.steps[state.index + 1 :]
    share = 1.0
    if step.count:
        share = 1.0 - status.counted / step.count
    elif status.countdown_s is not None and status.countdown_of_s:
        share = status.countdown_s / status.countdown_of_s
    return share * _length_s(step) + sum(map(_length_s, following))


def _length_s(step: ProtocolStep) -> float:
    if step.kind == "pandiculate":
        release_s = 80.0 / (0.5 * sum(step.rate_deg_s))
        return step.count * (4.0 + step.hold_s + release_s + step.rest_s)
    if step.kind == "press":
        return step.count * (step.hold_s + step.rest_s)
    if step.kind in _REPETITION_S:
        return step.count * _REPETITION_S[step.kind] + 5.0
    return _FIXED_S.get(step.kind, 0.0) + step.seconds
