"""Smooth functions of time with exact derivatives: moves between postures, slow random motion, tremor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Polynomial
from numpy.polynomial.polynomial import polyval

from firmware_bridge.samples import Float
from firmware_bridge.virtual.jets import Jet

# The minimum-snap step: like the minimum-jerk step of Flash and Hogan (1985), with the jerk continuous
# too. Soft tissue follows the angular acceleration, so its own rate is the jerk of the knee.
_STEP = Polynomial([0, 0, 0, 0, 35, -84, 70, -20])
# Coefficients: a `Polynomial` maps its domain at each call, which costs more than a dozen samples do.
_STEP_DERIVATIVES = tuple((_STEP.deriv(order) if order else _STEP).coef for order in range(5))


@dataclass(frozen=True, slots=True)
class Move:
    """One smooth move to `target` during [start_s, stop_s); moves of one course must not overlap."""

    start_s: float
    stop_s: float
    target: float


@dataclass(frozen=True, slots=True)
class Course:
    """A value that rests at `initial`, then at the target of each move in turn; the jerk is continuous."""

    initial: float
    moves: tuple[Move, ...] = ()

    def derivatives(self, time_s: Float, orders: int = 2) -> list[Float]:
        """The value and its first `orders` (up to 4) time derivatives, each (n,)."""
        if not self.moves:
            return [np.full_like(time_s, self.initial), *(np.zeros_like(time_s) for _ in range(orders))]
        starts = np.array([move.start_s for move in self.moves])
        lengths = np.array([move.stop_s - move.start_s for move in self.moves])
        levels = np.array([self.initial, *(move.target for move in self.moves)])
        index = np.searchsorted(starts, time_s, side="right") - 1
        move = np.maximum(index, 0)
        phase = np.clip((time_s - starts[move]) / lengths[move], 0.0, 1.0)
        under_way = (index >= 0) & (phase < 1.0)
        rise = (levels[1:] - levels[:-1])[move]
        result = [levels[move] + rise * polyval(phase, _STEP_DERIVATIVES[0])]
        for order in range(1, orders + 1):
            slope = rise * polyval(phase, _STEP_DERIVATIVES[order]) / lengths[move] ** order
            result.append(np.where(under_way, slope, 0.0))
        return result

    def at(self, time_s: Float) -> Jet:
        """The course as a jet."""
        return Jet(*self.derivatives(time_s))


@dataclass(frozen=True, eq=False, slots=True)
class Wander:
    """A slow, aperiodic-looking drift around zero: a few sines of unrelated frequency and phase.

    Attributes:
        amplitudes, frequencies_hz, phases_rad: (k,).
    """

    amplitudes: Float
    frequencies_hz: Float
    phases_rad: Float

    @classmethod
    def random(
        cls, rng: np.random.Generator, rms: float, band_hz: tuple[float, float] = (0.03, 0.25), count: int = 5
    ) -> Wander:
        """A wander of the given root mean square, its frequencies spread over `band_hz`."""
        low, high = band_hz
        steps = (np.arange(count) + rng.uniform(0.0, 1.0, count)) / count
        amplitudes = np.full(count, rms * np.sqrt(2.0 / count))
        return cls(amplitudes, low * (high / low) ** steps, rng.uniform(0.0, 2.0 * np.pi, count))

    def derivatives(self, time_s: Float, orders: int = 2) -> list[Float]:
        """The value and its first `orders` time derivatives, each (n,)."""
        w = 2.0 * np.pi * self.frequencies_hz
        angle_rad = w[:, None] * time_s + self.phases_rad[:, None]
        waves = np.sin(angle_rad), np.cos(angle_rad)
        # The derivatives of a sine are cosine, -sine, -cosine, and sine again.
        signs = (1.0, 1.0, -1.0, -1.0)
        return [
            (signs[order % 4] * self.amplitudes * w**order) @ waves[order % 2] for order in range(orders + 1)
        ]

    def at(self, time_s: Float) -> Jet:
        """The wander as a jet."""
        return Jet(*self.derivatives(time_s))
