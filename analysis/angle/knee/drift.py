"""The heading between the two sensors' worlds, as it drifts by what is left of the gyros' bias.

A constant bias along the hinge turns the heading steadily while the hinge stands upright, and not at all
while it lies flat. So the state is the heading and that bias: where the hinge is seen, a Kalman filter
learns both, and where it is not, the heading goes on turning as learnt. Scalars, hence plain Python.
"""

from __future__ import annotations

from cmath import exp as complex_exp
from cmath import phase
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.angle.blocks import Blocks
from analysis.angle.knee.heading import Heading
from analysis.angle.orientation.quaternion import Complex
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float

_STEP_S = 1.0
# Of a heading that nothing is known about yet, or any more after a gap.
_UNKNOWN_RAD2 = 100.0
_TINY = 1e-9


class HeadingState(NamedTuple):
    """Heading and bias along the hinge (thigh's less shank's), with their covariance."""

    heading_rad: float
    bias_rad_s: float
    heading_rad2: float
    shared: float
    bias_rad2_s2: float

    @classmethod
    def unknown(cls, bias_rad2_s2: float) -> HeadingState:
        """No heading yet, and a bias of zero within its variance."""
        return cls(0.0, 0.0, _UNKNOWN_RAD2, 0.0, bias_rad2_s2)

    def lost(self) -> HeadingState:
        """After a gap."""
        return self._replace(heading_rad2=self.heading_rad2 + _UNKNOWN_RAD2)

    def later(self, seconds: float, inclination: float, parameters: AngleParameters) -> HeadingState:
        """What is to be expected some seconds on, for a hinge that points up by `inclination`, -1 to 1."""
        heading, bias, hh, hb, bb = self
        turn = inclination * seconds
        hh += 2 * turn * hb + turn * turn * bb + parameters.heading_process_noise_rad**2 * seconds
        walk2 = parameters.bias_process_noise_rad_s**2 * seconds
        return HeadingState(heading + turn * bias, bias, hh, hb + turn * bb, bb + walk2)

    def seen(self, phasor: complex, seconds: float, parameters: AngleParameters) -> HeadingState:
        """After a look at the hinge.

        The wobble of its direction averages out with time; the tilt of one view against the other does not,
        so no look makes the heading better known than the tilt allows.
        """
        p = parameters
        heading, bias, hh, hb, bb = self
        least = p.tilt_rad**2 / max(abs(phasor), _TINY)
        if hh <= least:
            return self
        noise = p.wobble_rad**2 * p.wobble_s / max(seconds, _TINY)
        left = max(hh * noise / (hh + noise), least) / hh
        innovation = phase(phasor * complex_exp(-1j * heading))
        share = hb / hh * (1.0 - left)
        return HeadingState(
            heading + (1.0 - left) * innovation,
            bias + share * innovation,
            hh * left,
            hb * left,
            bb - share * hb,
        )

    def rested(self, taken_off_rad_s: float, bias_rad2_s2: float) -> HeadingState:
        """After rest has told the gyros' bias.

        Args:
            taken_off_rad_s: what more is taken off the gyros since, along the hinge.
            bias_rad2_s2: variance of the rest, as rest alone tells it.
        """
        heading, bias, hh, hb, bb = self
        if bias_rad2_s2 >= bb:
            return self._replace(bias_rad_s=bias - taken_off_rad_s)
        share, less = hb / bb, bias_rad2_s2 - bb
        heading += share * (taken_off_rad_s - bias)
        return HeadingState(heading, 0.0, hh + share * share * less, hb + share * less, bias_rad2_s2)

    def smoothed(self, expected: HeadingState, later: HeadingState, turn: float) -> HeadingState:
        """With all that came later (Rauch, Tung and Striebel 1965).

        Args:
            expected: what this state made expect of the next.
            later: the next state with all that came later.
            turn: inclination times seconds between them.
        """
        heading, bias, hh, hb, bb = self
        a, b = hh + turn * hb, hb + turn * bb
        det = expected.heading_rad2 * expected.bias_rad2_s2 - expected.shared**2
        c11 = (a * expected.bias_rad2_s2 - hb * expected.shared) / det
        c12 = (hb * expected.heading_rad2 - a * expected.shared) / det
        c21 = (b * expected.bias_rad2_s2 - bb * expected.shared) / det
        c22 = (bb * expected.heading_rad2 - b * expected.shared) / det
        dh, db = later.heading_rad - expected.heading_rad, later.bias_rad_s - expected.bias_rad_s
        p11 = later.heading_rad2 - expected.heading_rad2
        p12 = later.shared - expected.shared
        p22 = later.bias_rad2_s2 - expected.bias_rad2_s2
        return HeadingState(
            heading + c11 * dh + c12 * db,
            bias + c21 * dh + c22 * db,
            hh + c11 * c11 * p11 + 2 * c11 * c12 * p12 + c12 * c12 * p22,
            hb + c11 * c21 * p11 + (c11 * c22 + c12 * c21) * p12 + c12 * c22 * p22,
            bb + c21 * c21 * p11 + 2 * c21 * c22 * p12 + c22 * c22 * p22,
        )


