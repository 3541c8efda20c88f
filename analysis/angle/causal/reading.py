"""Both sensors and the known knee, one sample at a time: the causal form of steps 2 and 4 to 6."""

from __future__ import annotations

from cmath import exp as complex_exp
from cmath import phase
from dataclasses import dataclass
from math import acos, degrees, exp, radians, sqrt
from typing import NamedTuple

import numpy as np

from analysis.angle.causal.anchor import HeadingStep, RecentHeadings
from analysis.angle.causal.rest_bias import vector
from analysis.angle.causal.sensor import CausalSensor, Spinor, Vector, z_inclination
from analysis.angle.knee.heading_filter import (
    FixedPointSmoother,
    HeadingFilter,
    HeadingState,
    hinge_information,
)
from analysis.angle.knee.hinge import tangents
from analysis.angle.orientation.quaternion import from_matrix
from analysis.angle.parameters import AngleParameters
from analysis.angle.strapping_estimate import StrappingEstimate
from analysis.angle.uncertainty import leg_share, tissue_rad2
from firmware_bridge.samples import Float

_MOST_RAD2 = 10.0


@dataclass(frozen=True, slots=True)
class CausalState:
    """State of the causal form at one sample.

    Attributes:
        thigh, shank: rotations of the sensors into their level worlds; None while unknown.
        heading: between these worlds; None while unknown.
        zero_heading: the heading at the zero posture; None while that does not change.
    """

    thigh: Spinor | None = None
    shank: Spinor | None = None
    heading: HeadingState | None = None
    zero_heading: FixedPointSmoother | None = None


UNKNOWN = CausalState()


class CausalAngle(NamedTuple):
    """One sample of the angle about the hinge.

    Attributes:
        angle_deg: from no particular zero.
        sd_deg: one sigma of differences between like postures.
        relative_sd_deg: one sigma of differences within the strapping.
        tilt_deg: of the thigh since the zero posture.
    """

    angle_deg: float
    sd_deg: float
    relative_sd_deg: float
    tilt_deg: float


