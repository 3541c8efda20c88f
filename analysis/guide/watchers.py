"""What each kind of step waits for. Pure: a step, its state and what is seen in; how it stands out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from analysis.guide.motion import MotionState
from analysis.guide.prompt import AskedFor
from analysis.guide.protocol import Step
from analysis.guide.strapping import StrapState

STRAP_WELL_S = 2.0
READY_LEAST_S = 4.0
READY_UNMOVED_S = 6.0
# The offline analysis wants a whole second; the live rate lags and the phase must not cut it short.
LAST_HELD_S = 2.0
TOO_FAST_S = 0.3
_LET_GO: Final = "Let the leg lie, quite heavy. Nothing to do."
_ENOUGH_SWINGS: Final = "Enough. Let the leg lie still."
_MORE_SWINGS: Final = "Go on, and move the whole leg more: the knee's hinge is not known well enough yet."
BENT_BAND_DEG: Final = (75.0, 115.0)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known at one moment.

    Attributes:
        now_s: session clock.
        motion: what the live angle shows.
        strap: what the raw samples show.
        is_fresh: the angle is at most half a second old.
        axis_sd_deg: one-sigma uncertainty of the hinge axis so far; None or NaN while unknown.
        axes_ready: the hinge is known well enough, the angle runs.
        swings: seen while the axes were searched.
        relative: no reference pose fixed the zero yet.
    """

    now_s: float
    motion: MotionState = field(default_factory=MotionState)
    strap: StrapState = field(default_factory=StrapState)
    is_fresh: bool = False
    axis_sd_deg: float | None = None
    axes_ready: bool = False
    swings: int = 0
    relative: bool = True


@dataclass(frozen=True, slots=True)
class StepState:
    """Where a step stands.

    Attributes:
        began_s: when it was entered.
        stage: its part, named by the watcher; "" at first.
        stage_s: when that part began.
        rounds: parts completed, where the clock counts them.
        swings_before: swings seen before the step.
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
class Report:
    """How a step stands now. What is None or empty leaves the step's own text alone.

    Attributes:
        done: what the step waits for has been seen.
        stage, rounds, fast_since_s: for the next state.
        title, instruction, progress, countdown_s, target_deg, target_rate_deg_s, ask, warning: as in
            `Prompt`.
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
    is_too_fast: bool = False


Watcher = Callable[[Step, StepState, Seen], Report]


def _read(step: Step, state: StepState, seen: Seen) -> Report:
    return Report(progress="Enter: we have read this")


def _pain(step: Step, state: StepState, seen: Seen) -> Report:
    return Report(ask="pain")


def _strap(step: Step, state: StepState, seen: Seen) -> Report:
    if seen.strap.problems:
        return Report(stage="problem", progress="waiting for the sensors", warning=seen.strap.problems[0])
    well_s = seen.now_s - state.stage_s if state.stage == "well" else 0.0
    return Report(done=well_s >= STRAP_WELL_S, stage="well", progress="both sensors send")


def _ready(step: Step, state: StepState, seen: Seen) -> Report:
    passed_s = seen.now_s - state.began_s
    still_s = seen.strap.still_s
    moved = still_s < passed_s - 0.5
    wanted_s = step.seconds if moved else max(READY_UNMOVED_S, step.seconds)
    done = passed_s >= READY_LEAST_S and still_s >= wanted_s and passed_s >= wanted_s
    return Report(done=done, progress="still" if still_s > 0.5 else "waiting until you are still")


def _still(step: Step, state: StepState, seen: Seen) -> Report:
    still_s = min(seen.strap.still_s, seen.now_s - state.began_s)
    return Report(done=still_s >= step.seconds, countdown_s=max(0.0, step.seconds - still_s))


def _swings(step: Step, state: StepState, seen: Seen) -> Report:
    swings = max(0, seen.swings - state.swings_before) + seen.motion.bends
    known = ""
    if seen.axis_sd_deg is not None and math.isfinite(seen.axis_sd_deg):
        known = f", hinge known to ±{seen.axis_sd_deg:.1f}°"
    warning = ""
    if step.thigh_rests and seen.strap.swapped:
        warning = "The thigh sensor swings and the shin sensor rests: exchange them, then press r."
    enough = swings >= step.count
    instruction = None
    if enough:
        instruction = _ENOUGH_SWINGS if seen.axes_ready else _MORE_SWINGS
    return Report(
        # The next phase must not begin amid a swing, which would count as its first repetition.
        done=seen.axes_ready and enough and not warning and seen.strap.still_s >= 1.0,
        instruction=instruction,
        progress=f"{min(swings, step.count)} of {step.count} swings{known}",
        warning=warning,
    )


