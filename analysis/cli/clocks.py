"""Commands for the clocks of both sensors: sync, align."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.cli import console
from analysis.cli.recordings import SessionDir
from analysis.cli.sensors import Shank, Thigh
from analysis.cli.streaming import choose_source, stopping_cleanly
from firmware_bridge.samples import Side

_FAST_SWING_DEG_S = 400.0


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command()(sync)
    app.command()(align)


def sync(
    context: typer.Context,
    thigh: Thigh = None,
    shank: Shank = None,
    rate: Annotated[float, typer.Option("--rate", min=1.0, help="Samples a second.")] = 60.0,
) -> None:
    """Movella DOT only: bring both sensors to one clock before recording. Never tried on hardware.

    They keep that clock, and the rate given here, until one of them is switched off.
    """
    from firmware_bridge.link.synchronise import synchronise

    source = choose_source(context.obj, thigh, shank, virtual=False, side=Side.RIGHT, seconds=None)
    with stopping_cleanly():
        synchronise(source.targets, source.radio, rate_hz=rate, tell=console.note)
    console.say("Both sensors run by one clock. Leave them switched on, and record.")


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
