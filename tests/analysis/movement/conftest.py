"""A flexion track written movement by movement, with everything known about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from analysis.angle.result import FlexionTrack
from firmware_bridge.samples import Float
from firmware_bridge.session.model import PhaseName, PhaseSpan, TestName


@dataclass
class TrackWriter:
    """Appends holds and minimum-jerk movements; `track` and `phases` give what was written."""

    rate_hz: float = 100.0
    start_deg: float = 20.0
    parts: list[Float] = field(default_factory=list)
    marks: list[tuple[int, PhaseName, TestName | None]] = field(default_factory=list)

    @property
    def n(self) -> int:
        return sum(map(len, self.parts))

    @property
    def now_deg(self) -> float:
        return float(self.parts[-1][-1]) if self.parts else self.start_deg

    def phase(self, name: PhaseName, test: TestName | None = "prone") -> TrackWriter:
        self.marks.append((self.n, name, test))
        return self

    def hold(self, duration_s: float) -> TrackWriter:
        self.parts.append(np.full(round(duration_s * self.rate_hz), self.now_deg))
        return self

    def move(self, to_deg: float, duration_s: float) -> TrackWriter:
        u = np.arange(1, round(duration_s * self.rate_hz) + 1) / round(duration_s * self.rate_hz)
        self.parts.append(self.now_deg + (to_deg - self.now_deg) * (10 * u**3 - 15 * u**4 + 6 * u**5))
        return self

    def ramp(self, to_deg: float, duration_s: float) -> TrackWriter:
        n = round(duration_s * self.rate_hz)
        self.parts.append(self.now_deg + (to_deg - self.now_deg) * np.arange(1, n + 1) / n)
        return self

    def repetition(self, extension_deg: float, bent_deg: float = 70.0, hold_s: float = 2.0) -> TrackWriter:
        return self.move(bent_deg, 1.5).move(extension_deg, 2.0).hold(hold_s)

    @property
    def time_s(self) -> Float:
        return np.arange(self.n) / self.rate_hz

    def track(
        self, added_deg: Float | float = 0.0, lost: tuple[tuple[float, float], ...] = ()
    ) -> FlexionTrack:
        flexion_deg = np.concatenate(self.parts) + added_deg
        valid = np.ones(self.n, dtype=bool)
        for start_s, stop_s in lost:
            valid[(self.time_s >= start_s) & (self.time_s < stop_s)] = False
        flexion_deg = np.where(valid, flexion_deg, np.nan)
        return FlexionTrack(self.time_s, flexion_deg, np.full(self.n, 0.3), valid)

    def phases(self) -> tuple[PhaseSpan, ...]:
        ends = [m[0] for m in self.marks[1:]] + [self.n]
        return tuple(
            PhaseSpan(start / self.rate_hz, stop / self.rate_hz, name, test)
            for (start, name, test), stop in zip(self.marks, ends, strict=True)
        )


@pytest.fixture
def writer() -> Callable[..., TrackWriter]:
    return TrackWriter
