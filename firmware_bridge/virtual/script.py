"""What the simulated person does: a script of postures, knee and hip courses, and session events.

Angles here are in degrees, as a person would say them; flexion 0 = straight, + bent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from firmware_bridge.samples import Segment, Side
from firmware_bridge.session.model import Event, Phase, PhaseName, PoseMethod, ReferencePose, TestName
from firmware_bridge.virtual.signals import Course, Move

Posture = Literal["prone", "supine", "standing", "seated", "side_lying", "ake"]

# How far the hip bends with each degree of knee flexion: a heel slide, a small squat, a thigh on a table.
_HIP_PER_KNEE: dict[Posture, float] = {
    "prone": 0.0, "supine": 0.5, "standing": 0.3, "seated": 0.05, "side_lying": 0.2, "ake": 0.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PostureChange:
    """The person turns into `posture` during [start_s, stop_s)."""

    start_s: float
    stop_s: float
    posture: Posture


@dataclass(frozen=True, slots=True)
class Hold:
    """The knee was held at an end position during [start_s, stop_s): what a repetition is measured by."""

    start_s: float
    stop_s: float
    phase: PhaseName
    test: TestName | None


@dataclass(frozen=True, slots=True)
class Slip:
    """A sensor slides round on its limb, in the sagittal plane, at `time_s`, within `duration_s`.

    A positive `slip_deg` makes the same pose read straighter, whichever sensor slides.
    """

    time_s: float
    slip_deg: float
    segment: Segment = Segment.SHANK
    duration_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Script:
    """A whole session of one leg, before any sensor is strapped on.

    Attributes:
        side: the leg.
        posture: at the start; `turns` follow.
        duration_s: length of the session.
        flexion_deg: the knee.
        hip_deg: hip flexion beyond that of the posture.
        restlessness: 0 = as still as one can, 1 = the thigh tilts and turns freely.
        effort: 0 = relaxed, 1 = full contraction; moves soft tissue and brings tremor.
        events: as they would stand in events.jsonl.
        holds: the end positions held.
        slips: of the sensors.
        sway_deg: RMS of the slow unsteadiness of the limbs at rest.
        tilt_deg: RMS tilt of the thigh at full restlessness.
        tremor_deg: RMS knee tremor (6 to 11 Hz) at full effort.
        seed: of the wandering.
    """

    side: Side
    posture: Posture
    duration_s: float
    flexion_deg: Course
    hip_deg: Course
    restlessness: Course
    effort: Course
    turns: tuple[PostureChange, ...] = ()
    events: tuple[Event, ...] = ()
    holds: tuple[Hold, ...] = ()
    slips: tuple[Slip, ...] = ()
    sway_deg: float = 0.1
    tilt_deg: float = 10.0
    tremor_deg: float = 0.0
    seed: int = 0

    def first(self, duration_s: float) -> Script:
        """The beginning of the session; what is not over by then is left out."""
        if duration_s >= self.duration_s:
            return self
        return replace(
            self,
            duration_s=duration_s,
            events=tuple(event for event in self.events if event.time_s < duration_s),
            holds=tuple(hold for hold in self.holds if hold.stop_s <= duration_s),
        )


@dataclass(slots=True)
class _CourseWriter:
    initial: float
    moves: list[Move] = field(default_factory=list)

    @property
    def target(self) -> float:
        return self.moves[-1].target if self.moves else self.initial

    def move(self, start_s: float, duration_s: float, target: float) -> None:
        if target != self.target:
            self.moves.append(Move(start_s, start_s + duration_s, target))

    def done(self) -> Course:
        return Course(self.initial, tuple(self.moves))


class ScriptWriter:
    """Writes a script step by step; every step advances `time_s`."""

    def __init__(self, posture: Posture, flexion_deg: float, side: Side = Side.RIGHT) -> None:
        self.time_s = 0.0
        self._side = side
        self._initial_posture: Posture = posture
        self._posture: Posture = posture
        self._flexion = _CourseWriter(flexion_deg)
        self._hip = _CourseWriter(_HIP_PER_KNEE[posture] * flexion_deg)
        self._restlessness = _CourseWriter(0.0)
        self._effort = _CourseWriter(0.0)
        self._turns: list[PostureChange] = []
        self._events: list[Event] = []
        self._holds: list[Hold] = []
        self._phase: PhaseName = "swings"
        self._test: TestName | None = None

    @property
    def flexion_deg(self) -> float:
        """Where the knee is now."""
        return self._flexion.target

    @property
    def posture(self) -> Posture:
        """Where the person is now."""
        return self._posture

    def phase(self, name: PhaseName, test: TestName | None = None) -> None:
        """From here on the session is in this phase."""
        self._phase, self._test = name, test
        self._events.append(Phase(self.time_s, name, test))

    def wait(self, duration_s: float) -> None:
        """Nothing moves."""
        self.time_s += duration_s

    def bend_to(self, flexion_deg: float, duration_s: float) -> None:
        """Moves the knee, and the hip as far as the posture demands."""
        self._flexion.move(self.time_s, duration_s, flexion_deg)
        self._hip.move(self.time_s, duration_s, _HIP_PER_KNEE[self._posture] * flexion_deg)
        self.time_s += duration_s

    def hold(self, duration_s: float) -> None:
        """Holds an end position that counts."""
        self._holds.append(Hold(self.time_s, self.time_s + duration_s, self._phase, self._test))
        self.time_s += duration_s

    def reference_pose(
        self, duration_s: float, error_deg: float = 0.0, sd_deg: float = 1.0, method: PoseMethod = "jig"
    ) -> None:
        """Holds still while the angle is read off, with the error of that reading."""
        angle_deg = self.flexion_deg + error_deg
        self._events.append(ReferencePose(self.time_s, duration_s, angle_deg, sd_deg, method))
        self.time_s += duration_s

    def turn_to(self, posture: Posture, duration_s: float = 4.0) -> None:
        """Turns the whole body; the knee keeps its angle."""
        if posture == self._posture:
            return
        self._turns.append(PostureChange(self.time_s, self.time_s + duration_s, posture))
        self._posture = posture
        self._hip.move(self.time_s, duration_s, _HIP_PER_KNEE[posture] * self.flexion_deg)
        self.time_s += duration_s

    def push_to(self, effort: float, duration_s: float) -> None:
        """Changes the muscle effort while time passes."""
        self._effort.move(self.time_s, duration_s, effort)
        self.time_s += duration_s

    def effort_during(self, effort: float, duration_s: float) -> None:
        """Changes the muscle effort over the coming `duration_s`, without advancing the time."""
        self._effort.move(self.time_s, duration_s, effort)

    @contextmanager
    def restless(self, level: float = 1.0, ramp_s: float = 1.0) -> Iterator[None]:
        """The thigh tilts and turns during the steps inside, which must take longer than `ramp_s`."""
        self._restlessness.move(self.time_s, ramp_s, level)
        yield
        self._restlessness.move(self.time_s, ramp_s, 0.0)

    def done(self, slips: tuple[Slip, ...] = (), tremor_deg: float = 0.0, seed: int = 0) -> Script:
        """The finished script."""
        return Script(
            side=self._side,
            posture=self._initial_posture,
            duration_s=self.time_s,
            flexion_deg=self._flexion.done(),
            hip_deg=self._hip.done(),
            restlessness=self._restlessness.done(),
            effort=self._effort.done(),
            turns=tuple(self._turns),
            events=tuple(self._events),
            holds=tuple(self._holds),
            slips=slips,
            tremor_deg=tremor_deg,
            seed=seed,
        )
