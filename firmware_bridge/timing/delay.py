"""Round trips: the constant delay, which one-way arrival times do not contain.

A write that left the host at h and was read by the sensor at device time d proves that d lies after h.
Arrivals prove that d lies before the line of minimum delay at d. The tightest pair of both bounds is
the minimum round trip; the truth lies between them (Cristian 1989, "Probabilistic clock synchronization").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_TRIPS_KEPT = 256
_UNIFORM_SD = 12**-0.5


@dataclass(frozen=True, slots=True)
class Delay:
    """By how much the line of minimum delay is late.

    Attributes:
        delay_s: to be subtracted from host times read from the line.
        uncertainty_s: standard deviation of what remains; the error never exceeds 1.7 times this.
    """

    delay_s: float
    uncertainty_s: float


class RoundTrips:
    """The round trips of one sensor since its clock last restarted."""

    def __init__(self) -> None:
        self._trips: deque[tuple[float, int]] = deque(maxlen=_TRIPS_KEPT)

    def __len__(self) -> int:
        return len(self._trips)

    def add(self, sent_s: float, position: int) -> None:
        """Takes in a round trip: when the host wrote, and the sensor's clock when it read, without wraps."""
        self._trips.append((sent_s, position))

    def clear(self) -> None:
        """The sensor's clock restarted."""
        self._trips.clear()

    def delay(self, line_s: Callable[[int], float]) -> Delay | None:
        """The minimum delay against the line as it is known now, or None without round trips.

        Args:
            line_s: host time of a device clock value by the line of minimum delay.
        """
        if not self._trips:
            return None
        width_s = max(min(line_s(position) - sent_s for sent_s, position in self._trips), 0.0)
        return Delay(width_s / 2, width_s * _UNIFORM_SD)
