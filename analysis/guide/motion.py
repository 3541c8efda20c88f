"""Online detection of rest, repetitions, holds and slow releases in the live angle."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.angle.result import FlexionTrack
from analysis.constants import STILL_DEG_S
from analysis.movement.cycles import LEAST_TRAVEL_DEG
from analysis.movement.detector import HELD_S, DetectedRepetition, RepetitionDetector
from analysis.movement.result import Plateau

BENT_DEG = 40.0
# Limits of a hold: the knee may drift a little under effort.
HOLD_DEG_S, HOLD_WANDER_DEG = 4.0, 5.0
RELEASE_LEAST_DEG = 30.0
RELEASE_STARTS_DEG = 4.0
# Lowering the leg by less than this and holding again is repositioning, not a release.
REPOSITION_DEG, REPOSITION_S = 15.0, 2.5
# A stop further up than this share of the way is a pause, not the end of a release.
RELEASE_REST_SHARE = 0.35
# A longer gap discards the release under way.
LONG_GAP_S = 1.0
HALF_WINDOW_S = 0.2
# Steps larger and faster than any knee movement. If the angle returns within 0.1 s the samples are ignored as
# outliers; if it stays, the zero has changed and detection starts again.
JUMP_DEG, JUMP_DEG_S, JUMP_STAYS_S = 10.0, 1000.0, 0.1


@dataclass(frozen=True, slots=True)
class LiveRelease:
    """A completed slow lengthening, from the bent hold to the straight rest."""

    start_s: float
    stop_s: float
    from_deg: float
    to_deg: float
    peak_rate_deg_s: float
    hold_s: float

    @property
    def mean_rate_deg_s(self) -> float:
        """Average speed, positive."""
        return (self.from_deg - self.to_deg) / max(self.stop_s - self.start_s, 1e-9)


@dataclass(frozen=True, slots=True)
class MotionState:
    """State at the newest sample.

    Attributes:
        time_s: of the newest usable sample; NaN before the first.
        flexion_deg, flexion_sd_deg: there.
        rate_deg_s: over the last 0.4 s; negative while straightening.
        still_s: how long the knee has been still; 0 while it moves.
        bent_hold_s: length of the bent hold; kept until a release begins or another hold lasts a second.
        repetitions: number since the last `restart`, as the analysis counts them in the same samples.
        extension: the straightest position held in one of them.
        bends: bends that were straightened again, held or not, since the last `restart`.
        releases: slow lengthenings completed since the last `restart`.
        releasing: a lengthening is in progress.
        release_start_s, release_from_deg: when and from which angle it began; NaN if there is none.
        marks_s: when each repetition had been held long enough to count.
    """

    time_s: float = math.nan
    flexion_deg: float = math.nan
    flexion_sd_deg: float = math.nan
    rate_deg_s: float = 0.0
    still_s: float = 0.0
    bent_hold_s: float = 0.0
    repetitions: int = 0
    extension: Plateau | None = None
    bends: int = 0
    releases: tuple[LiveRelease, ...] = ()
    releasing: bool = False
    release_start_s: float = math.nan
    release_from_deg: float = math.nan
    marks_s: tuple[float, ...] = field(default=())


class MotionTracker:
    """Tracks movement in a live flexion track. The result does not depend on chunking.

    Args:
        rate_hz: of the track's grid.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._step_s = 1.0 / rate_hz
        self._speed = _Speed(max(1, round(HALF_WINDOW_S * rate_hz)), self._step_s)
        self._lowest_deg = math.inf
        self._still = _Run()
        self._bent = _Run()
        self._release = _Release()
        self._newest = (math.nan, math.nan, math.nan)
        self._heard_s = -math.inf
        self._jumped = 0
        self.restart()

    def restart(self, from_s: float = -math.inf) -> None:
        """Begins a new block: counts and the straightest position start afresh.

        Args:
            from_s: samples before this moment of the session clock, which may still arrive, do not count.
        """
        self._from_s = from_s
        self._block = _Block(self._rate_hz)
        self._releases: tuple[LiveRelease, ...] = ()

    def feed(self, track: FlexionTrack) -> MotionState:
        """Processes the next samples, in order and complete, and returns the new state."""
        believed = np.ones(len(track.time_s), dtype=bool)
        counted = 0
        # Plain floats: one by one, the scalars of an array cost several times as much.
        columns = (track.time_s, track.flexion_deg, track.flexion_sd_deg, track.valid)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for row, (time_s, flexion_deg, sd_deg, valid) in enumerate(rows):
            if not valid or not math.isfinite(flexion_deg):
                self._interrupt()
                continue
            jump = self._jump(time_s, flexion_deg)
            believed[row] = jump != "outlier"
            if jump == "new_zero":
                self._count(track, believed, slice(counted, row))
                self._block.start_anew()
                counted = row
            if believed[row]:
                self._newest = (time_s, flexion_deg, sd_deg)
                self._take(time_s, flexion_deg)
        self._count(track, believed, slice(counted, len(track.time_s)))
        return self.state()

    def state(self) -> MotionState:
        """The state after the newest sample."""
        time_s, flexion_deg, sd_deg = self._newest
        marks_s, extension = self._block.repetitions()
        return MotionState(
            time_s=time_s,
            flexion_deg=flexion_deg,
            flexion_sd_deg=sd_deg,
            rate_deg_s=self._speed.rate_deg_s,
            still_s=self._still.length_s,
            bent_hold_s=max(self._bent.length_s, self._release.waiting_s),
            repetitions=len(marks_s),
            extension=extension,
            bends=self._block.bends,
            releases=self._releases,
            releasing=self._release.under_way,
            release_start_s=self._release.start_s,
            release_from_deg=self._release.from_deg if self._release.under_way else math.nan,
            marks_s=marks_s,
        )

    def _count(self, track: FlexionTrack, believed: NDArray[np.bool_], part: slice) -> None:
        """Passes samples to the detector, without outliers and without those of the block before."""
        counting = believed[part] & (track.time_s[part] >= self._from_s)
        if counting.any():
            track = track if len(counting) == len(track.time_s) else track.rows(part)
            self._block.push(track if counting.all() else track.rows(counting))

    def _jump(self, time_s: float, flexion_deg: float) -> Literal["", "outlier", "new_zero"]:
        """Classifies a step that no knee movement can explain: an outlier, or a new zero."""
        passed_s, self._heard_s = time_s - self._heard_s, time_s
        if passed_s > LONG_GAP_S:
            self._release.clear()
        near = abs(flexion_deg - self._newest[1]) <= max(JUMP_DEG, JUMP_DEG_S * passed_s)
        if near or not math.isfinite(self._newest[1]):
            self._jumped = 0
            return ""
        self._jumped += 1
        if self._jumped * self._step_s < JUMP_STAYS_S:
            return "outlier"
        self._interrupt()
        self._release.clear()
        self._lowest_deg = math.inf
        self._jumped = 0
        return "new_zero"

    def _take(self, time_s: float, flexion_deg: float) -> None:
        if flexion_deg < self._lowest_deg:
            self._lowest_deg = flexion_deg
        rate_deg_s = self._speed.take(flexion_deg)
        if abs(rate_deg_s) < STILL_DEG_S:
            self._still.take(time_s, flexion_deg, self._step_s)
        else:
            self._still.clear()
        self._hold(time_s, flexion_deg, rate_deg_s)
        self._release.take(time_s, flexion_deg, rate_deg_s)
        if not self._release.under_way:
            return
        self._note(self._release.rebent(flexion_deg, self._lowest_deg))
        if self._still.length_s >= HELD_S:
            self._note(self._release.ended(flexion_deg, self._still.start_s, self._lowest_deg))

    def _hold(self, time_s: float, flexion_deg: float, rate_deg_s: float) -> None:
        bent = self._bent
        held = flexion_deg > self._lowest_deg + BENT_DEG and abs(rate_deg_s) < HOLD_DEG_S
        if not held or abs(flexion_deg - bent.level) > HOLD_WANDER_DEG:
            bent.clear()
        if held:
            bent.take(time_s, flexion_deg, self._step_s)
            if bent.length_s >= HELD_S:
                self._release.held(bent.level, bent.length_s)

    def _note(self, release: LiveRelease | None) -> None:
        if release is not None:
            self._releases = (*self._releases, release)

    def _interrupt(self) -> None:
        self._still.clear()
        self._speed.clear()
        self._bent.clear()


