"""The Kalman filter of the heading between the two sensors' worlds, for the recording and for the stream.

A constant bias of the gyros along the hinge turns the heading steadily while the hinge stands upright, and
not at all while it is level. The state is therefore the heading and that bias. Where the hinge is observed
the filter estimates both, and elsewhere it predicts the heading from the bias. With a bias variance of zero
the heading is a random walk (`heading_walk`). Two states, hence plain Python.

A recording is filtered forward and then smoothed backward (`FilterHistory.smooth`). The stream has no future,
but its zero lies in the past, where later observations still improve it (`FixedPointSmoother`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import remainder, tau
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.angle.blocks import Blocks
from analysis.angle.orientation.quaternion import Complex
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float

# The heading changes slowly: one step of the filter a second suffices for a recording.
STEP_S = 1.0
# Variance of a heading before the first observation, and what a gap adds to it.
UNKNOWN_RAD2 = 100.0
_TINY = 1e-9


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
        return cls(0.0, 0.0, UNKNOWN_RAD2, 0.0, bias_rad2_s2)

    def after_gap(self) -> HeadingState:
        """The heading is lost, the bias is kept."""
        return self._replace(heading_rad2=self.heading_rad2 + UNKNOWN_RAD2)

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
        ahead, _, ph, pc, pb = predicted
        dh, p11 = smoothed.heading_rad - ahead, smoothed.heading_rad2 - ph
        if pb <= 0.0:
            gain = hh / ph
            return HeadingState(heading + gain * dh, bias, hh + gain * gain * p11, hb, bb)
        a, b = hh + turn * hb, hb + turn * bb
        det = ph * pb - pc**2
        c11, c12 = (a * pb - hb * pc) / det, (hb * ph - a * pc) / det
        c21, c22 = (b * pb - bb * pc) / det, (bb * ph - b * pc) / det
        db = smoothed.bias_rad_s - predicted.bias_rad_s
        p12, p22 = smoothed.cross_rad2_s - pc, smoothed.bias_rad2_s2 - pb
        return HeadingState(
            heading + c11 * dh + c12 * db,
            bias + c21 * dh + c22 * db,
            hh + c11 * c11 * p11 + 2 * c11 * c12 * p12 + c12 * c12 * p22,
            hb + c11 * c21 * p11 + (c11 * c22 + c12 * c21) * p12 + c12 * c22 * p22,
            bb + c21 * c21 * p11 + 2 * c21 * c22 * p12 + c22 * c22 * p22,
        )


@dataclass(frozen=True, slots=True)
class HeadingFilter:
    """Predict and update of a `HeadingState`.

    Attributes:
        process_noise_rad: random walk of the heading in one second.
        bias_process_noise_rad_s: random walk of the bias in one second.
        tilt_rad: systematic difference between the inclinations of the two views. It is an error of the
            heading that grows with the hinge's inclination and does not average out.
    """

    process_noise_rad: float
    bias_process_noise_rad_s: float = 0.0
    tilt_rad: float = 0.0

    @classmethod
    def of(cls, parameters: AngleParameters) -> HeadingFilter:
        """The filter with which the angle is read; see `hinge_information` for its observations."""
        p = parameters
        return cls(p.heading_process_noise_rad, p.bias_process_noise_rad_s, p.tilt_rad)

    def predict(self, state: HeadingState, seconds: float, inclination: float) -> HeadingState:
        """The state some seconds later, for a hinge of this inclination (a sine, -1 to 1)."""
        heading, bias, hh, hb, bb = state
        turn = inclination * seconds
        hh += 2 * turn * hb + turn * turn * bb + self.process_noise_rad**2 * seconds
        process_noise = self.bias_process_noise_rad_s**2 * seconds
        return HeadingState(heading + turn * bias, bias, hh, hb + turn * bb, bb + process_noise)

    def update(
        self, state: HeadingState, heading_rad: float, level2: float, information: float
    ) -> HeadingState:
        """The state with one observation.

        Args:
            state: before it.
            heading_rad: the heading observed, up to whole turns.
            level2: square of the hinge's level part.
            information: of the observation, 1/rad^2.
        """
        heading, bias, hh, hb, bb = state
        # The tilt is systematic, so the variance of the heading has a lower bound.
        least = self.tilt_rad**2 / max(level2, _TINY)
        if information <= 0.0 or hh <= least:
            return state
        left = max(1.0 / (1.0 + hh * information), least / hh)
        innovation = remainder(heading_rad - heading, tau)
        gain = 1.0 - left
        bias_gain = hb / hh * gain
        return HeadingState(
            heading + gain * innovation,
            bias + bias_gain * innovation,
            hh * left,
            hb * left,
            bb - bias_gain * hb,
        )

    def forward(
        self,
        phasor: Complex,
        information: Float,
        inclination: Float,
        bias_rad2_s2: float,
        blocks: Blocks,
        step_s: float = STEP_S,
    ) -> FilterHistory:
        """Filters a recording in steps.

        Args:
            phasor: (m,) product of a direction seen from above by both sensors, d1 conj(d2). Its sizes are
                the weights within a step, and for a hinge the squares of its level part.
            information: (m,) of one second of this direction about the heading, 1/rad^2.
            inclination: (m,) sine of the hinge's inclination.
            bias_rad2_s2: variance of the bias along the hinge at the first sample.
            blocks: of the recording; the heading is lost across a cut one.
            step_s: longest step, about.
        """
        first = blocks.steps(step_s)
        counts = np.diff(np.append(first, blocks.count))
        sines = (np.add.reduceat(inclination, first) / counts).tolist()
        steps = zip(*observations(first, phasor, information, blocks), sines, strict=True)
        predicted, updated, turns = [], [], []
        state = HeadingState.unknown(bias_rad2_s2)
        for heading_rad, level2, worth, gap, seconds, sine in steps:
            state = state.after_gap() if gap else state
            predicted.append(state)
            state = self.update(state, heading_rad, level2, worth)
            updated.append(state)
            turns.append(seconds * sine)
            state = self.predict(state, seconds, sine)
        return FilterHistory(first, turns, predicted, updated)


@dataclass(frozen=True, eq=False, slots=True)
class Heading:
    """The heading of the shank's world in the thigh's, for each block.

    Attributes:
        heading_rad: (m,) unwrapped.
        sd_rad: (m,) one sigma of it.
        bias_sd_rad_s: one sigma of the bias that makes it drift.
    """

    heading_rad: Float
    sd_rad: Float
    bias_sd_rad_s: float


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

    def predict(self, turn: float) -> FixedPointSmoother:
        """The same, after a prediction over `turn`, inclination times seconds."""
        own, with_heading, with_bias, own2 = self
        return FixedPointSmoother(own, with_heading + turn * with_bias, with_bias, own2)

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


@dataclass(frozen=True, eq=False, slots=True)
class FilterHistory:
    """All states of the filter over a recording, in steps.

    Attributes:
        first: (k,) first block of each step.
        turns: (k,) inclination times seconds, from each step to the next.
        predicted, updated: state of each step before and after its own observation.
    """

    first: NDArray[np.int64]
    turns: list[float]
    predicted: list[HeadingState]
    updated: list[HeadingState]

    def smooth(self, blocks: Blocks) -> Heading:
        """The heading (m,) of each block, given all observations before and after."""
        state = self.updated[-1]
        states = [state]
        for k in range(len(self.updated) - 2, -1, -1):
            state = self.updated[k].smooth(self.predicted[k + 1], state, self.turns[k])
            states.append(state)
        states.reverse()
        heading, _, variance, _, bias_variance = np.array(states).T
        bias_sd_rad_s = float(np.sqrt(max(np.median(bias_variance), 0.0)))
        return Heading(*on_blocks(self.first, heading, variance, blocks), bias_sd_rad_s)

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


def observations(
    first: NDArray[np.int64], phasor: Complex, information: Float, blocks: Blocks
) -> tuple[list[float], list[float], list[float], list[bool], list[float]]:
    """What each step observes: heading, level part squared, information, whether it has a gap, seconds."""
    counts = np.diff(np.append(first, blocks.count))
    whole = np.add.reduceat(~blocks.cut, first, dtype=np.int64)
    direction = np.add.reduceat(np.where(blocks.cut, 0.0, phasor), first) / np.maximum(whole, 1)
    return (
        np.angle(direction).tolist(),
        np.abs(direction).tolist(),
        (np.add.reduceat(np.where(blocks.cut, 0.0, information), first) * blocks.spacing_s).tolist(),
        np.logical_or.reduceat(blocks.cut, first).tolist(),
        (counts * blocks.spacing_s).tolist(),
    )


def on_blocks(
    first: NDArray[np.int64], heading: Float, variance: Float, blocks: Blocks
) -> tuple[Float, Float]:
    """Heading and standard deviation (m,) from those of the steps, which begin at the blocks `first`."""
    middle = (first + np.append(first[1:], blocks.count) - 1) / 2
    # Interpolated between the middles of the steps, but never across the edge of a gap.
    edges = np.flatnonzero(np.diff(blocks.cut[first])) + 1
    step = np.concatenate((np.arange(len(middle)), edges - 1, edges))
    at = np.concatenate((middle, first[edges] - 1, first[edges]))
    order = np.argsort(at, kind="stable")
    step, at = step[order], at[order]
    all_blocks = np.arange(blocks.count)
    return (
        np.interp(all_blocks, at, heading[step]),
        np.interp(all_blocks, at, np.sqrt(np.maximum(variance[step], 0.0))),
    )


def hinge_information(parameters: AngleParameters) -> float:
    """Information of one second of the hinge about the heading, 1/rad^2; its tilt is in the filter."""
    return 1.0 / (parameters.wobble_rad**2 * parameters.wobble_s)
