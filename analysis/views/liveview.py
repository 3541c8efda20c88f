"""Content of the live window: number, scrolling plot, step, sensors."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analysis.live.frame import LiveFrame
from analysis.views.drawnleg import DrawnLeg
from analysis.views.keys import HELP
from analysis.views.liveplot import LivePlot
from analysis.views.liveshapes import share
from analysis.views.livetext import LiveWording, LiveWords
from analysis.views.panels import Panel
from analysis.views.screen import Screen
from analysis.views.stamps import StampedText
from analysis.views.stepbars import ExerciseBar, StepRail
from analysis.views.themes import THEMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text


_SPEED_LIMIT_DEG_S: Final = 30.0
_NARROWEST: Final = 1.45
_READING: Final = 0.029
# Steps before anything is measured: a large picture of what to do takes the place of the number.
_SETTING_UP: Final = ("pain", "strap", "ready", "still", "swings")
_LEG: Final = (0.315, 0.268, 0.308, 0.455)
_LARGE_LEG: Final = (0.02, 0.16, 0.6, 0.56)
_LARGER: Final = 1.6


class LiveView:
    """Draws live frames into a figure. It needs a canvas that can blit, and no window.

    Args:
        figure: an empty figure; its size may change at any time.
        theme: "light" or "dark".
    """

    def __init__(self, figure: Figure, theme: str = "light") -> None:
        self.figure = figure
        self._theme = THEMES[theme]
        figure.set_facecolor(self._theme.background)
        self._wording = LiveWording()
        self._screen = Screen(figure.canvas)
        self._heights: dict[Text, float] = {}
        self._gauge_band: tuple[float, float] | None = None
        self._page: tuple[str, ...] = ()
        self._is_setup = False
        self._plot = LivePlot(figure, (0.665, 0.3, 0.32, 0.385), self._theme)
        self._style(self._plot.axes)
        self._build_gauge()
        self.leg = DrawnLeg(figure, _LEG, self._theme)
        self._rail = StepRail(figure, (0.02, 0.735, 0.96, 0.028), self._theme)
        self._bar = ExerciseBar(figure, (0.02, 0.155, 0.58, 0.085), self._theme)
        self._build_texts()
        self._build_panels()
        self._fit_text()
        figure.canvas.mpl_connect("draw_event", lambda _: self._after_draw())
        figure.canvas.mpl_connect("resize_event", lambda _: self._fit_text())

    def _build_gauge(self) -> None:
        theme = self._theme
        axes = self._gauge = self.figure.add_axes((0.68, 0.175, 0.29, 0.03), facecolor=theme.background)
        axes.set_xlim(0, _SPEED_LIMIT_DEG_S)
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.set_visible(False)
        self._style(axes)
        self._gauge_title = axes.set_title("speed of the release (deg/s)", loc="left", color=theme.ink)
        self._gauge_target = axes.axvspan(5, 15, color=theme.target, alpha=0.6, linewidth=0)
        (self._speed,) = axes.plot([np.nan], [0.5], "|", color=theme.ink, markersize=26, markeredgewidth=5)

    def _style(self, axes: Axes) -> None:
        axes.tick_params(colors=self._theme.ink)
        for spine in axes.spines.values():
            spine.set_color(self._theme.faint)
        axes.xaxis.label.set_color(self._theme.ink)

    def _build_texts(self) -> None:
        self._title = self._text(0.02, 0.97, 0.062, weight="bold", va="top")
        self._instruction = self._text(0.02, 0.893, 0.0325, va="top", linespacing=1.1)
        self._progress = self._text(0.02, 0.809, 0.029, weight="bold", va="top")
        self._countdown = self._text(0.98, 0.975, 0.078, weight="bold", ha="right", va="top")
        self._number = self._text(0.155, 0.6, 0.215, weight="bold", ha="center", va="center")
        self._note = self._text(0.155, 0.475, 0.024, ha="center", va="top")
        self._block = self._text(0.155, 0.405, 0.03, ha="center", va="top")
        self._reading = self._text(0.02, 0.715, _READING, va="top", linespacing=1.35)
        self._alarm = self._text(0.02, 0.117, 0.034, weight="bold", va="center", color=self._theme.alarm)
        self._sensors = self._text(0.02, 0.068, 0.024, va="center", linespacing=1.25)
        self._help = self._text(0.02, 0.018, 0.021, va="center", color=self._theme.muted, text=HELP)
        self._entry = self._text(0.02, 0.018, 0.03, weight="bold", va="center", color=self._theme.track)
        ticks = [
            *self._plot.axes.get_xticklabels(),
            *self._plot.axes.get_yticklabels(),
            *self._gauge.get_xticklabels(),
        ]
        small = [
            *ticks,
            self._plot.title,
            self._gauge_title,
            *self.leg.labels,
            self._rail.label,
        ]
        self._heights |= dict.fromkeys(small, 0.024) | dict.fromkeys(self._bar.labels, 0.027)
        self._heights |= dict.fromkeys(self._plot.names, 0.022)

    def _text(self, x: float, y: float, height: float, *, text: str = "", **style: Any) -> Text:
        artist = StampedText(
            x, y, text, transform=self.figure.transSubfigure, **{"color": self._theme.ink, **style}
        )
        # As `Figure.text`, which makes no texts of other classes.
        artist.set_figure(self.figure)
        self.figure.texts.append(artist)
        self._heights[artist] = height
        return artist

    def _build_panels(self) -> None:
        figure = self.figure
        self._plot_panel = Panel(figure, (0.66, 0.288, 0.992, 0.697), self._plot.artists)
        self._number_panel = Panel(figure, (0.0, 0.49, 0.31, 0.73), [self._number])
        self._block_panel = Panel(figure, (0.0, 0.29, 0.31, 0.49), [self._note, self._block])
        self._leg_panel = Panel(figure, (0.311, 0.262, 0.63, 0.729), self.leg.artists)
        self._large_leg_panel = Panel(figure, (0.0, 0.145, 0.63, 0.729), self.leg.artists)
        self._gauge_panel = Panel(figure, (0.66, 0.163, 0.99, 0.217), [self._speed])
        self._bar_panel = Panel(figure, (0.0, 0.19, 0.625, 0.25), self._bar.artists)
        self._parts_panel = Panel(figure, (0.0, 0.145, 0.625, 0.189), self._bar.labels)
        self._rail_panel = Panel(figure, (0.0, 0.73, 1.0, 0.768), self._rail.artists)
        top = [self._title, self._instruction, self._progress, self._countdown]
        self._top_panel = Panel(figure, (0.0, 0.77, 1.0, 1.0), top)
        self._foot_panel = Panel(
            figure, (0.0, 0.0, 1.0, 0.14), [self._alarm, self._sensors, self._help, self._entry]
        )
        self._page_panel = Panel(figure, (0.0, 0.14, 1.0, 0.73), [self._reading])
        self._always = (self._top_panel, self._foot_panel, self._rail_panel)
        self._measuring = (
            self._plot_panel, self._number_panel, self._block_panel, self._gauge_panel, self._leg_panel,
            self._bar_panel, self._parts_panel,
        )  # fmt: skip
        self._setting_up = (self._plot_panel, self._large_leg_panel)

    @property
    def _panels(self) -> tuple[Panel, ...]:
        if self._page:
            return (*self._always, self._page_panel)
        return (*self._always, *(self._setting_up if self._is_setup else self._measuring))

    @property
    def _canvas(self) -> Any:
        """The figure's canvas, whose blitting matplotlib leaves untyped."""
        return self.figure.canvas

    @property
    def _scale(self) -> float:
        """Reference height in points for text sizes; smaller in a narrow window."""
        width, height = self.figure.get_size_inches() * 72
        return float(min(height, width / _NARROWEST))

    @property
    def _columns(self) -> int:
        """Number of letters that fit into a line of the instruction."""
        width, _ = self.figure.get_size_inches() * 72
        return int(53 * width / self._scale)

    def _fit_text(self) -> None:
        """Scales the text with the window."""
        for text, height in self._heights.items():
            text.set_fontsize(max(5.0, height * self._scale))
        self._fit_number()
        self._fit_leg()
        for axes in (self._plot.axes, self._gauge):
            axes.tick_params(labelsize=max(5.0, 0.024 * self._scale))

    def _fit_leg(self) -> None:
        larger = _LARGER if self._is_setup else 1.0
        self.leg.fit(larger * self._scale)
        for label in self.leg.labels:
            label.set_fontsize(max(5.0, self._heights[label] * (1.0 + larger) / 2.0 * self._scale))

    def _fit_number(self) -> None:
        """Reduces the font size if a word takes the place of the number."""
        shown = self._number.get_text()
        shrink = 0.4 if shown == "–" else min(1.0, 3.1 / max(3, len(shown)))
        self._number.set_fontsize(self._heights[self._number] * shrink * self._scale)

    def _after_draw(self) -> None:
        width, _ = self.figure.get_size_inches() * 72
        columns = int(0.96 * width / (0.54 * _READING * self._scale))
        self._reading.set_text("\n\n".join(textwrap.fill(text, columns) for text in self._page))
        for panel in self._panels:
            panel.capture(self._screen)
        for panel in self._panels:
            panel.paint(self._screen)
        self._screen.took_all()

    def update(self, frame: LiveFrame, entry: str = "") -> LiveWords:
        """Draws a frame; `entry` is the line being typed. Returns the texts shown."""
        self._plot.history.add(frame.track)
        redraw = self._plot.fit(frame)
        words = self._wording.texts(frame)
        redraw |= self._set_gauge(frame, is_fresh=words.is_fresh)
        redraw |= self._set_layout(frame)
        self._set_words(words, entry)
        self._plot_panel.shows((frame.now_s, frame.hidden))
        self._plot.show(frame)
        redraw |= self._set_pictures(frame, is_fresh=words.is_fresh)
        if redraw or not self._screen.is_current:
            self._canvas.draw()
        for panel in self._panels:
            if panel.is_due:
                panel.paint(self._screen)
                panel.show(self._screen)
        return words

    def _set_pictures(self, frame: LiveFrame, *, is_fresh: bool) -> bool:
        prompt = frame.prompt
        redraw = self.leg.show_still(frame)
        leg_panel = self._large_leg_panel if self._is_setup else self._leg_panel
        if leg_panel.shows(self.leg.content(frame, is_fresh=is_fresh)):
            self.leg.show(frame, is_fresh=is_fresh)
        done = share(frame)
        if self._parts_panel.shows(self._bar.parts(prompt)):
            self._bar.show_parts(prompt)
        if self._bar_panel.shows(self._bar.content(prompt, done)):
            self._bar.show(prompt, done)
        if self._rail_panel.shows(self._rail.content(prompt)):
            self._rail.show(prompt)
        return redraw

    def _set_gauge(self, frame: LiveFrame, *, is_fresh: bool) -> bool:
        band = frame.prompt.target_rate_deg_s if frame.prompt else None
        known = is_fresh and frame.motion.releasing
        speed = max(0.0, -frame.motion.rate_deg_s) if known else math.nan
        if band is not None and not frame.hidden:
            self._gauge_panel.shows((band, round(speed, 1)))
            self._speed.set_xdata([min(speed, _SPEED_LIMIT_DEG_S)])
            fast = math.isfinite(speed) and speed > band[1]
            self._speed.set_color(self._theme.alarm if fast else self._theme.ink)
        if band == self._gauge_band:
            return False
        self._gauge_band = band
        self._gauge.set_visible(band is not None and not self._page)
        self._speed.set_visible(band is not None)
        if band is not None:
            self._gauge_target.set_x(band[0])
            self._gauge_target.set_width(band[1] - band[0])
        return True

    def _set_layout(self, frame: LiveFrame) -> bool:
        """Shows a page of text instead of number and plot, or a large picture instead of the number."""
        page = frame.prompt.page if frame.prompt else ()
        is_setup = frame.prompt is not None and frame.prompt.kind in _SETTING_UP
        if page == self._page and is_setup == self._is_setup:
            return False
        self._page, self._is_setup = page, is_setup
        for text in (self._number, self._note, self._block):
            text.set_visible(not is_setup and not page)
        self.leg.move(_LARGE_LEG if is_setup else _LEG)
        self._fit_leg()
        for axes in (self._plot.axes, self.leg.axes, self._bar.axes):
            axes.set_visible(not page)
        self._gauge.set_visible(not page and self._gauge_band is not None)
        return True

    def _set_words(self, words: LiveWords, entry: str) -> None:
        colour = self._theme.ink if words.is_fresh else self._theme.faint
        if self._number_panel.shows((words.number, colour)):
            self._number.set(text=words.number, color=colour)
            self._fit_number()
        if self._block_panel.shows((words.note, words.is_fresh, words.block)):
            self._note.set(text=words.note, color=self._theme.muted if words.is_fresh else self._theme.alarm)
            self._block.set_text("\n".join(words.block))
        if self._top_panel.shows((words.title, words.instruction, words.progress, words.countdown)):
            self._title.set_text(words.title)
            self._instruction.set_text("\n".join(textwrap.wrap(words.instruction, self._columns)[:2]))
            self._progress.set_text(words.progress)
            self._countdown.set_text(words.countdown)
        if self._foot_panel.shows((words.alarm, words.sensors, entry)):
            self._alarm.set_text(words.alarm)
            self._sensors.set_text("\n".join(words.sensors))
            self._help.set_text("" if entry else HELP)
            self._entry.set_text(entry)
