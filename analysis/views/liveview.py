"""Content of the live window: number, scrolling plot, step, sensors."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle

from analysis.live.frame import LiveFrame
from analysis.views.drawnleg import DrawnLeg
from analysis.views.keys import HELP
from analysis.views.liveshapes import holes, lane, ribbons, share
from analysis.views.livetext import LiveWording, LiveWords
from analysis.views.panels import Panel
from analysis.views.recent import RecentTrack
from analysis.views.stepbars import ExerciseBar, StepRail
from analysis.views.themes import THEMES
from analysis.views.wording import PHASE_TITLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text


SPAN_S: Final = 20.0
# Room for the lane of a release that is to come.
AHEAD_S: Final = 8.0
_SPEED_LIMIT_DEG_S: Final = 30.0
_NARROWEST: Final = 1.45
_READING: Final = 0.029
# Steps before anything is measured: a large picture of what to do takes the place of the number.
_SETTING_UP: Final = ("pain", "strap", "ready", "still", "swings")
_LEG: Final = (0.315, 0.268, 0.308, 0.455)
_LARGE_LEG: Final = (0.02, 0.16, 0.6, 0.56)
_LARGER: Final = 1.6
# Seconds of the plot that a letter of a phase's name takes.
_LETTER_S: Final = 0.68


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
        self._history = RecentTrack(SPAN_S)
        self._wording = LiveWording()
        self._heights: dict[Text, float] = {}
        self._phase: tuple[str | None, str | None] | None = None
        self._phase_starts: list[tuple[float, str]] = []
        self._gauge_band: tuple[float, float] | None = None
        self._page: tuple[str, ...] = ()
        self._is_setup = False
        self._had_angle = False
        self._build_plot()
        self._build_gauge()
        self.leg = DrawnLeg(figure, _LEG, self._theme)
        self._rail = StepRail(figure, (0.02, 0.735, 0.96, 0.028), self._theme)
        self._bar = ExerciseBar(figure, (0.02, 0.155, 0.58, 0.085), self._theme)
        self._build_texts()
        self._build_panels()
        self._fit_text()
        figure.canvas.mpl_connect("draw_event", lambda _: self._after_draw())
        figure.canvas.mpl_connect("resize_event", lambda _: self._fit_text())

    def _build_plot(self) -> None:
        theme = self._theme
        axes = self._axes = self.figure.add_axes((0.665, 0.3, 0.32, 0.385), facecolor=theme.background)
        axes.set_xlim(-SPAN_S, AHEAD_S)
        axes.set_ylim(-10, 100)
        axes.set_xticks([-20.0, -10.0, 0.0], ["20 s ago", "10 s", "now"])
        self._plot_title = axes.set_title(
            "knee flexion (deg; 0 straight, + bent)", loc="left", color=theme.ink
        )
        axes.axvline(0.0, color=theme.faint, linewidth=1.2)
        self._style(axes)
        axes.grid(color=theme.grid, linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        across = axes.get_yaxis_transform()
        self._lane = PolyCollection([], facecolor=theme.target, alpha=0.4, linewidth=0)
        self._target = Rectangle((0, 0), 1, 0, transform=across, color=theme.target, alpha=0.25, linewidth=0)
        self._gaps = PolyCollection([], facecolor=theme.gap, edgecolor=theme.faint, hatch="///", linewidth=0)
        self._band = PolyCollection([], facecolor=theme.track, alpha=0.25, linewidth=0)
        axes.add_patch(self._target)
        axes.add_collection(self._lane, autolim=False)
        axes.add_collection(self._gaps, autolim=False)
        axes.add_collection(self._band, autolim=False)
        (self._best,) = axes.plot([0, 1], [np.nan, np.nan], "--", color=theme.good, lw=1.6, transform=across)
        (self._line,) = axes.plot([], [], color=theme.track, linewidth=2.0)
        (self._marks,) = axes.plot(
            [], [], "^", color=theme.ink, markersize=8, transform=axes.get_xaxis_transform()
        )
        self._starts = [
            (
                axes.axvline(np.nan, color=theme.faint, linewidth=1.2, linestyle=":"),
                axes.text(
                    np.nan,
                    0.98,
                    "",
                    transform=axes.get_xaxis_transform(),
                    va="top",
                    color=theme.muted,
                    clip_on=True,
                ),
            )
            for _ in range(3)
        ]

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
        ticks = [*self._axes.get_xticklabels(), *self._axes.get_yticklabels(), *self._gauge.get_xticklabels()]
        small = [
            *ticks,
            self._plot_title,
            self._gauge_title,
            *self.leg.labels,
            self._rail.label,
        ]
        self._heights |= dict.fromkeys(small, 0.024) | dict.fromkeys(self._bar.labels, 0.027)
        self._heights |= {label: 0.022 for _, label in self._starts}

    def _text(self, x: float, y: float, height: float, *, text: str = "", **style: Any) -> Text:
        artist = self.figure.text(x, y, text, **{"color": self._theme.ink, **style})
        self._heights[artist] = height
        return artist

    def _build_panels(self) -> None:
        figure = self.figure
        starts = [artist for pair in self._starts for artist in pair]
        plot = [
            self._target,
            self._lane,
            self._gaps,
            self._band,
            self._best,
            *starts,
            self._line,
            self._marks,
        ]
        self._plot_panel = Panel(figure, (0.66, 0.296, 0.99, 0.69), plot)
        self._number_panel = Panel(figure, (0.0, 0.49, 0.31, 0.73), [self._number])
        self._block_panel = Panel(figure, (0.0, 0.29, 0.31, 0.49), [self._note, self._block])
        self._leg_panel = Panel(figure, (0.311, 0.262, 0.63, 0.729), self.leg.artists)
        self._large_leg_panel = Panel(figure, (0.0, 0.145, 0.63, 0.729), self.leg.artists)
        self._gauge_panel = Panel(figure, (0.66, 0.173, 0.99, 0.207), [self._speed])
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
        for axes in (self._axes, self._gauge):
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
            panel.capture(self._canvas)
        for panel in self._panels:
            panel.paint(self._canvas)

    def update(self, frame: LiveFrame, entry: str = "") -> LiveWords:
        """Draws a frame; `entry` is the line being typed. Returns the texts shown."""
        self._history.add(frame.track)
        redraw = self._fit_axes(frame)
        words = self._wording.texts(frame)
        redraw |= self._set_gauge(frame, is_fresh=words.is_fresh)
        redraw |= self._set_layout(frame)
        self._set_words(words, entry)
        self._set_plot(frame)
        redraw |= self._set_pictures(frame, is_fresh=words.is_fresh)
        if redraw:
            self._canvas.draw()
        for panel in self._panels:
            if panel.is_due:
                panel.paint(self._canvas)
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

    def _set_starts(self, now_s: float) -> None:
        """Marks where phases began; a name for which there is no room before the next one is left out."""
        stops_s = [start_s for start_s, _ in self._phase_starts[1:]] + [math.inf]
        for (line, label), (start_s, name), stop_s in zip(
            self._starts, self._phase_starts, stops_s, strict=False
        ):
            line.set_xdata([start_s - now_s] * 2)
            label.set_x(min(start_s - now_s + 0.15, AHEAD_S - _LETTER_S * len(name)))
            has_room = stop_s - start_s > _LETTER_S * len(name)
            label.set_text(name if has_room and start_s > now_s - SPAN_S else "")

    def _fit_axes(self, frame: LiveFrame) -> bool:
        _, flexion_deg, _ = self._history.since(frame.now_s - SPAN_S)
        known = flexion_deg[np.isfinite(flexion_deg)]
        prompt = frame.prompt
        wanted = [*(prompt.target_deg if prompt and prompt.target_deg else ())]
        if len(known):
            wanted += [float(known.min()), float(known.max())]
        if not wanted:
            return False
        low, high = self._axes.get_ylim()
        need_low, need_high = 10 * math.floor(min(wanted) / 10 - 0.3), 10 * math.ceil(max(wanted) / 10 + 0.3)
        need_high = max(need_high, need_low + 40)
        if low <= need_low and high >= need_high and (high - low) <= 2.0 * (need_high - need_low):
            return False
        self._axes.set_ylim(need_low, need_high)
        return True

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
        for axes in (self._axes, self.leg.axes, self._bar.axes):
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

    def _set_plot(self, frame: LiveFrame) -> None:
        self._plot_panel.shows((frame.now_s, frame.hidden))
        phase = (frame.phase, frame.test)
        if phase != self._phase:
            self._phase = phase
            if frame.phase is not None:
                self._phase_starts.append((frame.now_s, PHASE_TITLES[frame.phase]))
            self._phase_starts = self._phase_starts[-len(self._starts) :]
        self._set_starts(frame.now_s)
        time_s, flexion_deg, sd_deg = self._history.since(frame.now_s - SPAN_S)
        if frame.hidden:
            flexion_deg = np.full_like(flexion_deg, np.nan)
        ago_s = time_s - frame.now_s
        self._line.set_data(ago_s, flexion_deg)
        self._band.set_verts(ribbons(ago_s, flexion_deg, sd_deg))
        self._had_angle = self._had_angle or bool(np.isfinite(flexion_deg).any())
        gaps = holes(ago_s, flexion_deg, self._axes.get_ylim())
        self._gaps.set_verts(gaps if self._had_angle and not frame.hidden else [])
        marks_s = np.array([t for t in frame.motion.marks_s if t > frame.now_s - SPAN_S])
        self._marks.set_data(marks_s - frame.now_s, np.full(len(marks_s), 0.03))
        best = frame.motion.extension
        level = best.flexion_deg if best is not None and not frame.hidden else np.nan
        self._best.set_ydata([level, level])
        self._lane.set_verts(lane(frame))
        band = frame.prompt.target_deg if frame.prompt and not frame.hidden else None
        low, high = band or (0.0, 0.0)
        self._target.set(y=low, height=high - low)
