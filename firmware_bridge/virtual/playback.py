"""One sensor's samples in host time: the leg at rest until the script begins, then the script, once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_bridge.samples import Float, ImuSamples
from firmware_bridge.virtual.wearing import Worn

# How much of the beginning of a script, where nobody moves yet, stands for the leg at rest.
_REST_S = 0.3


@dataclass(frozen=True, slots=True)
class BoardClock:
    """The microsecond clock of a board, without wraps.

    Attributes:
        powered_s: host time at which the board was switched on.
        first_tick: its clock at that time.
        clock_rate: seconds of the board in a true second.
        synchronised: other boards run by the same clock.
    """

    powered_s: float
    first_tick: int
    clock_rate: float
    synchronised: bool = False

    def ticks(self, host_s: float) -> int:
        """The clock at a host time."""
        return self.first_tick + round((host_s - self.powered_s) * self.clock_rate * 1e6)


class Playback:
    """The samples that one sensor measures on its own regular grid of instants.

    The grid is fixed when the sensor is started for the first time, and every later start joins it again.
    Samples count from that first start; which of them is the first one of the script is settled later, when
    every sensor runs.

    Args:
        samples: of the script, stamped with script time.
        worn: the sensor.
        nominal_hz: its nominal rate.
        seed: of the noise of the leg at rest.
    """

    def __init__(self, samples: ImuSamples, worn: Worn, nominal_hz: float, seed: int = 0) -> None:
        self.period_s = worn.period_s(nominal_hz)
        self._samples = samples
        self._at_rest = max(int(_REST_S / self.period_s), 1)
        self._rng = np.random.default_rng((seed, 5))
        self._grid_s: float | None = None
        self._idle: int | None = None

    @property
    def on_grid(self) -> bool:
        """Whether the sensor has been started."""
        return self._grid_s is not None

    def start(self, host_s: float) -> None:
        """The first sample is measured at this host time."""
        self._grid_s = host_s

    def next_script_start_s(self, not_before_s: float) -> float:
        """The earliest script zero, in host time, that puts the script's samples on this sensor's grid."""
        first_s = not_before_s + float(self._samples.time_s[0])
        return self.host_s(self.next(first_s)) - float(self._samples.time_s[0])

    def start_with_script(self, script_start_s: float, host_s: float) -> None:
        """Starts, not before `host_s`, on the grid that the script's samples lie on by themselves."""
        first_s = script_start_s + float(self._samples.time_s[0])
        self._grid_s = first_s - max(int((first_s - host_s) / self.period_s), 0) * self.period_s

    def settle(self, script_start_s: float) -> None:
        """The script begins at this host time."""
        first_s = script_start_s + float(self._samples.time_s[0])
        self._idle = round((first_s - self._grid_start_s) / self.period_s)

    def host_s(self, number: int) -> float:
        """When a sample is measured."""
        return self._grid_start_s + number * self.period_s

    def next(self, host_s: float) -> int:
        """The first sample that is measured at or after a host time."""
        return max(int(np.ceil((host_s - self._grid_start_s) / self.period_s - 1e-6)), 0)

    @property
    def script_zero(self) -> int | None:
        """The number of the script's first sample; None while that is not settled yet."""
        return self._idle

    @property
    def stop(self) -> int | None:
        """One past the last sample; None while that is not known yet."""
        return None if self._idle is None else self._idle + len(self._samples)

    def script_count(self, number: int) -> int:
        """How many of the samples before this one belong to the script."""
        return 0 if self._idle is None else min(max(number - self._idle, 0), len(self._samples))

    def read(self, start: int, stop: int) -> tuple[Float, Float]:
        """The specific force and angular rate, each (k, 3), of the samples [start, stop)."""
        if self._idle is not None and start >= self._idle:  # nearly always
            part = slice(start - self._idle, stop - self._idle)
            return self._samples.acc_m_s2[part], self._samples.gyr_rad_s[part]
        rows = np.arange(start, stop) - (stop if self._idle is None else self._idle)
        rows = np.where(rows < 0, self._rng.integers(0, self._at_rest, len(rows)), rows)
        return self._samples.acc_m_s2[rows], self._samples.gyr_rad_s[rows]

    @property
    def _grid_start_s(self) -> float:
        if self._grid_s is None:
            raise RuntimeError("the sensor has not been started")
        return self._grid_s
