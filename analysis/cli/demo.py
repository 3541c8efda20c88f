"""`kneeflex demo`: stream, record, analyse and report with simulated sensors."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.cli import console
from analysis.cli.recordings import read
from analysis.cli.streaming import SensorSource, StreamOptions, require_simulation, stream
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.segments import Segment

if TYPE_CHECKING:
    from analysis.answer import Answer
    from firmware_bridge.virtual.script import Script
    from firmware_bridge.virtual.simulation import Truth

_RATE_HZ = 100.0
_GAIN_DEG = 9.0


def register(app: typer.Typer) -> None:
    """Adds the command of this file."""
    app.command()(demo)


def demo(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="The session folder to make.")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="No window.")] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the report.")] = False,
    speed: Annotated[
        float, typer.Option(min=1.0, help="How much faster than real time the leg moves.")
    ] = 2.0,
    seed: Annotated[int, typer.Option(help="Another seed is another leg and other sensors.")] = 0,
    days: Annotated[
        int | None, typer.Option(min=2, help="Instead: so many simulated days of practice, and their trend.")
    ] = None,
) -> None:
    """Run the whole job on a simulated leg: stream, plot, record, analyse, report."""
    if days is not None:
        from analysis.cli.demo_days import demo_days
        from analysis.doctor import has_screen

        demo_days(days, out, open_page=has_screen() and not (headless or no_open), seed=seed)
        return
    require_simulation()
    from analysis import derived
    from analysis.answer import answer
    from analysis.doctor import has_screen
    from firmware_bridge.virtual.radio import VirtualRadio
    from firmware_bridge.virtual.simulation import simulate_session

    folder = out or Path(f"kneeflex-demo-{datetime.now():%Y%m%d-%H%M%S}")
    session = simulate_session(_script(seed), seed=seed)
    radio = VirtualRadio(session, clock=context.obj.faster(speed))
    console.note(
        f"A simulated leg moves for {session.script.duration_s:.0f} s at {speed:g} times real time; "
        f"two simulated sensors send {_RATE_HZ:g} samples a second each."
    )
    on_screen = has_screen()
    if not (headless or on_screen):
        console.note("There is no screen here, so there is no window: a status line instead.")
    view = "window" if on_screen and not headless else "headless"
    side = session.script.side
    streamed = stream(SensorSource.virtual(radio), StreamOptions(folder, _RATE_HZ, "demo", side, view=view))
    recording = read(folder)
    for segment, samples in ((Segment.THIGH, recording.thigh), (Segment.SHANK, recording.shank)):
        received = 0
        if samples.device_ticks is not None:
            received = int((radio.script_index(segment, samples.device_ticks) >= 0).sum())
        console.say(f"{segment}: {radio.sent[segment]} samples of the movement sent, {received} recorded")
    if not radio.finished:
        raise CannotAnswerError(
            f"The demonstration was stopped before its end; what was recorded is in {folder}.",
            "Run it again to see the knee before and after.",
        )
    with console.working("Computing the angle and the change"):
        result = answer(recording)
    true_change_deg = session.truth.change_deg("prone")
    report = derived.write_everything(folder, result, truth={"prone": true_change_deg})
    console.warn(result.warnings)
    _compare_with_truth(session.truth, result, streamed.script_offset_s, true_change_deg)
    console.say(f"Report: {report}")
    if on_screen and not no_open:
        import webbrowser

        webbrowser.open(report.resolve().as_uri())


def _script(seed: int) -> Script:
    """A session of a minute and a half, with a gain that such a session can tell from noise."""
    from firmware_bridge.virtual.sessions import condensed_session

    return condensed_session(
        gain_deg=_GAIN_DEG,
        warmup_repetitions=4,
        swing_s=1.2,
        still_s=2.0,
        reference_s=3.0,
        bend_s=0.8,
        seed=seed,
    )


def _compare_with_truth(truth: Truth, result: Answer, offset_s: float, change_deg: float) -> None:
    import numpy as np

    track = result.angle.track
    true_deg = np.interp(track.time_s - offset_s, truth.time_s, truth.flexion_deg)
    error_deg = (track.flexion_deg - true_deg)[track.valid & (track.time_s >= offset_s)]
    console.say(
        f"Angle: off by {np.std(error_deg):.2f} deg RMS, beside a constant of {np.mean(error_deg):+.2f} deg"
    )
    for comparison in result.comparisons:
        if comparison.change_deg is not None:
            console.say(
                f"Change: true {change_deg:+.2f} deg, measured {comparison.change_deg:+.2f} deg, "
                f"error {comparison.change_deg - change_deg:+.2f} deg; verdict: {comparison.verdict}"
            )
