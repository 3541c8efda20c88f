"""Output of the command: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Progress = Callable[[int, int], None]

_PLAIN = {"°": " deg", "±": "+/-", "–": "-", "—": "-", "…": "...", "×": "x", "µ": "u", "²": "2"}


def prepare() -> None:
    """Makes output possible whatever the shell gave: closed streams, an encoding that lacks characters.

    A closed stream would hand its number to the next file that is opened, and messages would go into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (to the end)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="kneeflex")


def _in_plain_characters(error: UnicodeError) -> tuple[str, int]:
    """What an encoding lacks, in characters that every one has; the escapes are also those of JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    units = text.encode("utf-16-be", "surrogatepass")
    if any(character not in _PLAIN for character in text):
        return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)), error.end
    return "".join(_PLAIN[character] for character in text), error.end


codecs.register_error("kneeflex", _in_plain_characters)


def shown(path: Path) -> str:
    """A path as text; bytes in it that are no text are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def say(text: str = "") -> None:
    """Prints one line of a result."""
    print(text)


def note(text: str) -> None:
    """Prints one line beside the result: progress, warnings."""
    with suppress(BrokenPipeError, ValueError):  # nobody listens; the result is still wanted
        print(text, file=sys.stderr, flush=True)


def warn(warnings: Iterable[str]) -> None:
    """Prints warnings, each on a line of its own."""
    for text in warnings:
        note(f"Warning: {text}")


@contextmanager
def working(text: str) -> Iterator[None]:
    """Displays a spinner, on a terminal only."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


@contextmanager
def counting(text: str) -> Iterator[Progress]:
    """Displays a progress bar, on a terminal only; yields a callback (done, total)."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
