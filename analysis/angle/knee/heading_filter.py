"""The Kalman filter of the heading, whose drift is the residual bias of the gyros along the hinge.

A constant bias along the hinge turns the heading steadily while the hinge stands upright, and not at all
while it is level. The state is therefore the heading and that bias. Where the hinge is observed the filter
estimates both, and elsewhere it predicts the heading from the bias. Two states, hence plain Python.
"""

from __future__ import annotations

from cmath import exp as complex_exp
from cmath import phase
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Bool
from analysis.angle.orientation.quaternion import Complex
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float

_STEP_S = 1.0
# Variance of a heading before the first observation, and what a gap adds to it.
_UNKNOWN_RAD2 = 100.0
_TINY = 1e-9
_LEAST_INFORMATION = 0.1


@dataclass(frozen=True, eq=False, slots=True)
class Heading:
    """The heading of the shank's world in the thigh's, for each block.

    Attributes:
        heading_rad: (m,) unwrapped.
        sd_rad: (m,) one sigma of it.
        bias_sd_rad_s: one sigma of the bias that makes it drift; infinite if none is estimated.
    """

    heading_rad: Float
    sd_rad: Float
    bias_sd_rad_s: float = inf


class HeadingState(NamedTuple):
    """Heading and bias along the hinge (thigh's less shank's), with their covariance P.

    Attributes:
        heading_rad, bias_rad_s: the estimate.
        heading_rad2, cross_rad2_s, bias_rad2_s2: P, the variance of the heading, the covariance of both, and
            the variance of the bias.
    """

    heading_rad: float
    bias_rad_s: float
    heading_rad2: float
    cross_rad2_s: float
    bias_rad2_s2: float

    @classmethod
    def unknown(cls, bias_rad2_s2: float) -> HeadingState:
        """No heading yet, and a bias of zero with this variance."""
        return cls(0.0, 0.0, _UNKNOWN_RAD2, 0.0, bias_rad2_s2)

    def after_gap(self) -> HeadingState:
        """The heading is lost, the bias is kept."""
        return self._replace(heading_rad2=self.heading_rad2 + _UNKNOWN_RAD2)

    def predict(self, seconds: float, inclination: float, parameters: AngleParameters) -> HeadingState:
        """The state some seconds later, for a hinge of this inclination (a sine, -1 to 1)."""
        heading, bias, hh, hb, bb = self
        turn = inclination * seconds
        hh += 2 * turn * hb + turn * turn * bb + parameters.heading_process_noise_rad**2 * seconds
        process_noise = parameters.bias_process_noise_rad_s**2 * seconds
        return HeadingState(heading + turn * bias, bias, hh, hb + turn * bb, bb + process_noise)

    def update(self, phasor: complex, seconds: float, parameters: AngleParameters) -> HeadingState:
        """The state with one observation of the hinge that lasted some seconds.

        The wobble of its direction averages out with time. The tilt of one view against the other is
        systematic, so the variance of the heading has a lower bound.
        """
        p = parameters
        heading, bias, hh, hb, bb = self
        least = p.tilt_rad**2 / max(abs(phasor), _TINY)
        if hh <= least:
            return self
        noise = p.wobble_rad**2 * p.wobble_s / max(seconds, _TINY)
        left = max(hh * noise / (hh + noise), least) / hh
        innovation = phase(phasor * complex_exp(-1j * heading))
        gain = hb / hh * (1.0 - left)
        return HeadingState(
            heading + (1.0 - left) * innovation,
            bias + gain * innovation,
            hh * left,
            hb * left,
            bb - gain * hb,
        )

    def update_bias(self, subtracted_rad_s: float, bias_rad2_s2: float) -> HeadingState:
        """The state after rest has been used to estimate the bias of the gyros.

        Args:
            subtracted_rad_s: the increase of what is subtracted from the gyros, along the hinge.
            bias_rad2_s2: variance of the bias that remains, from rest alone.
        """
        heading, bias, hh, hb, bb = self
        if bias_rad2_s2 >= bb:
            return self._replace(bias_rad_s=bias - subtracted_rad_s)
        gain, change = hb / bb, bias_rad2_s2 - bb
        heading += gain * (subtracted_rad_s - bias)
        return HeadingState(heading, 0.0, hh + gain * gain * change, hb + gain * change, bias_rad2_s2)

    def smooth(self, predicted: HeadingState, smoothed: HeadingState, turn: float) -> HeadingState:
        """The state given all later observations too (Rauch, Tung and Striebel 1965).

        Args:
            predicted: the prediction of the next state from this one.
            smoothed: the next state given all observations.
            turn: inclination times seconds between them.
        """
        heading, bias, hh, hb, bb = self
        a, b = hh + turn * hb, hb + turn * bb
        ph, pc, pb = predicted[2:]
        det = ph * pb - pc**2
        c11, c12 = (a * pb - hb * pc) / det, (hb * ph - a * pc) / det
        c21, c22 = (b * pb - bb * pc) / det, (bb * ph - b * pc) / det
        dh, db = smoothed.heading_rad - predicted.heading_rad, smoothed.bias_rad_s - predicted.bias_rad_s
        p11, p12, p22 = smoothed.heading_rad2 - ph, smoothed.cross_rad2_s - pc, smoothed.bias_rad2_s2 - pb
        return HeadingState(
            heading + c11 * dh + c12 * db,
            bias + c21 * dh + c22 * db,
            hh + c11 * c11 * p11 + 2 * c11 * c12 * p12 + c12 * c12 * p22,
            hb + c11 * c21 * p11 + (c11 * c22 + c12 * c21) * p12 + c12 * c22 * p22,
            bb + c21 * c21 * p11 + 2 * c21 * c22 * p12 + c22 * c22 * p22,
        )


