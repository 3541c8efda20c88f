"""One look for every picture: colours, lines, the axis label.

The colours are those of Okabe and Ito (2008), told apart by people with any colour vision; no picture
relies on colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import matplotlib

from analysis.angle.result import Zero

INK: Final = "#222222"
FAINT: Final = "#8a8a8a"
GRID: Final = "#dddddd"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"

TRACK: Final = BLUE
GAP: Final = FAINT

_CALIBRATION, _EXERCISE, _IDLE = GREEN, PURPLE, FAINT
_PHASE_COLOURS: Final[Mapping[str, str]] = {
    "swings": _CALIBRATION,
    "reference": _CALIBRATION,
    "closing_reference": _CALIBRATION,
    "warmup": _IDLE,
    "rest": _IDLE,
    "pause": _IDLE,
    "restrap": VERMILION,
    "before": ORANGE,
    "before_again": ORANGE,
    "pandiculation": _EXERCISE,
    "quad_press": _EXERCISE,
}


def phase_colour(name: str) -> str:
    """The colour of a phase; everything measured after the exercise is blue."""
    return _PHASE_COLOURS.get(name, BLUE)


def flexion_label(zero: Zero = "reference_pose") -> str:
    """The label of every flexion axis, which says where 0 is."""
    if zero == "relative":
        return "relative knee angle (deg; + bent)\n0 = straightest still posture, not straight"
    return "knee flexion (deg;\n0 straight, + bent, - hyperextended)"


@contextmanager
def kneeflex_style() -> Iterator[None]:
    """Figures created inside share fonts, grid and lines, whatever the user's matplotlib settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": "DejaVu Sans",
                "font.size": 9.5,
                "text.color": INK,
                "axes.edgecolor": FAINT,
                "axes.labelcolor": INK,
                "axes.grid": True,
                "axes.axisbelow": True,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.titlesize": 10.5,
                "axes.titleweight": "bold",
                "axes.titlelocation": "left",
                "grid.color": GRID,
                "grid.linewidth": 0.7,
                "xtick.color": INK,
                "ytick.color": INK,
                "legend.frameon": False,
                "legend.fontsize": 8.5,
                # The same answer gives the same bytes.
                "svg.hashsalt": "kneeflex",
            }
        )
        yield
