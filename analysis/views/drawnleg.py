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
from analysis.views.stamps import StampedText

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from analysis.views.themes import Theme

_THIGH, _SHANK, _FOOT = 1.0, 0.95, 0.26
_NECK, _HEAD = 0.52, 0.17
# The shadows reach beyond the foot, so that the leg in front of them does not hide them.
_BEYOND = 1.4
# Height of a window in which lines are as thick as they are written here.
_USUAL_POINTS: Final = 468.0
# Share of the window that a line of the shadows' names takes.
_LABEL_LINE: Final = 0.042
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
        edge: where that ends on the right; the feet of somebody lying face down hang over it.
        view: (left, right, bottom, top) of the picture.
    """

    torso_deg: float
    thigh_deg: float
    thigh_per_flexion: float
    bends: float
    ground: float
    edge: float
    view: tuple[float, float, float, float]


_POSES: Final[Mapping[Posture, _Pose]] = {
    "prone": _Pose(180.0, 0.0, 0.0, 1.0, -0.2, 1.75, (-0.9, 2.4, -0.8, 1.5)),
    "supine": _Pose(180.0, 0.0, 0.5, -1.0, -0.2, 2.4, (-0.9, 2.4, -0.9, 1.5)),
    "standing": _Pose(90.0, -90.0, 0.3, -1.0, -2.05, 1.4, (-2.4, 1.4, -2.45, 0.9)),
    "seated": _Pose(90.0, 0.0, 0.0, -1.0, -0.2, 0.85, (-1.1, 2.15, -1.4, 1.0)),
    "ake": _Pose(180.0, 90.0, 0.0, -1.0, -0.2, 2.15, (-0.9, 2.15, -0.5, 2.45)),
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
        self._widths: dict[Line2D, float] = {}
        self._posture: Posture | None = None
        self._pose = _POSES["prone"]
        (self._ground,) = axes.plot([], [], color=theme.faint, linewidth=2.5)
        self._torso = self._limb(theme.faint, 16)
        self._head = Circle((0, 0), _HEAD, color=theme.faint)
        axes.add_patch(self._head)
        self._before = self._limb(theme.faint, 7, linestyle=(0, (1.2, 1.2)))
        self._best = self._limb(theme.good, 5, linestyle=(0, (2.5, 1.2)))
        self._leg = self._limb(theme.track, 17, solid_joinstyle="round")
        self._foot = self._limb(theme.track, 11)
        (self._knee,) = axes.plot([], [], "o", color=theme.background, markersize=7)
        self._sensors = [Rectangle((0, 0), 0.2, 0.13, color=theme.alarm) for _ in range(2)]
        for sensor in self._sensors:
            axes.add_patch(sensor)
        self._names = [self._label(theme.alarm, weight="bold") for _ in range(2)]
        corner = {"transform": figure.transSubfigure, "va": "top"}
        self._before_name = self._label(theme.muted, weight="bold", **corner)
        self._best_name = self._label(theme.good, weight="bold", **corner)
        self._arrow = FancyArrowPatch(
            (0, 0), (1, 1), arrowstyle="<|-|>", mutation_scale=18, color=theme.ink, linewidth=2.2
        )
        axes.add_patch(self._arrow)
        self.labels = [*self._names, self._before_name, self._best_name]
        self._still = ""
        self._corner = (place[0], place[1] + place[3])
        self._show_pose("prone")
        for line, label in ((self._before, self._before_name), (self._best, self._best_name)):
            self._show_shadow(line, label, "", math.nan, True)
        self._show_sensors(0.0, False)
        self._show_arrow(False)

    def _limb(self, colour: str, width: float, **style: Any) -> Line2D:
        (line,) = self.axes.plot([], [], color=colour, linewidth=width, solid_capstyle="round", **style)
        self._widths[line] = width
        return line

    def _label(self, colour: str, **style: Any) -> Any:
        usual = {"va": "center", "transform": self.axes.transData}
        return self.axes.add_artist(StampedText(0, 0, "", color=colour, clip_on=False, **{**usual, **style}))

    def fit(self, height_points: float) -> None:
        """Scales the thickness of the lines with the window."""
        for line, width in self._widths.items():
            line.set_linewidth(width * height_points / _USUAL_POINTS)
        self._knee.set_markersize(7.0 * height_points / _USUAL_POINTS)

    def move(self, place: tuple[float, float, float, float]) -> None:
        """Draws the leg elsewhere: (left, bottom, width, height) as shares of the figure."""
        self.axes.set_position(place)
        self._corner = (place[0], place[1] + place[3])
        self._still = ""

    @property
    def artists(self) -> tuple[Artist, ...]:
        """What moves with the angle, in the order of drawing; everything else stands still behind it."""
        return self._foot, self._leg, self._knee, *self._sensors

    @property
    def limb(self) -> tuple[Any, Any]:
        """Coordinates (3,) each of hip, knee and ankle as drawn."""
        x, y = self._leg.get_data()
        return x, y

    def content(self, frame: LiveFrame, *, is_fresh: bool) -> object:
        """What the moving part shows."""
        return self._posture, self._placed_deg(frame), is_fresh and self._is_known(frame)

    def show(self, frame: LiveFrame, *, is_fresh: bool) -> None:
        """Moves the leg to where it belongs."""
        placed_deg = self._placed_deg(frame)
        points = self._points(placed_deg)
        self._leg.set_data(points[:, 0], points[:, 1])
        self._knee.set_data(points[1:2, 0], points[1:2, 1])
        toes = points[2] + _FOOT * self._toes(points)
        self._foot.set_data([points[2, 0], toes[0]], [points[2, 1], toes[1]])
        for line in (self._leg, self._foot):
            line.set_color(self._theme.track if is_fresh and self._is_known(frame) else self._theme.faint)

    def show_still(self, frame: LiveFrame) -> bool:
        """Sets what stands still: posture, shadows, sensors, arrow; returns whether any of it has changed."""
        prompt = frame.prompt
        kind, posture = (prompt.kind, prompt.posture) if prompt else (None, "prone")
        best_deg = frame.straightest_deg
        if math.isfinite(frame.before_deg) and not best_deg < frame.before_deg - 0.05:
            best_deg = math.nan
        # Texts are slow to draw, so the shadows keep to half degrees.
        before_deg, best_deg = (_halved(value) for value in (frame.before_deg, best_deg))
        still = (posture, kind in ("strap", "swings") and kind, before_deg, best_deg, frame.hidden)
        if repr(still) == self._still:
            return False
        self._still = repr(still)
        if posture != self._posture:
            self._show_pose(posture)
        self._show_shadow(self._before, self._before_name, "before", before_deg, frame.hidden)
        self._show_shadow(self._best, self._best_name, "straightest", best_deg, frame.hidden)
        self._show_sensors(self._placed_deg(frame), kind == "strap")
        self._show_arrow(kind == "swings")
        return True

    @staticmethod
    def _is_known(frame: LiveFrame) -> bool:
        return math.isfinite(frame.motion.flexion_deg) and not frame.hidden

    def _placed_deg(self, frame: LiveFrame) -> float:
        if self._is_known(frame):
            return round(frame.motion.flexion_deg, 1)
        return 90.0 if self._posture in ("seated", "ake") else 8.0

    def _show_pose(self, posture: Posture) -> None:
        self._posture, pose = posture, _POSES[posture]
        self._pose = pose
        left, right, bottom, top = pose.view
        self.axes.set_xlim(left, right)
        self.axes.set_ylim(bottom, top)
        self.axes.set_aspect("equal")
        self._ground.set_data([left, pose.edge], [pose.ground, pose.ground])
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

    def _toes(self, points: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(2,): direction from the ankle to the toes, at a right angle to the shin, away from the calf."""
        along = (points[2] - points[1]) / _SHANK
        return self._pose.bends * np.array([along[1], -along[0]])

    def _show_shadow(self, line: Line2D, label: Any, name: str, flexion_deg: float, hidden: bool) -> None:
        is_shown = math.isfinite(flexion_deg) and not hidden
        line.set_visible(is_shown)
        label.set_visible(is_shown)
        if not is_shown:
            return
        _, knee, ankle = self._points(flexion_deg)
        line.set_data(*np.array([knee, knee + _BEYOND * (ankle - knee)]).T)
        left, top = self._corner
        label.set(x=left, y=top if name == "before" else top - _LABEL_LINE)
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


def _halved(value_deg: float) -> float:
    return round(2.0 * value_deg) / 2.0 if math.isfinite(value_deg) else math.nan
