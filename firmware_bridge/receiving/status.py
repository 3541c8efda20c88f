"""The state of a link as people and views see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["connecting", "connected", "stalled", "lost"]


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The link to one sensor.

    Attributes:
        state: "connecting" until samples come, then "connected", "stalled" (silent) or "lost".
        received: samples passed on, since the start of the session.
        lost: samples that never came, or None where the sensor has no counter to prove it; while the link is
            lost, those that are due as well.
        lost_estimate: without a counter, what the rate of the arrivals shows instead; otherwise None.
        duplicates: samples that came twice and were removed.
        late: samples that came too late to be sorted in and were dropped.
        garbage: notifications that made no sense, and packets whose counter fitted nowhere.
        reconnects: how often the link was lost and came back.
        battery_percent: the last battery report, if any.
        rate_hz: the sample rate by the host's clock, over the last seconds.
        nominal_rate_hz: the rate that the sensor was set to.
        age_s: time since the last packet.
        drift_ppm: how fast the sensor's clock runs against the host's, where it has one.
        clock_uncertainty_s: one sigma of what remains in the times: the constant offset, and the lag
            behind the fitted line.
        problem: the latest complaint of the sensor itself, or "".
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
    drift_ppm: float | None
    clock_uncertainty_s: float | None
    problem: str = ""
