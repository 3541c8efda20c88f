"""The drawn leg: thigh and shin in the posture of the step, with what was reached before as shadows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle
from matplotlib.transforms import Affine2D

from analysis.guide.prompt import Posture
from analysis.live.frame import LiveFrame

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from analysis.views.themes import Theme

_THIGH, _SHANK = 1.0, 0.95
_NECK, _HEAD = 0.85, 0.17
# The shadows reach beyond the foot, so that the leg in front of them does not hide them.
_BEYOND = 1.3
_SWING_DEG: Final = (20.0, 85.0)


@dataclass(frozen=True, slots=True)
class _Pose:
    """How a posture is drawn; angles in degrees, counter-clockwise from the right.

    Attributes:
        torso_deg: direction from the hip to the head.
        thigh_deg: direction of the thigh with a straight knee.
        thigh_per_flexion: how far the thigh turns with each degree of flexion.
        bends: +1 if bending turns the shin counter-clockwise, else -1.
        ground: height of what the person lies, sits or stands on.
        view: (left, right, bottom, top) of the picture.
    """

    torso_deg: float
    thigh_deg: float
    thigh_per_flexion: float
    bends: float
    ground: float
    view: tuple[float, float, float, float]


_POSES: Final[Mapping[Posture, _Pose]] = {
    "prone": _Pose(180.0, 0.0, 0.0, 1.0, -0.2, (-1.25, 2.3, -0.9, 1.5)),
    "supine": _Pose(180.0, 0.0, 0.5, -1.0, -0.2, (-1.25, 2.3, -0.9, 1.5)),
    "standing": _Pose(90.0, -90.0, 0.3, -1.0, -2.05, (-1.9, 1.9, -2.5, 1.2)),
    "seated": _Pose(90.0, 0.0, 0.0, -1.0, -0.2, (-1.3, 2.15, -1.2, 1.5)),
    "ake": _Pose(180.0, 90.0, 0.0, -1.0, -0.2, (-1.25, 2.15, -0.6, 2.4)),
}


class DrawnLeg:
    """A leg in a figure that moves with the angle.

    Args:
        figure: where it is drawn.
        place: (left, bottom, width, height) as shares of the figure.
        theme: colours.
    """

    def __init__(self, figure: Figure, place: tuple[float, float, float, float], theme: Theme) -> None:
        axes = self.axes = figure.add_axes(place)
        axes.set_axis_off()
        self._theme = theme
        self._posture: Posture | None = None
        self._pose = _POSES["prone"]
        self._ground = axes.axhline(-0.2, color=theme.faint, linewidth=2.5)
        self._torso = self._limb(theme.faint, 16)
        self._head = Circle((0, 0), _HEAD, color=theme.faint)
        axes.add_patch(self._head)
        self._before = self._limb(theme.faint, 7, linestyle=(0, (1.2, 1.2)))
        self._best = self._limb(theme.good, 5, linestyle=(0, (2.5, 1.2)))
        self._leg = self._limb(theme.track, 17)
        (self._knee,) = axes.plot([], [], "o", color=theme.background, markersize=7)
        self._sensors = [Rectangle((0, 0), 0.2, 0.13, color=theme.alarm) for _ in range(2)]
        for sensor in self._sensors:
            axes.add_patch(sensor)
        self._names = [self._label(theme.alarm, weight="bold") for _ in range(2)]
        corner = {"transform": axes.transAxes, "va": "top"}
        self._before_name = self._label(theme.muted, weight="bold", **corner)
        self._best_name = self._label(theme.good, weight="bold", **corner)
        self._arrow = FancyArrowPatch(
            (0, 0), (1, 1), arrowstyle="<|-|>", mutation_scale=18, color=theme.ink, linewidth=2.2
        )
        axes.add_patch(self._arrow)
        self.labels = [*self._names, self._before_name, self._best_name]
        self._show_pose("prone")

    def _limb(self, colour: str, width: float, **style: Any) -> Line2D:
        (line,) = self.axes.plot([], [], color=colour, linewidth=width, solid_capstyle="round", **style)
        return line

    def _label(self, colour: str, **style: Any) -> Any:
        return self.axes.text(0, 0, "", color=colour, **{"va": "center", **style})

    @property
    def artists(self) -> tuple[Artist, ...]:
        """In the order of drawing."""
        return (
            self._ground, self._torso, self._head, self._before, self._best, self._leg, self._knee,
            *self._sensors, self._arrow, *self.labels,
        )  # fmt: skip

    @property
    def limb(self) -> tuple[Any, Any]:
        """Coordinates (3,) each of hip, knee and ankle as drawn."""
        x, y = self._leg.get_data()
        return x, y

    def content(self, frame: LiveFrame, *, is_fresh: bool) -> object:
        """What the picture shows, for the decision whether it must be drawn again."""
        flexion_deg = frame.motion.flexion_deg
        kind = frame.prompt.kind if frame.prompt else None
        posture = frame.prompt.posture if frame.prompt else "prone"
        shown = round(flexion_deg, 1) if math.isfinite(flexion_deg) and not frame.hidden else None
        return posture, kind, shown, is_fresh, frame.before_deg, frame.straightest_deg, frame.hidden

    def show(self, frame: LiveFrame, *, is_fresh: bool) -> None:
        """Moves everything to where it belongs."""
        prompt = frame.prompt
        posture = prompt.posture if prompt else "prone"
        if posture != self._posture:
            self._show_pose(posture)
        kind = prompt.kind if prompt else None
        flexion_deg = frame.motion.flexion_deg
        is_known = math.isfinite(flexion_deg) and not frame.hidden
        placed = flexion_deg if is_known else (90.0 if posture in ("seated", "ake") else 8.0)
        self._set_limb(self._leg, placed)
        knee = self._points(placed)[1]
        self._knee.set_data([knee[0]], [knee[1]])
        self._leg.set_color(self._theme.track if is_fresh and is_known else self._theme.faint)
        self._show_shadow(self._before, self._before_name, "before", frame.before_deg, frame.hidden)
        best_deg = frame.straightest_deg
        if math.isfinite(frame.before_deg) and not best_deg < frame.before_deg - 0.05:
            best_deg = math.nan
        self._show_shadow(self._best, self._best_name, "straightest", best_deg, frame.hidden)
        self._show_sensors(placed, kind == "strap")
        self._show_arrow(kind == "swings")

    def _show_pose(self, posture: Posture) -> None:
        self._posture, pose = posture, _POSES[posture]
        self._pose = pose
        left, right, bottom, top = pose.view
        self.axes.set_xlim(left, right)
        self.axes.set_ylim(bottom, top)
        self.axes.set_aspect("equal")
        self._ground.set_ydata([pose.ground, pose.ground])
        along = _direction(pose.torso_deg)
        self._torso.set_data([0.0, along[0] * _NECK * 0.9], [0.0, along[1] * _NECK * 0.9])
        self._head.set_center(tuple(along * (_NECK + _HEAD)))

    def _points(self, flexion_deg: float) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(3, 2): hip, knee, ankle."""
        pose = self._pose
        thigh_deg = pose.thigh_deg + pose.thigh_per_flexion * flexion_deg
        knee = _THIGH * _direction(thigh_deg)
        ankle = knee + _SHANK * _direction(thigh_deg + pose.bends * flexion_deg)
        return np.array([np.zeros(2), knee, ankle])

    def _set_limb(self, line: Line2D, flexion_deg: float) -> None:
        points = self._points(flexion_deg)
        line.set_data(points[:, 0], points[:, 1])

    def _show_shadow(self, line: Line2D, label: Any, name: str, flexion_deg: float, hidden: bool) -> None:
        is_shown = math.isfinite(flexion_deg) and not hidden
        line.set_visible(is_shown)
        label.set_visible(is_shown)
        if not is_shown:
            return
        _, knee, ankle = self._points(flexion_deg)
        line.set_data(*np.array([knee, knee + _BEYOND * (ankle - knee)]).T)
        label.set(x=0.0, y=1.0 if name == "before" else 0.9)
        label.set_text(f"┅ {name} {flexion_deg:.0f}°".replace("-", "−"))

    def _show_sensors(self, flexion_deg: float, is_shown: bool) -> None:
        hip, knee, ankle = self._points(flexion_deg)
        places = (
            (hip, knee, 0.72, "thigh: outside,\na hand above"),
            (knee, ankle, 0.35, "shin: on the bone,\na hand below"),
        )
        for patch, label, (start, stop, share, text) in zip(self._sensors, self._names, places, strict=True):
            patch.set_visible(is_shown)
            label.set_visible(is_shown)
            if not is_shown:
                continue
            middle = start + share * (stop - start)
            along = stop - start
            turned = math.degrees(math.atan2(along[1], along[0]))
            patch.set_xy((middle[0] - 0.1, middle[1] - 0.065))
            turn = Affine2D().rotate_deg_around(middle[0], middle[1], turned)
            patch.set_transform(turn + self.axes.transData)
            vertical = self._pose.thigh_deg == -90.0
            offset = np.array([0.35, 0.0]) if vertical else np.array([0.0, 0.5 if share > 0.5 else -0.5])
            x, y = middle + offset
            label.set(x=x, y=y, text=text, ha="left" if vertical else "right" if share > 0.5 else "center")

    def _show_arrow(self, is_shown: bool) -> None:
        self._arrow.set_visible(is_shown)
        if is_shown:
            low, high = (self._points(angle)[2] for angle in _SWING_DEG)
            self._arrow.set_positions(tuple(low), tuple(high))
            self._arrow.set_connectionstyle("arc3", rad=0.4 * self._pose.bends)


def _direction(angle_deg: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))])
