"""The command on many people: cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.cli import console
from analysis.cli.recordings import AsJson
from firmware_bridge.errors import UsageError
from firmware_bridge.segments import Side


def register(app: typer.Typer) -> None:
    """Adds the command of this file."""
    app.command()(cohort)


def cohort(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="The table of `kneeflex batch`.")],
    out: Annotated[
        Path | None, typer.Option(help="The HTML file; TABLE-cohort.html beside the table by default.")
    ] = None,
    join: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Your own columns by client, day, date or session: a condition."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The condition; the column condition by default.")
    ] = None,
    reference: Annotated[
        str, typer.Option(metavar="NAME", help="The condition that the others are compared with.")
    ] = "",
    test: Annotated[str | None, typer.Option(help="standing, supine, prone or ake alone.")] = None,
    side: Annotated[Side | None, typer.Option(help="One knee alone.")] = None,
    against: Annotated[
        str, typer.Option(metavar="COLUMN", help="The extension before practice, read in another way.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Say what many people say together: one value a person, with intervals, repeatability and attrition."""
    from analysis import derived
    from analysis.cohort import cohort_of, join_columns, read_table, to_json

    file = out or table.with_name(f"{table.stem}-cohort.html")
    derived.refuse_raw(file)
    if file.resolve() in {path.resolve() for path in (table, *(join or ()))}:
        raise UsageError(f"{file} is the table itself.", "Give another --out.")
    with console.working("Reading the table, computing"):
        rows = read_table(table)
        for other in join or ():
            rows = join_columns(rows, other)
        found = cohort_of(
            rows,
            by=by,
            reference=reference,
            test=test,
            side=None if side is None else side.value,
            against=against,
        )
    if not as_json or out is not None:
        from analysis.views.cohort import render_cohort

        with console.working("Drawing"):
            derived.write_text(file, render_cohort(found, name=console.shown(Path(table.name))))
    if as_json:
        console.say(derived.json_text(to_json(found)))
    else:
        console.warn(found.warnings)
        for answer in found.tests:
            title = f"{answer.test}: " if len(found.tests) > 1 else ""
            console.say(title + answer.sentence)
        console.say(f"The people: {file}")
    if all(answer.verdict == "not enough data" for answer in found.tests):
        raise typer.Exit(1)
