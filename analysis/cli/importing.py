"""The command that brings in recordings of other programs: import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.cli import console
from analysis.cli.recordings import AsJson
from analysis.cli.streaming import Client, Leg
from firmware_bridge.errors import UsageError
from firmware_bridge.segments import Side


def register(app: typer.Typer) -> None:
    """Adds the command of this file."""
    app.command("import")(import_)


def import_(
    format_: Annotated[
        str, typer.Argument(metavar="FORMAT", help="auto finds it; csv, movella-dot, xsens-mt, metabase, ...")
    ],
    thigh: Annotated[Path, typer.Option(help="The thigh sensor's file.")],
    shank: Annotated[Path, typer.Option(help="The shank (shin) sensor's file.")],
    out: Annotated[Path | None, typer.Option(help="The session folder to make.")] = None,
    events: Annotated[
        Path | None, typer.Option(help="Phases and reference poses, one JSON object a line.")
    ] = None,
    side: Leg = Side.RIGHT,
    client: Client = "",
    columns: Annotated[
        str,
        typer.Option(
            metavar="NAMES | FILE.toml",
            help='What the columns are: "time=t:ms; acc=ax,ay,az:g; gyr=gx,gy,gz:deg/s".',
        ),
    ] = "",
    rate: Annotated[
        float | None, typer.Option(min=1.0, help="Samples a second, of files that do not tell.")
    ] = None,
    thigh_sensor: Annotated[
        str, typer.Option(metavar="NAME", help="Which sensor, of a file that holds several.")
    ] = "",
    shank_sensor: Annotated[str, typer.Option(metavar="NAME", help="The same for the shank.")] = "",
    instantaneous: Annotated[
        bool,
        typer.Option(
            "--instantaneous", help="Samples are values at their times, as of a simulation; not step means."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be understood, and write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Turn two files of another program into a session folder, and say what was understood of them."""
    from analysis import derived
    from firmware_bridge.session.importers import read_import
    from firmware_bridge.session.writer import write_session

    if out is None and not dry_run:
        raise UsageError("--out is missing.", "Name the session folder to make, or say --dry-run.")
    with console.working("Importing"):
        found = read_import(
            format_,
            thigh,
            shank,
            events=events,
            side=side,
            client=client,
            columns=columns,
            rate_hz=rate,
            sensors=(thigh_sensor, shank_sensor),
            instantaneous=instantaneous,
        )
        if out is not None and not dry_run:
            write_session(out, found.recording)
    written = None if dry_run else str(out)
    if as_json:
        console.say(derived.json_text({"out": written, **found.understood.as_json()}))
        return
    for line in found.understood.sentences():
        console.say(line)
    console.warn(found.understood.doubts)
    recording = found.recording
    counts = f"{len(recording.thigh)} thigh and {len(recording.shank)} shank samples"
    size = f"{counts}, {recording.duration_s:.1f} s."
    if written is None:
        console.say(f"Nothing was written: {size}")
    else:
        console.say(f"{written}: {size} Next: kneeflex angle {written}")
