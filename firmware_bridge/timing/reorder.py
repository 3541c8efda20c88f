"""The reorder buffer: finds repeated and late packets, gaps, restarts and loss from a counter."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Int
from firmware_bridge.timing.counters import advance, is_restart, unwrap
from firmware_bridge.timing.device_clock import DeviceClock

# How many packets wait behind a gap for one that they may have overtaken.
_HELD_PACKETS = 2
_GAP_STEPS = 1.5
_STEPS_KEPT = 64
_FEWEST_STEPS = 5


class Packet(Protocol):
    """A decoded packet as far as its order matters: k samples with the raw clock columns, if any."""

    def __len__(self) -> int: ...

    @property
    def device_ticks(self) -> Int | None:
        """(k,) raw device clock of every sample, wraps included."""
        ...

    @property
    def sequence(self) -> Int | None:
        """(k,) raw sample counter, wraps included."""
        ...

    def rows(self, mask: NDArray[np.bool_]) -> Self:
        """The samples of a boolean mask."""
        ...


P = TypeVar("P", bound=Packet)


@dataclass(frozen=True, eq=False, slots=True)
class Placed(Generic[P]):
    """A packet with its position in the stream.

    Attributes:
        decoded: its samples, k >= 1.
        arrival_s: host time of arrival.
        positions: (k,) counts without wraps, ascending from packet to packet until a restart.
        restarted: the counter restarted with this packet.
    """

    decoded: P
    arrival_s: float
    positions: Int
    restarted: bool = False

    def rows(self, mask: NDArray[np.bool_]) -> Placed[P]:
        """The samples of a boolean mask."""
        return replace(self, decoded=self.decoded.rows(mask), positions=self.positions[mask])


class LossCount:
    """Counts samples that never came, by the sample counter, or by time where there is none.

    Args:
        modulo: the sample counter wraps to 0 here; None where the sensor has none.
    """

    def __init__(self, modulo: int | None) -> None:
        self.lost = 0
        self._modulo = modulo
        self._last: int | None = None

    def add(self, passed: float, sequence: Int | None) -> None:
        """Takes in the next packet.

        Args:
            passed: sample periods since the last sample of the packet before, by its clock.
            sequence: (k,) the raw sample counter, or None.
        """
        steps = round(passed)
        if sequence is not None and self._modulo is not None:
            if self._last is not None:
                counted = advance(self._last, int(sequence[0]), self._modulo, passed)
                # A counter that disagrees grossly with the clock has restarted.
                steps = counted if passed / 3 - 3 <= counted <= 3 * passed + 3 else steps
            self._last = int(sequence[-1])
        self.lost += max(steps - 1, 0)


class ReorderBuffer(Generic[P]):
    """Puts the packets of one sensor in order, by its clock or else by its counter, and counts the loss.

    The packets of a sensor that has neither pass through with a running count.

    Args:
        clock: how to read the raw columns, or None.
        rate_hz: the nominal rate.

    Attributes:
        duplicates: samples that came twice.
        late: samples dropped because their successors had been passed on.
        strays: samples dropped because their counter fitted neither what came before nor what came after.
    """

    def __init__(self, clock: DeviceClock | None, rate_hz: float) -> None:
        self.duplicates = self.late = self.strays = 0
        self._clock, self._period_s = clock, 1.0 / rate_hz
        self._by_ticks: bool | None = None
        self._loss: LossCount | None = None
        self._running = 0
        self._newest: Placed[P] | None = None
        self._released: Placed[P] | None = None
        self._suspect: Placed[P] | None = None
        self._held: list[Placed[P]] = []
        self._gaps: deque[tuple[int, int]] = deque(maxlen=_STEPS_KEPT)
        self._steps: deque[int] = deque(maxlen=_STEPS_KEPT)
        self._reconnected = False

    @property
    def unit_s(self) -> float:
        """Seconds per count of the positions, nominally. Known after the first packet."""
        return self._clock.tick_s if self._by_ticks and self._clock else self._period_s

    @property
    def has_clock(self) -> bool:
        """Whether the positions come from a device clock. Known after the first packet."""
        return bool(self._by_ticks)

    @property
    def rate_hz(self) -> float | None:
        """The sample rate by the device clock, or None where there is none or too few samples came."""
        if not self._by_ticks or len(self._steps) < _FEWEST_STEPS or self._step <= 0:
            return None
        return 1.0 / (self._step * self.unit_s)

    @property
    def lost(self) -> int | None:
        """Samples that never came (late ones and strays among them), or None where nothing counts them."""
        return None if self._loss is None else self._loss.lost

    def reconnected(self) -> None:
        """From here on packets come over a new connection; a counter alone may have paused or restarted."""
        self._reconnected = True

    def push(self, decoded: P, arrival_s: float) -> list[Placed[P]]:
        """Takes in one packet with samples; returns the packets that are next in order."""
        raw = self._raw(decoded)
        reconnected, self._reconnected = self._reconnected, False
        if raw is None:
            positions = np.arange(self._running, self._running + len(decoded))
            self._running += len(decoded)
            return [Placed(decoded, arrival_s, positions, restarted=reconnected)]
        if self._newest is None or (reconnected and not self._by_ticks):
            first = Placed(decoded, arrival_s, unwrap(raw, self._modulo), restarted=reconnected)
            return self._begin(first)
        packet = self._after(self._newest, decoded, arrival_s)
        if self._breaks(self._newest, packet):
            return self._doubt(decoded, arrival_s)
        if self._suspect is not None:
            self.strays += len(self._suspect.positions)
            self._suspect = None
        return self._sort(packet)

    def position(self, ticks: int, arrival_s: float) -> int | None:
        """Where a value of the device clock lies among the positions, or None where it is ambiguous.

        Args:
            ticks: the raw clock, read off the stream (an answer to a ping).
            arrival_s: host time of its arrival.
        """
        newest = self._newest
        if newest is None or not self._by_ticks or self._suspect is not None:
            return None
        raw = self._raw(newest.decoded)
        assert raw is not None
        passed_s = arrival_s - newest.arrival_s
        step = advance(int(raw[-1]), ticks, self._modulo, passed_s / self.unit_s)
        return None if is_restart(step * self.unit_s, passed_s) else int(newest.positions[-1]) + step

    def flush(self) -> list[Placed[P]]:
        """Stops waiting for overtaken packets: returns what was held."""
        return self._release(waiting=0)

    def _raw(self, decoded: P) -> Int | None:
        if self._by_ticks is None:
            modulo = None if self._clock is None else self._clock.sequence_modulo
            self._by_ticks = self._clock is not None and decoded.device_ticks is not None
            if self._by_ticks or (decoded.sequence is not None and modulo is not None):
                self._loss = LossCount(modulo if self._by_ticks else None)
        if self._loss is None:
            return None
        return decoded.device_ticks if self._by_ticks else decoded.sequence

    @property
    def _modulo(self) -> int:
        assert self._clock is not None
        modulo = self._clock.ticks_modulo if self._by_ticks else self._clock.sequence_modulo
        assert modulo is not None
        return modulo

    def _after(self, before: Placed[P], decoded: P, arrival_s: float) -> Placed[P]:
        """Places a packet by its counter, counted on from an earlier packet."""
        raw_before, raw = self._raw(before.decoded), self._raw(decoded)
        assert raw_before is not None
        assert raw is not None
        expected = (arrival_s - before.arrival_s) / self.unit_s
        step = advance(int(raw_before[-1]), int(raw[0]), self._modulo, expected)
        inside = unwrap(raw, self._modulo) - raw[0]
        return Placed(decoded, arrival_s, before.positions[-1] + step + inside)

    def _breaks(self, before: Placed[P], packet: Placed[P]) -> bool:
        step_s = float(packet.positions[0] - before.positions[-1]) * self.unit_s
        return bool(is_restart(step_s, packet.arrival_s - before.arrival_s))

    def _doubt(self, decoded: P, arrival_s: float) -> list[Placed[P]]:
        """Holds a packet out of line: a restart if the next one continues it, else garbage."""
        suspect, raw = self._suspect, self._raw(decoded)
        assert raw is not None
        if suspect is not None:
            before = self._raw(suspect.decoded)
            if before is not None and np.array_equal(raw, before):
                # The same packet again proves nothing: a damaged one may be delivered twice, too.
                self.duplicates += len(decoded)
                return []
            packet = self._after(suspect, decoded, arrival_s)
            if not self._breaks(suspect, packet):
                self._suspect = None
                return self._begin(suspect) + self._sort(packet)
            self.strays += len(suspect.positions)
        self._suspect = Placed(decoded, arrival_s, unwrap(raw, self._modulo), restarted=True)
        return []

    def _begin(self, packet: Placed[P]) -> list[Placed[P]]:
        """The first packet of an epoch."""
        before = self.flush()
        silence = 1.0
        if self._released is not None:
            # A packet arrives with its last sample, so its others were measured within the silence.
            arrivals = (packet.arrival_s - self._released.arrival_s) / self._period_s
            silence = max(arrivals - (len(packet.positions) - 1), 1.0)
        self._gaps.clear()
        return [*before, self._pass_on(packet, silence)]

    def _sort(self, packet: Placed[P]) -> list[Placed[P]]:
        if self._newest is None or packet.positions[-1] > self._newest.positions[-1]:
            self._newest = packet
        self._held.append(packet)
        self._held.sort(key=lambda held: int(held.positions[0]))
        return self._release(waiting=_HELD_PACKETS)

    def _release(self, waiting: int) -> list[Placed[P]]:
        """Passes on held packets up to a gap that fewer than `waiting` packets have overtaken."""
        ready: list[Placed[P]] = []
        while self._held:
            assert self._released is not None
            steps = self._steps_from(self._released, self._held[0])
            if steps > _GAP_STEPS and len(self._held) <= waiting:
                break
            packet = self._held.pop(0)
            if steps <= 0:
                packet = self._without_past(packet)
                steps = 1.0
            if len(packet.positions):
                ready.append(self._pass_on(packet, steps))
        return ready

    def _without_past(self, packet: Placed[P]) -> Placed[P]:
        """Drops the samples that came before, or too late."""
        assert self._released is not None
        past = packet.positions <= self._released.positions[-1]
        for position in packet.positions[past]:
            if any(start < position < stop for start, stop in self._gaps):
                self.late += 1
            else:
                self.duplicates += 1
        return packet.rows(~past)

    def _pass_on(self, packet: Placed[P], steps: float) -> Placed[P]:
        assert self._loss is not None
        self._loss.add(steps, packet.decoded.sequence)
        if self._released is not None and not packet.restarted:
            start, stop = int(self._released.positions[-1]), int(packet.positions[0])
            if steps > _GAP_STEPS:
                self._gaps.append((start, stop))
            self._steps.append(stop - start)
        if len(packet.positions) > 1:
            self._steps.append(int(packet.positions[-1] - packet.positions[-2]))
        if packet.restarted or self._newest is None:
            self._newest = packet
        self._released = packet
        return packet

    def _steps_from(self, before: Placed[P], packet: Placed[P]) -> float:
        """Sample periods from one packet to the next, by the period at which the sensor really runs."""
        counts = float(packet.positions[0] - before.positions[-1])
        if not self._by_ticks:
            return counts
        if len(self._steps) < _FEWEST_STEPS:
            return min(counts, 1.0)
        return counts / self._step

    @property
    def _step(self) -> int:
        """Counts from one sample to the next."""
        return sorted(self._steps)[len(self._steps) // 4]  # a low quantile, because some steps span gaps
