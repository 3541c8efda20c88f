"""The scrolling plot of the live window: the angle with its band, its gaps, and where it should be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from analysis.live.frame import LiveFrame
from analysis.views.liveshapes import holes, lane, ribbons
from analysis.views.recent import RecentTrack
from analysis.views.stamps import StampedText
from analysis.views.wording import PHASE_TITLES

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    from analysis.views.themes import Theme
    from firmware_bridge.samples import Float

SPAN_S: Final = 20.0
# Room for the lane of a release that is to come.
AHEAD_S: Final = 8.0
# Seconds of the plot that a letter of a phase's name takes.
_LETTER_S: Final = 0.68
_MOST_STARTS: Final = 3


class LivePlot:
    """The last seconds of the angle, scrolling.

    Args:
        figure: where it is drawn.
        place: (left, bottom, width, height) as shares of the figure.
        theme: colours.
    """

    def __init__(self, figure: Figure, place: tuple[float, float, float, float], theme: Theme) -> None:
        axes = self.axes = figure.add_axes(place, facecolor=theme.background)
        self.history = RecentTrack(SPAN_S)
        self._phase: tuple[str | None, str | None] | None = None
        self._phase_starts: list[tuple[float, str]] = []
        self._had_angle = False
        axes.set_xlim(-SPAN_S, AHEAD_S)
        axes.set_ylim(-10, 100)
        axes.set_xticks([-20.0, -10.0, 0.0], ["20 s ago", "10 s", "now"])
        self.title = axes.set_title("knee flexion (deg; 0 straight, + bent)", loc="left", color=theme.ink)
        axes.axvline(0.0, color=theme.faint, linewidth=1.2)
        axes.grid(color=theme.grid, linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        across, upright = axes.get_yaxis_transform(), axes.get_xaxis_transform()
        self._target = Rectangle((0, 0), 1, 0, transform=across, color=theme.target, alpha=0.25, linewidth=0)
        self._lane = PathPatch(_outline([]), facecolor=theme.target, alpha=0.4, linewidth=0)
        self._gaps = PolyCollection([], facecolor=theme.gap, edgecolor=theme.faint, hatch="///", linewidth=0)
        self._band = PathPatch(_outline([]), facecolor=theme.track, alpha=0.25, linewidth=0)
        for patch in (self._target, self._lane, self._band):
            axes.add_patch(patch)
        axes.add_collection(self._gaps, autolim=False)
        (self._best,) = axes.plot([0, 1], [np.nan, np.nan], "--", color=theme.good, lw=1.6, transform=across)
        (self._line,) = axes.plot([], [], color=theme.track, linewidth=2.0)
        (self._marks,) = axes.plot([], [], "^", color=theme.ink, markersize=8, transform=upright)
        self._starts = [
            axes.axvline(np.nan, color=theme.faint, linewidth=1.2, linestyle=":") for _ in range(_MOST_STARTS)
        ]
        self.names = [
            StampedText(0.0, 0.98, "", transform=upright, va="top", color=theme.muted, clip_on=True)
            for _ in range(_MOST_STARTS)
        ]
        for name in self.names:
            axes.add_artist(name)

    @property
    def artists(self) -> tuple[Artist, ...]:
        """What moves, in the order of drawing; everything else stands still behind it."""
        starts = [artist for pair in zip(self._starts, self.names, strict=True) for artist in pair]
        return (
            self._target, self._lane, self._gaps, self._band, self._best, *starts, self._line, self._marks,
        )  # fmt: skip

    def fit(self, frame: LiveFrame) -> bool:
        """Widens or narrows the plot to what it has to show; returns whether it had to."""
        _, flexion_deg, _ = self.history.since(frame.now_s - SPAN_S)
        known = flexion_deg[np.isfinite(flexion_deg)]
        prompt = frame.prompt
        wanted = [*(prompt.target_deg if prompt and prompt.target_deg else ())]
        if len(known):
            wanted += [float(known.min()), float(known.max())]
        if not wanted:
            return False
        low, high = self.axes.get_ylim()
        need_low, need_high = 10 * math.floor(min(wanted) / 10 - 0.3), 10 * math.ceil(max(wanted) / 10 + 0.3)
        need_high = max(need_high, need_low + 40)
        if low <= need_low and high >= need_high and (high - low) <= 2.0 * (need_high - need_low):
            return False
        self.axes.set_ylim(need_low, need_high)
        return True

    def show(self, frame: LiveFrame) -> None:
        """Moves everything to where it belongs; what shows nothing is invisible, which draws faster."""
        phase = (frame.phase, frame.test)
        if phase != self._phase:
            self._phase = phase
            if frame.phase is not None:
                self._phase_starts.append((frame.now_s, PHASE_TITLES[frame.phase]))
            self._phase_starts = self._phase_starts[-_MOST_STARTS:]
        self._show_starts(frame.now_s)
        time_s, flexion_deg, sd_deg = self.history.since(frame.now_s - SPAN_S)
        if frame.hidden:
            flexion_deg = np.full_like(flexion_deg, np.nan)
        ago_s = time_s - frame.now_s
        known = np.isfinite(flexion_deg)
        self._line.set_visible(bool(known.any()))
        self._line.set_data(ago_s, flexion_deg)
        _show_shape(self._band, ribbons(ago_s, flexion_deg, sd_deg))
        self._had_angle = self._had_angle or bool(known.any())
        is_holed = self._had_angle and not frame.hidden and not known.all()
        self._gaps.set_visible(is_holed)
        if is_holed:
            self._gaps.set_verts(holes(ago_s, flexion_deg, self.axes.get_ylim()))
        marks_s = np.array([t for t in frame.motion.marks_s if t > frame.now_s - SPAN_S])
        self._marks.set_visible(bool(len(marks_s)))
        self._marks.set_data(marks_s - frame.now_s, np.full(len(marks_s), 0.03))
        best = frame.motion.extension
        level = best.flexion_deg if best is not None and not frame.hidden else np.nan
        self._best.set_visible(math.isfinite(level))
        self._best.set_ydata([level, level])
        _show_shape(self._lane, lane(frame))
        band = frame.prompt.target_deg if frame.prompt and not frame.hidden else None
        self._target.set_visible(band is not None)
        if band is not None:
            self._target.set_y(band[0])
            self._target.set_height(band[1] - band[0])

    def _show_starts(self, now_s: float) -> None:
        """Marks where phases began; a name for which there is no room before the next one is left out."""
        stops_s = [start_s for start_s, _ in self._phase_starts[1:]] + [math.inf]
        for line, label in zip(self._starts, self.names, strict=True):
            line.set_visible(False)
            label.set_visible(False)
        for line, label, (start_s, name), stop_s in zip(
            self._starts, self.names, self._phase_starts, stops_s, strict=False
        ):
            if start_s < now_s - SPAN_S:
                continue
            line.set_visible(True)
            line.set_xdata([start_s - now_s] * 2)
            label.set_visible(stop_s - start_s > _LETTER_S * len(name))
            label.set_x(min(start_s - now_s + 0.15, AHEAD_S - _LETTER_S * len(name)))
            label.set_text(name)


def _show_shape(patch: PathPatch, outlines: list[Float]) -> None:
    patch.set_visible(bool(outlines))
    if outlines:
        patch.set_path(_outline(outlines))


def _outline(outlines: list[Float]) -> Path:
    """One path of closed outlines."""
    if not outlines:
        return Path(np.zeros((0, 2)))
    return Path.make_compound_path(*(Path(np.vstack((o, o[:1])), closed=True) for o in outlines))
