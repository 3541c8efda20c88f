"""Faults of a simulated sensor and its radio link."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from firmware_bridge.errors import UsageError


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of one sensor; by default none.

    Times are script times. Loss, duplicates, reordering and garbage affect packets of the script; which ones
    depends on the seed alone. Drift, wraps and a wrong rate of the clock belong to the sensor as worn:
    `Worn.clock_ppm`, `first_tick`, `first_sequence`, `rate_error`.

    Attributes:
        interval_s: of the connection events at which packets and writes travel; 0 means at once.
        latency_s: how much later than that every notification arrives, always.
        retransmission: probability that a connection event fails and its packet waits for the next one.
        stalls: (time_s, duration_s) in which nothing arrives; then everything does at once.
        loss: probability that a packet never arrives.
        duplication: probability that it arrives twice.
        reordering: probability that the next packet overtakes it.
        garbage: probability that it arrives damaged: cut short, or as random bytes.
        refusals: how many connections it breaks off as soon as they stand.
        disconnects: when the link is lost; the clock runs on.
        reboots: when the board restarts: the link is lost, its clock begins at zero.
        away_s: how long it does not advertise after that.
        dies_s: when it falls silent for ever, without the link being lost; it answers nothing any more.
        absent: it never shows up.
        battery_percent: the charge at the start of the script.
        battery_percent_min: the charge lost in each minute of it.
        mtu: the largest ATT MTU that it agrees to; at 23 a notification holds 20 bytes.
    """

    interval_s: float = 0.0
    latency_s: float = 0.0
    retransmission: float = 0.0
    stalls: tuple[tuple[float, float], ...] = ()
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    garbage: float = 0.0
    refusals: int = 0
    disconnects: tuple[float, ...] = ()
    reboots: tuple[float, ...] = ()
    away_s: float = 0.3
    dies_s: float | None = None
    absent: bool = False
    battery_percent: float = 90.0
    battery_percent_min: float = 0.0
    mtu: int = 247

    def __post_init__(self) -> None:
        for name in ("retransmission", "loss", "duplication", "reordering", "garbage"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"The probability of {name} must lie between 0 and 1.")
        if self.retransmission == 1.0:
            raise UsageError("With a retransmission probability of 1 nothing ever arrives.")

    def battery_at(self, script_s: float) -> int:
        """The charge in whole percent at a time of the script."""
        return max(round(self.battery_percent - self.battery_percent_min * max(script_s, 0.0) / 60.0), 0)


class Air:
    """Simulates packet loss, delay and reordering between one sensor and the host.

    Args:
        faults: that it injects.
        seed: of the random choices.
        phase: of the connection events, as a part of the interval.
    """

    def __init__(self, faults: Faults, seed: tuple[int, ...] = (), phase: float = 0.0) -> None:
        self._faults, self._seed = faults, seed
        self._phase_s = phase * faults.interval_s
        self._jitter = np.random.default_rng((*seed, 0))
        self._latest_s = -math.inf
        self._held: bytes | None = None

    def clear(self) -> None:
        """Drops what is under way, because the link is a new one."""
        self._latest_s, self._held = -math.inf, None

    def fate(self, payload: bytes, key: int) -> Iterator[bytes]:
        """What the host receives instead of this packet, in this order.

        Args:
            payload: of the packet.
            key: identifies the packet; with the seed it determines the outcome.
        """
        faults = self._faults
        if not (faults.loss or faults.duplication or faults.reordering or faults.garbage):
            yield payload
            return
        rng = np.random.default_rng((*self._seed, 1, key))
        lost, twice, late, nonsense = rng.random(4) < (
            faults.loss, faults.duplication, faults.reordering, faults.garbage
        )  # fmt: skip
        held, self._held = self._held, None
        if not lost:
            payload = _nonsense(payload, rng) if nonsense else payload
            if late and held is None:
                self._held = payload
            else:
                yield payload
                if twice:
                    yield payload
        if held is not None:
            yield held

    def flush(self) -> Iterator[bytes]:
        """The packet that still waits to be overtaken, if there is one."""
        if self._held is not None:
            yield self._held
        self._held = None

    def arrival_s(self, ready_s: float, script_start_s: float | None) -> float:
        """When a packet that is ready at `ready_s` arrives: never before an earlier one."""
        at_s = self.next_event_s(max(ready_s, self._latest_s))
        while self._jitter.random() < self._faults.retransmission:
            at_s += self._faults.interval_s
        if script_start_s is not None:
            for start_s, duration_s in self._faults.stalls:
                if 0.0 <= at_s - script_start_s - start_s < duration_s:
                    at_s = script_start_s + start_s + duration_s
        self._latest_s = at_s
        return at_s + self._faults.latency_s

    def next_event_s(self, host_s: float) -> float:
        """The first connection event that is not before a host time."""
        interval_s = self._faults.interval_s
        if not interval_s:
            return host_s
        # The tolerance keeps a time that lies on an event on it.
        count = math.ceil((host_s - self._phase_s) / interval_s - 1e-6)
        return self._phase_s + count * interval_s


def _nonsense(payload: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.5:
        return payload[: int(rng.integers(0, len(payload)))]
    return rng.bytes(len(payload))
