"""How a link is doing: what a person sees while recording."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import Literal

import numpy as np

from firmware_bridge.samples import Int

State = Literal["connecting", "connected", "stalled", "lost"]

_SHORTEST_S = 0.0005
_BINS_PER_OCTAVE = 4
_BINS = 18 * _BINS_PER_OCTAVE


@dataclass(frozen=True, eq=False, slots=True)
class ArrivalGaps:
    """Histogram of the times between arrivals of packets. It shows the connection interval and the stalls.

    Attributes:
        counts: (72,) how many gaps fell into each bin; four bins an octave, the first from 0 to 0.5 ms.
        longest_s: the longest gap.
    """

    counts: Int
    longest_s: float

    @staticmethod
    def edges_s() -> tuple[float, ...]:
        """The upper edges of the bins, ascending; the last bin also takes everything longer."""
        return tuple(_SHORTEST_S * 2 ** (i / _BINS_PER_OCTAVE) for i in range(_BINS))

    def quantile_s(self, q: float) -> float | None:
        """The gap that a share `q` of all gaps does not exceed, to within a bin; None without gaps."""
        total = int(self.counts.sum())
        if not total:
            return None
        place = int(np.searchsorted(np.cumsum(self.counts), max(q * total, 1)))
        return min(self.edges_s()[min(place, _BINS - 1)], self.longest_s)


class GapCounter:
    """Collects arrival gaps in constant memory."""

    def __init__(self) -> None:
        self._counts = [0] * _BINS
        self._longest_s = 0.0

    def add(self, gap_s: float) -> None:
        """Counts one gap."""
        place = ceil(_BINS_PER_OCTAVE * log2(gap_s / _SHORTEST_S)) if gap_s > _SHORTEST_S else 0
        self._counts[min(place, _BINS - 1)] += 1
        self._longest_s = max(self._longest_s, gap_s)

    def gaps(self) -> ArrivalGaps:
        """The histogram so far."""
        return ArrivalGaps(np.array(self._counts, dtype=np.int64), self._longest_s)


@dataclass(frozen=True, eq=False, slots=True)
class LinkStatus:
    """The link to one sensor as it stands.

    Attributes:
        state: "connecting" until samples come, then "connected", "stalled" (silent) or "lost".
        received: samples passed on, since the start of the session.
        lost: samples that never came, or None where the sensor has no counter to prove it; while the link is
            lost, those that are due as well.
        lost_estimate: without a counter, what the rate of the arrivals tells instead; otherwise None.
        duplicates: samples that came twice and were taken out.
        late: samples that came too late to be sorted in and were dropped.
        garbage: notifications that made no sense, and packets whose counter fitted nowhere.
        reconnects: how often the link was lost and came back.
        battery_percent: the last battery report, if any.
        rate_hz: the sample rate by the host's clock, over the last seconds.
        nominal_rate_hz: the rate that the sensor was set to.
        age_s: time since the last packet.
        gaps: histogram of the arrival gaps.
        drift_ppm: how fast the sensor's clock runs against the host's, where it has one.
        clock_uncertainty_s: one-sigma figure of the constant time offset that remains.
        problem: what the sensor itself complains about, or "".
    """

    state: State
    received: int
    lost: int | None
    lost_estimate: int | None
    duplicates: int
    late: int
    garbage: int
    reconnects: int
    battery_percent: float | None
    rate_hz: float | None
    nominal_rate_hz: float | None
    age_s: float | None
    gaps: ArrivalGaps
    drift_ppm: float | None
    clock_uncertainty_s: float | None
    problem: str = ""
