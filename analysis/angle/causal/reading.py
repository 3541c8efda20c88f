"""Both sensors and the knee between them, one sample at a time: the causal form of a known knee."""

from __future__ import annotations

from cmath import exp as complex_exp
from cmath import phase
from dataclasses import dataclass
from math import acos, degrees, exp, radians, sqrt

import numpy as np

from analysis.angle.causal.sensor import CausalSensor, Spinor, Vector
from analysis.angle.knee.drift import FixedPointSmoother, HeadingState
from analysis.angle.knee.hinge import tangents
from analysis.angle.orientation.quaternion import from_matrix
from analysis.angle.parameters import AngleParameters
from firmware_bridge.samples import Float

_MOST_RAD2 = 10.0


@dataclass(frozen=True, eq=False, slots=True)
class KnownKnee:
    """What identification hands to the causal form. Axes are signed so that flexion is positive.

    Attributes:
        axes: (3,) of thigh and shank, in their sensors.
        covariance_rad2: (4, 4) of the axes on their tangents.
        levers_m: (3,) from the knee to each sensor.
        biases_rad_s: (3,) of each gyro, latest.
        bias_covariances: (3, 3) of them.
        hinge_misalignment_rad: how far apart the two sensors see the hinge, RMS.
        middle_deg: middle of the movement, in the angle about the hinge.
        zero_slope: (4,) sensitivity of the angle to the axes at the zero posture.
        zero_lost: sensitivity to the heading at the zero posture.
        zero_angle_deg: angle about the hinge at the zero posture.
        zero_up: (3,) up at the zero posture, in the thigh's hinge frame.
    """

    axes: tuple[Float, Float]
    covariance_rad2: Float
    levers_m: tuple[Float, Float]
    biases_rad_s: tuple[Float, Float]
    bias_covariances: tuple[Float, Float]
    hinge_misalignment_rad: float
    middle_deg: float
    zero_slope: Float
    zero_lost: float
    zero_angle_deg: float
    zero_up: Float


@dataclass(frozen=True, slots=True)
class Underway:
    """Where a stream stands at one sample.

    Attributes:
        thigh, shank: rotations of the sensors into their level worlds; None while unknown.
        drift: the heading between these worlds; None while unknown.
        anchor: the heading at the zero posture; None while that does not change.
    """

    thigh: Spinor | None = None
    shank: Spinor | None = None
    drift: HeadingState | None = None
    anchor: FixedPointSmoother | None = None


NOWHERE = Underway()


@dataclass(frozen=True, slots=True)
class CausalAngle:
    """One sample: angle about the hinge from no particular zero, one sigma, tilt of the thigh."""

    angle_deg: float
    sd_deg: float
    tilt_deg: float


