"""Checks on the raw samples whether both sensors send, rest, and sit on the right segments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.plausible import REST_ERROR_M_S2
from firmware_bridge.samples import ImuSamples, Segment

WINDOW_S = 1.0
SILENT_S = 0.5
# Above breathing, pulse and the gyro bias of consumer sensors.
STILL_DEG_S = 4.0
AVERAGE_S = 0.3
SWAP_RATIO = 1.5
SWAP_LEAST_DEG_S = 25.0
SWAP_LEAST_S = 4.0


@dataclass(frozen=True, slots=True)
class PlacementState:
    """State of both sensors, from their raw samples.

    Attributes:
        problems: one plain sentence each, worst first; empty if there are none.
        still_s: time since either sensor last moved.
        swapped: the thigh sensor swings more than the shank sensor, so they are probably exchanged.
    """

    problems: tuple[str, ...] = ()
    still_s: float = 0.0
    swapped: bool = False


class PlacementMonitor:
    """Monitors the raw samples of both sensors."""

    def __init__(self) -> None:
        self._sides = {segment: _Side() for segment in Segment}

    def push(self, segment: Segment, samples: ImuSamples) -> None:
        """Takes the next samples of one sensor."""
        self._sides[segment].push(samples)

    def restart_swings(self) -> None:
        """Starts detection of exchanged sensors; valid while only the lower leg swings."""
        for side in self._sides.values():
            side.restart_swings()

    def state(self, now_s: float) -> PlacementState:
        """The state at `now_s` of the session clock."""
        problems = []
        for segment, side in self._sides.items():
            problem = side.problem(now_s)
            if problem:
                problems.append(problem.format(sensor="shin" if segment is Segment.SHANK else "thigh"))
        still_s = min(side.still_s(now_s) for side in self._sides.values())
        return PlacementState(tuple(problems), still_s, self._swapped())

    def _swapped(self) -> bool:
        thigh, shank = self._sides[Segment.THIGH], self._sides[Segment.SHANK]
        if min(thigh.swung_s, shank.swung_s) < SWAP_LEAST_S:
            return False
        return thigh.swing_deg_s > max(SWAP_LEAST_DEG_S, SWAP_RATIO * shank.swing_deg_s)


class _Side:
    """One sensor."""

    def __init__(self) -> None:
        self._time_s = np.zeros(0)
        self._gyr_deg_s = np.zeros((0, 3))
        self._acc_m_s2 = np.zeros((0, 3))
        self._moved_s = -math.inf
        self._first_s = math.inf
        self.restart_swings()

    def restart_swings(self) -> None:
        self._squares, self._count = 0.0, 0
        self._swing_start_s = self._swing_stop_s = 0.0

    def push(self, samples: ImuSamples) -> None:
        if not len(samples):
            return
        kept = self._time_s > samples.time_s[-1] - WINDOW_S
        gyr_deg_s = np.degrees(samples.gyr_rad_s)
        times = np.concatenate((self._time_s[-1:], samples.time_s))
        silences = np.flatnonzero(np.diff(times) > SILENT_S)
        if len(silences):  # whether it moved meanwhile is not known
            self._moved_s = float(times[silences[-1] + 1])
        self._time_s = np.concatenate((self._time_s[kept], samples.time_s))
        self._gyr_deg_s = np.concatenate((self._gyr_deg_s[kept], gyr_deg_s))
        self._acc_m_s2 = np.concatenate((self._acc_m_s2[kept], samples.acc_m_s2))
        self._first_s = min(self._first_s, float(samples.time_s[0]))
        if self._is_moving():
            self._moved_s = float(self._time_s[-1])
        if not self._count:
            self._swing_start_s = float(samples.time_s[0])
        self._squares += float((gyr_deg_s**2).sum())
        self._count += len(samples)
        self._swing_stop_s = float(samples.time_s[-1])

    def _is_moving(self) -> bool:
        """Whether the mean rate of the last 0.3 s is above the limit; the mean removes noise and pulse."""
        recent = self._time_s > self._time_s[-1] - AVERAGE_S
        return float(np.linalg.norm(self._gyr_deg_s[recent].mean(axis=0))) > STILL_DEG_S

    @property
    def swung_s(self) -> float:
        return self._swing_stop_s - self._swing_start_s

    @property
    def swing_deg_s(self) -> float:
        return math.sqrt(self._squares / self._count) if self._count else 0.0

    def still_s(self, now_s: float) -> float:
        if not len(self._time_s) or now_s - self._time_s[-1] > SILENT_S:
            return 0.0
        return float(self._time_s[-1]) - max(self._moved_s, self._first_s)

    def problem(self, now_s: float) -> str:
        if not len(self._time_s):
            return "Nothing comes from the {sensor} sensor yet: switch it on and bring it near."
        if now_s - self._time_s[-1] > SILENT_S:
            return "The {sensor} sensor is silent: it may be asleep, empty or out of reach."
        if len(self._time_s) > 10 and not np.ptp(self._acc_m_s2, axis=0).any():
            return "The {sensor} sensor repeats one value: switch it off and on again."
        force_m_s2 = float(np.linalg.norm(self._acc_m_s2.mean(axis=0)))
        if self.still_s(now_s) >= WINDOW_S and abs(force_m_s2 - GRAVITY_M_S2) > REST_ERROR_M_S2:
            return "The {sensor} sensor weighs gravity wrongly: it may need its maker's calibration."
        return ""
