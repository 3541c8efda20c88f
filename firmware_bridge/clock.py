"""Time and threads as a parameter: everything in this project that waits, waits on a `Clock`.

The program runs on `SystemClock`. Tests run the same code on `firmware_bridge.virtual.simulated_clock`,
where time jumps to the next moment at which something is due.
"""

from __future__ import annotations

import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from firmware_bridge.errors import UsageError

T = TypeVar("T")


class Signal(Protocol):
    """A flag that threads wait for, as `threading.Event`."""

    def set(self) -> None:
        """Sets the flag and wakes everybody who waits for it."""
        ...

    def clear(self) -> None:
        """Resets the flag."""
        ...

    def is_set(self) -> bool:
        """Whether the flag is set."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the flag is set or the time is over; returns whether it is set."""
        ...


class Worker(Protocol):
    """A thread, as `threading.Thread`."""

    def start(self) -> None:
        """Starts it."""
        ...

    def join(self) -> None:
        """Waits until it has ended."""
        ...

    def is_alive(self) -> bool:
        """Whether it has been started and has not ended."""
        ...


class Clock(Protocol):
    """What the time is, and how to wait. All methods may be called from any thread."""

    def now_s(self) -> float:
        """A monotonic time in seconds, from any origin."""
        ...

    def utc(self) -> datetime:
        """The date and time of day."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits for so many seconds of this clock."""
        ...

    def signal(self) -> Signal:
        """A new flag to wait for."""
        ...

    def worker(self, work: Callable[[], object], name: str) -> Worker:
        """A new daemon thread; it does not run before `start`."""
        ...

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine in a new event loop of this thread; the loop waits on this clock."""
        ...

    def faster(self, speed: float) -> Clock:
        """A clock for what is simulated and watched by a person, so many times as fast as this one."""
        ...


class SystemClock:
    """The clock of this computer.

    Args:
        speed: how many seconds of this clock pass in a second of real time; for a simulated leg that is
            watched in a hurry.

    Raises:
        UsageError: the speed is not above 0.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0.0:
            raise UsageError("The speed must be above 0.")
        self.speed = speed

    def now_s(self) -> float:
        """A monotonic time in seconds, from any origin."""
        # Not time.monotonic: on Windows that advances in steps of 16 ms before Python 3.13.
        return time.perf_counter() * self.speed

    def utc(self) -> datetime:
        """The date and time of day, which `speed` does not change."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Waits for so many seconds of this clock."""
        time.sleep(seconds / self.speed)

    def signal(self) -> Signal:
        """A new flag to wait for."""
        return threading.Event() if self.speed == 1.0 else _ScaledEvent(self.speed)

    def worker(self, work: Callable[[], object], name: str) -> Worker:
        """A new daemon thread; it does not run before `start`."""
        return threading.Thread(target=work, name=name, daemon=True)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine in a new event loop of this thread; the loop waits on this clock."""
        import asyncio  # a tenth of the time of `kneeflex --help`, where nothing waits

        if self.speed == 1.0:
            return asyncio.run(main)

        class ScaledLoop(asyncio.SelectorEventLoop):
            def time(loop) -> float:  # noqa: N805 (self is the clock)
                return self.now_s()

        with asyncio.Runner(loop_factory=lambda: ScaledLoop(_ScaledSelector(self.speed))) as runner:
            return runner.run(main)

    def faster(self, speed: float) -> Clock:
        """A clock for what is simulated and watched by a person, so many times as fast as this one."""
        return SystemClock(self.speed * speed)


class _ScaledEvent(threading.Event):
    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else timeout / self._speed)


class _ScaledSelector(selectors.DefaultSelector):
    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self._speed)
