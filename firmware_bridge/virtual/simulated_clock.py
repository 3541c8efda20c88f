"""A clock whose time jumps to the next moment at which something is due.

The threads of the program are real, but they run one at a time and in a fixed order: a thread runs until it
waits, then the next one that is ready goes on; when all of them wait, time jumps to the earliest deadline.
A run is a function of its inputs: the same seed gives the same order, the same times and the same bytes.
This is a discrete-event simulation with threads as processes.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import selectors
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
_Arguments = TypeVarTuple("_Arguments")


class DeadlockError(RuntimeError):
    """All threads wait for each other, and no time-out is pending."""


class SimulatedClock:
    """A `Clock` in simulated time, owned by the thread that makes it, which begins as the running one.

    Computing takes no time at all; only waiting does. Everything that waits must do so on this clock: a
    thread that blocks on anything else stops the whole simulation.

    Args:
        utc: the date and time of day at `now_s() == 0`.
    """

    def __init__(self, utc: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._epoch = utc
        self._now_s = 0.0
        self._numbers = count()
        self._timers: list[tuple[float, int, _Process, int]] = []
        self._ready: deque[_Process] = deque()
        # Guards against a thread that is no process of this clock, and against Ctrl-C amid a switch.
        self._lock = threading.RLock()
        self._local = threading.local()
        self._owner = self._local.process = _Process()

    def now_s(self) -> float:
        """Seconds since the clock was made."""
        return self._now_s

    def utc(self) -> datetime:
        """The date and time of day."""
        return self._epoch + timedelta(seconds=self._now_s)

    def sleep(self, seconds: float) -> None:
        """Lets the others run until so many seconds have passed."""
        self.wait(seconds)

    def signal(self) -> SimulatedSignal:
        """A new flag to wait for."""
        return SimulatedSignal(self)

    def worker(self, work: Callable[[], object], name: str) -> SimulatedWorker:
        """A new thread; it does not run before `start`, nor before the running one waits."""
        return SimulatedWorker(self, work, name)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine in a new event loop of this thread; the loop waits on this clock."""
        with asyncio.Runner(loop_factory=lambda: _SimulatedLoop(self)) as runner:
            return runner.run(main)

    def faster(self, speed: float) -> SimulatedClock:
        """This clock itself: simulated time has no speed."""
        return self

    def wait(self, timeout_s: float | None, waiters: deque[_Process] | None = None) -> None:
        """Waits until the time is over or, where `waiters` is given, `wake` is called with it.

        Raises:
            DeadlockError: nothing can ever happen any more.
        """
        process = self._process()
        with self._lock:
            process.turn += 1
            if timeout_s is not None:
                deadline_s = self._now_s
                if timeout_s > 0.0:
                    # A wait that rounding swallows would come back at once, and whoever waits again for the
                    # rest of it would make the time stand still for ever.
                    deadline_s = max(deadline_s + timeout_s, math.nextafter(deadline_s, math.inf))
                heapq.heappush(self._timers, (deadline_s, next(self._numbers), process, process.turn))
            if waiters is not None:
                waiters.append(process)
            process.waiting = True
            following = self._next()
        if following is not process:
            following.give_turn()
            process.take_turn()
        if waiters is not None and process in waiters:
            waiters.remove(process)
        if process.deadlocked:
            process.deadlocked = False
            raise DeadlockError("every thread waits, and no time-out is pending")

    def wake(self, waiters: deque[_Process]) -> None:
        """Makes everybody in `waiters` ready, in order."""
        with self._lock:
            while waiters:
                self._make_ready(waiters.popleft())

    def enter(self, process: _Process) -> None:
        """Adds the process of a new thread, ready."""
        with self._lock:
            self._make_ready(process)

    def leave(self) -> None:
        """The running process ends; another goes on."""
        with self._lock:
            following = self._next()
        following.give_turn()

    def adopt(self, process: _Process) -> None:
        """The calling thread is this process from now on; returns when its turn has come."""
        self._local.process = process
        process.take_turn()

    def _process(self) -> _Process:
        process: _Process | None = getattr(self._local, "process", None)
        if process is None:
            raise RuntimeError("this thread is not one of the simulated clock: start it with `worker`")
        return process

    def _make_ready(self, process: _Process) -> None:
        if process.waiting:
            process.waiting = False
            self._ready.append(process)

    def _next(self) -> _Process:
        """The next process to run; advances the time if none is ready now."""
        if self._ready:
            return self._ready.popleft()
        while self._timers:
            deadline_s, _, process, turn = heapq.heappop(self._timers)
            if process.waiting and process.turn == turn:
                self._now_s = max(self._now_s, deadline_s)
                process.waiting = False
                return process
        self._owner.deadlocked, self._owner.waiting = True, False
        return self._owner


class _Process:
    """A thread of the simulation; it runs from taking its turn until it gives another thread its turn."""

    def __init__(self) -> None:
        self._baton = threading.Lock()
        self._baton.acquire()
        self._may_run = False
        self.waiting = True
        self.turn = 0
        self.deadlocked = False

    def give_turn(self) -> None:
        """Lets it run; called by the running thread, which must wait from now on."""
        self._may_run = True
        self._baton.release()

    def take_turn(self) -> None:
        """Waits for its turn; Ctrl-C that comes meanwhile is raised then."""
        interruption: KeyboardInterrupt | None = None
        while not self._may_run:
            try:
                self._baton.acquire()
            except KeyboardInterrupt as error:
                interruption = error
        self._baton.acquire(blocking=False)  # not yet taken if Ctrl-C came just before
        self._may_run = False
        if interruption is not None:
            raise interruption


class SimulatedSignal:
    """A flag that the threads of a `SimulatedClock` wait for."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._set = False
        self._waiters: deque[_Process] = deque()

    def set(self) -> None:
        """Sets the flag; who waits for it goes on when the running thread waits."""
        self._set = True
        self._clock.wake(self._waiters)

    def clear(self) -> None:
        """Resets the flag."""
        self._set = False

    def is_set(self) -> bool:
        """Whether the flag is set."""
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the flag is set or the time is over; returns whether it is set."""
        if not self._set:
            self._clock.wait(timeout, self._waiters)
        return self._set


class SimulatedWorker:
    """A thread that runs only when the clock lets it."""

    def __init__(self, clock: SimulatedClock, work: Callable[[], object], name: str) -> None:
        self._clock, self._work = clock, work
        self._process = _Process()
        self._ended = clock.signal()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts it; it runs when the running thread waits."""
        self._clock.enter(self._process)
        self._thread.start()

    def join(self) -> None:
        """Waits until it has ended."""
        self._ended.wait()
        self._thread.join()

    def is_alive(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._thread.is_alive()

    def _run(self) -> None:
        self._clock.adopt(self._process)
        try:
            self._work()
        finally:
            self._ended.set()
            self._clock.leave()


class _SimulatedSelector(selectors.DefaultSelector):
    """Where an event loop waits. Nothing outside the process ever wakes it."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock
        self.woken = clock.signal()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0.0:
            self.woken.wait(timeout)
        if not self.woken.is_set():
            return []
        self.woken.clear()
        return super().select(0)  # the byte with which a loop wakes itself


class _SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: SimulatedClock) -> None:
        self._simulated_clock = clock
        self._simulated_selector = _SimulatedSelector(clock)
        super().__init__(self._simulated_selector)

    def time(self) -> float:
        return self._simulated_clock.now_s()

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[_Arguments]], object],
        *args: *_Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        handle = super().call_soon_threadsafe(callback, *args, context=context)
        self._simulated_selector.woken.set()
        return handle
