"""The knee angle while it happens: the chain of the whole recording, sample by sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from analysis.angle.causal import Vector
from analysis.angle.causal_knee import CausalAngle, CausalKnee
from analysis.angle.checks import about_samples, refuse_unusable, usable_grid
from analysis.angle.feed import RATE_SAMPLES, Feed
from analysis.angle.grid import Grid, Motion, rate_of
from analysis.angle.handover import known_knee, underway
from analysis.angle.parameters import DEFAULTS, AngleParameters
from analysis.angle.result import AngleResult, FlexionTrack, HingeAxes
from analysis.angle.strapping import Strapping, one_strapping
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import unique
from firmware_bridge.samples import Float, ImuSamples, Segment
from firmware_bridge.session.model import PhaseSpan, ReferencePose

_TRY_EVERY_S = 2.0
_NEXT_SEARCH = 1.5
_WARM_UP_S = 10.0
_LONGEST_HISTORY_S = 300.0
_ENOUGH_SWINGS = 5
# A stiff knee bends no further than this in a step.
_ENOUGH_BENDING_DEG = 20.0
_ENOUGH_BAND_DEG = 2.0

_Both = tuple[tuple[Vector, Vector], tuple[Vector, Vector]]
_Output = tuple[float, float, float, bool, float]


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """How far the live angle is.

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

    The axes are searched in what has been felt so far, every two seconds until they are known, and again
    each time half as much again has been felt, up to five minutes. In between, every grid sample costs a few
    dozen microseconds. Whatever the chunks, the numbers are the same.

    Args:
        rate_hz: of the grid; from the first samples where it is None.
        parameters: constants of the estimation.
    """

    def __init__(self, rate_hz: float | None = None, parameters: AngleParameters = DEFAULTS) -> None:
        self._parameters = parameters
        self._rate_hz = rate_hz
        self._feeds = {segment: Feed() for segment in Segment}
        self._poses: list[ReferencePose] = []
        self._restraps: dict[float, float] = {}
        self._start_s: float | None = None
        self._count = 0
        self._out: list[_Output] = []
        self._had_zero = False
        self._strappings: list[tuple[Strapping, ReferencePose | None]] = []
        self._found: Strapping | None = None
        self._begin_strapping()

    def _begin_strapping(self) -> None:
        if self._count and self._found is not None:
            self._strappings.append((self._found, self._pose))
        self._first = self._count
        self._history: list[tuple[_Both, float]] = []
        self._search_at = 0
        self._knee: CausalKnee | None = None
        self._found = None
        self._angles: list[float] = []
        self._angles_from = 0
        self._zero_deg = 0.0
        self._pose: ReferencePose | None = None
        self._zero_rows: NDArray[np.int64] | None = None
        self._gap = False
        self._swings = 0

    @property
    def status(self) -> LiveStatus:
        """Where it stands."""
        if self._found is None:
            text = f"Swing the lower leg: {self._swings} of about {_ENOUGH_SWINGS} swings seen."
            return LiveStatus(False, nan, self._swings, text)
        sd_deg = self._found.axes.sd_deg
        text = f"The knee's axis is known from {self._swings} swings."
        if self._pose is None:
            text += " The angle is relative until a reference pose is set."
        return LiveStatus(True, sd_deg, self._swings, text)

    @property
    def axes(self) -> HingeAxes | None:
        """The axes in use, or None while they are searched."""
        return self._found.axes if self._found is not None else None

    @property
    def pose(self) -> ReferencePose | None:
        """The reference pose that set the zero of this strapping, or None while the angle is relative."""
        return self._pose

    @property
    def first(self) -> tuple[Strapping, ReferencePose | None] | None:
        """The first strapping whose axes were found, with the pose that set its zero."""
        if self._strappings:
            return self._strappings[0]
        return None if self._found is None else (self._found, self._pose)

    @property
    def rate_hz(self) -> float | None:
        """Of the grid, or None before it is known."""
        return self._rate_hz

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Takes samples of one sensor in order of time; any number, also none."""
        self._feeds[segment].push(samples)

    def set_pose(self, pose: ReferencePose) -> None:
        """The knee is, was or will be held at a known angle; the first pose of a strapping sets the zero."""
        self._poses = sorted([*self._poses, pose], key=lambda p: p.time_s)

    def set_phase(self, phase: PhaseSpan) -> None:
        """Only `restrap` matters: inside there is no angle, after it axes and zero are found anew.

        A phase that is still running may have an infinite end and be told again once it is over.
        """
        if phase.name == "restrap":
            self._restraps[phase.start_s] = phase.stop_s

    def update(self) -> FlexionTrack:
        """The grid samples since the last call; NaN and not valid while the axes are unknown."""
        return _track(self.advance())

    def advance(self) -> Float:
        """The same as `update`, (5, n): time, flexion, its sd, validity, tilt of the thigh in degrees."""
        while (both := self._next()) is not None:
            self._step(*both)
        rows, self._out = self._out, []
        return np.array(rows, dtype=np.float64).reshape(-1, 5).T

    def _next(self) -> tuple[float, _Both, float] | None:
        """The next grid sample, once both sensors cover it: time, motion, length of the step around it."""
        thigh, shank = self._feeds[Segment.THIGH], self._feeds[Segment.SHANK]
        if self._start_s is None or self._rate_hz is None:
            if min(len(thigh.times), len(shank.times)) < (RATE_SAMPLES if self._rate_hz is None else 2):
                return None
            if self._rate_hz is None:
                self._rate_hz = max(rate_of(np.array(f.times)) for f in (thigh, shank))
            self._start_s = max(thigh.times[0], shank.times[0])
        time_s = self._start_s + self._count / self._rate_hz
        if (one := thigh.at(time_s)) is None or (two := shank.at(time_s)) is None:
            return None
        return time_s, ((one[0], one[1]), (two[0], two[1])), max(one[2], two[2]) - 1e-6

    def _step(self, time_s: float, both: _Both, step_s: float) -> None:
        self._count += 1
        if any(start <= time_s < stop for start, stop in self._restraps.items()):
            self._begin_strapping()
            self._out.append((time_s, nan, nan, False, nan))
            return
        if len(self._history) < _LONGEST_HISTORY_S * self._rate():
            self._history.append((both, step_s))
        angle = None if self._knee is None else self._read(self._knee, both, step_s)
        self._set_zero(time_s)
        self._out.append(self._output(time_s, angle, step_s))
        # Last, because new axes come with a zero of their own, which this sample was not read with.
        if len(self._history) > self._search_at:
            self._search()

    def _output(self, time_s: float, angle: CausalAngle | None, step_s: float) -> _Output:
        if angle is None or step_s > self._parameters.max_gap_s:
            return time_s, nan, nan, False, nan
        # A zero that is still to come must not mix with the one before it.
        valid = self._pose is not None or not (self._had_zero or self._awaits_pose())
        return time_s, angle.angle_deg - self._zero_deg, angle.sd_deg, valid, angle.tilt_deg

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
        """Looks for the axes in what has been felt so far, and takes them if they are good enough."""
        if self._found is None and len(self._history) >= _LONGEST_HISTORY_S * self._rate():
            del self._history[: len(self._history) // 2]
        felt = len(self._history)
        self._search_at = felt + round(_TRY_EVERY_S * self._rate())
        grid = self._felt()
        poses = [p for p in self._own_poses() if p.time_s + p.duration_s <= grid.time_s[-1]]
        try:
            refuse_unusable(grid)
            found = one_strapping(grid, poses, self._parameters)
        except CannotAnswerError:
            return
        self._swings = count_swings(found.flexion_deg)
        if self._found is not None or _good(found, self._swings):
            self._take(found, grid)
            self._search_at = round(_NEXT_SEARCH * felt)

    def _felt(self) -> Grid:
        values = np.array([(*a, *b, *c, *d) for ((a, b), (c, d)), _ in self._history]).T
        steps = np.array([step_s for _, step_s in self._history])
        times = self._time_of(self._count - len(steps)) + np.arange(len(steps)) / self._rate()
        gyr1, acc1, gyr2, acc2 = (np.ascontiguousarray(values[k : k + 3]) for k in (0, 3, 6, 9))
        known, carried = steps <= self._parameters.max_gap_s, steps <= self._parameters.max_carried_gap_s
        return Grid(times, self._rate(), known, carried, Motion(acc1, gyr1), Motion(acc2, gyr2))

    def _take(self, found: Strapping, grid: Grid) -> None:
        zero_deg = found.zero.zero_deg
        if found.zero.pose is None and self._zero_rows is not None:
            # A relative zero stays with its posture, also when a straighter one has come since.
            zero_deg += float(np.nanmedian(found.flexion_deg[self._zero_rows]))
        elif found.zero.pose is None:
            self._zero_rows = found.zero.rows
        self._zero_deg, self._pose = zero_deg, found.zero.pose
        self._had_zero |= self._pose is not None
        self._found = found
        self._knee = CausalKnee(known_knee(found, self._parameters), self._rate(), self._parameters)
        self._angles, self._gap = [], False
        first, state = underway(found, grid, _WARM_UP_S, self._parameters)
        self._knee.restart(state)
        self._angles_from = self._count - len(self._history) + first
        for both, step_s in self._history[first:]:
            self._read(self._knee, both, step_s)
        self._knee.keep_zero()

    def _own_poses(self) -> list[ReferencePose]:
        """Poses of the present strapping, past and to come."""
        begin_s = self._time_of(self._first)
        end_s = min((s for s in self._restraps if s >= begin_s), default=inf)
        return [p for p in self._poses if begin_s <= p.time_s < end_s]

    def _awaits_pose(self) -> bool:
        return bool(self._own_poses())

    def _set_zero(self, time_s: float) -> None:
        if self._pose is not None or self._knee is None or not self._poses:
            return
        for pose in self._own_poses():
            low, high = (
                round((t - self._time_of(self._angles_from)) * self._rate())
                for t in (pose.time_s, pose.time_s + pose.duration_s)
            )
            window = np.array(self._angles[max(low, 0) : max(high, 0)])
            if time_s >= pose.time_s + pose.duration_s and np.isfinite(window).any():
                self._zero_deg = float(np.nanmedian(window)) - pose.flexion_deg
                self._pose, self._had_zero = pose, True
                self._knee.set_zero()
                return


def _good(found: Strapping, swings: int) -> bool:
    """Whether the axes will do for a live angle."""
    return (
        swings >= _ENOUGH_SWINGS
        and found.diagnostics["bending_deg"] >= _ENOUGH_BENDING_DEG
        and float(np.nanmedian(found.sd_deg)) <= _ENOUGH_BAND_DEG
    )


def count_swings(flexion_deg: Float) -> int:
    """How often the knee went from the lower to the upper third of its movement."""
    values = flexion_deg[np.isfinite(flexion_deg)]
    if not len(values):
        return 0
    low, high = np.percentile(values, [2, 98])
    third = (high - low) / 3
    place = np.where(values > high - third, 1, np.where(values < low + third, -1, 0))
    place = place[place != 0]
    return int(np.count_nonzero(np.diff(place) > 0))


def _track(rows: Float) -> FlexionTrack:
    return FlexionTrack(rows[0], rows[1], rows[2], rows[3].astype(bool))


def estimate_causally(
    thigh: ImuSamples,
    shank: ImuSamples,
    phases: Sequence[PhaseSpan],
    poses: Sequence[ReferencePose],
    parameters: AngleParameters,
) -> AngleResult:
    """The live angle of a finished recording: exactly what the stream would have shown."""
    grid = usable_grid(thigh, shank, parameters)
    live = LiveAngle(grid.rate_hz, parameters)
    for phase in phases:
        live.set_phase(phase)
    for p in poses:
        live.set_pose(p)
    live.push(Segment.THIGH, thigh)
    live.push(Segment.SHANK, shank)
    rows = live.advance()
    if live.first is None:
        raise CannotAnswerError(
            "The movement never showed the knee's axis well enough for a live angle.",
            "Begin with 8 to 10 slow swings of the lower leg, or estimate from the whole recording.",
        )
    found, pose = live.first
    track = _track(rows)
    findings = [f for f in found.findings if pose is None or f.kind != "relative"]
    return AngleResult(
        track=track,
        rate_hz=grid.rate_hz,
        zero="relative" if pose is None else "reference_pose",
        zero_sd_deg=nan if pose is None else float(np.hypot(pose.sd_deg, np.nanmedian(found.sd_deg))),
        axes=found.axes,
        thigh_tilt_deg=rows[4],
        pose_check_deg=_checks(track, poses, phases, pose),
        diagnostics=found.diagnostics,
        findings=unique([*findings, *about_samples(thigh, shank, grid)]),
    )


def _checks(
    track: FlexionTrack,
    poses: Sequence[ReferencePose],
    phases: Sequence[PhaseSpan],
    zero: ReferencePose | None,
) -> tuple[tuple[float, float], ...]:
    if zero is None:
        return ()
    ends = [p.start_s for p in phases if p.name == "restrap" and p.start_s > zero.time_s]
    end_s = min(ends, default=inf)
    checks = []
    for p in poses:
        inside = (track.time_s >= p.time_s) & (track.time_s < p.time_s + p.duration_s) & track.valid
        if zero.time_s < p.time_s < end_s and inside.any():
            checks.append((p.time_s, float(np.median(track.flexion_deg[inside])) - p.flexion_deg))
    return tuple(checks)