class FixedPointSmoother(NamedTuple):
    """The heading at one past moment, given all observations since.

    The heading at the zero posture is part of the zero. Where the hinge stood upright then, it becomes known
    only when the hinge is observed again.

    Attributes:
        heading_rad, heading_rad2: the heading of that moment, and its variance.
        with_heading_rad2, with_bias_rad2_s: its covariance with the present heading and bias.
    """

    heading_rad: float
    with_heading_rad2: float
    with_bias_rad2_s: float
    heading_rad2: float

    @classmethod
    def at(cls, state: HeadingState) -> FixedPointSmoother:
        """The present moment."""
        return cls(state.heading_rad, state.heading_rad2, state.cross_rad2_s, state.heading_rad2)

    def update(self, before: HeadingState, after: HeadingState) -> FixedPointSmoother:
        """The past heading, for an update of the present state from `before` to `after`."""
        own, with_heading, with_bias, own2 = self
        gain = with_heading / before.heading_rad2
        change = after.heading_rad2 - before.heading_rad2
        return FixedPointSmoother(
            own + gain * (after.heading_rad - before.heading_rad),
            with_heading + gain * change,
            with_bias + gain * (after.cross_rad2_s - before.cross_rad2_s),
            own2 + gain * gain * change,
        )

    def update_bias(
        self, before: HeadingState, subtracted_rad_s: float, bias_rad2_s2: float
    ) -> FixedPointSmoother:
        """The past heading, for `HeadingState.update_bias` of the present state `before`."""
        change = bias_rad2_s2 - before.bias_rad2_s2
        if change >= 0.0:
            return self
        own, with_heading, with_bias, own2 = self
        gain = with_bias / before.bias_rad2_s2
        return FixedPointSmoother(
            own + gain * (subtracted_rad_s - before.bias_rad_s),
            with_heading + gain * change * before.cross_rad2_s / before.bias_rad2_s2,
            with_bias + gain * change,
            own2 + gain * gain * change,
        )

    def predict(self, turn: float) -> FixedPointSmoother:
        """The same, after a prediction over `turn`, inclination times seconds."""
        return self._replace(with_heading_rad2=self.with_heading_rad2 + turn * self.with_bias_rad2_s)


@dataclass(frozen=True, eq=False, slots=True)
class FilterHistory:
    """All states of the filter over a recording, in steps of at most about a second.

    Attributes:
        first: (k,) first block of each step.
        turns: (k,) inclination times seconds, from each step to the next.
        predicted, updated: state of each step before and after its own observation.
    """

    first: NDArray[np.int64]
    turns: list[float]
    predicted: list[HeadingState]
    updated: list[HeadingState]

    def reversed(self) -> FilterHistory:
        """The same for an axis of the opposite sign, which reverses the bias and the inclination."""

        def flip(state: HeadingState) -> HeadingState:
            return state._replace(bias_rad_s=-state.bias_rad_s, cross_rad2_s=-state.cross_rad2_s)

        turns = [-turn for turn in self.turns]
        return FilterHistory(
            self.first, turns, [flip(s) for s in self.predicted], [flip(s) for s in self.updated]
        )

    def fixed_point(self, since: int, step: int) -> FixedPointSmoother:
        """The heading at step `since`, given all observations before the one of another step."""
        smoother = FixedPointSmoother.at(self.updated[since] if since < step else self.predicted[step])
        for k in range(since, step):
            smoother = smoother.predict(self.turns[k])
            if k + 1 < step:
                smoother = smoother.update(self.predicted[k + 1], self.updated[k + 1])
        return smoother