class FixedPointSmoother(NamedTuple):
    """The heading at one past moment, as everything since has told it (a fixed-point smoother).

    Where the hinge stood upright at the zero posture, that heading is part of the zero, and it shows only
    when the hinge is seen again.
    """

    heading_rad: float
    with_heading: float
    with_bias: float
    heading_rad2: float

    @classmethod
    def at(cls, drift: HeadingState) -> FixedPointSmoother:
        """The present moment."""
        return cls(drift.heading_rad, drift.heading_rad2, drift.shared, drift.heading_rad2)

    def told(self, before: HeadingState, after: HeadingState) -> FixedPointSmoother:
        """After the look that changed the present heading from one state to the other."""
        own, with_heading, with_bias, own2 = self
        share = with_heading / before.heading_rad2
        less = after.heading_rad2 - before.heading_rad2
        return FixedPointSmoother(
            own + share * (after.heading_rad - before.heading_rad),
            with_heading + share * less,
            with_bias + share * (after.shared - before.shared),
            own2 + share * share * less,
        )

    def rested(self, before: HeadingState, taken_off_rad_s: float, bias_rad2_s2: float) -> FixedPointSmoother:
        """The same as `HeadingState.rested`, for the state it changes."""
        less = bias_rad2_s2 - before.bias_rad2_s2
        if less >= 0.0:
            return self
        own, with_heading, with_bias, own2 = self
        share = with_bias / before.bias_rad2_s2
        return FixedPointSmoother(
            own + share * (taken_off_rad_s - before.bias_rad_s),
            with_heading + share * less * before.shared / before.bias_rad2_s2,
            with_bias + share * less,
            own2 + share * share * less,
        )

    def later(self, turn: float) -> FixedPointSmoother:
        """The same, once the heading has turned by the bias times `turn`, inclination times seconds."""
        return self._replace(with_heading=self.with_heading + turn * self.with_bias)


@dataclass(frozen=True, eq=False, slots=True)
class FilterHistory:
    """The filter over a recording, in steps of at most about a second.

    Attributes:
        first: (k,) first block of each step.
        turns: (k,) inclination times seconds, from each step to the next.
        expected, known: state of each step before and after its own look.
    """

    first: NDArray[np.int64]
    turns: list[float]
    expected: list[HeadingState]
    known: list[HeadingState]

    def anchor(self, since: int, step: int) -> FixedPointSmoother:
        """The heading at one step, as told by all until before another one's look."""
        anchor = FixedPointSmoother.at(self.known[since] if since < step else self.expected[step])
        for k in range(since, step):
            anchor = anchor.later(self.turns[k])
            if k + 1 < step:
                anchor = anchor.told(self.expected[k + 1], self.known[k + 1])
        return anchor


def follow_drift(
    phasor: Complex,
    inclination: Float,
    bias_rad2_s2: float,
    blocks: Blocks,
    rate_hz: float,
    parameters: AngleParameters,
) -> FilterHistory:
    """The filter, forward.

    Args:
        phasor: (m,) product of the hinge's two directions from above, d1 conj(d2).
        inclination: (m,) how much the hinge points up.
        bias_rad2_s2: variance of the bias along the hinge.
        blocks: blocks of the samples; the heading is lost across a cut one.
        rate_hz: of the samples.
        parameters: the constants.
    """
    spacing_s = blocks.size / rate_hz
    first = blocks.steps(rate_hz, _STEP_S)
    lost = np.logical_or.reduceat(blocks.cut, first).tolist()
    counts = np.diff(np.append(first, blocks.count))
    whole = np.add.reduceat(~blocks.cut, first, dtype=np.int64)
    looks = (np.add.reduceat(np.where(blocks.cut, 0.0, phasor), first) / np.maximum(whole, 1)).tolist()
    seen_s, seconds = (whole * spacing_s).tolist(), (counts * spacing_s).tolist()
    rises = (np.add.reduceat(inclination, first) / counts).tolist()
    expected, known = [], []
    state = HeadingState.unknown(bias_rad2_s2)
    for look, look_s, gone, step_s, up in zip(looks, seen_s, lost, seconds, rises, strict=True):
        state = state.lost() if gone else state
        expected.append(state)
        state = state.seen(look, look_s, parameters)
        known.append(state)
        state = state.later(step_s, up, parameters)
    return FilterHistory(first, [s * r for s, r in zip(seconds, rises, strict=True)], expected, known)


def smooth_drift(history: FilterHistory, blocks: Blocks) -> Heading:
    """The heading (m,) at the blocks, from everything before and after."""
    state = history.known[-1]
    states = [state]
    for k in range(len(history.known) - 2, -1, -1):
        state = history.known[k].smoothed(history.expected[k + 1], state, history.turns[k])
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
