"""Whole schedules of faults on simulated time, and what must hold whatever happens.

The property test draws schedules with hypothesis; run as a program, this file draws thousands, prints the
seed, and reduces the first failing schedule:

    python tests/benchmarks/fault_schedules.py --sessions 2000 --seed 1
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from random import Random
from unittest import mock

import numpy as np

from firmware_bridge.capture import Capture
from firmware_bridge.drivers.kneeflex import Scale
from firmware_bridge.errors import SessionError
from firmware_bridge.link.target import Target
from firmware_bridge.samples import Segment
from firmware_bridge.session.files import AppendOnlyFile
from firmware_bridge.session.model import LinkEvent
from firmware_bridge.session.reader import read_session
from firmware_bridge.virtual.faults import Faults
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import swings
from firmware_bridge.virtual.simulated_clock import SimulatedClock
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session
from firmware_bridge.virtual.wearing import Wearing

RATE_HZ = 25.0
_SCRIPT = swings(1, period_s=1.0)
_SESSIONS: dict[tuple[int, int], SimulatedSession] = {}
# A stall or a change of link leaves the delay of single packets uncertain by some connection intervals.
_TIME_MARGIN_S = 0.03


@dataclass(frozen=True)
class Schedule:
    """What goes wrong in one session.

    Attributes:
        thigh, shank: faults of each sensor and its link.
        first_tick, first_sequence: where clock and counter of the thigh sensor begin; near a wrap or not.
        same_name: both sensors advertise one name, and are meant by their addresses.
        full_disk_s: the disk takes nothing from this time of the clock on.
        torn_bytes: the writer is killed at the end: so many bytes of the thigh's file are missing.
    """

    thigh: Faults = field(default_factory=Faults)
    shank: Faults = field(default_factory=Faults)
    first_tick: int = 0
    first_sequence: int = 0
    same_name: bool = False
    full_disk_s: float | None = None
    torn_bytes: int = 0

    @property
    def count(self) -> int:
        """How many faults it asks for; a probability counts as the packets that it is expected to hit."""
        packets = RATE_HZ * _SCRIPT.duration_s
        number = (
            (self.first_tick > 0) + self.same_name + (self.full_disk_s is not None) + (self.torn_bytes > 0)
        )
        for faults in (self.thigh, self.shank):
            number += len(faults.stalls) + len(faults.disconnects) + len(faults.reboots) + faults.refusals
            rates = (faults.loss, faults.duplication, faults.reordering, faults.garbage)
            number += sum(int(rate * packets) for rate in rates)
        return int(number)


def draw(random: Random) -> Schedule:
    """A schedule with about half a dozen faults."""

    def times(most: int) -> tuple[float, ...]:
        return tuple(sorted(round(random.uniform(0.5, 4.5), 2) for _ in range(random.randint(0, most))))

    def faults(shared: tuple[float, ...]) -> Faults:
        chance = random.choice
        return Faults(
            interval_s=chance((0.0, 0.015, 0.03)),
            retransmission=chance((0.0, 0.05, 0.2)),
            stalls=tuple((at_s, round(random.uniform(0.2, 1.5), 2)) for at_s in times(1)),
            loss=chance((0.0, 0.0, 0.02, 0.1)),
            duplication=chance((0.0, 0.0, 0.1)),
            reordering=chance((0.0, 0.0, 0.1)),
            garbage=chance((0.0, 0.0, 0.03)),
            refusals=chance((0, 0, 1)),
            disconnects=(*times(1), *shared),
            reboots=times(1) if random.random() < 0.15 else (),
            away_s=round(random.uniform(0.05, 1.0), 2),
        )

    both = times(1) if random.random() < 0.4 else ()
    return Schedule(
        faults(both),
        faults(both),
        first_tick=random.choice((0, 2**32 - 5_000_000)),
        first_sequence=random.choice((0, 65_500)),
        same_name=random.random() < 0.3,
        full_disk_s=round(random.uniform(3.0, 6.0), 1) if random.random() < 0.1 else None,
        torn_bytes=random.randint(1, 200) if random.random() < 0.2 else 0,
    )


def violations(schedule: Schedule, folder: Path) -> list[str]:
    """Records one session under a schedule; returns what does not hold, in sentences.

    Args:
        schedule: the faults.
        folder: the session folder to make.
    """
    clock = SimulatedClock()
    radio = VirtualRadio(
        _session(schedule.first_tick, schedule.first_sequence),
        clock=clock,
        faults={Segment.THIGH: schedule.thigh, Segment.SHANK: schedule.shank},
    )
    if schedule.same_name:
        radio._advertisements = {s: replace(a, name="KF") for s, a in radio._advertisements.items()}
    targets = {
        s: Target("KF" if schedule.same_name else radio.names[s], address=radio.addresses[s]) for s in Segment
    }
    received: dict[Segment, list[int]] = {segment: [] for segment in Segment}
    wrong: list[str] = []
    scale = Scale()

    def check(segment: Segment, samples: object) -> None:
        received[segment].append(len(samples))  # type: ignore[arg-type]

    capture = Capture(targets, folder, radio=radio, rate_hz=RATE_HZ, sinks=[check])
    disk_failed = False
    try:
        with _full_disk(clock, schedule.full_disk_s), capture:
            while not radio.finished and clock.now_s() < 60.0:
                clock.sleep(0.1)
                capture.check()
    except SessionError:
        disk_failed = True
    if disk_failed != (schedule.full_disk_s is not None):
        wrong.append("a full disk is told, and nothing else is")
    status = capture.status
    if schedule.torn_bytes:
        path = folder / "thigh.csv"
        text = path.read_bytes()
        path.write_bytes(text[: max(len(text) - schedule.torn_bytes, len(text) // 2)])
    recording = read_session(folder)
    for segment, faults in ((Segment.THIGH, schedule.thigh), (Segment.SHANK, schedule.shank)):
        samples = recording.thigh if segment is Segment.THIGH else recording.shank
        torn = segment is Segment.THIGH and schedule.torn_bytes
        if not disk_failed and not torn and len(samples) != sum(received[segment]):
            wrong.append(
                f"{segment}: {sum(received[segment])} samples were received, {len(samples)} recorded"
            )
        if np.any(np.diff(samples.time_s) <= 0):
            wrong.append(f"{segment}: time runs back")
        if faults.reboots:
            continue  # which sample is which can no longer be told
        index = radio.script_index(segment, np.asarray(samples.device_ticks))
        true = radio.session.recording.thigh if segment is Segment.THIGH else radio.session.recording.shank
        played = (index >= 0) & (index < len(true))
        order = index[played]
        if np.any(np.diff(order) <= 0):
            wrong.append(f"{segment}: a sample is recorded twice")
        # A damaged packet may decode, and then holds random numbers; no other sample may differ.
        differ = np.abs(samples.acc_m_s2[played] - true.acc_m_s2[order]).max(axis=1) > 0.51 * scale.acc_m_s2
        if differ.any() and not faults.garbage:
            wrong.append(f"{segment}: {int(differ.sum())} samples are not those of this sensor")
        if torn or disk_failed or len(order) < 20:
            continue
        link = status[segment]
        missing = int(np.sum(np.diff(index) - 1))
        if link.lost is None or (abs(link.lost - missing) > 1 + link.reconnects and not faults.garbage):
            wrong.append(f"{segment}: {missing} samples are missing, {link.lost} are counted")
        truth_s = radio.script_start_s + true.time_s[order] - capture.session_t0
        error_s = float(np.abs(np.median(samples.time_s[played] - truth_s)))
        allowed_s = 2.0 * (link.clock_uncertainty_s or 0.0) + _TIME_MARGIN_S
        if error_s > allowed_s:
            wrong.append(f"{segment}: times are {error_s:.3f} s off, {allowed_s:.3f} s are allowed")
        told = [e.state for e in recording.events if isinstance(e, LinkEvent) and e.segment is segment]
        if link.reconnects and "lost" not in told:
            wrong.append(f"{segment}: a lost link is not among the events")
    return wrong


def simpler(schedule: Schedule) -> Iterator[Schedule]:
    """The schedules with one fault less."""
    for one in fields(Schedule):
        value = getattr(schedule, one.name)
        if isinstance(value, Faults):
            for fault in fields(Faults):
                if getattr(value, fault.name) != getattr(Faults(), fault.name):
                    plain = replace(value, **{fault.name: getattr(Faults(), fault.name)})
                    if plain.interval_s > 0 or plain.retransmission == 0:
                        yield replace(schedule, **{one.name: plain})
        elif value != getattr(Schedule(), one.name):
            yield replace(schedule, **{one.name: getattr(Schedule(), one.name)})


def smallest(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    """Takes faults away as long as the schedule still fails."""
    while True:
        found = next((candidate for candidate in simpler(schedule) if fails(candidate)), None)
        if found is None:
            return schedule
        schedule = found


def _session(first_tick: int, first_sequence: int) -> SimulatedSession:
    key = (first_tick, first_sequence)
    if key not in _SESSIONS:
        wearing = Wearing.realistic(seed=7)
        thigh = replace(wearing.thigh, first_tick=first_tick, first_sequence=first_sequence)
        _SESSIONS[key] = simulate_session(_SCRIPT, replace(wearing, thigh=thigh), rate_hz=RATE_HZ, seed=7)
    return _SESSIONS[key]


@contextmanager
def _full_disk(clock: SimulatedClock, since_s: float | None) -> Iterator[None]:
    """A disk that takes nothing more from a time of the clock on; syncing costs nothing."""
    append = AppendOnlyFile.append

    def limited(self: AppendOnlyFile, piece: bytes) -> None:
        if since_s is not None and clock.now_s() > since_s:
            raise OSError(28, "No space left on device")
        append(self, piece)

    with (
        mock.patch("firmware_bridge.session.files._sync", return_value=None),
        mock.patch.object(AppendOnlyFile, "append", limited),
    ):
        yield


def run(schedule: Schedule) -> list[str]:
    """`violations` in a folder of its own."""
    with tempfile.TemporaryDirectory() as place:
        return violations(schedule, Path(place) / "session")


def main() -> int:
    """Explores, and returns 1 if anything did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    random, faults, failures = Random(options.seed), 0, 0
    begun_s = time.perf_counter()
    for number in range(options.sessions):
        schedule = draw(random)
        faults += schedule.count
        wrong = run(schedule)
        if (number + 1) % 100 == 0:
            print(f"{number + 1} sessions, {faults} faults, {failures} failures", flush=True)
        if wrong:
            failures += 1
            if failures == 1:
                least = smallest(schedule, lambda candidate: bool(run(candidate)))
                print(
                    f"session {number} of seed {options.seed}: {run(least)}\n  smallest: {least}", flush=True
                )
            else:
                print(f"session {number}: {wrong}", flush=True)
    took_s = time.perf_counter() - begun_s
    print(f"seed {options.seed}: {options.sessions} sessions, {faults} faults, {took_s:.0f} s")
    print(f"{failures} sessions in which something did not hold")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
