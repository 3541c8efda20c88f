"""One sensor, one sample at a time, in plain floats: a scalar costs less than an array of length one.

The causal form of `orientation`: the same frames, the same lever and the same time constant, with a
second-order Butterworth low-pass in place of the two-sided smoother of `orientation.gravity` (Laidig and Seel
2023, VQF). The two stay separate: the smoother uses the future and has no delay, the filter cannot. A vector
is kept as (x + y k, z), horizontal and vertical, a rotation as the pair of `orientation.quaternion`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin, sqrt, tan

import numpy as np

from analysis.angle.grid import Motion
from analysis.angle.orientation.bias import at_rest, stride, update
from analysis.angle.parameters import AngleParameters, BiasParameters
from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.samples import Float

Vector = tuple[float, float, float]
Spinor = tuple[complex, complex]


def turn(q: Spinor, horizontal: complex, vertical: float) -> tuple[complex, float]:
    """Rotates the vector (horizontal, vertical) by a unit pair."""
    a, b = q
    turned = a * a * horizontal + b * b * horizontal.conjugate() - 2j * vertical * (a * b)
    return turned, vertical * z_inclination(q) + 2 * (a * b.conjugate() * horizontal).imag


def z_inclination(q: Spinor) -> float:
    """Sine of the inclination of the turned z axis above the horizontal, -1 to 1."""
    a, b = q
    return a.real * a.real + a.imag * a.imag - b.real * b.real - b.imag * b.imag


def chain(q: Spinor, p: Spinor) -> Spinor:
    """The Hamilton product of two pairs."""
    a, b = q
    c, d = p
    return a * c - b * d.conjugate(), a * d + b * c.conjugate()


@dataclass(frozen=True, slots=True)
class Lowpass:
    """Second-order Butterworth low-pass, b0 (1 + 2 z^-1 + z^-2) / (1 + a1 z^-1 + a2 z^-2), bilinear."""

    b0: float
    a1: float
    a2: float

    @classmethod
    def design(cls, cutoff_hz: float, rate_hz: float) -> Lowpass:
        """The filter for a cut-off and a sample rate."""
        k = tan(pi * cutoff_hz / rate_hz)
        scale = 1.0 + sqrt(2.0) * k + k * k
        return cls(k * k / scale, 2.0 * (k * k - 1.0) / scale, (1.0 - sqrt(2.0) * k + k * k) / scale)


class CausalSensor:
    """The orientation of one sensor. Call `step` once for every grid sample.

    Args:
        rate_hz: of the grid.
        bias_rad_s: (3,) the gyro's bias so far; updated at rest.
        bias_covariance: (3, 3) of it.
        lever_m: from the knee to the sensor.
        sensor_from_hinge: a frame with z along the axis.
        parameters: the constants.

    Attributes:
        force_g: size of the newest force at the knee, in g.
    """

    def __init__(
        self,
        rate_hz: float,
        bias_rad_s: Float,
        bias_covariance: Float,
        lever_m: Float,
        sensor_from_hinge: Spinor,
        parameters: AngleParameters,
    ) -> None:
        tau_s = parameters.gravity_tau_s
        self._rate_hz = rate_hz
        self._quarter_s = 0.25 / rate_hz
        self._lowpass = Lowpass.design(sqrt(2.0) / (2.0 * pi * tau_s), rate_hz)
        self._settle = max(1, round(tau_s * rate_hz))
        self._bias = RestBias(rate_hz, bias_rad_s, bias_covariance, parameters.bias)
        self._lever_m = _vector(lever_m)
        self._hinge = sensor_from_hinge
        self.restart()

    @property
    def rests(self) -> int:
        """Number of windows of rest that updated the bias."""
        return self._bias.rests

    def bias_along(self, axis: Float) -> tuple[float, float]:
        """The bias along an axis (3,) of the sensor, and its variance."""
        return self._bias.along(axis)

    def restart(self, level_from_sensor: Spinor | None = None) -> None:
        """Resets the orientation, as after a gap, or sets it; bias, lever and axis stay."""
        self._bias.interrupt()
        self.force_g = 1.0
        self._q = level_from_sensor
        self._gyr: Vector = (0.0, 0.0, 0.0)
        self._swept: tuple[complex, float] | None = None
        self._count = 0
        self._sum: tuple[complex, float] = (0j, 0.0)
        self._state: tuple[complex, complex, float, float] = (0j, 0j, 0.0, 0.0)
        if level_from_sensor is not None:
            self._count = self._settle
            self._settle_at(0j, GRAVITY_M_S2)

    def step(self, gyr: Vector, acc: Vector) -> Spinor:
        """The next sample: angular rate in rad/s and specific force in m/s^2.

        Returns:
            The rotation to a level world from a frame with z along the hinge.
        """
        bx, by, bz = self._bias.step(gyr, acc)
        gx, gy, gz = gyr[0] - bx, gyr[1] - by, gyr[2] - bz
        if self._q is None:
            q = _upright(acc)
        elif self._swept is None:
            q = self._q
        else:
            q = self._advance(self._q, gx, gy, gz)
        self._q, self._gyr = q, (gx, gy, gz)
        horizontal, vertical = turn(q, complex(acc[0], acc[1]), acc[2])
        rx, ry, rz = self._lever_m
        swept = turn(q, complex(gy * rz - gz * ry, gz * rx - gx * rz), gx * ry - gy * rx)
        if self._swept is not None:
            horizontal -= (swept[0] - self._swept[0]) * self._rate_hz
            vertical -= (swept[1] - self._swept[1]) * self._rate_hz
        self._swept = swept
        across2 = horizontal.real * horizontal.real + horizontal.imag * horizontal.imag
        self.force_g = sqrt(across2 + vertical * vertical) / GRAVITY_M_S2
        horizontal, vertical = self._filter(horizontal, vertical)
        size = sqrt(
            horizontal.real * horizontal.real + horizontal.imag * horizontal.imag + vertical * vertical
        )
        if size < 1e-9:
            return chain(q, self._hinge)
        horizontal, vertical = horizontal / size, vertical / size
        # The shortest rotation from up to z; up stays near z, because the first sample put it there.
        norm = sqrt(max(2.0 * (1.0 + vertical), 1e-9))
        level = complex((1.0 + vertical) / norm), -1j * horizontal / norm
        return chain(chain(level, q), self._hinge)

    def _advance(self, q: Spinor, gx: float, gy: float, gz: float) -> Spinor:
        px, py, pz = self._gyr
        x, y, z = (gx + px) * self._quarter_s, (gy + py) * self._quarter_s, (gz + pz) * self._quarter_s
        half = sqrt(x * x + y * y + z * z)
        s = sin(half) / half if half > 1e-9 else 1.0
        a, b = chain(q, (complex(cos(half), s * z), complex(s * x, s * y)))
        # One Newton step of the inverse square root renormalises, because the length is always close to 1.
        n = 1.5 - 0.5 * (a.real * a.real + a.imag * a.imag + b.real * b.real + b.imag * b.imag)
        return a * n, b * n

    def _filter(self, horizontal: complex, vertical: float) -> tuple[complex, float]:
        self._count += 1
        if self._count <= self._settle:
            # A mean until one time constant has passed, then the filter in the steady state of that mean.
            self._sum = (self._sum[0] + horizontal, self._sum[1] + vertical)
            mean = self._sum[0] / self._count, self._sum[1] / self._count
            if self._count == self._settle:
                self._settle_at(*mean)
            return mean
        b0, a1, a2 = self._lowpass.b0, self._lowpass.a1, self._lowpass.a2
        h1, h2, v1, v2 = self._state
        out, up = b0 * horizontal + h1, b0 * vertical + v1
        self._state = (
            2 * b0 * horizontal - a1 * out + h2,
            b0 * horizontal - a2 * out,
            2 * b0 * vertical - a1 * up + v2,
            b0 * vertical - a2 * up,
        )
        return out, up

    def _settle_at(self, horizontal: complex, vertical: float) -> None:
        near, far = 1.0 - self._lowpass.b0, self._lowpass.b0 - self._lowpass.a2
        self._state = (near * horizontal, far * horizontal, near * vertical, far * vertical)


def _upright(acc: Vector) -> Spinor:
    """The shortest rotation that takes the first force to z."""
    x, y, z = acc
    size = sqrt(x * x + y * y + z * z)
    if size < 1e-9 or z / size < -0.999999:
        return 0j, 1 + 0j
    norm = sqrt(2.0 * (1.0 + z / size))
    return complex((1.0 + z / size) / norm), -1j * complex(x, y) / size / norm


class RestBias:
    """Updates the gyro's bias at rest: every half second, `bias.at_rest` of the last window."""

    __slots__ = ("_bias", "_covariance", "_parameters", "_rate_hz", "_recent", "_stride", "rests")

    def __init__(
        self, rate_hz: float, bias_rad_s: Float, covariance: Float, parameters: BiasParameters
    ) -> None:
        self._rate_hz, self._parameters = rate_hz, parameters
        self._stride = stride(rate_hz, parameters)
        self._covariance = covariance
        self._bias = _vector(bias_rad_s)
        self.rests = 0
        self.interrupt()

    def interrupt(self) -> None:
        """Discards the window, as after a gap."""
        self._recent: list[tuple[float, ...]] = []

    def step(self, gyr: Vector, acc: Vector) -> Vector:
        """Takes one sample of each in rad/s and m/s^2 and returns the bias in rad/s."""
        self._recent.append((*acc, *gyr))
        if len(self._recent) == 4 * self._stride:
            self._update()
        return self._bias

    def along(self, axis: Float) -> tuple[float, float]:
        """The bias along an axis (3,), and its variance."""
        return float(axis @ np.array(self._bias)), float(axis @ self._covariance @ axis)

    def _update(self) -> None:
        values = np.array(self._recent).T
        del self._recent[: self._stride]
        known = np.ones(values.shape[1], dtype=bool)
        rest = at_rest(Motion(values[:3], values[3:]), known, self._rate_hz, self._parameters)
        seconds = self._stride / self._rate_hz
        self.rests += len(rest.value) > 0
        bias, self._covariance = update(
            np.array(self._bias), self._covariance, seconds, rest, self._parameters
        )
        self._bias = _vector(bias)


def _vector(values: Float) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z
