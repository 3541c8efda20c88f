"""Repetitions of one block, found sample by sample: what the analysis counts and what the guide counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from analysis.angle.result import FlexionTrack
from analysis.constants import STILL_DEG_S
from analysis.movement.cycles import Drop, DropDetector
from analysis.movement.result import Plateau
from analysis.movement.smoothing import SLOW_SIGMA_S, kernel_reach, rate, smooth, true_runs
from firmware_bridge.samples import Float

_Scalar = TypeVar("_Scalar", bound=np.generic)

HELD_S = 1.0
# New samples are filtered in portions of this length: portions of a poll would cost five times as much.
PORTION_S = 0.2
# A plateau this far above the straightest moment of its own repetition is a pause on the way ...
PAUSE_DEG, PAUSE_SHARE = 5.0, 0.1
# ... and a straightest moment this far above that of its block belongs to a half repetition.
HALF_DEG, HALF_SHARE = 10.0, 0.25


@dataclass(frozen=True, slots=True)
class DetectedRepetition:
    """One bend-and-straighten of a block.

    Attributes:
        start_s, stop_s: [start_s, stop_s) on the session clock.
        peak_flexion_deg: its most bent angle.
        extension: the best plateau near full extension; None if the knee was not held straight.
        held: the samples of that plateau, counted from the block's first; empty without one.
    """

    start_s: float
    stop_s: float
    peak_flexion_deg: float
    extension: Plateau | None
    held: slice


@dataclass(frozen=True, slots=True)
class _End:
    """Where a repetition ends, and its best plateau: its samples and what was held there."""

    stop: int
    held: slice
    extension: Plateau | None


class RepetitionDetector:
    """Finds the repetitions of one block. Any chunking of the same samples gives the same result.

    The extension of a repetition is the median angle of its best plateau: at least 1 s with a rate below
    3 deg/s, near the straightest moment of the repetition. Until `finish` results lag 0.6 to 0.8 s behind the
    newest sample: the low-pass filter needs samples on both sides.

    Args:
        rate_hz: of the samples.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._least = round(HELD_S * rate_hz)
        self._portion = max(1, round(PORTION_S * rate_hz))
        self._reach = kernel_reach(rate_hz, SLOW_SIGMA_S)
        self._time_s = _Column(np.float64)
        self._flexion_deg = _Column(np.float64)
        self._sd_deg = _Column(np.float64)
        self._slow_deg = _Column(np.float64)
        self._still = _Column(np.bool_)
        self._run_start = 0  # of the newest unbroken run of finite samples
        self._cycles = DropDetector()
        self._ends: dict[Drop, _End] = {}
        self._turns: list[tuple[int, int]] = []  # of the drops, and which of these are complete
        self._complete: list[bool] = []
        self._found: list[DetectedRepetition] | None = []

    def push(self, track: FlexionTrack) -> None:
        """Takes the next samples."""
        flexion_deg = np.where(track.valid, track.flexion_deg, np.nan)
        gaps = np.flatnonzero(~np.isfinite(flexion_deg))
        if len(gaps):
            self._run_start = len(self._flexion_deg) + int(gaps[-1]) + 1
        self._time_s.extend(track.time_s)
        self._flexion_deg.extend(flexion_deg)
        self._sd_deg.extend(track.repeat_sd_deg)
        # The kernel needs `reach` samples after each, and the central difference one more.
        limit = max(self._run_start, len(self._flexion_deg) - self._reach - 1)
        self._filter(limit - limit % self._portion)

    def finish(self) -> list[DetectedRepetition]:
        """The repetitions of the whole block, which ends here."""
        self._filter(len(self._flexion_deg))
        return self.found()

    @property
    def bends(self) -> int:
        """Number of straightenings so far, held or not."""
        return len(self.found())

    def found(self) -> list[DetectedRepetition]:
        """The repetitions so far, in order. A later sample can still change the verdict on an earlier one."""
        if self._found is None:
            self._found = self._find()
        return list(self._found)

    def _find(self) -> list[DetectedRepetition]:
        drops = self._cycles.drops()
        known = self._ends
        self._ends = {drop: known.get(drop) or self._end(drop) for drop in drops}
        turns = [(drop.peak, drop.valley) for drop in drops]
        if turns != self._turns:
            self._turns, self._complete = turns, _complete(self._slow_deg.values, drops)
        found = []
        start = 0
        for drop, is_complete in zip(drops, self._complete, strict=True):
            end = self._ends[drop]
            extension = end.extension if is_complete else None
            found.append(
                DetectedRepetition(
                    start_s=float(self._time_s.values[start]),
                    stop_s=self._after_s(end.stop),
                    peak_flexion_deg=float(self._slow_deg.values[drop.peak]),
                    extension=extension,
                    held=end.held if extension is not None else slice(0, 0),
                )
            )
            start = end.stop
        return found

    def _filter(self, limit: int) -> None:
        """Extends the filtered signals to `limit`."""
        done = len(self._slow_deg)
        if limit <= done:
            return
        flexion_deg = self._flexion_deg.values
        first = done
        earliest = max(0, done - self._reach - 1)
        before = np.isfinite(flexion_deg[earliest:done])
        if len(before):
            gaps = np.flatnonzero(~before)
            first = earliest + int(gaps[-1]) + 1 if len(gaps) else earliest
        slow_deg = smooth(flexion_deg[first:], self._rate_hz, SLOW_SIGMA_S)
        still = np.abs(rate(slow_deg, self._rate_hz)) < STILL_DEG_S
        rows = slice(done - first, limit - first)
        self._slow_deg.extend(slow_deg[rows])
        self._still.extend(still[rows])
        self._cycles.push(slow_deg[rows])
        self._found = None

    def _end(self, drop: Drop) -> _End:
        part = slice(drop.peak, drop.after)
        slow_deg, flexion_deg = self._slow_deg.values, self._flexion_deg.values
        travel_deg = slow_deg[drop.peak] - slow_deg[drop.valley]
        near = slow_deg[part] <= slow_deg[drop.valley] + max(PAUSE_DEG, PAUSE_SHARE * travel_deg)
        stop = drop.peak + int(np.flatnonzero(near)[-1]) + 1
        runs = true_runs(near & self._still.values[part])
        plateaus = [slice(drop.peak + a, drop.peak + b) for a, b in runs if b - a >= self._least]
        held = min(plateaus, key=lambda p: float(np.median(flexion_deg[p])), default=slice(0, 0))
        return _End(stop, held, self._extension(held) if plateaus else None)

    def _extension(self, held: slice) -> Plateau:
        return Plateau(
            start_s=float(self._time_s.values[held.start]),
            stop_s=self._after_s(held.stop),
            flexion_deg=float(np.median(self._flexion_deg.values[held])),
            sd_deg=float(np.sqrt(np.mean(self._sd_deg.values[held] ** 2))),
        )

    def _after_s(self, stop: int) -> float:
        return float(self._time_s.values[stop - 1]) + 1 / self._rate_hz


def _complete(angle_deg: Float, drops: list[Drop]) -> list[bool]:
    """Which straightenings reach the level that the block reaches, judged by its straighter quarter."""
    if not drops:
        return []
    valley_deg = angle_deg[[d.valley for d in drops]]
    travel_deg = angle_deg[[d.peak for d in drops]] - valley_deg
    margin_deg = max(HALF_DEG, HALF_SHARE * float(np.median(travel_deg)))
    return [bool(ok) for ok in valley_deg <= np.percentile(valley_deg, 25) + margin_deg]


class _Column(Generic[_Scalar]):
    """An array that grows at its end without being copied each time."""

    def __init__(self, kind: type[_Scalar]) -> None:
        self._buffer: NDArray[_Scalar] = np.empty(1024, dtype=kind)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> NDArray[_Scalar]:
        return self._buffer[: self._length]

    def extend(self, values: NDArray[_Scalar]) -> None:
        needed = self._length + len(values)
        if needed > len(self._buffer):
            larger = np.empty(max(needed, 2 * len(self._buffer)), dtype=self._buffer.dtype)
            larger[: self._length] = self.values
            self._buffer = larger
        self._buffer[self._length : needed] = values
        self._length = needed
