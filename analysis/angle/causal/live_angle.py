"""The knee angle while it happens, from the samples of two running streams."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, inf, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from analysis.angle.causal.handover import state_before_end
from analysis.angle.causal.readiness import count_swings, is_enough
from analysis.angle.causal.reading import CausalAngle, CausalKnee
from analysis.angle.causal.resampling import RATE_SAMPLES, StreamResampler
from analysis.angle.causal.sensor import Vector
from analysis.angle.doubts import SURE_RATIO, about_strapping
from analysis.angle.estimate import estimate_strapping
from analysis.angle.grid import Grid, Motion, middle_shift_s, rate_of
from analysis.angle.parameters import DEFAULTS, AngleParameters
from analysis.angle.result import FlexionTrack, HingeAxes
from analysis.angle.strapping_estimate import StrappingEstimate
from analysis.angle.usable import refuse_unusable
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import Finding
from firmware_bridge.samples import Float, ImuSamples, Segment
from firmware_bridge.session.model import PhaseSpan, ReferencePose

_TRY_EVERY_S = 2.0
_NEXT_SEARCH = 1.5
_WARM_UP_S = 10.0
_LONGEST_HISTORY_S = 300.0

_Both = tuple[tuple[Vector, Vector], tuple[Vector, Vector]]
# Time, flexion, its three sigmas, validity, tilt of the thigh.
_Output = tuple[float, float, float, float, float, bool, float]
_NOTHING = (nan, nan, nan, nan, False, nan)


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """Progress of the live angle.

    Attributes:
        ready: the axes are known and the angle is running.
        sd_deg: uncertainty of the axes; NaN while unknown.
        swings: knee swings seen in this strapping, up to the last search for the axes.
        sentence: the same for the person.
    """

    ready: bool
    sd_deg: float
    swings: int
    sentence: str


class LiveAngle:
    """Flexion from a running stream. Push samples as they come, in any chunks, and ask for updates.

    The knee is searched in the recorded history every two seconds until its axes are known, and again each
    time the history has grown by half, up to five minutes. In between, every grid sample costs a few dozen
    microseconds. The numbers do not depend on the chunks.

    Args:
        rate_hz: of the grid; from the first samples where it is None.
        parameters: constants of the estimation.
    """

    def __init__(self, rate_hz: float | None = None, parameters: AngleParameters = DEFAULTS) -> None:
        self._parameters = parameters
        self._rate_hz = rate_hz
        self._streams = {segment: StreamResampler() for segment in Segment}
        self._poses: list[ReferencePose] = []
        self._restraps: dict[float, float] = {}
        self._start_s: float | None = None
        self._count = 0
        self._out: list[_Output] = []
        self._had_zero = False
        self._strappings: list[tuple[StrappingEstimate, ReferencePose | None]] = []
        self._found: StrappingEstimate | None = None
        self._begin_strapping()

    def _begin_strapping(self) -> None:
        if self._count and self._found is not None:
            self._strappings.append((self._found, self._pose))
        self._first = self._count
        self._history: list[tuple[_Both, float]] = []
        self._search_at, self._search_now = 0, False
        self._knee: CausalKnee | None = None
        self._found = None
        self._angles: list[float] = []
        self._angles_from = 0
        self._zero_deg = 0.0
        self._pose: ReferencePose | None = None
        self._zero_sd_deg = 0.0
        self._zero_rows: NDArray[np.int64] | None = None
        self._gap = False
        self._swings, self._inverted = 0, 0.0
        self._findings: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is doubtful about the axes in use."""
        return self._findings

    @property
    def status(self) -> LiveStatus:
        """Progress so far."""
        if self._found is None:
            text = f"Swing the lower leg until the knee's axis is known: {self._swings} swings seen."
            return LiveStatus(False, nan, self._swings, text)
        sd_deg = self._found.axes.sd_deg
        text = f"The knee's axis is known from {self._swings} swings."
        if self._pose is None:
            text += " The angle is relative until a reference pose is set."
        return LiveStatus(True, sd_deg, self._swings, text)

    @property
    def axes(self) -> HingeAxes | None:
        """The axes in use, or None before they are known."""
        return self._found.axes if self._found is not None else None

    @property
    def pose(self) -> ReferencePose | None:
        """The reference pose that set the zero of this strapping, or None while the angle is relative."""
        return self._pose

    @property
    def first(self) -> tuple[StrappingEstimate, ReferencePose | None] | None:
        """The first strapping whose axes were found, with the pose that set its zero; None before that."""
        if self._strappings:
            return self._strappings[0]
        return None if self._found is None else (self._found, self._pose)

    @property
    def rate_hz(self) -> float | None:
        """Of the grid, or None before it is known."""
        return self._rate_hz

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Adds samples of one sensor in order of time; any number, also none."""
        self._streams[segment].push(samples)

    def set_pose(self, pose: ReferencePose) -> None:
        """Adds a pose in the past, present or future; the first pose of a strapping sets its zero.

        A pose that is added minutes late, after the history has ended, is left to the analysis afterwards.
        """
        if self._knee is not None and pose.time_s < self._time_of(self._angles_from):
            # Before what is kept of the running angle: only a new search can use it.
            if not self._history_grows:
                return
            self._search_now = True
        self._poses = sorted([*self._poses, pose], key=lambda p: p.time_s)

    def set_phase(self, phase: PhaseSpan) -> None:
        """Adds a phase. Only `restrap` matters: no angle inside, new axes and a new zero after it.

        A phase that is still running may have an infinite end and be added again once it is over.
        """
        if phase.name == "restrap":
            self._restraps[phase.start_s] = phase.stop_s

    def update(self) -> FlexionTrack:
        """The grid samples since the last call; NaN and not valid while the axes are unknown."""
        return track_of(self.advance())

    def advance(self) -> Float:
        """The same as `update`, (7, n): time, flexion, its three sigmas, validity, tilt of the thigh."""
        while (both := self._next()) is not None:
            self._step(*both)
        rows, self._out = self._out, []
        return np.array(rows, dtype=np.float64).reshape(-1, 7).T

    def _next(self) -> tuple[float, _Both, float] | None:
        """The next grid sample, once both sensors cover it: time, motion, length of the step around it."""
        thigh, shank = self._streams[Segment.THIGH], self._streams[Segment.SHANK]
        if self._start_s is None or self._rate_hz is None:
            if min(len(thigh.times), len(shank.times)) < RATE_SAMPLES:
                return None
            rates = [rate_of(np.array(stream.times)) for stream in (thigh, shank)]
            self._rate_hz = self._rate_hz or max(rates)
            for stream, own_hz in zip((thigh, shank), rates, strict=True):
                stream.shift_s = middle_shift_s(own_hz, self._rate_hz)
            self._start_s = max(stream.times[0] - stream.shift_s for stream in (thigh, shank))
        time_s = self._start_s + self._count / self._rate_hz
        if (one := thigh.at(time_s)) is None or (two := shank.at(time_s)) is None:
            return None
        return time_s, ((one[0], one[1]), (two[0], two[1])), max(one[2], two[2]) - 1e-6

    def _step(self, time_s: float, both: _Both, step_s: float) -> None:
        self._count += 1
        if self._restraps and any(start <= time_s < stop for start, stop in self._restraps.items()):
            self._begin_strapping()
            self._out.append((time_s, *_NOTHING))
            return
        if self._history_grows:
            self._history.append((both, step_s))
        angle = None if self._knee is None else self._read(self._knee, both, step_s)
        self._set_zero(time_s)
        self._out.append(self._output(time_s, angle, step_s))
        # The search comes last, because new axes bring a zero of their own, which this sample does not have.
        if (self._search_now and self._history_grows) or len(self._history) > self._search_at:
            self._search_now = False
            self._search()

    def _output(self, time_s: float, angle: CausalAngle | None, step_s: float) -> _Output:
        if angle is None or step_s > self._parameters.max_gap_s:
            return time_s, *_NOTHING
        # Samples before a pose that is still to come must not mix with those after it.
        valid = self._pose is not None or not (self._had_zero or self._awaits_pose())
        flexion_deg = angle.angle_deg - self._zero_deg
        from_pose_deg = flexion_deg - (self._pose.flexion_deg if self._pose is not None else 0.0)
        relative = hypot(angle.relative_sd_deg, self._inverted * from_pose_deg)
        absolute = hypot(relative, self._zero_sd_deg)
        return time_s, flexion_deg, absolute, relative, angle.sd_deg, valid, angle.tilt_deg

    @property
    def _history_grows(self) -> bool:
        """Whether the history still reaches to the present."""
        return len(self._history) < _LONGEST_HISTORY_S * self._rate()

    def _rate(self) -> float:
        return self._rate_hz or 0.0

    def _time_of(self, index: int) -> float:
        return (self._start_s or 0.0) + index / self._rate()

    def _read(self, knee: CausalKnee, both: _Both, step_s: float) -> CausalAngle | None:
        if step_s > self._parameters.max_carried_gap_s:
            self._gap = True
            self._angles.append(nan)
            return None
        if self._gap:
            knee.restart()
            self._gap = False
        angle = knee.step(*both)
        self._angles.append(angle.angle_deg)
        return angle

    def _search(self) -> None:
        """Estimates the knee from the history, and uses it if it is good enough."""
        if self._found is None and len(self._history) >= _LONGEST_HISTORY_S * self._rate():
            del self._history[: len(self._history) // 2]
        searched = len(self._history)
        planned = self._search_at
        self._search_at = searched + round(_TRY_EVERY_S * self._rate())
        grid = self._history_grid()
        poses = [p for p in self._own_poses() if p.time_s + p.duration_s <= grid.time_s[-1]]
        try:
            refuse_unusable(grid)
            found = estimate_strapping(grid, poses, self._parameters)
        except CannotAnswerError:
            return
        self._swings = count_swings(found.flexion_deg, self._rate())
        if self._found is not None or is_enough(found):
            self._take(found)
            # A search out of turn does not put off the one that was planned.
            self._search_at = planned if planned > searched else round(_NEXT_SEARCH * searched)

    def _history_grid(self) -> Grid:
        values = np.array([(*a, *b, *c, *d) for ((a, b), (c, d)), _ in self._history]).T
        steps = np.array([step_s for _, step_s in self._history])
        times = self._time_of(self._count - len(steps)) + np.arange(len(steps)) / self._rate()
        gyr1, acc1, gyr2, acc2 = (np.ascontiguousarray(values[k : k + 3]) for k in (0, 3, 6, 9))
        known, carried = steps <= self._parameters.max_gap_s, steps <= self._parameters.max_carried_gap_s
        return Grid(times, self._rate(), known, carried, Motion(acc1, gyr1), Motion(acc2, gyr2))

    def _take(self, found: StrappingEstimate) -> None:
        zero_deg = found.zero.zero_deg
        if found.zero.pose is None and self._zero_rows is not None:
            # A relative zero stays with its posture, even if a straighter one has occurred since.
            zero_deg += float(np.nanmedian(found.flexion_deg[self._zero_rows]))
        elif found.zero.pose is None:
            self._zero_rows = found.zero.rows
        self._zero_deg, self._pose = zero_deg, found.zero.pose
        self._had_zero |= self._pose is not None
        self._found, self._inverted = found, _inverted(found.direction.log_likelihood_ratio)
        self._findings = tuple(about_strapping(found, found.diagnostics(), self._pose is None))
        self._update_zero_sd()
        self._knee = CausalKnee(found, self._parameters)
        self._angles, self._gap = [], False
        first, state = state_before_end(found, _WARM_UP_S)
        self._knee.restart(state)
        self._angles_from = self._count - len(self._history) + first
        for both, step_s in self._history[first:]:
            self._read(self._knee, both, step_s)
        self._knee.keep_zero()

    def _update_zero_sd(self) -> None:
        found, pose = self._found, self._pose
        self._zero_sd_deg = 0.0 if found is None or pose is None else live_zero_sd_deg(found, pose)

    def _own_poses(self) -> list[ReferencePose]:
        """Poses of the present strapping, past and to come."""
        begin_s = self._time_of(self._first)
        end_s = min((s for s in self._restraps if s >= begin_s), default=inf)
        return [p for p in self._poses if begin_s <= p.time_s < end_s]

    def _awaits_pose(self) -> bool:
        return bool(self._poses) and bool(self._own_poses())

    def _set_zero(self, time_s: float) -> None:
        if self._pose is not None or self._knee is None or not self._poses:
            return
        for pose in self._own_poses():
            low, high = (
                round((t - self._time_of(self._angles_from)) * self._rate())
                for t in (pose.time_s, pose.time_s + pose.duration_s)
            )
            window = np.array(self._angles[max(low, 0) : max(high, 0)])
            if time_s < pose.time_s + pose.duration_s or not np.isfinite(window).any():
                continue
            # The heading is that of the pose, also where the pose is added late.
            if self._knee.set_zero(max(len(self._angles) - high - 1, 0)):
                self._zero_deg = float(np.nanmedian(window)) - pose.flexion_deg
                self._pose, self._had_zero = pose, True
                self._update_zero_sd()
                if self._found is not None and self._found.direction.log_likelihood_ratio < SURE_RATIO:
                    self._search_now = True  # the pose may settle which way the knee bends
                return


def _inverted(log_likelihood_ratio: float) -> float:
    """One sigma of a flexion whose direction may be wrong, as a share of its distance from the zero."""
    if log_likelihood_ratio >= SURE_RATIO:
        return 0.0
    wrong = 1 / (1 + exp(log_likelihood_ratio))
    return 2 * sqrt(wrong * (1 - wrong))


def track_of(rows: Float) -> FlexionTrack:
    """The track of rows from `LiveAngle.advance`."""
    return FlexionTrack(rows[0], rows[1], rows[2], rows[5].astype(bool), rows[3], rows[4])


def live_zero_sd_deg(found: StrappingEstimate, pose: ReferencePose) -> float:
    """One sigma of a zero that a pose set, read with the axes of `found`."""
    return float(np.hypot(pose.sd_deg, np.nanmedian(found.repeat_sd_deg)))
