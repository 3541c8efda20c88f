"""The end of a session in a window: the answer, before and after, today among the days, and two keys."""

from __future__ import annotations

import re
import textwrap
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from analysis.views.figures import change_figure
from analysis.views.quality import quality_checks
from analysis.views.style import kneeflex_style
from analysis.views.themes import THEMES
from analysis.views.trend import trend_figure
from analysis.views.window import window_figure
from analysis.views.wording import explanation, headline, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.answer import Answer
    from analysis.days import PersonTrend

_KEYS: Final = "r  report        Enter  finish"
_MOST_LINES: Final = 3
# Size of a picture that stands beside another: its letters are as large as those of the page.
_BESIDE_INCH: Final = (7.2, 4.7)
# Share of red, green and blue in how bright a colour looks (ITU-R BT.709).
_LUMA: Final = np.array([0.2126, 0.7152, 0.0722])

Picture = np.ndarray[Any, np.dtype[np.float64]]


class ResultPage:
    """Draws the answer of a session into a figure.

    Args:
        figure: an empty figure; its size may change at any time.
        answer: of the session.
        theme: "light" or "dark".
        among: the days of the person, this one among them; None if there are no others.
    """

    def __init__(
        self, figure: Figure, answer: Answer, theme: str = "light", among: PersonTrend | None = None
    ) -> None:
        self._figure, self._answer, self._among = figure, answer, among
        self._colours = THEMES[theme]
        self._pictures = self._draw_pictures(is_dark=theme == "dark")
        self.draw()

    def _draw_pictures(self, *, is_dark: bool) -> tuple[Picture, ...]:
        figures = [change_figure(self._answer)] if self._answer.comparisons else []
        if self._among is not None:
            for figure in figures:
                figure.set_size_inches(_BESIDE_INCH)
            figures.append(trend_figure(self._among, _BESIDE_INCH))
        pictures = [_pixels(figure) for figure in figures]
        return tuple(_darkened(p, self._colours.background) if is_dark else p for p in pictures)

    def draw(self) -> None:
        """Draws the page anew, in letters that fit the size of the figure."""
        self._figure.clear()
        self._figure.set_facecolor(self._colours.background)
        comparison = self._answer.comparisons[0] if self._answer.comparisons else None
        said = (
            headline(comparison) if comparison else "This session holds no measuring block before and after."
        )
        self._text(0.97, said, 0.05, _MOST_LINES, weight="bold", linespacing=1.15)
        why = " ".join(explanation(comparison)) if comparison else ""
        self._text(0.77, why, 0.027, 2, color=self._colours.muted, linespacing=1.2)
        self._show_pictures()
        words, colour = self._below()
        self._text(0.165, words, 0.027, 2, color=colour)
        self._text(0.055, _KEYS, 0.032, 1, weight="bold", color=self._colours.track)

    def _show_pictures(self) -> None:
        share = 0.96 / max(len(self._pictures), 1)
        for number, picture in enumerate(self._pictures):
            axes = self._figure.add_axes((0.02 + number * share, 0.19, share - 0.005, 0.5))
            axes.set_axis_off()
            axes.imshow(picture, interpolation="lanczos")

    def _below(self) -> tuple[str, str]:
        """What has to be known before anything else: a doubt, else what the days say; and its colour."""
        doubtful = [check.sentence for check in quality_checks(self._answer) if check.mark == "doubtful"]
        if doubtful:
            return f"! {doubtful[0]}", self._colours.alarm
        return "" if self._among is None else tidy(self._among.trend.sentence), self._colours.ink

    def _text(self, y: float, words: str, size: float, lines: int, **style: Any) -> None:
        width, height = self._figure.get_size_inches() * 72
        scale = min(height, width / 1.45)
        columns = int(0.96 * width / (0.56 * size * scale))
        shown = _whole_sentences(words, columns, lines)
        usual = {"va": "top", "fontsize": size * scale, "color": self._colours.ink}
        self._figure.text(0.02, y, shown, **{**usual, **style})


def show_result(
    answer: Answer, report: Path, *, theme: str = "light", among: PersonTrend | None = None
) -> None:
    """Shows the answer in a window until Enter, Escape or q; r opens the report in the browser.

    Args:
        answer: of the session.
        report: file of its report.
        theme: "light" or "dark".
        among: the days of the person, this one among them.

    Raises:
        UsageError: no window can be opened.
    """
    from matplotlib import pyplot as plt

    with window_figure("kneeflex", (12.8, 7.2)) as figure:

        def pressed(event: Any) -> None:
            if event.key == "r":
                webbrowser.open(report.resolve().as_uri())
            elif event.key in ("enter", "escape", "q"):
                plt.close(figure)

        figure.canvas.mpl_connect("key_press_event", pressed)
        page = ResultPage(figure, answer, theme, among)
        figure.canvas.mpl_connect("resize_event", lambda _: page.draw())
        plt.show(block=True)
    plt.close(figure)


def _whole_sentences(words: str, columns: int, lines: int) -> str:
    """As many whole sentences as fit; else as much of the first as fits."""
    sentences = re.split(r"(?<=[.!?]) ", words)
    for count in range(len(sentences), 0, -1):
        wrapped = textwrap.wrap(" ".join(sentences[:count]), columns)
        if len(wrapped) <= lines:
            return "\n".join(wrapped)
    return "\n".join(textwrap.wrap(words, columns, max_lines=lines, placeholder=" …"))


def _pixels(figure: Figure) -> Picture:
    """(height, width, 3), 0 to 1."""
    with kneeflex_style():
        figure.set_dpi(150)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        picture: Picture = np.asarray(canvas.buffer_rgba())[..., :3] / 255.0
        return picture


def _darkened(picture: Picture, background: str) -> Picture:
    """The same picture with light and dark exchanged and every hue kept, on the colour of the window."""
    exchanged = 1.0 - picture
    brightness = (exchanged @ _LUMA)[..., None]
    kept_hue = np.clip(2.0 * brightness - exchanged, 0.0, 1.0)
    ground: Picture = np.array(to_rgb(background))
    shown: Picture = ground + (1.0 - ground) * kept_hue
    return shown
