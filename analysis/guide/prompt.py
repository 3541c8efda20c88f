"""The guide's output at one moment, shown by every live view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepKind = Literal[
    "read", "pain", "strap", "ready", "still", "swings", "reference", "measure", "wait", "pandiculate",
    "press", "closing",
]  # fmt: skip
Posture = Literal["prone", "supine", "standing", "seated", "ake"]
Cue = Literal["step", "hold", "release", "slower", "let_go", "done", "stop"]
AskedFor = Literal["pain", "reference_deg"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """Instruction and progress for the person and for an assistant.

    Attributes:
        title: two or three words, readable from across the room.
        instruction: one or two plain sentences.
        progress: how far the step is, "3 of 5 repetitions".
        step, steps: the number of this step, counted from 1, and of all.
        countdown_s: seconds left, where the step or the hold runs against a clock.
        target_deg: flexion band to be in, (low, high).
        target_rate_deg_s: speed band of a release, (low, high), both positive.
        ask: a number that somebody has to enter, or None.
        quiet: True in measuring blocks, where no sound may steer the person.
        page: paragraphs to be read in peace, shown in place of the plot.
        warning: a sentence that must not be overlooked.
        kind: of the step; None when the session is over.
        stage: part of the step: "bend", "hold", "release", "let_go", "ask", ... or "".
        posture: of the person in this step.
        counted, count: repetitions, swings, releases or presses so far, and how many are wanted.
        countdown_of_s: whole length of what `countdown_s` counts.
        next_instruction: of the next step, if it is a measuring block, in which nothing is said; else "".
        outline: titles of all steps.
        left_s: about how long the session still takes.
    """

    title: str
    instruction: str = ""
    progress: str = ""
    step: int = 0
    steps: int = 0
    countdown_s: float | None = None
    target_deg: tuple[float, float] | None = None
    target_rate_deg_s: tuple[float, float] | None = None
    ask: AskedFor | None = None
    quiet: bool = False
    page: tuple[str, ...] = ()
    warning: str = ""
    kind: StepKind | None = None
    stage: str = ""
    posture: Posture = "prone"
    counted: int = 0
    count: int = 0
    countdown_of_s: float | None = None
    next_instruction: str = ""
    outline: tuple[str, ...] = ()
    left_s: float | None = None
