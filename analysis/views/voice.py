"""Speaks through the operating system.

`say` on macOS, System.Speech on Windows, espeak-ng or speech-dispatcher on Linux. A thread of its own waits
for the speech program, so the stream and the window never wait.
"""

from __future__ import annotations

import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from analysis.guide.narration import Narration

INSTALL: Final = "sudo apt install espeak-ng"
_WINDOWS: Final = (
    "Add-Type -AssemblyName System.Speech; "
    "(New-Object System.Speech.Synthesis.SpeechSynthesizer).Speak([Console]::In.ReadToEnd())"
)
_LONGEST_S: Final = 30.0

Command = Sequence[str]
Start = Callable[[Command, str], "subprocess.Popen[bytes]"]


def find_speech() -> tuple[str, ...] | None:
    """The command that speaks what it reads on standard input; None if there is none."""
    if sys.platform == "darwin":
        return ("say", "-f", "-")
    if sys.platform == "win32":
        return ("powershell", "-NoProfile", "-Command", _WINDOWS)
    for command in (
        ("espeak-ng", "-s", "165", "--stdin"),
        ("espeak", "-s", "165", "--stdin"),
        ("spd-say", "-w", "-e"),
    ):
        if shutil.which(command[0]):
            return command
    return None


def speech_advice() -> str:
    """What to tell a user whose computer cannot speak."""
    return f"This computer has no voice, so tones lead the person. For a voice run: {INSTALL}"


def _start(command: Command, text: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    process.stdin.write(text.encode())
    process.stdin.close()
    return process


class Voice:
    """Speaks one text after the other, as a context manager; silent without a speech program.

    Args:
        command: speaks what it reads on standard input; that of this computer by default.
        start: starts it with a text.

    Attributes:
        is_silent: there is no speech program.
    """

    def __init__(self, command: Command | None = None, start: Start = _start) -> None:
        self._command = find_speech() if command is None else tuple(command)
        self._start = start
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self.is_silent = self._command is None

    def __enter__(self) -> Self:
        if self._command is not None:
            self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(timeout=_LONGEST_S)
            self._thread = None

    def speak(self, narration: Narration) -> None:
        """Says what is to be said; returns at once."""
        if self._thread is None:
            return
        if narration.stop:
            self.stop()
        for utterance in narration.utterances:
            if utterance.at_once:
                self.stop()
            self._waiting.put(utterance.text)

    def say(self, text: str) -> None:
        """Says a text after those that wait; returns at once."""
        if self._thread is not None:
            self._waiting.put(text)

    def stop(self) -> None:
        """Ends what is being said and forgets what waits."""
        while True:
            try:
                self._waiting.get_nowait()
            except queue.Empty:
                break
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()

    def _run(self) -> None:
        assert self._command is not None
        while (text := self._waiting.get()) is not None:
            try:
                with self._lock:
                    self._process = self._start(self._command, text)
                self._process.wait(timeout=_LONGEST_S)
            except (OSError, subprocess.TimeoutExpired):
                # A voice that fails must not end the session.
                if self._process is not None:
                    self._process.kill()