def _reference(step: Step, state: StepState, seen: Seen) -> Report:
    if state.angle_deg is None:
        return Report(ask="reference_deg", stage="ask")
    since_s = state.stage_s if state.stage == "hold" else seen.now_s
    still_s = min(seen.strap.still_s, seen.now_s - since_s)
    return Report(
        done=still_s >= step.seconds,
        stage="hold",
        instruction="Hold this pose, quite still.",
        progress=f"{state.angle_deg:.1f}° entered",
        countdown_s=max(0.0, step.seconds - still_s),
    )


def _measure(step: Step, state: StepState, seen: Seen) -> Report:
    done = seen.motion.repetitions
    settled = seen.motion.still_s >= LAST_HELD_S or seen.motion.still_s == 0.0
    return Report(
        done=done >= step.count and settled and seen.is_fresh,
        progress=f"{min(done, step.count)} of {step.count} repetitions",
    )


def _wait(step: Step, state: StepState, seen: Seen) -> Report:
    left_s = step.seconds - (seen.now_s - state.began_s)
    return Report(done=left_s <= 0, countdown_s=max(0.0, left_s))


def _pandiculate(step: Step, state: StepState, seen: Seen) -> Report:
    motion = seen.motion
    done = len(motion.releases)
    progress = f"{min(done, step.count)} of {step.count} releases"
    if not seen.is_fresh:
        return Report(stage=state.stage, progress=progress)
    rested_s = motion.time_s - motion.releases[-1].stop_s if motion.releases else math.inf
    if motion.releasing:
        return _releasing(step, state, seen, progress)
    if rested_s < step.rest_s:
        return Report(
            stage="let_go",
            title="Let go",
            instruction=_LET_GO,
            progress=progress,
            countdown_s=step.rest_s - rested_s,
        )
    if done >= step.count:
        return Report(done=True, stage="let_go", progress=progress)
    band = None if seen.relative else BENT_BAND_DEG
    if motion.bent_hold_s <= 0:
        return Report(
            stage="bend",
            title="Bend the knee",
            instruction="Knee to a right angle, heel toward the ceiling, a hand against the heel.",
            progress=progress,
            target_deg=band,
        )
    left_s = step.hold_s - motion.bent_hold_s
    if left_s > 0:
        return Report(
            stage="hold",
            title="Pull and hold",
            instruction="Pull the heel toward the buttock against the hand, firmly and without pain.",
            progress=progress,
            countdown_s=left_s,
            target_deg=band,
        )
    return Report(
        stage="release",
        title="Let down slowly",
        instruction="Keep a little pull and let the leg sink, slowly and evenly, until it lies.",
        progress=progress,
        target_rate_deg_s=step.rate_deg_s,
    )


def _releasing(step: Step, state: StepState, seen: Seen, progress: str) -> Report:
    fast = -seen.motion.rate_deg_s > step.rate_deg_s[1]
    since_s = min(state.fast_since_s, seen.now_s) if fast else math.inf
    too_fast = seen.now_s - since_s >= TOO_FAST_S
    return Report(
        stage="release",
        fast_since_s=since_s,
        title="Slower" if too_fast else "Let down slowly",
        instruction="Keep a little pull and let the leg sink, slowly and evenly, until it lies.",
        progress=progress,
        target_rate_deg_s=step.rate_deg_s,
        is_too_fast=too_fast,
    )


def _press(step: Step, state: StepState, seen: Seen) -> Report:
    """By the clock, because a leg that lies and presses does not move."""
    stage, rounds = state.stage, state.rounds
    if not stage and seen.strap.still_s < 1.0:
        return Report(progress=f"0 of {step.count} presses")
    lasts_s = step.rest_s if stage == "let_go" else step.hold_s
    left_s = lasts_s - (seen.now_s - state.stage_s if stage else 0.0)
    if not stage:
        stage = "hold"
    elif left_s <= 0:
        rounds += stage == "let_go"
        stage = "let_go" if stage == "hold" else "hold"
        left_s = step.rest_s if stage == "let_go" else step.hold_s
    pressing = stage == "hold"
    return Report(
        done=rounds >= step.count,
        stage=stage,
        rounds=rounds,
        title="Press" if pressing else "Let go",
        instruction=step.text if pressing else _LET_GO,
        progress=f"{rounds} of {step.count} presses",
        countdown_s=left_s,
    )


WATCHERS: Final[Mapping[str, Watcher]] = {
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