def filter_drift(
    phasor: Complex, inclination: Float, bias_rad2_s2: float, blocks: Blocks, parameters: AngleParameters
) -> FilterHistory:
    """The filter, forward.

    Args:
        phasor: (m,) product of the hinge's two directions from above, d1 conj(d2).
        inclination: (m,) sine of the hinge's inclination.
        bias_rad2_s2: variance of the bias along the hinge.
        blocks: of the samples; the heading is lost across a cut one.
        parameters: the constants.
    """
    first = blocks.steps(_STEP_S)
    lost = np.logical_or.reduceat(blocks.cut, first).tolist()
    counts = np.diff(np.append(first, blocks.count))
    whole = np.add.reduceat(~blocks.cut, first, dtype=np.int64)
    looks = (np.add.reduceat(np.where(blocks.cut, 0.0, phasor), first) / np.maximum(whole, 1)).tolist()
    observed_s, seconds = (whole * blocks.spacing_s).tolist(), (counts * blocks.spacing_s).tolist()
    inclinations = (np.add.reduceat(inclination, first) / counts).tolist()
    predicted, updated = [], []
    state = HeadingState.unknown(bias_rad2_s2)
    for look, look_s, gone, step_s, sine in zip(looks, observed_s, lost, seconds, inclinations, strict=True):
        state = state.after_gap() if gone else state
        predicted.append(state)
        state = state.update(look, look_s, parameters)
        updated.append(state)
        state = state.predict(step_s, sine, parameters)
    turns = [s * r for s, r in zip(seconds, inclinations, strict=True)]
    return FilterHistory(first, turns, predicted, updated)


def smooth_drift(history: FilterHistory, blocks: Blocks) -> Heading:
    """The heading (m,) of each block, from all observations before and after."""
    state = history.updated[-1]
    states = [state]
    for k in range(len(history.updated) - 2, -1, -1):
        state = history.updated[k].smooth(history.predicted[k + 1], state, history.turns[k])
        states.append(state)
    states.reverse()
    middle = (history.first + np.append(history.first[1:], blocks.count) - 1) / 2
    at = np.arange(blocks.count)
    heading, _, variance, _, rate = np.array(states).T
    return Heading(
        np.interp(at, middle, heading),
        np.interp(at, middle, np.sqrt(np.maximum(variance, 0.0))),
        float(np.sqrt(max(np.median(rate), 0.0))),
    )


def hinge_information(level2: Float, parameters: AngleParameters) -> Float:
    """Information of one second of the hinge about the heading, 1/rad^2, for its level part squared.

    The hinge's direction wobbles. Its two inclinations differ, which matters more the less level it is.
    """
    p = parameters
    return np.asarray(level2 / (p.wobble_rad**2 * level2 + p.tilt_rad**2) / p.wobble_s)


def smooth_heading(phasor: Complex, information: Float, process_noise_rad: float, blocks: Blocks) -> Heading:
    """A random-walk heading, given the whole recording (a two-sided Kalman filter in information form).

    Args:
        phasor: (m,) as above; only its angle counts.
        information: (m,) of a second of each block, 1/rad^2.
        process_noise_rad: random walk of the heading in one second.
        blocks: of the samples; the heading is lost across a cut one.
    """
    spacing_s = blocks.spacing_s
    starts = blocks.steps(_STEP_S)
    worth = np.where(blocks.cut, 0.0, information) * spacing_s
    unit = phasor / np.maximum(np.abs(phasor), 1e-12)
    own, toward = np.add.reduceat(worth, starts), np.add.reduceat(worth * unit, starts)
    lost = np.logical_or.reduceat(blocks.cut, starts)
    process_noise_rad2 = process_noise_rad**2 * np.diff(np.append(starts, blocks.count)) * spacing_s
    before = _carry(own, toward, lost, process_noise_rad2)
    after = _carry(own[::-1], toward[::-1], lost[::-1], process_noise_rad2[::-1])
    total = before[0] + own + after[0][::-1]
    mean = before[1] + toward + after[1][::-1]
    middle = (starts + np.append(starts[1:], blocks.count) - 1) / 2
    at = np.arange(blocks.count)
    return Heading(
        np.interp(at, middle, np.unwrap(np.angle(mean))),
        np.interp(at, middle, 1 / np.sqrt(np.maximum(total, _LEAST_INFORMATION))),
    )


def _carry(own: Float, toward: Complex, lost: Bool, process_noise_rad2: Float) -> tuple[Float, Complex]:
    """Information and direction of each step from the past, before its own observation. Plain Python is fast
    for scalars."""
    known, mean = 0.0, 0j
    knowns, means = [], []
    steps = zip(own.tolist(), toward.tolist(), lost.tolist(), process_noise_rad2.tolist(), strict=True)
    for information, direction, gone, wandered2 in steps:
        knowns.append(known)
        means.append(mean)
        known, mean = known + information, mean + direction
        fade = 0.0 if gone else 1.0 / (1.0 + wandered2 * known)
        known, mean = known * fade, mean * fade
    return np.array(knowns), np.array(means)
