"""The knee angle while it happens: the chain of the batch estimator, sample by sample."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, degrees, hypot

import numpy as np

from analysis.angle.causal import GravityFilter, Vector
from analysis.angle.estimate import Strapping, one_strapping
from analysis.angle.grid import Grid, Motion, clean, rate_of
from analysis.angle.hinge import tangents
from analysis.angle.parameters import DEFAULTS, AngleParameters
from analysis.angle.result import AngleResult, FlexionTrack, HingeAxes
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.samples import Float, ImuSamples, Segment
from firmware_bridge.session.model import PhaseSpan, ReferencePose

_RATE_SAMPLES = 32
_TRY_EVERY_S = 2.0
_ENOUGH_SD_DEG = 2.0
_ENOUGH_BENDING_DEG = 30.0
_ENOUGH_SWINGS = 5
_HISTORY_S = 300.0


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """How far the live angle is.

    Attributes:
        ready: the axes are known and the angle is running.
        sd_deg: uncertainty of the axes; NaN while unknown.
        swings: knee swings seen so far.
        sentence: the same for the person.
    """

    ready: bool
    sd_deg: float
    swings: int
    sentence: str


@dataclass(frozen=True, eq=False, slots=True)
class _ReadOut:
    """Everything needed to turn two up vectors into flexion."""

    thigh: tuple[Vector, Vector]
    shank: tuple[Vector, Vector]
    sign: float
    middle_deg: float
    sd_deg: float

    @classmethod
    def of(cls, strapping: Strapping) -> _ReadOut:
        axes = strapping.axes

        def plane(axis: Float) -> tuple[Vector, Vector]:
            x, y = tangents(axis)
            return (float(x[0]), float(x[1]), float(x[2])), (float(y[0]), float(y[1]), float(y[2]))

        return cls(plane(axes.thigh), plane(axes.shank), 1.0, 0.0, float(np.nanmedian(strapping.sd_deg)))

    def angle_deg(self, thigh_up: Vector, shank_up: Vector) -> tuple[float, float]:
        """The angle about the axes, from no particular zero, and how level the hinge is."""
        angles, level = [], 1.0
        for (x, y), u in ((self.thigh, thigh_up), (self.shank, shank_up)):
            cosine = x[0] * u[0] + x[1] * u[1] + x[2] * u[2]
            sine = y[0] * u[0] + y[1] * u[1] + y[2] * u[2]
            angles.append(atan2(sine, cosine))
            level = min(level, hypot(sine, cosine))
        return degrees(angles[0] - angles[1]), level


class _Feed:
    """The samples of one sensor, waiting to be put on the grid."""

    __slots__ = ("after", "before", "first_s", "times", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[float, ...]] = deque()
        self.times: list[float] = []
        self.before: tuple[float, ...] | None = None
        self.after: tuple[float, ...] | None = None

    def push(self, samples: ImuSamples) -> None:
        latest = self.waiting[-1][0] if self.waiting else (self.after[0] if self.after else -np.inf)
        for row in zip(
            samples.time_s.tolist(), samples.gyr_rad_s.tolist(), samples.acc_m_s2.tolist(), strict=True
        ):
            values = (row[0], *row[1], *row[2])
            # NaN and infinities fail this comparison with themselves or the sum.
            if row[0] > latest and abs(sum(values)) < np.inf:
                self.waiting.append(values)
                latest = row[0]
                if len(self.times) < _RATE_SAMPLES:
                    self.times.append(row[0])

    def at(self, time_s: float) -> tuple[Vector, Vector, float] | None:
        """Rate, force and the length of the step around an instant; None while it is not covered yet."""
        if self.before is None:
            if not self.waiting:
                return None
            self.before = self.after = self.waiting.popleft()
        assert self.after is not None
        while self.after[0] < time_s - 1e-9 or self.after is self.before:
            if not self.waiting:
                return None
            self.before, self.after = self.after, self.waiting.popleft()
        t0, a, b, c, d, e, f = self.before
        t1, a1, b1, c1, d1, e1, f1 = self.after
        s = min(max((time_s - t0) / (t1 - t0), 0.0), 1.0)
        return (
            (a + s * (a1 - a), b + s * (b1 - b), c + s * (c1 - c)),
            (d + s * (d1 - d), e + s * (e1 - e), f + s * (f1 - f)),
            t1 - t0,
        )


class LiveAngle:
    """Flexion from a running stream. Push samples as they come, in any chunks, and ask for updates.

    The axes are searched in what has been recorded so far, every two seconds until they are known well
    enough; from then on every grid sample costs a few dozen microseconds.
    """

    def __init__(self, rate_hz: float | None = None, parameters: AngleParameters = DEFAULTS) -> None:
        self._parameters = parameters
        self._rate_hz = rate_hz
        self._feeds = {segment: _Feed() for segment in Segment}
        self._poses: list[ReferencePose] = []
        self._restraps: list[PhaseSpan] = []
        self._filters: tuple[GravityFilter, GravityFilter] | None = None
        self._start_s: float | None = None
        self._count = 0
        self._out: list[tuple[float, float, float, bool]] = []
        self._strapping_start = 0
        self._begin_strapping()

    def _begin_strapping(self) -> None:
        self._strapping_start = self._count
        self._history: list[tuple[Vector, Vector, Vector, Vector, bool]] = []
        self._ups: list[tuple[Vector, Vector]] = []
        self._read_out: _ReadOut | None = None
        self._found: Strapping | None = None
        self._angles: list[float] = []
        self._zero_deg = 0.0
        self._zeroed = False
        self._swings = 0
        self._sd_deg = float("nan")

    @property
    def status(self) -> LiveStatus:
        """Where it stands."""
        if self._read_out is not None:
            text = f"The axes are known to {self._sd_deg:.1f} deg from {self._swings} swings."
            if not self._zeroed:
                text += " The angle is relative until a reference pose is set."
            return LiveStatus(True, self._sd_deg, self._swings, text)
        text = f"Swing the lower leg: {self._swings} of about {_ENOUGH_SWINGS} swings seen."
        return LiveStatus(False, self._sd_deg, self._swings, text)

    @property
    def axes(self) -> HingeAxes | None:
        """The axes in use, or None while they are searched."""
        return self._found.axes if self._found is not None else None

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Takes samples of one sensor in order of time; any number, also none."""
        self._feeds[segment].push(samples)

    def set_pose(self, pose: ReferencePose) -> None:
        """The knee is, was or will be held at a known angle; the first pose of a strapping sets the zero."""
        self._poses.append(pose)
        self._poses.sort(key=lambda p: p.time_s)

    def set_phase(self, phase: PhaseSpan) -> None:
        """Only `restrap` matters: inside there is no angle, after it axes and zero are found anew."""
        if phase.name == "restrap":
            # Live, its end is known only later: the same start again replaces it.
            self._restraps = [r for r in self._restraps if r.start_s != phase.start_s] + [phase]

    def update(self) -> FlexionTrack:
        """The grid samples since the last call."""
        self._advance()
        rows, self._out = self._out, []
        columns = np.array(rows, dtype=float).reshape(-1, 4).T
        return FlexionTrack(columns[0], columns[1], columns[2], columns[3].astype(bool))

    def _advance(self) -> None:
        thigh, shank = self._feeds[Segment.THIGH], self._feeds[Segment.SHANK]
        if self._start_s is None:
            if not thigh.times or not shank.times:
                return
            if self._rate_hz is None:
                if min(len(thigh.times), len(shank.times)) < _RATE_SAMPLES:
                    return
                self._rate_hz = max(rate_of(np.array(f.times)) for f in (thigh, shank))
            self._start_s = max(thigh.times[0], shank.times[0])
            self._filters = (
                GravityFilter(self._rate_hz, self._parameters),
                GravityFilter(self._rate_hz, self._parameters),
            )
        assert self._rate_hz is not None
        while True:
            time_s = self._start_s + self._count / self._rate_hz
            one = thigh.at(time_s)
            two = shank.at(time_s)
            if one is None or two is None:
                return
            self._step(time_s, one, two)

    def _step(
        self, time_s: float, one: tuple[Vector, Vector, float], two: tuple[Vector, Vector, float]
    ) -> None:
        assert self._filters is not None
        known = max(one[2], two[2]) <= self._parameters.max_gap_s + 1e-6
        index = self._count
        self._count += 1
        if any(r.start_s <= time_s < r.stop_s for r in self._restraps):
            for f in self._filters:
                f.restart()
            self._begin_strapping()
            self._out.append((time_s, np.nan, np.nan, False))
            return
        ups = (self._filters[0].step(one[0], one[1]), self._filters[1].step(two[0], two[1]))
        if self._read_out is None:
            self._history.append((one[0], one[1], two[0], two[1], known))
            self._ups.append(ups)
            self._search(index)
        if self._read_out is None:
            self._out.append((time_s, np.nan, np.nan, False))
            return
        self._emit(time_s, ups, known)

    def _emit(self, time_s: float, ups: tuple[Vector, Vector], known: bool) -> None:
        assert self._read_out is not None
        angle, level = self._read_out.angle_deg(*ups)
        middle = self._read_out.middle_deg
        flexion = (angle - middle + 180.0) % 360.0 - 180.0 + middle
        self._angles.append(flexion)
        self._apply_zero(time_s)
        if not known:
            self._out.append((time_s, np.nan, np.nan, False))
            return
        sd = hypot(self._read_out.sd_deg, 0.5 / max(level, 0.02))
        self._out.append((time_s, flexion - self._zero_deg, sd, True))

    def _search(self, index: int) -> None:
        assert self._rate_hz is not None
        assert self._start_s is not None
        since = index + 1 - self._strapping_start
        if since % max(1, round(_TRY_EVERY_S * self._rate_hz)):
            return
        rows = self._history[-round(_HISTORY_S * self._rate_hz) :]
        first = index + 1 - len(rows)
        values = np.array([(*g1, *a1, *g2, *a2) for g1, a1, g2, a2, _ in rows]).T
        grid = Grid(
            self._start_s + (first + np.arange(len(rows))) / self._rate_hz,
            self._rate_hz,
            np.array([row[4] for row in rows]),
            Motion(np.ascontiguousarray(values[3:6]), np.ascontiguousarray(values[0:3])),
            Motion(np.ascontiguousarray(values[9:12]), np.ascontiguousarray(values[6:9])),
        )
        try:
            poses = [p for p in self._poses if grid.time_s[0] <= p.time_s + p.duration_s <= grid.time_s[-1]]
            found = one_strapping(grid, poses, self._parameters)
        except CannotAnswerError:
            return
        self._sd_deg = found.axes.sd_deg
        self._swings = count_swings(found.flexion_deg)
        if (
            self._sd_deg > _ENOUGH_SD_DEG
            or found.diagnostics["bending_deg"] < _ENOUGH_BENDING_DEG
            or self._swings < _ENOUGH_SWINGS
        ):
            return
        self._found = found
        self._take(found)

    def _take(self, found: Strapping) -> None:
        raw = _ReadOut.of(found)
        angles = [raw.angle_deg(*ups)[0] for ups in self._ups]
        # The middle of the movement is where the cut of the circle is farthest away.
        middle = degrees(float(np.angle(np.exp(1j * np.radians(angles)).mean())))
        self._read_out = _ReadOut(raw.thigh, raw.shank, raw.sign, middle, raw.sd_deg)
        self._angles = [(a - middle + 180.0) % 360.0 - 180.0 + middle for a in angles[:-1]]
        batch = found.flexion_deg
        m = min(len(batch), len(self._angles))
        self._zero_deg = float(np.nanmedian(np.array(self._angles[-m:]) - batch[-m - 1 : -1][:m]))
        self._zeroed = not found.relative
        self._history.clear()
        self._ups.clear()

    def _apply_zero(self, time_s: float) -> None:
        if self._zeroed or not self._poses:
            return
        assert self._rate_hz is not None
        assert self._start_s is not None
        begin_s = self._start_s + self._strapping_start / self._rate_hz
        for pose in self._poses:
            if pose.time_s < begin_s or time_s < pose.time_s + pose.duration_s:
                continue
            low = round((pose.time_s - begin_s) * self._rate_hz)
            high = round((pose.time_s + pose.duration_s - begin_s) * self._rate_hz)
            window = self._angles[max(low, 0) : max(high, 0)]
            if window:
                self._zero_deg = float(np.median(window)) - pose.flexion_deg
                self._zeroed = True
                return


