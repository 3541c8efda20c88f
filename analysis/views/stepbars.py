"""Bars of the live window: the rail of the session's steps, and the parts of the exercise that fill."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from matplotlib.patches import Rectangle

from analysis.guide.prompt import Prompt
from analysis.views.stamps import StampedText

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    from analysis.views.themes import Theme

_MOST_STEPS: Final = 40
# The parts of an exercise in their order: stage of the step, word below the bar.
_PARTS: Final = {
    "pandiculate": (
        ("bend", "bend"),
        ("hold", "pull and hold"),
        ("release", "let down slowly"),
        ("let_go", "let go"),
    ),
    "press": (("hold", "press"), ("let_go", "let go")),
}  # fmt: skip


class StepRail:
    """One cell a step: done, present, to come; and how long the session still takes.

    Args:
        figure: where it is drawn.
        place: (left, bottom, width, height) as shares of the figure.
        theme: colours.
    """

    def __init__(self, figure: Figure, place: tuple[float, float, float, float], theme: Theme) -> None:
        axes = figure.add_axes(place)
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        self._theme = theme
        self._cells = [Rectangle((0, 0.2), 0, 0.6, linewidth=0) for _ in range(_MOST_STEPS)]
        for cell in self._cells:
            axes.add_patch(cell)
        self.label = StampedText(
            1.0, 0.5, "", ha="right", va="center", color=theme.muted, transform=axes.transData, clip_on=False
        )
        axes.add_artist(self.label)

    @property
    def artists(self) -> tuple[Artist, ...]:
        """In the order of drawing."""
        return (*self._cells, self.label)

    def content(self, prompt: Prompt | None) -> object:
        """What the rail shows."""
        if prompt is None or not prompt.steps:
            return None
        return prompt.step, prompt.steps, _minutes(prompt.left_s)

    def show(self, prompt: Prompt | None) -> None:
        """Colours the cells."""
        steps = min(prompt.steps, _MOST_STEPS) if prompt else 0
        width = 0.84 / max(steps, 1)
        for number, cell in enumerate(self._cells, 1):
            cell.set_visible(number <= steps)
            if prompt is None or number > steps:
                continue
            here = number == prompt.step
            cell.set_bounds((number - 1) * width, 0.05 if here else 0.3, width * 0.86, 0.9 if here else 0.4)
            theme = self._theme
            cell.set_facecolor(theme.track if here else theme.good if number < prompt.step else theme.faint)
        self.label.set_text(_minutes(prompt.left_s) if prompt else "")


class ExerciseBar:
    """The parts of the exercise in order; the present one fills.

    Args:
        figure: where it is drawn.
        place: (left, bottom, width, height) as shares of the figure.
        theme: colours.
    """

    def __init__(self, figure: Figure, place: tuple[float, float, float, float], theme: Theme) -> None:
        axes = self.axes = figure.add_axes(place)
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        self._theme = theme
        most = max(map(len, _PARTS.values()))
        self._frames = [self._cell(theme.grid) for _ in range(most)]
        self._fills = [self._cell(theme.track) for _ in range(most)]
        for cell in (*self._frames, *self._fills):
            axes.add_patch(cell)
        self.labels: list[Any] = [
            StampedText(0, 0.12, "", ha="center", va="center", transform=axes.transData, clip_on=False)
            for _ in range(most)
        ]
        for label in self.labels:
            axes.add_artist(label)

    @staticmethod
    def _cell(colour: str) -> Rectangle:
        return Rectangle((0, 0.4), 0, 0.6, facecolor=colour, linewidth=0)

    @property
    def artists(self) -> tuple[Artist, ...]:
        """In the order of drawing."""
        return (*self._frames, *self._fills)

    def parts(self, prompt: Prompt | None) -> object:
        """What the names below the bar show."""
        return None if prompt is None or prompt.kind not in _PARTS else (prompt.kind, prompt.stage)

    def show_parts(self, prompt: Prompt | None) -> None:
        """Names the parts, the present one in bold."""
        parts = _PARTS.get(prompt.kind or "", ()) if prompt else ()
        width = 1.0 / max(len(parts), 1)
        for number, label in enumerate(self.labels):
            label.set_visible(number < len(parts))
            if prompt is None or number >= len(parts):
                continue
            stage, name = parts[number]
            here = stage == prompt.stage
            label.set(
                x=(number + 0.48) * width, text=name, color=self._theme.ink if here else self._theme.muted
            )
            label.set_fontweight("bold" if here else "normal")

    def content(self, prompt: Prompt | None, share: float) -> object:
        """What the bar shows."""
        if prompt is None or prompt.kind not in _PARTS:
            return None
        return prompt.kind, prompt.stage, round(share, 2)

    def show(self, prompt: Prompt | None, share: float) -> None:
        """Fills the part that is under way.

        Args:
            prompt: of the guide.
            share: of the present part that is done, 0 to 1.
        """
        parts = _PARTS.get(prompt.kind or "", ()) if prompt else ()
        stages = [stage for stage, _ in parts]
        here = stages.index(prompt.stage) if prompt and prompt.stage in stages else -1
        width = 1.0 / max(len(parts), 1)
        for number, (frame, fill, label) in enumerate(
            zip(self._frames, self._fills, self.labels, strict=True)
        ):
            for artist in (frame, fill, label):
                artist.set_visible(number < len(parts))
            if number >= len(parts):
                continue
            done = 1.0 if number < here else min(max(share, 0.0), 1.0) if number == here else 0.0
            frame.set_bounds(number * width, 0.42, width * 0.96, 0.55)
            fill.set_bounds(number * width, 0.42, width * 0.96 * done, 0.55)
            fill.set_facecolor(self._theme.good if number < here else self._theme.track)


def _minutes(left_s: float | None) -> str:
    if left_s is None:
        return ""
    minutes = math.ceil(left_s / 60.0)
    return "less than a minute" if minutes <= 1 else f"about {minutes} min"
