"""The end of a session in a window: the answer, before and after in one picture, and two keys."""

from __future__ import annotations

import textwrap
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from analysis.views.figures import change_figure
from analysis.views.quality import quality_checks
from analysis.views.style import kneeflex_style
from analysis.views.themes import THEMES
from analysis.views.window import window_figure
from analysis.views.wording import explanation, headline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.answer import Answer

_KEYS: Final = "r  report        Enter  finish"
_MOST_LINES: Final = 3


def draw_result(figure: Figure, answer: Answer, theme: str = "light") -> None:
    """Draws the answer of a session into an empty figure.

    Args:
        figure: of any size.
        answer: of the session.
        theme: "light" or "dark"; the picture of before and after is light in both.
    """
    colours = THEMES[theme]
    figure.set_facecolor(colours.background)
    width, height = figure.get_size_inches() * 72
    scale = min(height, width / 1.45)
    comparison = answer.comparisons[0] if answer.comparisons else None
    said = headline(comparison) if comparison else "This session holds no measuring block before and after."
    why = " ".join(explanation(comparison)) if comparison else ""

    def text(y: float, words: str, size: float, lines: int, **style: Any) -> None:
        columns = int(0.96 * width / (0.56 * size * scale))
        shown = "\n".join(textwrap.wrap(words, columns)[:lines])
        figure.text(0.02, y, shown, **{"va": "top", "fontsize": size * scale, "color": colours.ink, **style})

    text(0.97, said, 0.05, _MOST_LINES, weight="bold", linespacing=1.15)
    text(0.77, why, 0.027, 2, color=colours.muted, linespacing=1.2)
    if comparison is not None:
        axes = figure.add_axes((0.02, 0.17, 0.96, 0.52))
        axes.set_axis_off()
        axes.imshow(_picture(change_figure(answer)), interpolation="lanczos")
    doubtful = [check.sentence for check in quality_checks(answer) if check.mark == "doubtful"]
    if doubtful:
        text(0.155, f"! {doubtful[0]}", 0.027, 2, color=colours.alarm, weight="bold")
    text(0.055, _KEYS, 0.032, 1, weight="bold", color=colours.track)


def show_result(answer: Answer, report: Path, *, theme: str = "light") -> None:
    """Shows the answer in a window until Enter, Escape or q; r opens the report in the browser.

    Args:
        answer: of the session.
        report: file of its report.
        theme: "light" or "dark".

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
        draw_result(figure, answer, theme)
        plt.show(block=True)
    plt.close(figure)


def _picture(figure: Figure) -> np.ndarray[Any, np.dtype[np.uint8]]:
    with kneeflex_style():
        figure.set_dpi(150)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba()).copy()