def count_swings(flexion_deg: Float) -> int:
    """How often the knee went from its lower to its upper third of the movement."""
    values = flexion_deg[np.isfinite(flexion_deg)]
    if not len(values):
        return 0
    low, high = np.percentile(values, [2, 98])
    state = np.where(values > high - (high - low) / 3, 1, np.where(values < low + (high - low) / 3, -1, 0))
    state = state[state != 0]
    return int(np.count_nonzero(np.diff(state) > 0))


def estimate_causally(
    thigh: ImuSamples,
    shank: ImuSamples,
    phases: Sequence[PhaseSpan],
    poses: Sequence[ReferencePose],
    parameters: AngleParameters,
) -> AngleResult:
    """The live angle of a finished recording: exactly what the stream would have shown."""
    live = LiveAngle(parameters=parameters)
    for phase in phases:
        live.set_phase(phase)
    for pose in poses:
        live.set_pose(pose)
    live.push(Segment.THIGH, clean(thigh))
    live.push(Segment.SHANK, clean(shank))
    track = live.update()
    found = live._found
    if found is None:
        raise CannotAnswerError(
            "The movement never showed the knee's axis well enough for a live angle.",
            "Begin with 8 to 10 slow swings of the lower leg, or use the whole-recording angle.",
        )
    relative = not live._zeroed
    return AngleResult(
        track=track,
        rate_hz=float(live._rate_hz or 0.0),
        zero="relative" if relative else "reference_pose",
        zero_sd_deg=float("nan") if relative else next(p.sd_deg for p in live._poses),
        axes=found.axes,
        thigh_tilt_deg=np.full(len(track.time_s), np.nan),
        diagnostics=found.diagnostics,
        warnings=found.warnings,
    )
