"""The live window: a figure on the screen, updated by a timer."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import matplotlib

from analysis.live.frame import LiveFeed, UserCommand
from analysis.views.keys import Keys
from analysis.views.livetext import audible_angle
from analysis.views.liveview import LiveView
from analysis.views.pace import Pace
from analysis.views.sound import Speaker
from firmware_bridge.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.backend_bases import KeyEvent
    from matplotlib.figure import Figure

_FRAME_S: Final = 0.04
_BACKENDS: Final = (("tkinter", "tkagg"), ("PySide6", "qtagg"), ("PyQt6", "qtagg"))
_NO_SCREEN: Final = "Use --headless for a status line instead of a window."


def show_live(
    feed: LiveFeed,
    *,
    title: str = "kneeflex",
    size_inch: tuple[float, float] = (12.8, 7.2),
    speaker: Speaker | None = None,
    theme: str = "light",
) -> None:
    """Shows a feed in a window until the feed is finished or the window is closed.

    Blocks; call it on the main thread. Closing the window stops the session.

    Args:
        feed: polled about 25 times a second on this thread.
        title: of the window.
        size_inch: width and height at 100 dots per inch.
        speaker: plays the cues, if any.
        theme: "light" or "dark".

    Raises:
        UsageError: there is no screen, or no toolkit to open a window with.
    """
    from matplotlib import pyplot as plt

    with window_figure(title, size_inch) as figure:
        window = LiveWindow(figure, feed, speaker, theme)
        plt.show(block=True)
    window.close()
    if window.error is not None:
        raise window.error


@contextmanager
def window_figure(title: str, size_inch: tuple[float, float]) -> Iterator[Figure]:
    """A figure in a window of its own, without matplotlib's keys and toolbar.

    Raises:
        UsageError: there is no screen, or no toolkit to open a window with.
    """
    from matplotlib import pyplot as plt

    with matplotlib.rc_context():
        settings: Any = matplotlib.rcParams
        settings.update({key: [] for key in settings if key.startswith("keymap.")})
        settings.update({"toolbar": "None", "figure.dpi": 100.0})
        try:
            plt.switch_backend(find_backend())
            figure = plt.figure(num=title, figsize=size_inch)
        except (ImportError, RuntimeError) as error:
            raise UsageError("No window can be opened on this machine.", _NO_SCREEN) from error
        except Exception as error:
            if type(error).__name__ != "TclError":
                raise
            raise UsageError("There is no screen to open a window on.", _NO_SCREEN) from error
        yield figure


def find_backend() -> str:
    """The matplotlib backend for windows on this machine.

    Raises:
        UsageError: neither Tk nor Qt is installed.
    """
    for module, backend in _BACKENDS:
        if importlib.util.find_spec(module) is not None:
            return backend
    raise UsageError(
        "Neither Tk nor Qt is installed, so no window can be opened.",
        "Install kneeflex[gui], or use --headless for a status line.",
    )


class LiveWindow:
    """Polls the feed, forwards keys to it, and closes when the feed is finished."""

    def __init__(
        self, figure: Figure, feed: LiveFeed, speaker: Speaker | None = None, theme: str = "light"
    ) -> None:
        self.error: BaseException | None = None
        self.frames = 0
        self._figure, self._feed, self._speaker = figure, feed, speaker
        self._view = LiveView(figure, theme)
        self._keys = Keys()
        self._finished = False
        figure.canvas.mpl_connect("key_press_event", self._on_key)
        figure.canvas.mpl_connect("close_event", lambda _: self._stop())
        self._pace = Pace(_FRAME_S)
        self._timer = figure.canvas.new_timer(interval=round(1e3 * _FRAME_S))
        self._timer.add_callback(self._tick)
        self._timer.start()

    def close(self) -> None:
        """Stops the timer and closes the window."""
        from matplotlib import pyplot as plt

        self._timer.stop()
        plt.close(self._figure)

    def _tick(self) -> None:
        # The toolkit would print an exception and continue.
        try:
            frame = self._feed.poll()
            self._keys.follow(frame.prompt)
            words = self._view.update(frame, self._keys.line)
            if self._speaker is not None:
                self._speaker.sound(frame.cues, audible_angle(frame, is_fresh=words.is_fresh))
                self._speaker.narrate(frame, words.alarm)
            self.frames += 1
        except BaseException as error:
            self.error = error
            self._finished = True
            self.close()
            return
        if frame.finished:
            self._finished = True
            self.close()
            return
        # Toolkits start the pause after the frame.
        self._timer.interval = round(1e3 * self._pace.pause_s(time.perf_counter()))

    def _on_key(self, event: KeyEvent) -> None:
        command = self._keys.press(event.key) if event.key else None
        if command is not None:
            self._feed.command(command)

    def _stop(self) -> None:
        if not self._finished:
            self._finished = True
            self._timer.stop()
            self._feed.command(UserCommand("stop"))
