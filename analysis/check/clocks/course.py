"""How far one sensor's clock is from the other's over a recording, and times with that taken off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from firmware_bridge.findings import Finding
from firmware_bridge.samples import Float, ImuSamples

# On recorded people the best lag was never farther from zero than 0.02 s.
LEAST_OFFSET_S = 0.04


@dataclass(frozen=True, slots=True)
class ClockCourse:
    """The lag of the shank's clock: `first_s + slope (t - start)`, and from `jump_at_s` on `jump_s` more."""

    first_s: float
    slope: float = 0.0
    start_s: float = 0.0
    stop_s: float = 0.0
    jump_at_s: float = np.inf
    jump_s: float = 0.0

    @classmethod
    def constant(cls, lag_s: float) -> ClockCourse:
        """One lag all the time."""
        return cls(lag_s)

    def at(self, time_s: Float) -> Float:
        """The lag at times of the shank's clock."""
        lag_s = self.first_s + self.slope * (time_s - self.start_s)
        if not np.isfinite(self.jump_at_s):
            return lag_s
        return np.asarray(np.where(time_s >= self.jump_at_s, lag_s + self.jump_s, lag_s))

    @property
    def largest_s(self) -> float:
        """The largest lag in the course."""
        jumped_s = self.first_s + (self.jump_s if np.isfinite(self.jump_at_s) else 0.0)
        last_s = self.first_s + self.slope * (self.stop_s - self.start_s)
        return max(abs(self.first_s), abs(jumped_s), abs(last_s))

    def corrected(self, shank: ImuSamples) -> ImuSamples:
        """The shank's samples at corrected times, each later than the one before."""
        moved = replace(shank, time_s=shank.time_s - self.at(shank.time_s))
        if (moved.time_s[1:] > moved.time_s[:-1]).all():
            return moved
        latest = np.maximum.accumulate(np.concatenate(([-np.inf], moved.time_s[:-1])))
        forward = moved.time_s > latest
        return moved[forward]

    def finding(self) -> Finding:
        """What is said of it."""
        if np.isfinite(self.jump_at_s):
            what = f"differ by {self._late(self.jump_s)} from {self.jump_at_s:.0f} s on"
            if abs(self.first_s) >= LEAST_OFFSET_S:
                what += f", and by {self._late(self.first_s)} before"
        elif self.slope:
            what = f"run apart by {abs(self.slope) * 100:.2f} %, {self.largest_s:.2f} s in all"
        else:
            what = f"differ: the shin's times are {self._late(self.first_s)}"
        text = (
            f"The clocks of the two sensors {what}. That was seen in the movement itself and is corrected "
            "for the angle; the recorded times stay as they are."
        )
        return Finding("clock_offset", None, None, text, "correct")

    @staticmethod
    def _late(lag_s: float) -> str:
        return f"{abs(lag_s):.2f} s {'late' if lag_s > 0 else 'early'}"


def line_through(time_s: Float, lag_s: Float) -> tuple[float, float]:
    """Slope and intercept by medians of all pairs (Theil and Sen)."""
    i, j = np.triu_indices(len(time_s), 1)
    slope = float(np.median((lag_s[j] - lag_s[i]) / (time_s[j] - time_s[i])))
    return slope, float(np.median(lag_s - slope * time_s))


def step_between(time_s: Float, lag_s: Float) -> tuple[float, float, float]:
    """The instant that parts two constant lags best, and both lags."""
    best = (np.inf, 0.0, 0.0, 0.0)
    for k in range(2, len(lag_s) - 1):
        before, after = float(np.median(lag_s[:k])), float(np.median(lag_s[k:]))
        left = float(np.abs(lag_s[:k] - before).sum() + np.abs(lag_s[k:] - after).sum())
        best = min(best, (left, float(time_s[k - 1 : k + 1].mean()), before, after))
    return best[1:]
