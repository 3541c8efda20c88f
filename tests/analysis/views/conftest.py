"""Hand-made answers: what the views are drawn from, without a pipeline behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from analysis.angle.result import AngleResult, FlexionTrack, HingeAxes
from analysis.answer import Answer
from analysis.change.result import Block, Comparison
from analysis.guide.motion import MotionTracker
from analysis.guide.prompt import Prompt
from analysis.live.frame import LiveFrame, SensorState, UserCommand
from analysis.movement.result import Plateau, Release, Repetition
from analysis.views import report
from firmware_bridge.findings import Finding
from firmware_bridge.samples import ImuSamples, Segment, Side
from firmware_bridge.session.model import (
    Event,
    LinkEvent,
    Marker,
    Pain,
    Phase,
    PhaseName,
    Recording,
    ReferencePose,
    SensorInfo,
    SessionInfo,
    TestName,
)

RATE_HZ = 50.0
MEASURED: tuple[PhaseName, ...] = ("warmup", "before", "before_again", "after", "after_5min")


class _Session:
    """Builds a track phase by phase."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.pieces: list[np.ndarray] = []
        self.events: list[Event] = []
        self.repetitions: list[Repetition] = []
        self.releases: list[Release] = []

    @property
    def now_s(self) -> float:
        return sum(len(p) for p in self.pieces) / RATE_HZ

    def move(self, *, to_deg: float, in_s: float, from_deg: float | None = None) -> None:
        start = from_deg if from_deg is not None else (self.pieces[-1][-1] if self.pieces else to_deg)
        share = np.linspace(0.0, 1.0, max(2, int(in_s * RATE_HZ)))
        smooth = share**3 * (10 - 15 * share + 6 * share**2)
        self.pieces.append(start + (to_deg - start) * smooth)

    def hold(self, in_s: float) -> None:
        self.move(to_deg=self.pieces[-1][-1], in_s=in_s)

    def phase(self, name: PhaseName, test: TestName | None = None) -> None:
        self.events.append(Phase(self.now_s, name, test))

    def measure(self, name: PhaseName, test: TestName, extension_deg: float, n: int) -> None:
        self.phase(name, test)
        for _ in range(n):
            start_s, reached = self.now_s, extension_deg + self.rng.normal(0, 0.8)
            self.move(to_deg=40 + self.rng.normal(0, 3), in_s=1.5)
            self.move(to_deg=reached, in_s=1.5)
            plateau_s = self.now_s
            self.hold(2.5)
            plateau = Plateau(plateau_s, self.now_s, reached, 0.4)
            self.repetitions.append(Repetition(start_s, self.now_s, name, test, 40.0, plateau))

    def exercise(self, n: int) -> None:
        self.phase("pandiculation")
        self.move(to_deg=90, in_s=3)
        for _ in range(n):
            self.move(to_deg=100, in_s=1)
            self.hold(4)
            release_s, length_s = self.now_s, 9 + self.rng.normal(0, 1)
            self.move(to_deg=14, in_s=length_s)
            metrics = {
                "duration_s": length_s * 0.8,
                "mean_rate_deg_s": 86 / length_s,
                "peak_rate_deg_s": 1.9 * 86 / length_s,
                "rate_cv": 0.35 + self.rng.normal(0, 0.05),
                "pause_count": float(self.rng.integers(0, 2)),
                "pause_s": 0.4,
                "reversal_count": 0.0,
                "sparc": -1.6 + self.rng.normal(0, 0.05),
                "tremor_deg": 0.08,
                "hold_s": 4.0,
                "hold_sd_deg": 0.6,
                "relaxation_drift_deg": float("nan"),
            }
            self.releases.append(Release(release_s, self.now_s, metrics))
            self.hold(3)
            self.move(to_deg=90, in_s=3)


def _imu(duration_s: float) -> ImuSamples:
    time_s = np.arange(0.0, duration_s, 0.5)
    up = np.tile([0.0, 0.0, 9.81], (len(time_s), 1))
    return ImuSamples(time_s, up, np.zeros_like(up))


def _block(session: _Session, phase: str, test: TestName | None) -> Block | None:
    held = [r.extension for r in session.repetitions if (r.phase, r.test) == (phase, test)]
    values = [p.flexion_deg for p in held if p]
    if not values:
        return None
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    times = [p for p in held if p]
    return Block(phase, float(np.mean(values)), spread, len(values), times[0].start_s, times[-1].stop_s)


