"""How the raw clock columns of a sensor are to be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """The units and the range of a sensor's own clock and counter.

    Attributes:
        tick_s: seconds per device tick.
        ticks_modulo: the tick counter wraps to 0 here.
        sequence_modulo: the sample counter wraps to 0 here; None where the sensor has no counter.
        shared: the ticks are those of one clock that several sensors have in common.
    """

    tick_s: float
    ticks_modulo: int
    sequence_modulo: int | None = None
    shared: bool = False
