"""A recording -> everything there is to say about it. The one place where the stages meet."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.angle.result import AngleResult
from analysis.change.result import Comparison
from analysis.movement.result import Release, Repetition
from firmware_bridge.session.model import Recording


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """A recording with its angle, movement and change; what every view is drawn from."""

    recording: Recording
    angle: AngleResult
    repetitions: tuple[Repetition, ...]
    releases: tuple[Release, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Every warning of every stage, each once, in the order of the data's way."""
        texts = [*self.recording.warnings, *self.angle.warnings]
        for comparison in self.comparisons:
            texts += comparison.warnings
        return tuple(dict.fromkeys(texts))
