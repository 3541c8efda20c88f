"""The command line: commands, exit codes, error messages."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from copy import copy
from functools import cache
from itertools import zip_longest
from typing import Any

import typer
from typer.core import TyperGroup
from typer.models import CommandInfo

from analysis.cli import (
    calibration,
    clocks,
    cohort,
    console,
    demo,
    export,
    importing,
    people,
    recordings,
    sensors,
)
from analysis.cli.streaming import OWN_BOARD
from firmware_bridge.clock import Clock, SystemClock
from firmware_bridge.errors import KneeflexError, UsageError

_INTERRUPTED = 130  # what shells use for a program that Ctrl-C ended
# These end before garbage in cycles comes to anything; looking for it costs a tenth of their time.
_END_SOON = ("angle", "compare", "knees", "report", "check")


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # typer itself would say nothing, or another word in another version
            console.note("Stopped.")
            raise typer.Exit(_INTERRUPTED) from None


app = typer.Typer(
    name="kneeflex",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Two strapped-on Bluetooth IMUs, one knee flexion angle, and an honest before and after. "
    "For movement education and research; not a medical device.",
)
for module in (demo, sensors, importing, recordings, people, cohort, export, calibration, clocks):
    module.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.say(f"kneeflex {version('kneeflex')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    # The front door has switched the collector of cycles off.
    if not gc.isenabled() and context.invoked_subcommand not in _END_SOON:
        gc.freeze()  # what is loaded need not be looked through again and again
        gc.enable()


def main(arguments: Sequence[str] | None = None, clock: Clock | None = None) -> None:
    """Runs the command. Exit codes: 0 done, 1 the data or the sensors cannot answer, 2 wrong usage.

    Args:
        arguments: those of the command line by default.
        clock: on which everything waits; that of this computer by default.
    """
    console.prepare()
    try:
        given = sys.argv[1:] if arguments is None else arguments
        _command(_called(given))(_with_own_board(given), obj=clock or SystemClock())
    except KneeflexError as error:
        console.note(f"Error: {error}")
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("KNEEFLEX_DEBUG"):
            raise
        console.note(f"Error: {_in_words(error)}")
        sys.exit(1)


def _called(arguments: Sequence[str]) -> str:
    """The command that is called, or "" where the first word is no command."""
    first = arguments[0] if arguments else ""
    return first if first in map(_name_of, app.registered_commands) else ""


@cache
def _command(called: str) -> Any:
    """The application with the one command that is called, or with all of them where that is "".

    Typer would read the signatures of all commands, which takes as long as loading several of them. Built
    once a process: a test or a notebook gives many commands.
    """
    one = copy(app)
    if called:
        one.registered_commands = [c for c in app.registered_commands if _name_of(c) == called]
    return typer.main.get_command(one)


def _name_of(command: CommandInfo) -> str:
    return command.name or getattr(command.callback, "__name__", "").replace("_", "-")


def _with_own_board(arguments: Sequence[str]) -> list[str]:
    """The arguments with the kind of the simulated sensors filled in where `--virtual` stands alone."""
    filled: list[str] = []
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue="-"):
        filled.append(argument)
        if argument == "--virtual" and following.startswith("-"):
            filled.append(OWN_BOARD)
    return filled


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return (
            f"{error.filename or 'The output'}: {error.strerror}. "
            "Check the path, the space on the disk, and that you may read and write there."
        )
    return (
        f"kneeflex met something it did not expect ({type(error).__name__}: {error}). "
        "Please report it with the output of the same command under KNEEFLEX_DEBUG=1."
    )
