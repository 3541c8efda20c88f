"""Keys of the live views. Most are commands; some ask for a number or a text first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analysis.guide.prompt import Prompt
from analysis.live.frame import CommandName, UserCommand

_AT_ONCE: Final[Mapping[str, CommandName]] = {
    "m": "marker",
    "n": "next",
    "right": "next",
    "enter": "next",
    "b": "back",
    "left": "back",
    "r": "repeat",
    "h": "hide",
    " ": "pause",
    "space": "pause",
}
_ASKING: Final[Mapping[str, CommandName]] = {
    "t": "marker",
    "p": "pain",
    "a": "angle",
    "q": "stop",
    "escape": "stop",
}
_QUESTIONS: Final[Mapping[CommandName, str]] = {
    "marker": "Remark",
    "pain": "Pain now, 0 (none) to 10",
    "angle": "Measured knee angle in degrees (0 straight, + bent)",
    "stop": "Stop the session? Enter = stop, Esc = go on",
}
_LIMITS: Final[Mapping[CommandName, tuple[float, float]]] = {"pain": (0.0, 10.0), "angle": (-30.0, 150.0)}

_MOVING: Final = ("next", "back", "repeat")
_NUMERIC: Final = frozenset("0123456789.,-+")

HELP: Final = (
    "n next   b back   r again   space pause   m mark   t remark   p pain   a angle   h hide   q stop"
)


class Keys:
    """Key presses -> commands. `line` is the question to show while a number or a text is typed."""

    def __init__(self) -> None:
        self._asking: CommandName | None = None
        self._typed = ""
        self._complaint = ""
        self._followed: tuple[str, int] | None = None

    @property
    def line(self) -> str:
        """The open question with the text typed so far, or ""."""
        if self._asking is None:
            return ""
        if self._asking == "stop":
            return _QUESTIONS["stop"]
        return f"{self._complaint}{_QUESTIONS[self._asking]}: {self._typed}▏  Enter saves, Esc cancels"

    def ask(self, name: CommandName) -> None:
        """Opens a question, unless one is open."""
        if self._asking is None:
            self._asking, self._typed, self._complaint = name, "", ""

    def follow(self, prompt: Prompt | None) -> None:
        """Opens the question of a step when it begins, and closes it when the step ends."""
        question = None if prompt is None or prompt.ask is None else (prompt.ask, prompt.step)
        if question == self._followed:
            return
        if self._followed is not None and self._asking in _LIMITS:
            self._asking = None
        self._followed = question
        if question is not None:
            self.ask("pain" if question[0] == "pain" else "angle")

    def press(self, key: str) -> UserCommand | None:
        """Processes one key (matplotlib's name); returns the command that it completes."""
        if self._asking is not None:
            return self._answer(key)
        name = key.lower() if len(key) > 1 or key.isalpha() else key
        if name in _ASKING:
            self.ask(_ASKING[name])
            return None
        return UserCommand(_AT_ONCE[name]) if name in _AT_ONCE else None

    def _answer(self, key: str) -> UserCommand | None:
        if key == "escape":
            self._asking = None
        elif key == "backspace":
            self._typed = self._typed[:-1]
        elif key in ("enter", "return"):
            return self._finish()
        elif self._asking in _LIMITS and key not in _NUMERIC:
            return self._leave(key)
        elif len(key) == 1 and self._asking != "stop":
            self._typed += key
        return None

    def _leave(self, key: str) -> UserCommand | None:
        """A key that changes the step closes the question."""
        if _AT_ONCE.get(key) not in _MOVING:
            return None
        self._asking = None
        return UserCommand(_AT_ONCE[key])

    def _finish(self) -> UserCommand | None:
        name = self._asking
        if name is None:
            return None
        if name in _LIMITS:
            low, high = _LIMITS[name]
            try:
                value = float(self._typed.replace(",", "."))
            except ValueError:
                value = float("nan")
            if not low <= value <= high:
                self._typed, self._complaint = "", f"A number from {low:g} to {high:g}, please. "
                return None
            self._asking = None
            return UserCommand(name, value=value)
        self._asking = None
        return UserCommand(name, text=self._typed.strip())
