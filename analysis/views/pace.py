"""The pace of a window: frames at a regular distance, however long each takes to draw."""

from __future__ import annotations

from typing import Final

# What a toolkit needs between two frames to hand on keys.
SHORTEST_PAUSE_S: Final = 0.002


class Pace:
    """Decides how long to wait for the next frame.

    Args:
        every_s: wanted from the start of a frame to the start of the next.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._due_s: float | None = None

    def pause_s(self, now_s: float) -> float:
        """How long to wait when a frame was drawn at `now_s`. Frames that were missed are not made up for."""
        due_s = now_s if self._due_s is None else self._due_s + self._every_s
        self._due_s = max(due_s, now_s + SHORTEST_PAUSE_S)
        return self._due_s - now_s
