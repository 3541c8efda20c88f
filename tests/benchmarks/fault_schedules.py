"""Whole schedules of faults on simulated time, drawn by the thousand; the first that fails is reduced.

    python tests/benchmarks/fault_schedules.py --sessions 2000 --seed 1

The short form, `tests/firmware_bridge/virtual/test_fault_schedules.py`, draws some with hypothesis.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from random import Random
from typing import TypeVar

from fault_invariants import violations
from faulty_session import Kill, Schedule, record

from firmware_bridge.virtual.faults import Faults

# Real time after which a session of some tenths of a second is given up: its simulated time stands still.
_GIVE_UP_S = 180.0
T = TypeVar("T", Schedule, Faults)
_NEAR_A_WRAP = (0, 2**32 - 5_000_000, 2**32 - 7_500_000)


def draw(random: Random) -> Schedule:
    """A schedule with some eight faults."""
    chance = random.choice

    def times(most: int) -> tuple[float, ...]:
        return tuple(sorted(round(random.uniform(0.5, 5.0), 2) for _ in range(random.randint(0, most))))

    def faults(shared: tuple[float, ...]) -> Faults:
        # One stall in four outlasts the patience of the program, which then connects anew.
        longest_s = chance((1.5, 1.5, 1.5, 4.5))
        return Faults(
            interval_s=chance((0.0, 0.015, 0.03)),
            retransmission=chance((0.0, 0.05, 0.2)),
            stalls=tuple((at_s, round(random.uniform(0.2, longest_s), 2)) for at_s in times(1)),
            loss=chance((0.0, 0.0, 0.02, 0.1)),
            duplication=chance((0.0, 0.0, 0.1)),
            reordering=chance((0.0, 0.0, 0.1)),
            garbage=chance((0.0, 0.0, 0.0, 0.03)),
            refusals=chance((0, 0, 0, 1)),
            disconnects=tuple(sorted((*times(1), *shared))),
            reboots=times(1) if random.random() < 0.15 else (),
            away_s=round(random.uniform(0.05, 1.5), 2),
        )

    both = times(1) if random.random() < 0.4 else ()
    full_s = round(random.uniform(0.0, 5.0), 1)
    return Schedule(
        faults(both),
        faults(both),
        ticks=(chance(_NEAR_A_WRAP), chance(_NEAR_A_WRAP)),
        sequences=(chance((0, 65_400)), chance((0, 65_450))),
        same_name=random.random() < 0.4,
        strangers=tuple(chance((-1.0, 1.0, 3.0)) for _ in range(chance((0, 0, 1, 2)))),
        full_disk=(full_s, full_s + chance((0.5, 2.0, 100.0))) if random.random() < 0.15 else None,
        kill=Kill(round(random.uniform(0.2, 5.0), 2), random.random() < 0.5, chance((0, 1, 40)))
        if random.random() < 0.3
        else None,
    )


def run(schedule: Schedule) -> list[str]:
    """Records one session under a schedule; returns what does not hold, in sentences."""
    with tempfile.TemporaryDirectory() as place:
        return violations(schedule, record(schedule, Path(place) / "session"))


def simpler(schedule: Schedule) -> Iterator[Schedule]:
    """The schedules with one fault less."""
    for one in fields(Schedule):
        value = getattr(schedule, one.name)
        if isinstance(value, Faults):
            for less in _without_one(value, Faults()):
                if less.interval_s > 0 or less.retransmission == 0:
                    yield replace(schedule, **{one.name: less})
    yield from _without_one(schedule, Schedule())


def _without_one(value: T, plain: T) -> Iterator[T]:
    """`value` with one field as in `plain`, or with one element less of a field that holds several."""
    for one in fields(value):
        held, default = getattr(value, one.name), getattr(plain, one.name)
        if held == default or isinstance(held, Faults):
            continue
        yield replace(value, **{one.name: default})
        if isinstance(held, tuple) and default == () and len(held) > 1:
            for place in range(len(held)):
                yield replace(value, **{one.name: held[:place] + held[place + 1 :]})


def smallest(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    """Takes faults away as long as the schedule still fails."""
    while True:
        found = next((candidate for candidate in simpler(schedule) if fails(candidate)), None)
        if found is None:
            return schedule
        schedule = found


@contextmanager
def _given_up(schedule: Schedule, limit_s: float) -> Iterator[None]:
    """Ends the program, and says where it was, if a session does not end."""

    def give_up() -> None:
        print(f"simulated time stands still, or a session never ends:\n  {schedule}", flush=True)
        faulthandler.dump_traceback()
        os._exit(2)

    timer = threading.Timer(limit_s, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def main() -> int:
    """Explores, and returns 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--first", type=int, default=0, help="number of the first session to run")
    parser.add_argument("--every", type=int, default=50, help="print the progress every so many sessions")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    random, faults, kinds = Random(options.seed), 0, Counter[str]()
    failures: list[int] = []
    begun_s = time.perf_counter()
    print(f"seed {options.seed}", flush=True)

    def watched(schedule: Schedule) -> list[str]:
        with _given_up(schedule, _GIVE_UP_S):
            return run(schedule)

    for number in range(options.sessions):
        schedule = draw(random)
        if number < options.first:
            continue
        faults += schedule.count
        kinds += schedule.kinds
        wrong = watched(schedule)
        if wrong:
            failures.append(number)
            print(f"session {number}: {wrong}", flush=True)
        if len(failures) == 1 and wrong:
            least = smallest(schedule, lambda candidate: bool(watched(candidate)))
            print(f"  smallest: {least}\n  {watched(least)}", flush=True)
        if (number + 1) % options.every == 0:
            took_s = time.perf_counter() - begun_s
            print(
                f"{number + 1} sessions, {faults} faults, {len(failures)} failures, {took_s:.0f} s",
                flush=True,
            )
    print(f"seed {options.seed}: {options.sessions - options.first} sessions, {faults} faults")
    print(", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    print(f"{len(failures)} sessions in which something did not hold: {failures}")
    return min(len(failures), 1)


if __name__ == "__main__":
    sys.exit(main())
