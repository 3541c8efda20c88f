"""The strapping-on check: are both sensors there, awake, on their own segments and at rest?"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from firmware_bridge.samples import ImuSamples, Segment

GRAVITY_M_S2 = 9.81
WINDOW_S = 1.0
SILENT_S = 0.5
# A person at rest, strapped sensors: breathing and pulse stay below.
STILL_DEG_S = 4.0
GRAVITY_ERROR_M_S2 = 0.6
SWAP_RATIO = 1.5
SWAP_LEAST_DEG_S = 25.0
SWAP_LEAST_S = 4.0


@dataclass(frozen=True, slots=True)
class StrapState:
    """What the raw signals say about the strapping.

    Attributes:
        problems: one plain sentence each, worst first; empty = all well.
        still_s: how long both sensors have been at rest.
        swapped: the movement fits better if thigh and shin were exchanged.
    """

    problems: tuple[str, ...] = ()
    still_s: float = 0.0
    swapped: bool = False


class StrapWatch:
    """Follows the raw samples of both sensors."""

    def __init__(self) -> None:
        self._sides = {segment: _Side() for segment in Segment}

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Takes the next samples of one sensor."""
        self._sides[segment].push(samples)

    def restart_swings(self) -> None:
        """From here on the lower leg swings while the thigh rests; only then a swap can be seen."""
        for side in self._sides.values():
            side.restart_swings()

    def state(self, now_s: float) -> StrapState:
        """What is known at `now_s` of the session clock."""
        problems = []
        for segment, side in self._sides.items():
            problem = side.problem(now_s)
            if problem:
                problems.append(problem.format(sensor="shin" if segment is Segment.SHANK else "thigh"))
        still_s = min(side.still_s(now_s) for side in self._sides.values())
        return StrapState(tuple(problems), still_s, self._swapped())

    def _swapped(self) -> bool:
        thigh, shank = self._sides[Segment.THIGH], self._sides[Segment.SHANK]
        if min(thigh.swung_s, shank.swung_s) < SWAP_LEAST_S:
            return False
        return thigh.swing_deg_s > max(SWAP_LEAST_DEG_S, SWAP_RATIO * shank.swing_deg_s)


class _Side:
    """One sensor."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float, float, float]] = deque()
        self._still_since_s = math.inf
        self.restart_swings()

    def restart_swings(self) -> None:
        self._squares, self._count = 0.0, 0
        self._swing_start_s = self._swing_stop_s = math.nan

    def push(self, samples: ImuSamples) -> None:
        rates = np.degrees(np.linalg.norm(samples.gyr_rad_s, axis=1))
        forces = np.linalg.norm(samples.acc_m_s2, axis=1)
        marks = samples.acc_m_s2.sum(axis=1)
        for row in zip(samples.time_s.tolist(), rates.tolist(), forces.tolist(), marks.tolist(), strict=True):
            self._take(*row)

    def _take(self, time_s: float, rate_deg_s: float, force_m_s2: float, mark: float) -> None:
        self._recent.append((time_s, rate_deg_s, force_m_s2, mark))
        while self._recent[0][0] < time_s - WINDOW_S:
            self._recent.popleft()
        if rate_deg_s > STILL_DEG_S:
            self._still_since_s = math.inf
        elif math.isinf(self._still_since_s):
            self._still_since_s = time_s
        self._squares += rate_deg_s**2
        self._count += 1
        if self._count == 1:
            self._swing_start_s = time_s
        self._swing_stop_s = time_s

    @property
    def swung_s(self) -> float:
        return self._swing_stop_s - self._swing_start_s if self._count else 0.0

    @property
    def swing_deg_s(self) -> float:
        return math.sqrt(self._squares / self._count) if self._count else 0.0

    def still_s(self, now_s: float) -> float:
        if not self._recent or now_s - self._recent[-1][0] > SILENT_S:
            return 0.0
        return max(0.0, self._recent[-1][0] - self._still_since_s)

    def problem(self, now_s: float) -> str:
        if not self._recent:
            return "Nothing comes from the {sensor} sensor yet: switch it on and bring it near."
        if now_s - self._recent[-1][0] > SILENT_S:
            return "The {sensor} sensor is silent: it may be asleep, empty or out of reach."
        _, rates, forces, marks = np.array(self._recent).T
        if len(self._recent) > 10 and np.ptp(marks) == 0:
            return "The {sensor} sensor repeats one value: switch it off and on again."
        resting = rates.max() < STILL_DEG_S and forces.std() < 0.3
        if resting and abs(forces.mean() - GRAVITY_M_S2) > GRAVITY_ERROR_M_S2:
            return "The {sensor} sensor weighs gravity wrongly: it may need its maker's calibration."
        return ""