def _compare(session: _Session, test: TestName | None) -> Comparison:
    blocks = {p: b for p in MEASURED if (b := _block(session, p, test))}
    before, after = blocks.get("before_again", blocks.get("before")), blocks.get("after")
    rested = "before_again" in blocks
    change = before.extension_deg - after.extension_deg if before and after else None
    control = blocks["before"].extension_deg - blocks["before_again"].extension_deg if rested else None
    net = change - control if change is not None and control is not None else None
    judged = net if net is not None else change
    detectable = 4.2
    gained = judged is not None and judged > detectable
    return Comparison(
        test=test,
        before=before,
        after=after,
        relative=False,
        change_deg=change,
        change_ci95_deg=None if change is None else (change - 1.9, change + 1.9),
        control_change_deg=control,
        net_change_deg=net,
        net_change_ci95_deg=None if net is None else (net - 2.6, net + 2.6),
        detectable_change_deg=detectable,
        detectable_change_source="a default: 1.5 deg between blocks of the same strapping",
        slip_deg=0.4,
        verdict="gained" if gained else "no detectable change",
        reason="The change is larger than what this set-up can mistake for one."
        if gained
        else "The change is within measurement noise.",
        blocks=blocks,
    )


def build_answer(kind: str = "gain", *, rest: bool = True, repetitions: int = 5, seed: int = 3) -> Answer:
    """One answer of the named kind: gain, none, relative, few, slipped, lost, two_tests."""
    gain_deg = 0.6 if kind == "none" else 6.5
    session = _Session(seed)
    session.phase("reference")
    session.move(to_deg=12, in_s=6, from_deg=12.0)
    if kind != "relative":
        session.events.append(ReferencePose(0.5, 5, 12.0, 2.0, "goniometer"))
    session.events.append(Pain(3.0, 2))
    session.phase("swings")
    for _ in range(6):
        session.move(to_deg=70, in_s=1.2)
        session.move(to_deg=20, in_s=1.2)
    session.measure("warmup", "standing", 13.5, 3)
    tests: tuple[TestName, ...] = ("standing", "prone") if kind == "two_tests" else ("standing",)
    for test in tests:
        session.measure("before", test, 11.5, 1 if kind == "few" else repetitions)
    if rest:
        session.phase("rest")
        session.hold(40)
        session.measure("before_again", "standing", 11.0, repetitions)
    session.exercise(2 if kind == "few" else 5)
    session.phase("quad_press")
    session.move(to_deg=8, in_s=4)
    session.hold(10)
    session.events.append(Marker(session.now_s, "cramp in the foot"))
    for test in tests:
        session.measure("after", test, 11.2 - gain_deg, 1 if kind == "few" else repetitions)
    session.phase("pause")
    session.hold(20)
    session.measure("after_5min", "standing", 11.5 - gain_deg, repetitions)
    session.phase("closing_reference")
    session.move(to_deg=12, in_s=4)
    session.hold(6)
    session.events.append(Pain(session.now_s - 1, 1))

    flexion = np.concatenate(session.pieces) + 0.0
    time_s = np.arange(len(flexion)) / RATE_HZ
    flexion = flexion + session.rng.normal(0, 0.1, len(flexion))
    valid = np.ones(len(flexion), bool)
    findings: list[Finding] = []
    if kind == "lost":
        for start_s, stop_s in ((61.0, 66.5), (150.0, 181.0), (205.0, 205.3)):
            valid[(time_s >= start_s) & (time_s < stop_s)] = False
        text = "The shin sensor was silent for 37 s in 3 gaps; nothing was measured there."
        findings.append(Finding("missing", Segment.SHANK, None, text, "gap"))
        session.events += [
            LinkEvent(150.0, Segment.SHANK, "lost"),
            LinkEvent(181.0, Segment.SHANK, "recovered"),
        ]
    flexion[~valid] = np.nan
    sd = 0.4 + 0.5 * (np.abs(np.gradient(np.nan_to_num(flexion), 1 / RATE_HZ)) > 3)
    relative = kind == "relative"
    if relative:
        flexion = flexion - np.nanmin(flexion)
        text = "No reference pose was recorded: only changes can be told, not how far from straight."
        findings.append(Finding("relative", None, None, text))
    info = SessionInfo(
        id="2026-03-14-k017",
        client="K017",
        side=Side.RIGHT,
        started_at="2026-03-14T09:30:00+00:00",
        status="closed",
        sensors={
            Segment.THIGH: SensorInfo("kneeflex", "KF-thigh", "1.0", 100.0),
            Segment.SHANK: SensorInfo("kneeflex", "KF-shank", "1.0", 100.0),
        },
        software={"kneeflex": "0.1.0", "python": "3.11.9"},
    )
    recording = Recording(info, _imu(time_s[-1]), _imu(time_s[-1]), tuple(session.events))
    angle = AngleResult(
        track=FlexionTrack(time_s, flexion, sd, valid),
        rate_hz=RATE_HZ,
        zero="relative" if relative else "reference_pose",
        zero_sd_deg=float("nan") if relative else 2.1,
        axes=HingeAxes(np.array([0.0, 0, 1]), np.array([0.0, 0, 1]), 1.3, 4.2, 5.1),
        thigh_tilt_deg=np.cumsum(session.rng.normal(0, 0.02, len(flexion))),
        pose_check_deg=() if relative else ((float(time_s[-1]) - 4, 4.9 if kind == "slipped" else -0.4),),
        diagnostics={"gyro_bias_thigh_deg_s": 0.21, "gyro_bias_shank_deg_s": -0.34, "still_share": 0.31},
        findings=tuple(findings),
    )
    comparisons = tuple(_compare(session, test) for test in tests)
    return Answer(
        recording,
        angle,
        tuple(session.repetitions),
        tuple(session.releases),
        tuple(_adapted(c, kind) for c in comparisons),
    )


