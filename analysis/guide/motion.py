"""What the live angle shows: rest, repetitions, holds and slow releases, found as they happen."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from analysis.angle.result import FlexionTrack
from analysis.constants import STILL_DEG_S

HELD_S = 1.0
BENT_DEG = 40.0
# A hold may wander with the effort; what goes on moving one way is no hold.
HOLD_DEG_S, HOLD_WANDER_DEG = 4.0, 5.0
# As in the offline analysis: near the straightest moment of the same movement.
NEAR_DEG, NEAR_SHARE = 5.0, 0.1
LEAST_TRAVEL_DEG = 12.0
RELEASE_LEAST_DEG = 30.0
RELEASE_STARTS_DEG = 4.0
# Lowering the leg by less than this and holding again is finding the place, not a release.
REPOSITION_DEG, REPOSITION_S = 15.0, 2.5
# A stop further up than this share of the way is a pause, not the end of a release.
RELEASE_REST_SHARE = 0.35
# What happens to a release in a longer gap is anyone's guess.
LONG_GAP_S = 1.0
HALF_WINDOW_S = 0.2
# No knee moves so fast. What soon comes back was a slip of the estimate; what stays is a new zero, and
# everything seen before counts from another one.
JUMP_DEG, JUMP_DEG_S, JUMP_STAYS_S = 10.0, 1000.0, 0.1


@dataclass(frozen=True, slots=True)
class Held:
    """A still position during [start_s, stop_s) and its median flexion."""

    start_s: float
    stop_s: float
    flexion_deg: float


@dataclass(frozen=True, slots=True)
class LiveRelease:
    """A slow lengthening that just ended: from the bent hold to the straight rest."""

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
    """What is known at the newest sample.

    Attributes:
        time_s: of the newest usable sample; NaN before the first.
        flexion_deg, flexion_sd_deg: there.
        rate_deg_s: over the last 0.4 s; negative while straightening.
        still_s: how long the knee has been still; 0 while it moves.
        bent_hold_s: how long the bent knee has been held. It stays until a release begins, or another
            hold of a second.
        repetitions: bend-and-straighten movements completed since the last `restart`.
        extension: the straightest position held since the last `restart`.
        bends: bends that were straightened again, held or not, since the last `restart`.
        releases: slow lengthenings completed since the last `restart`.
        releasing: a lengthening is under way.
        marks_s: when the repetitions were completed.
    """

    time_s: float = math.nan
    flexion_deg: float = math.nan
    flexion_sd_deg: float = math.nan
    rate_deg_s: float = 0.0
    still_s: float = 0.0
    bent_hold_s: float = 0.0
    repetitions: int = 0
    extension: Held | None = None
    bends: int = 0
    releases: tuple[LiveRelease, ...] = ()
    releasing: bool = False
    marks_s: tuple[float, ...] = field(default=())


class MotionWatch:
    """Follows a live flexion track. Any chunking of the same track finds the same movements.

    Args:
        rate_hz: of the track's grid.
    """

    def __init__(self, rate_hz: float) -> None:
        self._step_s = 1.0 / rate_hz
        self._speed = _Speed(max(1, round(HALF_WINDOW_S * rate_hz)), self._step_s)
        self._lowest_deg = math.inf
        self._cycle = _Cycle()
        self._still = _Run()
        self._bent = _Run()
        self._release = _Release()
        self._newest = (math.nan, math.nan, math.nan)
        self._heard_s = -math.inf
        self._jumped = 0
        self.restart()

    def restart(self) -> None:
        """Begins a new block: counts and the straightest position start afresh."""
        self._marks_s: tuple[float, ...] = ()
        self._best: Held | None = None
        self._releases: tuple[LiveRelease, ...] = ()
        self._bends = 0

    def feed(self, track: FlexionTrack) -> MotionState:
        """Takes the next samples, none left out, and returns what is known after them."""
        # Plain floats: one by one, the scalars of an array cost several times as much.
        columns = (track.time_s, track.flexion_deg, track.flexion_sd_deg, track.valid)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for time_s, flexion_deg, sd_deg, valid in rows:
            if not valid or not math.isfinite(flexion_deg):
                self._interrupt()
            elif self._is_believed(time_s, flexion_deg):
                self._newest = (time_s, flexion_deg, sd_deg)
                self._take(time_s, flexion_deg)
        return self.state()

    def state(self) -> MotionState:
        """What is known now."""
        time_s, flexion_deg, sd_deg = self._newest
        return MotionState(
            time_s=time_s,
            flexion_deg=flexion_deg,
            flexion_sd_deg=sd_deg,
            rate_deg_s=self._speed.rate_deg_s,
            still_s=self._still.length_s,
            bent_hold_s=max(self._bent.length_s, self._release.waiting_s),
            repetitions=len(self._marks_s),
            extension=self._straightest(),
            bends=self._bends,
            releases=self._releases,
            releasing=self._release.under_way,
            marks_s=self._marks_s,
        )

    def _is_believed(self, time_s: float, flexion_deg: float) -> bool:
        passed_s, self._heard_s = time_s - self._heard_s, time_s
        if passed_s > LONG_GAP_S:
            self._release.clear()
        if abs(flexion_deg - self._newest[1]) <= max(JUMP_DEG, JUMP_DEG_S * passed_s):
            self._jumped = 0
            return True
        if math.isfinite(self._newest[1]):
            self._jumped += 1
            if self._jumped * self._step_s < JUMP_STAYS_S:
                return False
            self._start_anew()
        return True

    def _start_anew(self) -> None:
        self._interrupt()
        self._release.clear()
        self._cycle = _Cycle()
        self._lowest_deg = math.inf
        self._jumped = 0

    def _take(self, time_s: float, flexion_deg: float) -> None:
        self._lowest_deg = min(self._lowest_deg, flexion_deg)
        rate_deg_s = self._speed.take(flexion_deg)
        self._bends += self._cycle.take(flexion_deg)
        if abs(rate_deg_s) < STILL_DEG_S:
            self._still.take(time_s, flexion_deg, self._step_s)
        else:
            self._end_of_rest()
        self._hold(time_s, flexion_deg, rate_deg_s)
        self._release.take(time_s, flexion_deg, rate_deg_s)
        self._note(self._release.rebent(flexion_deg, self._lowest_deg))
        if self._still.length_s >= HELD_S:
            self._rested(time_s, flexion_deg)

    def _hold(self, time_s: float, flexion_deg: float, rate_deg_s: float) -> None:
        bent = self._bent
        held = flexion_deg > self._lowest_deg + BENT_DEG and abs(rate_deg_s) < HOLD_DEG_S
        if not held or (bent.values and abs(flexion_deg - bent.values[0]) > HOLD_WANDER_DEG):
            bent.clear()
        if held:
            bent.take(time_s, flexion_deg, self._step_s)
            if bent.length_s >= HELD_S:
                self._release.held(bent.values[0], bent.length_s)

    def _rested(self, time_s: float, flexion_deg: float) -> None:
        if self._cycle.open and self._cycle.is_near(flexion_deg):
            self._cycle.open = False
            self._marks_s = (*self._marks_s, time_s)
        self._note(self._release.ended(flexion_deg, self._still.start_s, self._lowest_deg))

    def _note(self, release: LiveRelease | None) -> None:
        if release is not None:
            self._releases = (*self._releases, release)

    def _end_of_rest(self) -> None:
        self._best = self._straightest()
        self._still.clear()

    def _straightest(self) -> Held | None:
        """The best plateau, the present one included, if it is one."""
        run = self._still
        if run.length_s < HELD_S or not self._cycle.straightened or not self._marks_s:
            return self._best
        held = run.held()
        if not self._cycle.is_near(held.flexion_deg):
            return self._best
        return held if self._best is None or held.flexion_deg < self._best.flexion_deg else self._best

    def _interrupt(self) -> None:
        self._end_of_rest()
        self._speed.clear()
        self._bent.clear()


class _Speed:
    """Rate from the means of two adjoining half windows: steadier than a difference of two samples."""

    def __init__(self, half: int, step_s: float) -> None:
        self._half = half
        self._span_s = half * step_s
        self._recent: deque[float] = deque(maxlen=2 * half)
        self.rate_deg_s = math.inf
        self.clear()

    def clear(self) -> None:
        self._recent.clear()
        self._newer = self._older = 0.0
        # Unknown speed is no rest.
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
    """An unbroken stretch of samples that meet a condition."""

    start_s: float = 0.0
    stop_s: float = 0.0
    values: list[float] = field(default_factory=list)

    @property
    def length_s(self) -> float:
        return self.stop_s - self.start_s

    def take(self, time_s: float, value: float, step_s: float) -> None:
        if not self.values:
            self.start_s = time_s
        self.values.append(value)
        self.stop_s = time_s + step_s

    def clear(self) -> None:
        self.start_s = self.stop_s = 0.0
        self.values = []

    def held(self) -> Held:
        return Held(self.start_s, self.stop_s, float(np.median(self.values)))


@dataclass(slots=True)
class _Cycle:
    """Turning points with hysteresis: which way the knee goes, from which peak, to which valley."""

    straightened: bool = False
    open: bool = False
    peak_deg: float = -math.inf
    valley_deg: float = math.inf

    def take(self, flexion_deg: float) -> bool:
        """Whether this sample tells that the knee straightens again."""
        self.peak_deg = max(self.peak_deg, flexion_deg)
        self.valley_deg = min(self.valley_deg, flexion_deg)
        if self.straightened:
            if flexion_deg - self.valley_deg >= LEAST_TRAVEL_DEG:
                self.straightened = self.open = False
                self.peak_deg = flexion_deg
        elif self.peak_deg - flexion_deg >= LEAST_TRAVEL_DEG:
            self.straightened = self.open = True
            self.valley_deg = flexion_deg
            return True
        return False

    def is_near(self, flexion_deg: float) -> bool:
        travel_deg = self.peak_deg - self.valley_deg
        return flexion_deg <= self.valley_deg + max(NEAR_DEG, NEAR_SHARE * travel_deg)


@dataclass(slots=True)
class _Release:
    """A lengthening after a bent hold, from the moment it leaves the level of the hold."""

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
        """The release, if the knee bends again without having rested after it."""
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