class _Block:
    """The repetitions since the last `restart`, across changes of the zero."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._detector = RepetitionDetector(rate_hz)
        self._earlier: tuple[DetectedRepetition, ...] = ()
        self._earlier_bends = 0

    @property
    def bends(self) -> int:
        return self._earlier_bends + self._detector.bends

    def push(self, track: FlexionTrack) -> None:
        self._detector.push(track)

    def start_anew(self) -> None:
        """Keeps the repetitions found so far and starts again after a change of the zero."""
        self._earlier += tuple(self._detector.finish())
        self._earlier_bends += self._detector.bends
        self._detector = RepetitionDetector(self._rate_hz)

    def repetitions(self) -> tuple[tuple[float, ...], Plateau | None]:
        """When each counted repetition had been held long enough, and the straightest of their plateaus."""
        found = (*self._earlier, *self._detector.found())
        held = [r.extension for r in found if r.extension is not None]
        best = min(held, key=lambda plateau: plateau.flexion_deg, default=None)
        return tuple(plateau.start_s + HELD_S for plateau in held), best


class _Speed:
    """Rate as the difference of the means of two adjoining half windows, over their distance."""

    def __init__(self, half: int, step_s: float) -> None:
        self._half = half
        self._span_s = half * step_s
        self._recent: deque[float] = deque(maxlen=2 * half)
        self.rate_deg_s = math.inf
        self.clear()

    def clear(self) -> None:
        self._recent.clear()
        self._newer = self._older = 0.0
        # An unknown rate must not count as rest.
        self.rate_deg_s = math.nan

    def take(self, value: float) -> float:
        recent, half = self._recent, self._half
        if len(recent) == 2 * half:
            self._older -= recent[0]
        if len(recent) >= half:
            moved = recent[-half]
            self._newer -= moved
            self._older += moved
        recent.append(value)
        self._newer += value
        if len(recent) == 2 * half:
            self.rate_deg_s = (self._newer - self._older) / half / self._span_s
        return self.rate_deg_s


@dataclass(slots=True)
class _Run:
    """An unbroken stretch of samples that meet a condition; `level` is its first value, or NaN."""

    start_s: float = 0.0
    stop_s: float = 0.0
    level: float = math.nan

    @property
    def length_s(self) -> float:
        return self.stop_s - self.start_s

    def take(self, time_s: float, value: float, step_s: float) -> None:
        if self.level != self.level:  # NaN; twice as fast as math.isnan
            self.start_s, self.level = time_s, value
        self.stop_s = time_s + step_s

    def clear(self) -> None:
        self.start_s = self.stop_s = 0.0
        self.level = math.nan


@dataclass(slots=True)
class _Release:
    """A lengthening after a bent hold; starts when the angle leaves the level of the hold."""

    from_deg: float = math.nan
    hold_s: float = 0.0
    start_s: float = math.nan
    peak_rate_deg_s: float = 0.0
    valley_s: float = math.nan
    valley_deg: float = math.inf

    @property
    def under_way(self) -> bool:
        return math.isfinite(self.start_s)

    @property
    def waiting_s(self) -> float:
        """Length of the hold that no release has followed yet."""
        return 0.0 if self.under_way else self.hold_s

    def clear(self) -> None:
        self.from_deg, self.hold_s, self.start_s, self.peak_rate_deg_s = math.nan, 0.0, math.nan, 0.0
        self.valley_s, self.valley_deg = math.nan, math.inf

    def held(self, level_deg: float, length_s: float) -> None:
        repositioned = self.from_deg - level_deg < REPOSITION_DEG and length_s >= REPOSITION_S
        if not self.under_way or repositioned:
            self.clear()
            self.from_deg, self.hold_s = level_deg, length_s

    def take(self, time_s: float, flexion_deg: float, rate_deg_s: float) -> None:
        if not self.under_way:
            if flexion_deg < self.from_deg - RELEASE_STARTS_DEG:
                self.start_s, self.peak_rate_deg_s = time_s, abs(rate_deg_s)
        elif flexion_deg >= self.from_deg:
            self.clear()
        else:
            self.peak_rate_deg_s = max(self.peak_rate_deg_s, -rate_deg_s)
            if flexion_deg < self.valley_deg:
                self.valley_s, self.valley_deg = time_s, flexion_deg

    def rebent(self, flexion_deg: float, lowest_deg: float) -> LiveRelease | None:
        """The release, if the knee bends again before it has rested."""
        if not self.under_way or flexion_deg < self.valley_deg + LEAST_TRAVEL_DEG:
            return None
        return self.ended(self.valley_deg, self.valley_s, lowest_deg)

    def ended(self, flexion_deg: float, rest_s: float, lowest_deg: float) -> LiveRelease | None:
        """The release, if this rest ends it."""
        travel_deg = self.from_deg - flexion_deg
        resting_deg = lowest_deg + RELEASE_REST_SHARE * (self.from_deg - lowest_deg)
        if not self.under_way or travel_deg < RELEASE_LEAST_DEG or flexion_deg > resting_deg:
            return None
        done = LiveRelease(
            self.start_s, rest_s, self.from_deg, flexion_deg, self.peak_rate_deg_s, self.hold_s
        )
        self.clear()
        return done
