"""The command for other programs: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.cli import console
from firmware_bridge.errors import UsageError


def register(app: typer.Typer) -> None:
    """Adds the command of this file."""
    app.command()(export)


def export(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A session folder, or one that holds session folders.")
    ],
    target: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="motion-bids, opensim or parquet.")
    ],
    out: Annotated[Path, typer.Option(metavar="PATH", help="The folder to write into.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over files that are there already.")
    ] = False,
) -> None:
    """Write sessions for other programs: a BIDS dataset, OpenSim, Parquet."""
    from analysis.export import FORMATS
    from analysis.export import export as run

    if target not in FORMATS:
        raise UsageError(f"There is no format {target}.", f"Give one of {', '.join(FORMATS)}.")
    with console.counting("Sessions") as progress:
        found = run(folder, target, out, overwrite=overwrite, progress=progress)  # type: ignore[arg-type]
    console.warn(f"{console.shown(place)}: {why}" for place, why in found.left_out)
    many = len(found.places)
    console.say(f"{out}: {many} session{'' if many == 1 else 's'} exported as {target}.")
