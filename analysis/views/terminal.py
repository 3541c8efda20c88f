"""The live view without a window: a full terminal page, or one status line a second."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from analysis.live.frame import LiveFeed, LiveFrame, UserCommand
from analysis.views.keys import HELP, Keys
from analysis.views.livetext import LiveWording, LiveWords, audible_angle
from analysis.views.sound import Speaker

_FRAMES_PER_S: Final = 10.0
_SCALE_DEG: Final = (-10.0, 140.0)


def status_line(frame: LiveFrame, words: LiveWords) -> str:
    """One line that says how the session stands, for a log or a narrow terminal."""
    clock = f"{int(frame.now_s) // 60}:{int(frame.now_s) % 60:02d}"
    number = words.number if words.is_fresh else f"({words.note})"
    sensors = " | ".join(" ".join(line.split()) for line in words.sensors)
    parts = (clock, words.title, number, *words.block, words.progress, sensors, words.alarm)
    return "  ".join(part for part in parts if part)


def run_headless(
    feed: LiveFeed,
    console: Console | None = None,
    *,
    every_s: float = 1.0,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Polls a feed until it is finished, and prints a status line now and then.

    There are no keys: the guide's questions are passed over, so the session stays without pain scores, and
    relative unless the protocol holds the angle of the reference pose.

    Ctrl-C stops the session, which then is finished in the ordinary way.

    Args:
        feed: the session.
        console: where to; standard error by default. A terminal gets one line that renews itself.
        every_s: between lines.
        wait: sleeps for so many seconds.
    """
    console = console or Console(stderr=True, highlight=False)
    wording, next_s = LiveWording(), 0.0
    while True:
        try:
            frame = feed.poll()
            words = wording.texts(frame)
            _go_on_alone(feed, frame, console)
            if frame.now_s >= next_s or frame.finished:
                next_s = frame.now_s + every_s
                _print_line(console, status_line(frame, words))
            if frame.finished:
                break
            wait(1.0 / _FRAMES_PER_S)
        except KeyboardInterrupt:
            feed.command(UserCommand("stop"))
    if console.is_terminal:
        console.print()


def _go_on_alone(feed: LiveFeed, frame: LiveFrame, console: Console) -> None:
    """Without keys: prints pages and skips questions."""
    prompt = frame.prompt
    if prompt is None or not (prompt.page or prompt.ask):
        return
    for paragraph in prompt.page:
        console.print(paragraph, markup=False)
    feed.command(UserCommand("next"))


def _print_line(console: Console, line: str) -> None:
    if console.is_terminal:
        line = line[: console.width - 1]
        console.print(f"\r{line:<{console.width - 1}}", end="", markup=False, soft_wrap=True)
    else:
        console.print(line, markup=False, soft_wrap=True)


def show_terminal(
    feed: LiveFeed,
    console: Console | None = None,
    *,
    speaker: Speaker | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Shows a feed as a page in the terminal until it is finished; keys work as in the window.

    Args:
        feed: the session.
        console: where to; standard output by default.
        speaker: plays the cues, if any.
        wait: sleeps for so many seconds.
    """
    console = console or Console()
    wording, keys = LiveWording(), Keys()
    with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live, _pressed() as pressed:
        while True:
            try:
                frame = feed.poll()
                words = wording.texts(frame)
                keys.follow(frame.prompt)
                live.update(page(frame, words, keys.line), refresh=True)
                if speaker is not None:
                    speaker.sound(frame.cues, audible_angle(frame, is_fresh=words.is_fresh))
                    speaker.narrate(frame, words.alarm)
                if frame.finished:
                    return
                if not sys.stdin.isatty():
                    _go_on_alone(feed, frame, console)
                for key in pressed():
                    command = keys.press(key)
                    if command is not None:
                        feed.command(command)
                wait(1.0 / _FRAMES_PER_S)
            except KeyboardInterrupt:
                feed.command(UserCommand("stop"))


def page(frame: LiveFrame, words: LiveWords, entry: str = "") -> Group:
    """A live frame as a page of text."""
    head = Text(words.title, style="bold")
    head.append(f"   {words.progress}   ", style="")
    head.append(words.countdown, style="bold")
    number = Text(f"{words.number:>8}", style="bold" if words.is_fresh else "dim strike")
    number.append(f"   {words.note}", style="" if words.is_fresh else "bold red")
    reading = frame.prompt.page if frame.prompt else ()
    lines = [head, Text(words.instruction), Text("")]
    for paragraph in reading:
        lines += [Text(paragraph), Text("")]
    lines.append(number)
    if words.is_fresh and not frame.hidden:
        lines.append(Text(_bar(frame.motion.flexion_deg), style="blue"))
    lines += [Text("   ".join(words.block)), Text("")]
    if words.alarm:
        lines.append(Text(words.alarm, style="bold red"))
    lines += [Text(line) for line in words.sensors]
    lines.append(Text(entry or HELP, style="bold blue" if entry else "dim"))
    return Group(Panel(Group(*lines), title="kneeflex"))


def _bar(flexion_deg: float, width: int = 60) -> str:
    if not math.isfinite(flexion_deg):
        return ""
    low, high = _SCALE_DEG
    places = [round((min(max(v, low), high) - low) / (high - low) * width) for v in (0.0, flexion_deg)]
    cells = [" "] * (width + 1)
    for place in range(min(places), max(places) + 1):
        cells[place] = "━"
    cells[places[0]], cells[places[1]] = "┃", "●"
    return "straight " + "".join(cells) + " bent"


@contextmanager
def _pressed() -> Iterator[Callable[[], list[str]]]:
    """Yields a function that returns the keys pressed since its last call, without waiting."""
    if not sys.stdin.isatty():
        yield list
    elif sys.platform == "win32":
        yield _windows_keys
    else:
        import termios
        import tty

        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield _unix_keys
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


_NAMES: Final = {"\n": "enter", "\r": "enter", "\x1b": "escape", "\x7f": "backspace", "\x08": "backspace"}


def _unix_keys() -> list[str]:
    import os
    import select

    keys: list[str] = []
    while select.select([sys.stdin], [], [], 0)[0]:
        typed = os.read(sys.stdin.fileno(), 64).decode(errors="ignore")
        if not typed:
            break
        arrows = {"\x1b[C": "right", "\x1b[D": "left"}
        keys += [arrows[typed]] if typed in arrows else [_NAMES.get(letter, letter) for letter in typed]
    return keys


def _windows_keys() -> list[str]:
    import msvcrt

    keys: list[str] = []
    while msvcrt.kbhit():  # type: ignore[attr-defined, unused-ignore]
        letter = msvcrt.getwch()  # type: ignore[attr-defined, unused-ignore]
        keys.append(_NAMES.get(letter, letter))
    return keys
