"""The clock of the tests: threads take turns, and time jumps to what is due next."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from firmware_bridge.clock import SystemClock
from firmware_bridge.errors import UsageError
from firmware_bridge.virtual.simulated_clock import DeadlockError, SimulatedClock


def test_sleeping_moves_the_time_by_exactly_as_much(clock):
    clock.sleep(3600.0)
    clock.sleep(0.25)
    assert clock.now_s() == 3600.25
    assert clock.utc() == datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=3600.25)


def test_a_wait_too_short_for_the_clock_still_moves_the_time(clock):
    clock.sleep(4.37)
    clock.sleep(1e-17)
    assert 4.37 < clock.now_s() < 4.37 + 1e-12


def test_threads_meet_at_their_times_and_in_their_order(clock):
    met = []

    def visit(name, times_s):
        for time_s in times_s:
            clock.sleep(time_s - clock.now_s())
            met.append((clock.now_s(), name))

    visitors = [
        clock.worker(lambda: visit("a", [1.0, 2.0, 3.0]), "a"),
        clock.worker(lambda: visit("b", [0.5, 2.0, 2.5]), "b"),
    ]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert met == [(0.5, "b"), (1.0, "a"), (2.0, "b"), (2.0, "a"), (2.5, "b"), (3.0, "a")]
    assert not any(visitor.is_alive() for visitor in visitors)


def test_a_signal_wakes_who_waits_and_a_time_out_who_waits_in_vain(clock):
    signal, seen = clock.signal(), []

    def wait(timeout):
        seen.append((signal.wait(timeout), clock.now_s()))

    for timeout in (0.5, 1.5, None):
        clock.worker(lambda timeout=timeout: wait(timeout), "waiter").start()
    clock.sleep(1.0)
    assert seen == [(False, 0.5)]
    signal.set()
    clock.sleep(0.0)
    assert seen == [(False, 0.5), (True, 1.0), (True, 1.0)]
    assert signal.wait(10.0)
    assert clock.now_s() == 1.0
    signal.clear()
    assert not signal.wait(2.0)
    assert clock.now_s() == 3.0


def test_an_event_loop_lives_in_the_same_time(clock):
    told = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.call_later(1.0, told.append, "loop")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await loop.create_future()
        return loop.time()

    def other():
        clock.sleep(2.0)
        told.append("thread")

    clock.worker(other, "other").start()
    assert clock.run(main()) == clock.now_s() == 2.5
    assert told == ["loop", "thread"]


def test_another_thread_may_call_into_a_loop(clock):
    async def main():
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def call():
            clock.sleep(7.0)
            loop.call_soon_threadsafe(done.set)

        clock.worker(call, "caller").start()
        await done.wait()

    clock.run(main())
    assert clock.now_s() == 7.0


def test_two_loops_hand_each_other_work_through_threads(clock):
    """Every hop takes a second of one loop, then a second of the other."""
    hops = []

    async def side(name, inbox, outbox):
        while True:
            number = await inbox.get()
            hops.append((clock.now_s(), name, number))
            await asyncio.sleep(1.0)
            if number < 5:
                outbox(number + 1)
            if number >= 4:
                return

    async def with_inbox(name, ready, give):
        inbox, loop = asyncio.Queue(), asyncio.get_running_loop()
        ready.append(lambda number: loop.call_soon_threadsafe(inbox.put_nowait, number))
        await side(name, inbox, lambda number: give()[0](number))

    left, right = [], []
    workers = [
        clock.worker(lambda: clock.run(with_inbox("left", left, lambda: right)), "left"),
        clock.worker(lambda: clock.run(with_inbox("right", right, lambda: left)), "right"),
    ]
    for worker in workers:
        worker.start()
    clock.sleep(0.0)
    left[0](0)
    for worker in workers:
        worker.join()
    assert hops == [(float(n), ("left", "right")[n % 2], n) for n in range(6)]


def test_waiting_for_what_can_never_come_is_an_error_and_not_a_hang(clock):
    signal = clock.signal()
    clock.worker(signal.wait, "the other").start()
    with pytest.raises(DeadlockError):
        signal.wait()


def test_a_thread_that_fails_lets_the_others_go_on(clock, monkeypatch):
    failures = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: failures.append(arguments.exc_value))

    def fail():
        raise LookupError("no")

    worker = clock.worker(fail, "fails")
    worker.start()
    worker.join()
    assert [str(failure) for failure in failures] == ["no"]


def test_a_thread_from_elsewhere_is_told_that_it_cannot_wait_here(clock):
    errors = []

    def stray():
        try:
            clock.sleep(1.0)
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=stray)
    thread.start()
    thread.join()
    assert "start it with `worker`" in errors[0]


@pytest.mark.parametrize("seed", range(5))
def test_a_crowd_of_threads_does_the_same_every_time(seed):
    def story():
        clock, told = SimulatedClock(), []
        signals = [clock.signal() for _ in range(3)]

        def live(name):
            random = Random(f"{seed} {name}")
            for _ in range(20):
                signal = random.choice(signals)
                match random.randrange(4):
                    case 0:
                        signal.set()
                    case 1:
                        signal.clear()
                    case 2:
                        signal.wait(random.random())
                    case 3:
                        clock.sleep(random.choice((0.0, 0.125, random.random())))
                told.append((clock.now_s(), name))

        workers = [clock.worker(lambda name=name: live(name), str(name)) for name in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return told

    first = story()
    assert len(first) == 120
    assert [time_s for time_s, _ in first] == sorted(time_s for time_s, _ in first)
    assert story() == first


def test_the_clock_of_the_computer_can_run_faster():
    clock = SystemClock().faster(2000.0)
    begin_s = clock.now_s()
    clock.sleep(2.0)
    assert not clock.signal().wait(2.0)

    async def main():
        await asyncio.sleep(2.0)

    clock.run(main())
    assert clock.now_s() - begin_s >= 6.0
    assert clock.utc().tzinfo is UTC


def test_a_clock_that_stands_still_is_refused():
    with pytest.raises(UsageError, match="speed"):
        SystemClock(0.0)
