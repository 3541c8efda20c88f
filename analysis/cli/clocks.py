"""The command that brings both sensors to one time: align."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.cli import console
from analysis.cli.recordings import SessionDir

_FAST_SWING_DEG_S = 400.0


def register(app: typer.Typer) -> None:
    """Adds the command of this file."""
    app.command()(align)


def align(
    folder: SessionDir,
    start: Annotated[float, typer.Option("--from", min=0.0, help="Session time in seconds.")],
    stop: Annotated[float, typer.Option("--to", min=0.0, help="Session time in seconds.")],
) -> None:
    """Remove the constant offset between the sensors' clocks, by a movement that both made as one.

    Hold both sensors firmly together and shake them for some 5 s while recording; then tell from when to
    when. The offset is kept in events.jsonl and taken off whenever the session is read.
    """
    from firmware_bridge.session.amend import align_sensors

    sync = align_sensors(folder, start, stop)
    side = "late" if sync.offset_s > 0 else "early"
    left_ms, error_deg = sync.uncertainty_s * 1000, sync.uncertainty_s * _FAST_SWING_DEG_S
    console.say(
        f"The shank sensor was {abs(sync.offset_s) * 1000:.1f} ms {side}; from now on that is taken off."
    )
    console.say(
        f"What remains is about ±{left_ms:.2f} ms (one sigma): {error_deg:.2f} deg in a fast swing of "
        f"{_FAST_SWING_DEG_S:g} deg/s, nothing in slow movement."
    )
    console.say(f"What was computed before does not know of it. Next: kneeflex report {folder}")
