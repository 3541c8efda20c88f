"""The heading at a posture of the recent past, for a reference pose that is entered late.

A pose is entered once its angle has been read off, while the leg may have moved on. The heading that belongs
to it is that of its own moment, given all that was observed since: every step of the heading filter is kept
for a while, so that the smoother for one fixed point can be run from there to the present.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from analysis.angle.knee.heading_filter import FixedPointSmoother, HeadingState

_KEPT_S = 120.0


class HeadingStep(NamedTuple):
    """One step of the heading filter.

    Attributes:
        biased: state before an update of the bias, what was subtracted more, and its variance; or None.
        before, after: state before and after the observation.
        turn: inclination times seconds of the prediction that followed.
        state: after that prediction.
        slope: of the angle with the heading.
        moved_rad: change of the zero so far.
        angle_deg: about the hinge, from no particular zero.
    """

    biased: tuple[HeadingState, float, float] | None
    before: HeadingState
    after: HeadingState
    turn: float
    state: HeadingState
    slope: float
    moved_rad: float
    angle_deg: float


class Anchor(NamedTuple):
    """A past posture as the zero posture: see `CausalKnee.set_zero`."""

    angle_deg: float
    moved_rad: float
    slope: float
    heading_rad: float
    heading: FixedPointSmoother


class RecentHeadings:
    """The steps of the last two minutes."""

    def __init__(self, step_s: float) -> None:
        self._steps: deque[HeadingStep] = deque(maxlen=max(1, round(_KEPT_S / step_s)))

    def append(self, step: HeadingStep) -> None:
        """Adds the newest step."""
        self._steps.append(step)

    def anchor(self, back: int) -> Anchor | None:
        """The posture so many steps ago; None where that is too long ago."""
        first = len(self._steps) - 1 - back
        if first < 0:
            return None
        then = self._steps[first]
        heading = FixedPointSmoother.at(then.state)
        for k in range(first + 1, len(self._steps)):
            step = self._steps[k]
            if step.biased is not None:
                heading = heading.update_bias(*step.biased)
            if step.after is not step.before:
                heading = heading.update(step.before, step.after)
            heading = heading.predict(step.turn)
        return Anchor(then.angle_deg, then.moved_rad, then.slope, then.state.heading_rad, heading)