def _adapted(comparison: Comparison, kind: str) -> Comparison:
    if kind == "few":
        return replace(
            comparison,
            change_ci95_deg=None,
            net_change_ci95_deg=None,
            verdict="not enough data",
            reason="The block 'before' holds 1 repetition with a still end position; 3 are needed.",
        )
    if kind == "slipped":
        return replace(
            comparison,
            slip_deg=4.9,
            verdict="no detectable change",
            reason="The closing check reads 4.9 deg straighter in the same pose, about the whole change.",
            findings=(Finding("slip", None, None, "The straps moved by 4.9 deg: it may be strap slip."),),
        )
    if kind == "relative":
        return replace(comparison, relative=True, slip_deg=None)
    if kind == "lost":
        text = "2 of 5 repetitions fell into a gap of the shin sensor."
        return replace(comparison, findings=(Finding("no_value", None, None, text),))
    return comparison


class PlayedFeed:
    """Plays an answer's track by a clock that the caller sets."""

    def __init__(self, answer: Answer, clock: Callable[[], float], *, rate_hz: float = RATE_HZ) -> None:
        self._answer, self._clock = answer, clock
        self._row = 0
        self._watch = MotionTracker(rate_hz)
        self._phase: PhaseName | None = None
        self.commands: list[UserCommand] = []
        self.prompt: Prompt | None = None
        self.sensors: tuple[SensorState, ...] = (
            SensorState(Segment.THIGH, "connected", 87, 0.0, 0.021),
            SensorState(Segment.SHANK, "connected", 64, 0.3, 0.034),
        )
        self.changes: dict[str, object] = {}

    def poll(self) -> LiveFrame:
        now_s, track = self._clock(), self._answer.angle.track
        stop = int(np.searchsorted(track.time_s, now_s, side="right"))
        rows = slice(self._row, stop)
        self._row = stop
        new = FlexionTrack(
            track.time_s[rows], track.flexion_deg[rows], track.flexion_sd_deg[rows], track.valid[rows]
        )
        span = next((p for p in self._answer.recording.phases if p.start_s <= now_s < p.stop_s), None)
        if span is not None and span.name != self._phase:
            self._phase = span.name
            self._watch.restart()
        frame = LiveFrame(
            now_s=now_s,
            track=new,
            sensors=self.sensors,
            motion=self._watch.feed(new),
            phase=span.name if span else None,
            test=span.test if span else None,
            prompt=self.prompt,
            relative=self._answer.angle.zero == "relative",
            finished=any(c.name == "stop" for c in self.commands) or stop >= len(track.time_s),
        )
        return replace(frame, **self.changes)

    def command(self, command: UserCommand) -> None:
        self.commands.append(command)


@pytest.fixture(scope="session")
def make_feed() -> Callable[..., PlayedFeed]:
    return PlayedFeed


@pytest.fixture(scope="session")
def make_answer() -> Callable[..., Answer]:
    return build_answer


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that only read the text of a report: drawing is most of its time."""
    figures = dict.fromkeys(("session", "change", "releases"))
    monkeypatch.setattr(report, "session_figures", lambda answer: figures)
    monkeypatch.setattr(report, "data_uri", lambda figure: "data:,")
