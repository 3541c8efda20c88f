"""The data model of a session: person, leg, sensors, samples and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from firmware_bridge.findings import Finding, sentences
from firmware_bridge.samples import ImuSamples, Segment, Side
from firmware_bridge.timing.device_clock import DeviceClock

PhaseName = Literal[
    "swings", "reference", "warmup", "before", "rest", "before_again", "pandiculation", "quad_press",
    "after", "after_5min", "after_10min", "after_30min", "closing_reference", "restrap", "pause",
]  # fmt: skip
TestName = Literal["standing", "supine", "prone", "ake"]
PoseMethod = Literal["goniometer", "straightedge", "jig", "verified_straight"]
Status = Literal["recording", "closed", "recovered", "imported"]

PHASE_NAMES: tuple[str, ...] = get_args(PhaseName)
TEST_NAMES: tuple[str, ...] = get_args(TestName)
# A sensor can send nothing before it is over: decimated samples are at best means over the step before.
STEP_MEAN = 0.5
POSE_METHODS: tuple[str, ...] = get_args(PoseMethod)


@dataclass(frozen=True, slots=True)
class SensorInfo:
    """One sensor as it was used. Ranges and clock are None where nothing is known of them.

    Attributes:
        driver, name, firmware: what it is.
        nominal_rate_hz, acc_range_m_s2, gyr_range_rad_s: what it was set to.
        clock: how to read its clock columns.
        sample_delay_steps: by how many steps from one sample to the next the middle of what a sample
            describes lies before its time: 0.5 = the mean over the step before, 0 = the value at that time.
    """

    driver: str
    name: str = ""
    firmware: str = ""
    nominal_rate_hz: float | None = None
    acc_range_m_s2: float | None = None
    gyr_range_rad_s: float | None = None
    clock: DeviceClock | None = None
    sample_delay_steps: float = STEP_MEAN


@dataclass(frozen=True, slots=True)
class Phase:
    """From here on the session is in this phase, until the next one. `test` only where one measures."""

    time_s: float
    name: PhaseName
    test: TestName | None = None


@dataclass(frozen=True, slots=True)
class ReferencePose:
    """The knee was held still at a known angle during [time_s, time_s + duration_s)."""

    time_s: float
    duration_s: float
    flexion_deg: float
    sd_deg: float
    method: PoseMethod


@dataclass(frozen=True, slots=True)
class Marker:
    """A free remark."""

    time_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Pain:
    """A pain score the person gave, 0 to 10."""

    time_s: float
    score: float


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """A change of a sensor's link.

    state is "lost", "stalled", "recovered", "battery", "problem" (the sensor complains), "garbage" (bytes
    that made no sense) or "clock" (the sensor's constant delay by round trips or a sync movement).
    """

    time_s: float
    segment: Segment
    state: str
    detail: Mapping[str, float | str] = field(default_factory=dict)


Event = Phase | ReferencePose | Marker | Pain | LinkEvent


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """The content of session.json. `client` is a code, never a name; `started_at` is UTC, ISO 8601.

    `findings` is what was known when the session was recorded or imported, such as clocks that were not
    synchronised or a sample rate that was typed in; it is read again with the session.
    """

    id: str
    client: str
    side: Side
    started_at: str
    status: Status
    sensors: Mapping[Segment, SensorInfo]
    software: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """One phase with its end: [start_s, stop_s)."""

    start_s: float
    stop_s: float
    name: PhaseName
    test: TestName | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Recording:
    """A whole session in memory.

    `findings` holds those of `info` and what reading had to repair.
    """

    info: SessionInfo
    thigh: ImuSamples
    shank: ImuSamples
    events: tuple[Event, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences of the findings, each once."""
        return sentences(self.findings)

    @property
    def duration_s(self) -> float:
        """Time of the last sample of either sensor, on the session clock."""
        return max((float(s.time_s[-1]) for s in (self.thigh, self.shank) if len(s)), default=0.0)

    @property
    def phases(self) -> tuple[PhaseSpan, ...]:
        """The phases in order of time, each ending where the next begins, the last with the data."""
        starts = sorted((e for e in self.events if isinstance(e, Phase)), key=lambda e: e.time_s)
        if not starts:
            return ()
        stops = [*(e.time_s for e in starts[1:]), max(self.duration_s, starts[-1].time_s)]
        return tuple(PhaseSpan(p.time_s, stop, p.name, p.test) for p, stop in zip(starts, stops, strict=True))

    @property
    def reference_poses(self) -> tuple[ReferencePose, ...]:
        """The reference poses in order of time; of several at one time the one written last counts."""
        poses = {e.time_s: e for e in self.events if isinstance(e, ReferencePose)}
        return tuple(poses[time_s] for time_s in sorted(poses))
