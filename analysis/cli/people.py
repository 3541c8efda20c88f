"""Commands on one person: trend, person, forget."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from analysis.cli import console
from analysis.cli.recordings import AsJson
from firmware_bridge.errors import UsageError
from firmware_bridge.segments import Side

Code = Annotated[str, typer.Option(help="The person's code.")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    for command in (trend, person, forget):
        app.command()(command)


def trend(
    root: Annotated[
        Path | None,
        typer.Argument(metavar="[ROOT]", help="Holds the person's folder; the remembered one by default."),
    ] = None,
    client: Code = "",
    side: Annotated[Side | None, typer.Option(help="The knee.")] = None,
    test: Annotated[str | None, typer.Option(help="standing, supine, prone or ake.")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="Planned days; those of the first session by default.")
    ] = None,
    practice_from: Annotated[
        str | None, typer.Option(metavar="DATE", help="First day of practice, YYYY-MM-DD.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file; trend.html in the person's folder by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how much straighter the knee became over the days, beyond what readings differ from day to day."""
    from datetime import date

    from analysis import derived
    from analysis.cli.show_days import show_days, write_days
    from analysis.days import person_trend, to_json
    from firmware_bridge.session.model import TEST_NAMES
    from firmware_bridge.settings import sessions_root

    if not client:
        raise UsageError("Whose days?", "Give --client CODE.")
    if test is not None and test not in TEST_NAMES:
        raise UsageError(f"There is no test {test}.", f"Give one of {', '.join(TEST_NAMES)}.")
    try:
        first = None if practice_from is None else date.fromisoformat(practice_from)
    except ValueError as error:
        raise UsageError(f"{practice_from} is no date.", "Write it as 2026-03-01.") from error
    root = root or sessions_root()
    if not root.is_dir():
        raise UsageError(f"There is no folder {root}.", "Give the folder that holds the person's sessions.")
    with console.counting("Sessions") as progress:
        found = person_trend(
            root,
            client,
            side=side,
            test=test,  # type: ignore[arg-type]
            planned_days=days,
            practice_from=first,
            now=datetime.now(UTC),
            progress=progress,
        )
    if as_json:
        if out is not None:
            write_days(found, out)
        console.say(derived.json_text(to_json(found)))
    else:
        home = root / client if (root / client).is_dir() else root
        show_days(found, out or home / "trend.html", with_warnings=True)
    if found.trend.verdict == "not enough data":
        raise typer.Exit(1)


def person(
    client: Annotated[str, typer.Argument(metavar="CODE", help="The person's code, never a name.")],
    root: Annotated[
        Path | None, typer.Option(help="Holds the person's folder; the remembered one by default.")
    ] = None,
    side: Annotated[Side | None, typer.Option(help="The knee that is practised.")] = None,
    test: Annotated[str | None, typer.Option(help="The usual test.")] = None,
    pose: Annotated[
        str | None,
        typer.Option(help="Knee angle on the support of every day, for example 20; '' asks each time."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=5, help="Planned days.")] = None,
    baseline: Annotated[int | None, typer.Option(min=0, help="Days of measuring alone first.")] = None,
    thigh: Annotated[str | None, typer.Option(help="The thigh sensor.")] = None,
    shank: Annotated[str | None, typer.Option(help="The shank (shin) sensor.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Who leads: a protocol, or a TOML file.")] = None,
) -> None:
    """Show what is kept of a person, or change what is given."""
    from dataclasses import asdict, replace

    from analysis.cli.person import parse_pose
    from firmware_bridge.session.model import TEST_NAMES
    from firmware_bridge.session.person import Person, person_folder, read_person, sessions_of, write_person
    from firmware_bridge.settings import sessions_root

    if test is not None and test not in TEST_NAMES:
        raise UsageError(f"There is no test {test}.", f"Give one of {', '.join(TEST_NAMES)}.")
    root = root or sessions_root()
    folder = person_folder(root, client)
    known = read_person(folder) or Person(client)
    given = {
        "side": side, "test": test, "planned_days": days, "baseline_days": baseline, "thigh": thigh,
        "shank": shank, "protocol": protocol,
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if value is not None}
    if pose is not None:
        changes["pose"] = parse_pose(pose)  # type: ignore[assignment]
    if changes:
        if days is not None and days != known.planned_days and sessions_of(root, client):
            console.warn(
                ["A plan that is changed after days were looked at does not keep its promise of 5 %."]
            )
        known = replace(known, **changes)  # type: ignore[arg-type]
        write_person(folder, known)
    for name, value in asdict(known).items():
        console.say(f"{name.replace('_', ' ')}: {'not given' if value is None else value}")
    console.say(f"sessions: {len(sessions_of(root, client))}, in {folder}")


def forget(
    client: Annotated[str, typer.Argument(metavar="CODE", help="The person's code.")],
    root: Annotated[
        Path | None, typer.Option(help="Holds the person's folder; the remembered one by default.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete everything that is kept of a person, and list what was deleted."""
    from firmware_bridge.session.person import forget as delete
    from firmware_bridge.session.person import sessions_of
    from firmware_bridge.settings import sessions_root

    root = root or sessions_root()
    if not yes and sys.stdin.isatty():
        count = len(sessions_of(root, client))
        question = f"Delete {client} with {count} session{'' if count == 1 else 's'} from {root} for good?"
        if not typer.confirm(question):
            console.say("Nothing was deleted.")
            return
    deleted = delete(root, client)
    for file in deleted:
        console.say(str(file))
    console.say(
        f"{len(deleted)} files of {client} were deleted. Backups, tables and reports that were copied "
        "elsewhere are not known here."
    )