class CausalKnee:
    """The angle of a known knee. Call `step` once for every grid sample.

    Args:
        found: the estimate that identified the knee.
        parameters: the constants.
    """

    def __init__(self, found: StrappingEstimate, parameters: AngleParameters) -> None:
        p, knee, rate_hz = parameters, found.knee, found.blocks.rate_hz
        self._filter = HeadingFilter.of(p)
        self._axes = [vector(axis) for axis in knee.axes]
        sensors = (knee.thigh, knee.shank), (knee.centre.thigh_m, knee.centre.shank_m), knee.axes
        self._thigh, self._shank = (
            CausalSensor(rate_hz, s.bias_rad_s, s.bias_covariance[-1], lever_m, _hinge(axis), p)
            for s, lever_m, axis in zip(*sensors, strict=True)
        )
        self._covariance = [[float(v) for v in row] for row in knee.fit.covariance_rad2]
        self._zero_axis_slope = [float(v) for v in found.uncertainty.zero_axis_slope]
        self._zero_up = _zero_up(found)
        self._posture_deg, self._middle_deg = found.zero.posture_deg, found.middle_deg
        self._step_s = 1.0 / rate_hz
        self._hinges = _vector(knee.axes[0]), _vector(knee.axes[1])
        self._half_step_deg_s = degrees(0.5 / rate_hz)
        self._information = hinge_information(p) / rate_hz
        self._follow = 1.0 - exp(-1.0 / (rate_hz * p.follow_s))
        self._follow4 = p.follow_level**4
        misalignment_rad = found.heading.misalignment_rad
        self._misalignment2 = misalignment_rad**2
        self._rests, (self._subtracted_rad_s, variance) = 0, self._bias_along_hinge()
        # The state of the heading before the first observation, which `restart` may replace.
        self._heading = HeadingState.unknown(variance)
        self._zero_heading = FixedPointSmoother.at(self._heading)
        self._zero_slope, self._slope = found.uncertainty.zero_heading_slope, 0.0
        self._moved_rad, self._zero_heading_rad = 0.0, 0.0
        self._recent = RecentHeadings(self._step_s)
        self._sensor2 = p.sensor_rad**2
        self._unseen2 = (p.misalignment_share * misalignment_rad) ** 2
        self._parameters, self._leg2 = p, leg_share(misalignment_rad, p) ** 2
        self._sample_time_steps = p.sample_time_steps
        self._effort_gain, self._effort_g = 1.0 - exp(-1.0 / (rate_hz * p.block_s)), 0.0
        self.restart()

    def restart(self, at: CausalState = UNKNOWN) -> None:
        """Resets orientations and heading, as after a gap, or continues from given ones."""
        self._thigh.restart(at.thigh)
        self._shank.restart(at.shank)
        self._heading = at.heading or self._heading.after_gap()
        self._wobble = 0j
        self._zero_heading = at.zero_heading or self._zero_heading
        if at.zero_heading is not None:
            self.keep_zero()

    def keep_zero(self) -> None:
        """Takes the present estimate of the heading at the zero posture as the one that the zero rests on."""
        self._zero_heading_rad = self._zero_heading.heading_rad

    def set_zero(self, back: int = 0) -> bool:
        """Makes the posture so many samples ago the zero posture; False where that is too long ago."""
        anchor = self._recent.anchor(back)
        if anchor is None:
            return False
        self._posture_deg, self._moved_rad, self._zero_slope = (
            anchor.angle_deg,
            anchor.moved_rad,
            anchor.slope,
        )
        self._zero_heading_rad, self._zero_heading = anchor.heading_rad, anchor.heading
        return True

    def _zero_moved_rad(self) -> float:
        """Change of the zero by what has been estimated of its heading since."""
        return self._moved_rad + self._zero_slope * (self._zero_heading.heading_rad - self._zero_heading_rad)

    def step(self, thigh: tuple[Vector, Vector], shank: tuple[Vector, Vector]) -> CausalAngle:
        """The next sample: (angular rate in rad/s, specific force in m/s^2) of both sensors."""
        a1, b1 = self._thigh.step(*thigh)
        a2, b2 = self._shank.step(*shank)
        phasor = 4 * a1 * b1 * (a2 * b2).conjugate()
        level2 = abs(phasor)
        inclination = (z_inclination((a1, b1)) + z_inclination((a2, b2))) / 2
        observed = self._observe(phase(phasor), level2, inclination)
        filtered = complex_exp(1j * self._heading.heading_rad)
        self._wobble += self._follow * (phasor * filtered.conjugate() - self._wobble)
        momentary = abs(self._wobble)
        share = momentary * momentary / (momentary * momentary + self._follow4)
        half = complex_exp(0.5j * (self._heading.heading_rad + share * phase(self._wobble)))
        angle = degrees(2 * phase(a1.conjugate() * a2 * half + b1 * (b2 * half).conjugate()))
        # From the middle of the step to its end, as in `flexion.to_step_end_deg`.
        one, two = self._hinges
        half_deg = self._half_step_deg_s * (_dot(two, shank[0]) - _dot(one, thigh[0]))
        angle += half_deg
        angle = (angle - self._middle_deg + 180.0) % 360.0 - 180.0 + self._middle_deg
        level_share = level2 * level2 / (level2 * level2 + self._follow4)
        self._slope = inclination * (1.0 - level_share)
        moved_rad = self._zero_moved_rad()
        self._recent.append(HeadingStep(*observed, self._heading, self._slope, moved_rad, angle))
        bent = radians(angle - self._posture_deg)
        variance = self._variance(bent, (a1, b1), (a2, b2), level2, level_share)
        self._effort_g += self._effort_gain * (abs(self._thigh.force_g - 1.0) - self._effort_g)
        tissue = self._leg2 * tissue_rad2(bent, min(self._effort_g, 1.0), self._parameters)
        in_time = radians(2.0 * half_deg * self._sample_time_steps)
        return CausalAngle(
            angle - degrees(moved_rad),
            degrees(sqrt(variance)),
            degrees(sqrt(variance + tissue + in_time * in_time)),
            self._tilt_deg(a1, b1),
        )

    def _bias_along_hinge(self) -> tuple[float, float]:
        """The bias subtracted from the gyros (thigh's less shank's), and its variance from rest alone."""
        (one, one2), (two, two2) = (
            s.bias_along(j) for s, j in zip((self._thigh, self._shank), self._axes, strict=True)
        )
        return one - two, one2 + two2

    def _update_bias(self) -> tuple[HeadingState, float, float]:
        subtracted, variance = self._bias_along_hinge()
        more, before = subtracted - self._subtracted_rad_s, self._heading
        self._heading = before.update_bias(more, variance)
        self._zero_heading = self._zero_heading.update_bias(before, more, variance)
        self._subtracted_rad_s = subtracted
        return before, more, variance

    def _observe(
        self, heading_rad: float, level2: float, inclination: float
    ) -> tuple[tuple[HeadingState, float, float] | None, HeadingState, HeadingState, float]:
        """One step of the heading filter; returns the first four parts of a `HeadingStep`."""
        biased = None
        if (rests := self._thigh.rests + self._shank.rests) != self._rests:
            self._rests = rests
            biased = self._update_bias()
        before = self._heading
        updated = self._filter.update(before, heading_rad, level2, self._information)
        if updated is not before:
            self._zero_heading = self._zero_heading.update(before, updated)
        self._heading = self._filter.predict(updated, self._step_s, inclination)
        turn = self._step_s * inclination
        self._zero_heading = self._zero_heading.predict(turn)
        return biased, before, updated, turn

    def _variance(self, bent: float, one: Spinor, two: Spinor, level2: float, share: float) -> float:
        """The causal form of `uncertainty`, in rad^2."""
        x1, y1 = _axis_slope(one)
        x2, y2 = _axis_slope(two)
        z, c = self._zero_axis_slope, self._covariance
        d = (share * x1 - z[0], share * y1 - z[1], -share * x2 - z[2], -share * y2 - z[3])
        variance = 0.0
        for own, (c1, c2, c3, c4) in zip(d, c, strict=True):
            variance += own * (c1 * d[0] + c2 * d[1] + c3 * d[2] + c4 * d[3])
        now, then = self._slope, self._zero_slope
        now2, then2 = self._heading.heading_rad2, self._zero_heading.heading_rad2
        both = self._zero_heading.with_heading_rad2
        turned = now * now * now2 - 2 * now * then * both + then * then * then2
        variance += min(max(turned, 0.0), _MOST_RAD2)
        variance += now * now * level2 * self._misalignment2
        return variance + self._sensor2 + self._unseen2 * (1.0 + bent * bent)

    def _tilt_deg(self, a: complex, b: complex) -> float:
        horizontal, vertical = 2j * a.conjugate() * b, z_inclination((a, b))
        cosine = (horizontal * self._zero_up[0].conjugate()).real + vertical * self._zero_up[1]
        return degrees(acos(min(max(cosine, -1.0), 1.0)))


def _zero_up(found: StrappingEstimate) -> tuple[complex, float]:
    """Up at the zero posture, in the thigh's hinge frame."""
    up = found.knee.thigh.up_in_sensor[:, found.zero_blocks].mean(axis=1)
    axis = found.knee.fit.thigh
    x, y, z = (float(v) for v in np.concatenate((tangents(axis), axis[None])) @ up / np.linalg.norm(up))
    return complex(x, y), z


def _axis_slope(q: Spinor) -> tuple[float, float]:
    """`uncertainty.axis_sensitivity` for one sample."""
    a, b = q
    horizontal = 2j * a.conjugate() * b
    level2 = horizontal.real * horizontal.real + horizontal.imag * horizontal.imag
    slope = z_inclination(q) / max(level2, 1e-2)
    return slope * horizontal.imag, -slope * horizontal.real


def _vector(values: Float) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _dot(one: Vector, two: Vector) -> float:
    return one[0] * two[0] + one[1] * two[1] + one[2] * two[2]


def _hinge(axis: Float) -> Spinor:
    a, b = from_matrix(np.stack((*tangents(axis), axis), axis=1))
    return complex(a[0]), complex(b[0])
