"""Output of the command: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]


def say(text: str = "") -> None:
    """Prints one line of a result."""
    print(text)


def note(text: str) -> None:
    """Prints one line beside the result: progress, warnings."""
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