class CausalKnee:
    """Reads the angle of a known knee. `step` once for every grid sample."""

    def __init__(self, knee: KnownKnee, rate_hz: float, parameters: AngleParameters) -> None:
        p = parameters
        self._knee = knee
        self._parameters = p
        self._thigh, self._shank = (
            CausalSensor(rate_hz, bias, covariance, lever, _hinge(axis), p)
            for bias, covariance, lever, axis in zip(
                knee.biases_rad_s, knee.bias_covariances, knee.levers_m, knee.axes, strict=True
            )
        )
        self._covariance = [[float(v) for v in row] for row in knee.covariance_rad2]
        self._zero_slope = [float(v) for v in knee.zero_slope]
        self._zero_up = complex(knee.zero_up[0], knee.zero_up[1]), float(knee.zero_up[2])
        self._step_s = 1.0 / rate_hz
        self._follow = 1.0 - exp(-1.0 / (rate_hz * p.follow_s))
        self._follow4 = p.follow_level**4
        self._misalignment2 = knee.hinge_misalignment_rad**2
        self._rests, (self._taken_off_rad_s, variance) = 0, self._bias_along_hinge()
        # `restart` goes on from a state, and at first there is none but this.
        self._drift = HeadingState.unknown(variance)
        self._anchor = FixedPointSmoother.at(self._drift)
        self._zero_lost, self._lost = knee.zero_lost, 0.0
        self._moved_rad, self._zero_heading_rad = 0.0, 0.0
        self._sensor2 = p.sensor_rad**2
        self._unseen2 = (p.misalignment_share * knee.hinge_misalignment_rad) ** 2
        self.restart()

    def restart(self, at: Underway = NOWHERE) -> None:
        """Forgets attitudes and heading, as after a gap, or goes on from others."""
        self._thigh.restart(at.thigh)
        self._shank.restart(at.shank)
        self._drift = at.drift or self._drift.lost()
        self._wobble = 0j
        self._anchor = at.anchor or self._anchor
        if at.anchor is not None:
            self.keep_zero()

    def keep_zero(self) -> None:
        """The zero rests on all that has been told of its heading so far."""
        self._zero_heading_rad = self._anchor.heading_rad

    def set_zero(self) -> None:
        """The zero is the posture right now."""
        self._moved_rad = self._zero_moved_rad()
        self._zero_lost, self._anchor = self._lost, FixedPointSmoother.at(self._drift)
        self.keep_zero()

    def _zero_moved_rad(self) -> float:
        """How much the zero has moved by what was told of its heading since."""
        return self._moved_rad + self._zero_lost * (self._anchor.heading_rad - self._zero_heading_rad)

    def step(self, thigh: tuple[Vector, Vector], shank: tuple[Vector, Vector]) -> CausalAngle:
        """Takes (angular rate in rad/s, specific force in m/s^2) of both sensors."""
        a1, b1 = self._thigh.step(*thigh)
        a2, b2 = self._shank.step(*shank)
        phasor = 4 * a1 * b1 * (a2 * b2).conjugate()
        level2 = abs(phasor)
        inclination = (_rise((a1, b1)) + _rise((a2, b2))) / 2
        self._look(phasor, inclination)
        slow = complex_exp(1j * self._drift.heading_rad)
        self._wobble += self._follow * (phasor * slow.conjugate() - self._wobble)
        seen = abs(self._wobble)
        share = seen * seen / (seen * seen + self._follow4)
        half = complex_exp(0.5j * (self._drift.heading_rad + share * phase(self._wobble)))
        angle = degrees(2 * phase(a1.conjugate() * a2 * half + b1 * (b2 * half).conjugate()))
        middle = self._knee.middle_deg
        angle = (angle - middle + 180.0) % 360.0 - 180.0 + middle
        flat = level2 * level2 / (level2 * level2 + self._follow4)
        self._lost = inclination * (1.0 - flat)
        sd = self._sd_rad(angle, (a1, b1), (a2, b2), level2, flat)
        return CausalAngle(angle - degrees(self._zero_moved_rad()), degrees(sd), self._tilt_deg(a1, b1))

    def _bias_along_hinge(self) -> tuple[float, float]:
        """What is taken off the gyros (thigh's less shank's), and its variance as rest tells it."""
        (one, one2), (two, two2) = (
            s.bias_along(j) for s, j in zip((self._thigh, self._shank), self._knee.axes, strict=True)
        )
        return one - two, one2 + two2

    def _rest(self) -> None:
        taken_off, variance = self._bias_along_hinge()
        more, before = taken_off - self._taken_off_rad_s, self._drift
        self._drift = before.rested(more, variance)
        self._anchor = self._anchor.rested(before, more, variance)
        self._taken_off_rad_s = taken_off

    def _look(self, phasor: complex, inclination: float) -> None:
        if (rests := self._thigh.rests + self._shank.rests) != self._rests:
            self._rests = rests
            self._rest()
        seen = self._drift.seen(phasor, self._step_s, self._parameters)
        if seen is not self._drift:
            self._anchor = self._anchor.told(self._drift, seen)
        self._drift = seen.later(self._step_s, inclination, self._parameters)
        self._anchor = self._anchor.later(self._step_s * inclination)

    def _sd_rad(self, angle_deg: float, one: Spinor, two: Spinor, level2: float, share: float) -> float:
        x1, y1 = _axis_slope(one)
        x2, y2 = _axis_slope(two)
        z, c = self._zero_slope, self._covariance
        d = (share * x1 - z[0], share * y1 - z[1], -share * x2 - z[2], -share * y2 - z[3])
        variance = sum(d[i] * sum(c[i][j] * d[j] for j in range(4)) for i in range(4))
        lost, zero_lost = self._lost, self._zero_lost
        now2, then2, together = self._drift.heading_rad2, self._anchor.heading_rad2, self._anchor.with_heading
        turned = lost * lost * now2 - 2 * lost * zero_lost * together + zero_lost * zero_lost * then2
        variance += min(max(turned, 0.0), _MOST_RAD2)
        variance += lost * lost * level2 * self._misalignment2
        bent = radians(angle_deg - self._knee.zero_angle_deg)
        variance += self._sensor2 + self._unseen2 * (1.0 + bent * bent)
        return sqrt(variance)

    def _tilt_deg(self, a: complex, b: complex) -> float:
        level, inclination = 2j * a.conjugate() * b, _rise((a, b))
        cosine = (level * self._zero_up[0].conjugate()).real + inclination * self._zero_up[1]
        return degrees(acos(min(max(cosine, -1.0), 1.0)))


def _axis_slope(q: Spinor) -> tuple[float, float]:
    """`flexion.axis_sensitivity` for one sample."""
    a, b = q
    level, inclination = 2j * a.conjugate() * b, _rise((a, b))
    slope = inclination / max(level.real * level.real + level.imag * level.imag, 1e-2)
    return slope * level.imag, -slope * level.real


def _rise(q: Spinor) -> float:
    """How much the hinge points up, -1 to 1."""
    a, b = q
    return a.real * a.real + a.imag * a.imag - b.real * b.real - b.imag * b.imag


def _hinge(axis: Float) -> Spinor:
    a, b = from_matrix(np.stack((*tangents(axis), axis), axis=1))
    return complex(a[0]), complex(b[0])
