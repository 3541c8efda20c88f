"""The clock of the simulated world, which may run faster than that of the wall."""

from __future__ import annotations

import asyncio
import time


class HostTime:
    """A monotonic clock that advances `speed` seconds in each second of real time."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._origin_s = time.perf_counter()

    def now_s(self) -> float:
        """Seconds since it was made; callable from any thread."""
        return (time.perf_counter() - self._origin_s) * self.speed

    async def until(self, host_s: float) -> None:
        """Sleeps until then; lets others run in any case."""
        await asyncio.sleep(max(host_s - self.now_s(), 0.0) / self.speed)
