"""The window after a session: today among the days."""

from __future__ import annotations

import textwrap

from analysis.days import PersonTrend
from analysis.views.style import INK, kneeflex_style
from analysis.views.trend import draw_trend
from analysis.views.window import find_backend
from analysis.views.wording import tidy
from firmware_bridge.errors import UsageError

_TITLE = "kneeflex: today among the days"
_SIZE_INCH = (10.4, 7.6)
_LINE = 105


def show_trend(found: PersonTrend) -> None:
    """Shows the days of a person with their sentence, until a key is pressed or the window is closed.

    Blocks; call it on the main thread.

    Raises:
        UsageError: there is no screen, or no toolkit to open a window with.
    """
    from matplotlib import pyplot as plt

    with kneeflex_style():
        try:
            plt.switch_backend(find_backend())
            figure = plt.figure(
                num="kneeflex: today among the days", figsize=_SIZE_INCH, layout="constrained"
            )
        except (ImportError, RuntimeError) as error:
            raise UsageError("No window can be opened on this machine.") from error
        except Exception as error:
            if type(error).__name__ != "TclError":
                raise
            raise UsageError("There is no screen to open a window on.") from error
        draw_trend(figure, found)
        sentence = "\n".join(textwrap.wrap(tidy(found.trend.sentence), _LINE))
        figure.suptitle(sentence, ha="left", x=0.01, fontsize=10.5, color=INK)
        figure.canvas.mpl_connect("key_press_event", lambda _: plt.close(figure))
        plt.show(block=True)
        plt.close(figure)
