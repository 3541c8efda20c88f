"""What the days of a person say, on the terminal and as files beside the sessions."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.cli import console

if TYPE_CHECKING:
    from analysis.days import PersonTrend


def show_days(
    found: PersonTrend, file: Path, *, with_warnings: bool = False, truth_deg: float | None = None
) -> None:
    """Says what the days say, and draws them beside.

    Args:
        found: the days.
        file: the page; its picture lies beside it.
        with_warnings: also say what has to be known of them.
        truth_deg: for simulated days, the true total change.
    """
    if with_warnings:
        console.warn(found.warnings)
    console.say(found.trend.sentence)
    gain, kept = found.trend.gain_per_session_deg, found.trend.kept_per_day_deg
    if gain is not None and kept is not None and found.trend.total_change_ci95_deg is not None:
        left = f"about {kept:.1f} deg of it are" if kept > 0 else "nothing of it is"
        console.say(f"A session adds {gain:.1f} deg; {left} still there on the next day.")
    beyond, interval = found.trend.beyond_other_knee_deg, found.trend.beyond_other_knee_ci95_deg
    if beyond is not None and interval is not None:
        console.say(
            f"Beyond the other knee: {beyond:+.1f} deg [{interval[0]:.1f}, {interval[1]:.1f}]. If the other "
            "knee does not practise, that is the only hint of a cause."
        )
    write_days(found, file, truth_deg)
    console.say(f"The days: {file}")


def write_days(found: PersonTrend, file: Path, truth_deg: float | None = None) -> None:
    """Writes the page of the days, and their picture beside it as PNG; not again where nothing is new.

    Raises:
        SessionError: a file cannot be written.
    """
    from analysis import derived
    from analysis.days import to_json
    from analysis.kept.stamp import program_mark

    picture = file.with_suffix(".png")
    content = derived.json_text(to_json(found)) + program_mark(()) + str(truth_deg)
    mark = f"<!-- {blake2b(content.encode(), digest_size=16).hexdigest()} -->"
    if picture.is_file() and _ends_with(file, mark):
        return
    from analysis.views.pictures import picture_of
    from analysis.views.trend import trend_figure
    from analysis.views.trend_page import render_trend

    with console.working("Drawing the days"):
        figure = trend_figure(found)
        page = render_trend(found, figure, truth_deg=truth_deg)
        derived.write_files({picture: picture_of(figure), file: f"{page}\n{mark}\n".encode()})


def _ends_with(file: Path, mark: str) -> bool:
    try:
        return file.read_text(encoding="utf-8").rstrip().endswith(mark)
    except (OSError, UnicodeDecodeError):
        return False
