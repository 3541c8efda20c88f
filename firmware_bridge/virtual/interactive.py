"""A simulated leg that is told what to do while it is being measured: its script grows as time passes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from firmware_bridge.samples import Float, ImuSamples, Segment, Side
from firmware_bridge.virtual.leg import HUMAN_KNEE, Body, Knee, Leg
from firmware_bridge.virtual.playback import Playback
from firmware_bridge.virtual.script import Posture, Script, ScriptWriter
from firmware_bridge.virtual.simulation import ideal_samples
from firmware_bridge.virtual.wearing import Wearing, Worn

# Samples are computed in portions; movements begin at least `lead_s` after they are ordered, which is longer.
PORTION_S = 0.25
LEAD_S = 0.4
# Where what was ordered reaches further, so many portions at once: a call costs as much as a hundred samples.
_MOST_PORTIONS = 8


@dataclass(slots=True)
class _Errors:
    """Noise and drifting bias of one sensor."""

    rng: np.random.Generator
    walk_rad_s: Float = field(default_factory=lambda: np.zeros(3))


class InteractiveLeg:
    """A leg with two sensors whose movements are ordered one after the other. Thread-safe.

    Args:
        posture, flexion_deg: at the start.
        side: the leg.
        wearing: the sensors; `Wearing.realistic(seed=seed)` if None.
        knee: how far it is from a perfect hinge.
        rate_hz: nominal rate of both sensors.
        tremor_deg: RMS knee tremor at full effort.
        seed: of noise and wandering.
        lead_s: least time from an order to its movement; nothing further ahead may be measured.
    """

    def __init__(
        self,
        posture: Posture = "prone",
        flexion_deg: float = 20.0,
        *,
        side: Side = Side.RIGHT,
        wearing: Wearing | None = None,
        knee: Knee = HUMAN_KNEE,
        rate_hz: float = 100.0,
        tremor_deg: float = 0.3,
        seed: int = 0,
        lead_s: float = LEAD_S,
    ) -> None:
        self._lead_s = lead_s
        self.side, self.rate_hz = side, rate_hz
        self.wearing = Wearing.realistic(seed=seed) if wearing is None else wearing
        self._body, self._tremor_deg, self._seed = Body(knee=knee), tremor_deg, seed
        self._writer = ScriptWriter(posture, flexion_deg, side)
        self._leg: Leg | None = None  # of the orders so far
        self._lock = threading.Lock()
        self._errors: Mapping[Segment, _Errors] = {
            segment: _Errors(np.random.default_rng((seed, 4, place))) for place, segment in enumerate(Segment)
        }

    @property
    def posture(self) -> Posture:
        """Where the person is, or is turning to."""
        return self._writer.posture

    @property
    def free_s(self) -> float:
        """When the last movement that was ordered is over."""
        return self._writer.time_s

    def bend_to(self, now_s: float, flexion_deg: float, duration_s: float) -> None:
        """Moves the knee after the movements ordered so far."""
        with self._lock:
            self._begin(now_s)
            self._writer.bend_to(flexion_deg, duration_s)

    def swing_to(self, now_s: float, flexion_deg: float, duration_s: float) -> None:
        """Moves the knee while the thigh tilts and turns."""
        with self._lock:
            self._begin(now_s)
            with self._writer.restless(ramp_s=min(0.4, duration_s / 3)):
                self._writer.bend_to(flexion_deg, duration_s)
            self._writer.wait(min(0.4, duration_s / 3))

    def stay(self, now_s: float, duration_s: float) -> None:
        """Keeps still."""
        with self._lock:
            self._begin(now_s)
            self._writer.wait(duration_s)

    def turn_to(self, now_s: float, posture: Posture, duration_s: float = 4.0) -> None:
        """Turns the whole body."""
        with self._lock:
            self._begin(now_s)
            self._writer.turn_to(posture, duration_s)

    def push_to(self, now_s: float, effort: float, duration_s: float = 0.8) -> None:
        """Changes the muscle effort, 0 to 1."""
        with self._lock:
            self._begin(now_s)
            self._writer.push_to(effort, duration_s)

    def flexion_deg(self, time_s: Float) -> Float:
        """The true flexion (n,), at most `lead_s` ahead of the newest order."""
        return self._ordered().flexion_deg(time_s)

    @property
    def script(self) -> Script:
        """What was ordered so far."""
        return self._ordered().script

    def time_s(self, segment: Segment, start: int, stop: int) -> Float:
        """When a sensor measures the samples [start, stop), in the time of the leg."""
        worn = self.wearing[segment]
        return np.asarray(worn.phase_s + np.arange(start, stop) * worn.period_s(self.rate_hz), np.float64)

    def ideal(self, segment: Segment, start: int, stop: int) -> tuple[Float, Float]:
        """Specific force (n, 3) in m/s^2 and angular rate (n, 3) in rad/s of samples without any error."""
        time_s = self.time_s(segment, start, stop)
        return ideal_samples(self._ordered(), segment, self.wearing[segment], time_s, self.rate_hz)

    def measured(self, segment: Segment, acc: Float, gyr: Float) -> tuple[Float, Float]:
        """Ideal samples (n, 3) with the errors of the sensor; each once, in order."""
        worn, errors, n = self.wearing[segment], self._errors[segment], len(acc)
        step_rad_s = worn.gyr_bias_walk_rad_s * np.sqrt(worn.period_s(self.rate_hz) / 60.0)
        walk = errors.walk_rad_s + np.cumsum(errors.rng.normal(0.0, 1.0, (n, 3)), axis=0) * step_rad_s
        errors.walk_rad_s = walk[-1] if n else errors.walk_rad_s
        noise = errors.rng.normal(0.0, 1.0, (2, n, 3))
        gyr = gyr * (1.0 + worn.gyr_scale) + np.array(worn.gyr_bias_rad_s) + walk
        return (
            acc + np.array(worn.acc_bias_m_s2) + noise[0] * worn.acc_noise_m_s2,
            gyr + noise[1] * worn.gyr_noise_rad_s,
        )

    def samples(self, segment: Segment, start: int, stop: int) -> ImuSamples:
        """The samples [start, stop) of a sensor, stamped with the time of the leg."""
        values = self.measured(segment, *self.ideal(segment, start, stop))
        return ImuSamples(self.time_s(segment, start, stop), *values)

    def _ordered(self) -> Leg:
        """The leg that carries out what was ordered so far."""
        with self._lock:
            if self._leg is None:
                script = self._writer.done(tremor_deg=self._tremor_deg, seed=self._seed)
                self._leg = Leg(script, self._body)
            return self._leg

    def _begin(self, now_s: float) -> None:
        self._leg = None
        self._writer.wait(max(0.0, now_s + self._lead_s - self._writer.time_s))


class InteractivePlayback(Playback):
    """The samples of one sensor on an interactive leg. They never end.

    Args:
        leg: what is measured.
        segment: where the sensor is.
        worn: the sensor.
        seed: of the noise before the leg's time begins.
    """

    def __init__(self, leg: InteractiveLeg, segment: Segment, worn: Worn, seed: int = 0) -> None:
        at_rest = InteractiveLeg(leg.posture, wearing=leg.wearing, rate_hz=leg.rate_hz, seed=seed)
        rest = at_rest.samples(segment, 0, round(leg.rate_hz))
        super().__init__(rest, worn, leg.rate_hz, seed)
        self._leg, self._segment = leg, segment
        self._portion = max(1, round(PORTION_S * leg.rate_hz))
        self._ready = 0
        self._acc_m_s2 = np.zeros((0, 3))
        self._gyr_rad_s = np.zeros((0, 3))

    @property
    def stop(self) -> int | None:
        """The end is not known."""
        return None

    def script_count(self, number: int) -> int:
        """How many of the samples before this one were measured in the leg's own time."""
        return 0 if self.script_zero is None else max(number - self.script_zero, 0)

    def read(self, start: int, stop: int) -> tuple[Float, Float]:
        """The specific force and angular rate, each (k, 3), of the samples [start, stop)."""
        zero = self.script_zero
        if zero is None or stop <= zero:
            return super().read(start, min(stop, zero) if zero is not None else stop)
        before = super().read(start, zero) if start < zero else (np.zeros((0, 3)), np.zeros((0, 3)))
        first, last = max(start, zero) - zero, stop - zero
        while self._ready < last:
            self._measure()
        rows = slice(first - self._ready + len(self._acc_m_s2), last - self._ready + len(self._acc_m_s2))
        return (
            np.concatenate((before[0], self._acc_m_s2[rows])),
            np.concatenate((before[1], self._gyr_rad_s[rows])),
        )

    def _measure(self) -> None:
        """Measures the next portion, and those behind it that no further order can change."""
        portion, start = self._portion, self._ready
        far_s = self._leg.time_s(self._segment, start, start + _MOST_PORTIONS * portion)
        settled = int(np.searchsorted(far_s, self._leg.free_s)) // portion
        stop = start + max(settled, 1) * portion
        ideal = self._leg.ideal(self._segment, start, stop)
        for first in range(0, stop - start, portion):
            rows = slice(first, first + portion)
            acc, gyr = self._leg.measured(self._segment, *(values[rows] for values in ideal))
            # A packet may be sent again, so some of the past is kept.
            self._acc_m_s2 = np.concatenate((self._acc_m_s2, acc))[-40 * portion :]
            self._gyr_rad_s = np.concatenate((self._gyr_rad_s, gyr))[-40 * portion :]
        self._ready = stop
