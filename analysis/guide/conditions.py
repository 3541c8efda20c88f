"""Completion conditions, one per kind of step. Pure: step, its state and an observation -> status."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from analysis.guide.motion import MotionState
from analysis.guide.placement import PlacementState
from analysis.guide.prompt import AskedFor
from analysis.guide.protocol import ProtocolStep

STRAP_WELL_S = 2.0
READY_LEAST_S = 4.0
READY_UNMOVED_S = 6.0
# The analysis needs a held second and its filter 0.6 s more; the phase must not end before.
LAST_HELD_S = 2.0
TOO_FAST_S = 0.3
# What to do is read out before the clock starts.
LISTEN_S = 6.0
_LET_GO: Final = "Let the leg lie, quite heavy. Nothing to do."
_ENOUGH_SWINGS: Final = "Enough. Let the leg lie still."
_MORE_SWINGS: Final = "Go on, and move the whole leg more: the knee's hinge is not known well enough yet."
BENT_BAND_DEG: Final = (75.0, 115.0)


@dataclass(frozen=True, slots=True)
class Observation:
    """The inputs of the guide at one moment.

    Attributes:
        now_s: session clock.
        motion: from the live angle.
        placement: from the raw samples.
        is_fresh: the angle is at most half a second old.
        axis_sd_deg: one-sigma uncertainty of the hinge axis so far; None or NaN while unknown.
        axes_ready: the hinge is known well enough to compute the angle.
        swings: counted while the axes were identified.
        relative: no reference pose fixed the zero yet.
    """

    now_s: float
    motion: MotionState = field(default_factory=MotionState)
    placement: PlacementState = field(default_factory=PlacementState)
    is_fresh: bool = False
    axis_sd_deg: float | None = None
    axes_ready: bool = False
    swings: int = 0
    relative: bool = True


@dataclass(frozen=True, slots=True)
class StepState:
    """State of the current step.

    Attributes:
        began_s: when it started.
        stage: its current part, named by the condition; "" at first.
        stage_s: when that part began.
        rounds: rounds completed, for steps timed by the clock.
        swings_before: swings counted before the step.
        angle_deg: the entered angle of a reference pose.
        fast_since_s: since when a release has been too fast; infinity while it is not.
    """

    began_s: float = 0.0
    stage: str = ""
    stage_s: float = 0.0
    rounds: int = 0
    swings_before: int = 0
    angle_deg: float | None = None
    fast_since_s: float = math.inf


@dataclass(frozen=True, slots=True)
class StepStatus:
    """Evaluation of a step. None or empty fields leave the step's own text in place.

    Attributes:
        done: the step is complete.
        stage, rounds, fast_since_s: for the next state.
        title, instruction, progress, countdown_s, target_deg, target_rate_deg_s, ask, warning: as in
            `Prompt`.
        counted, countdown_of_s: as in `Prompt`.
        is_too_fast: the release has been too fast for a while.
    """

    done: bool = False
    stage: str = ""
    rounds: int = 0
    fast_since_s: float = math.inf
    title: str | None = None
    instruction: str | None = None
    progress: str = ""
    countdown_s: float | None = None
    target_deg: tuple[float, float] | None = None
    target_rate_deg_s: tuple[float, float] | None = None
    ask: AskedFor | None = None
    warning: str = ""
    counted: int = 0
    countdown_of_s: float | None = None
    is_too_fast: bool = False


Condition = Callable[[ProtocolStep, StepState, Observation], StepStatus]


def _read(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    return StepStatus(progress="Enter: we have read this")


def _pain(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    return StepStatus(ask="pain")


def _strap(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    if observation.placement.problems:
        return StepStatus(
            stage="problem", progress="waiting for the sensors", warning=observation.placement.problems[0]
        )
    well_s = observation.now_s - state.stage_s if state.stage == "well" else 0.0
    return StepStatus(done=well_s >= STRAP_WELL_S, stage="well", progress="both sensors send")


def _ready(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    passed_s = observation.now_s - state.began_s
    still_s = observation.placement.still_s
    moved = still_s < passed_s - 0.5
    wanted_s = step.seconds if moved else max(READY_UNMOVED_S, step.seconds)
    done = passed_s >= READY_LEAST_S and still_s >= wanted_s and passed_s >= wanted_s
    return StepStatus(done=done, progress="still" if still_s > 0.5 else "waiting until you are still")


def _still(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    still_s = min(observation.placement.still_s, observation.now_s - state.began_s)
    return StepStatus(
        done=still_s >= step.seconds,
        countdown_s=max(0.0, step.seconds - still_s),
        countdown_of_s=step.seconds,
    )


def _swings(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    swings = max(0, observation.swings - state.swings_before) + observation.motion.bends
    known = ""
    if observation.axis_sd_deg is not None and math.isfinite(observation.axis_sd_deg):
        known = f", hinge known to ±{observation.axis_sd_deg:.1f}°"
    warning = ""
    if step.thigh_rests and observation.placement.swapped:
        warning = "The thigh sensor swings and the shin sensor rests: exchange them, then press r."
    enough = swings >= step.count
    instruction = None
    if enough:
        instruction = _ENOUGH_SWINGS if observation.axes_ready else _MORE_SWINGS
    return StepStatus(
        # A phase that begins during a swing would count it as its first repetition.
        done=observation.axes_ready and enough and not warning and observation.placement.still_s >= 1.0,
        instruction=instruction,
        progress=f"{min(swings, step.count)} of {step.count} swings{known}",
        counted=min(swings, step.count),
        stage="" if not enough else "enough" if observation.axes_ready else "more",
        warning=warning,
    )


def _reference(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    if state.angle_deg is None:
        return StepStatus(ask="reference_deg", stage="ask")
    since_s = state.stage_s if state.stage == "hold" else observation.now_s
    still_s = min(observation.placement.still_s, observation.now_s - since_s)
    return StepStatus(
        done=still_s >= step.seconds,
        stage="hold",
        instruction="Hold this pose, quite still.",
        progress=f"{state.angle_deg:.1f}° entered",
        countdown_of_s=step.seconds,
        countdown_s=max(0.0, step.seconds - still_s),
    )


def _measure(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    done = observation.motion.repetitions
    settled = observation.motion.still_s >= LAST_HELD_S or observation.motion.still_s == 0.0
    return StepStatus(
        done=done >= step.count and settled and observation.is_fresh,
        progress=f"{min(done, step.count)} of {step.count} repetitions",
        counted=min(done, step.count),
    )


def _wait(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    left_s = step.seconds - (observation.now_s - state.began_s)
    return StepStatus(done=left_s <= 0, countdown_s=max(0.0, left_s), countdown_of_s=step.seconds)


def _pandiculate(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    motion = observation.motion
    done = len(motion.releases)
    progress = f"{min(done, step.count)} of {step.count} releases"
    if not observation.is_fresh:
        return StepStatus(stage=state.stage, progress=progress, counted=min(done, step.count))
    rested_s = motion.time_s - motion.releases[-1].stop_s if motion.releases else math.inf
    if motion.releasing:
        return _releasing(step, state, observation, progress, done)
    if rested_s < step.rest_s:
        return StepStatus(
            stage="let_go",
            title="Let go",
            instruction=_LET_GO,
            progress=progress,
            counted=min(done, step.count),
            countdown_s=step.rest_s - rested_s,
            countdown_of_s=step.rest_s,
        )
    if done >= step.count:
        return StepStatus(done=True, stage="let_go", progress=progress, counted=min(done, step.count))
    band = None if observation.relative else BENT_BAND_DEG
    if motion.bent_hold_s <= 0:
        return StepStatus(
            stage="bend",
            title="Bend the knee",
            instruction="Knee to a right angle, heel toward the ceiling, a hand against the heel.",
            progress=progress,
            counted=min(done, step.count),
            target_deg=band,
        )
    left_s = step.hold_s - motion.bent_hold_s
    if left_s > 0:
        return StepStatus(
            stage="hold",
            title="Pull and hold",
            instruction="Pull the heel toward the buttock against the hand, firmly and without pain.",
            progress=progress,
            counted=min(done, step.count),
            countdown_s=left_s,
            countdown_of_s=step.hold_s,
            target_deg=band,
        )
    return StepStatus(
        stage="release",
        title="Let down slowly",
        instruction="Keep a little pull and let the leg sink, slowly and evenly, until it lies.",
        progress=progress,
        counted=min(done, step.count),
        target_rate_deg_s=step.rate_deg_s,
    )


def _releasing(
    step: ProtocolStep, state: StepState, observation: Observation, progress: str, done: int
) -> StepStatus:
    fast = -observation.motion.rate_deg_s > step.rate_deg_s[1]
    since_s = min(state.fast_since_s, observation.now_s) if fast else math.inf
    too_fast = observation.now_s - since_s >= TOO_FAST_S
    return StepStatus(
        stage="release",
        fast_since_s=since_s,
        title="Slower" if too_fast else "Let down slowly",
        instruction="Keep a little pull and let the leg sink, slowly and evenly, until it lies.",
        progress=progress,
        counted=min(done, step.count),
        target_rate_deg_s=step.rate_deg_s,
        is_too_fast=too_fast,
    )


def _press(step: ProtocolStep, state: StepState, observation: Observation) -> StepStatus:
    """Timed by the clock: the knee does not move while it presses."""
    stage, rounds = state.stage, state.rounds
    heard = observation.now_s - state.began_s >= LISTEN_S
    if not stage and (observation.placement.still_s < 1.0 or not heard):
        return StepStatus(progress=f"0 of {step.count} presses")
    lasts_s = step.rest_s if stage == "let_go" else step.hold_s
    left_s = lasts_s - (observation.now_s - state.stage_s if stage else 0.0)
    if not stage:
        stage = "hold"
    elif left_s <= 0:
        rounds += stage == "let_go"
        stage = "let_go" if stage == "hold" else "hold"
        left_s = step.rest_s if stage == "let_go" else step.hold_s
    pressing = stage == "hold"
    return StepStatus(
        done=rounds >= step.count,
        stage=stage,
        rounds=rounds,
        title="Press" if pressing else "Let go",
        instruction=step.text if pressing else _LET_GO,
        progress=f"{rounds} of {step.count} presses",
        counted=rounds,
        countdown_s=left_s,
        countdown_of_s=step.rest_s if stage == "let_go" else step.hold_s,
    )


CONDITIONS: Final[Mapping[str, Condition]] = {
    "read": _read,
    "pain": _pain,
    "strap": _strap,
    "ready": _ready,
    "still": _still,
    "swings": _swings,
    "reference": _reference,
    "closing": _reference,
    "measure": _measure,
    "wait": _wait,
    "pandiculate": _pandiculate,
    "press": _press,
}
