"""One sensor, one sample at a time, in plain floats: a scalar costs less than an array of length one.

The causal form of `strapdown` and `gravity`: the same frames, the same lever and the same time constant,
with a second-order Butterworth low-pass where the recording has a two-sided smoother (Laidig and Seel
2023, VQF). A vector is kept as (x + y k, z), a rotation as the pair of `quaternion`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, pi, sin, sqrt, tan

from analysis.angle.parameters import AngleParameters

Vector = tuple[float, float, float]
Spinor = tuple[complex, complex]


def turn(q: Spinor, level: complex, rise: float) -> tuple[complex, float]:
    """Rotates the vector (level, rise) by a unit pair."""
    a, b = q
    ab = a * b
    turned = a * a * level + b * b * level.conjugate() - 2j * rise * ab
    cosine = a.real * a.real + a.imag * a.imag - b.real * b.real - b.imag * b.imag
    return turned, rise * cosine + 2 * (a * b.conjugate() * level).imag


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
    """Carries one sensor along and levels it. `step` once for every grid sample.

    Args:
        rate_hz: of the grid.
        bias_rad_s: the gyro's bias so far; corrected further at rest.
        lever_m: from the knee to the sensor.
        sensor_from_hinge: the axis, as a frame with z along it.
        parameters: the constants.
    """

    def __init__(
        self,
        rate_hz: float,
        bias_rad_s: Vector,
        lever_m: Vector,
        sensor_from_hinge: Spinor,
        parameters: AngleParameters,
    ) -> None:
        tau_s = parameters.gravity_tau_s
        self._rate_hz = rate_hz
        self._quarter_s = 0.25 / rate_hz
        self._lowpass = Lowpass.design(sqrt(2.0) / (2.0 * pi * tau_s), rate_hz)
        self._settle = max(1, round(tau_s * rate_hz))
        self._bias = RestBias(rate_hz, bias_rad_s)
        self._lever_m = lever_m
        self._hinge = sensor_from_hinge
        self.restart()

    def restart(self) -> None:
        """Forgets the attitude, as after a gap; bias, lever and axis stay."""
        self._q: Spinor | None = None
        self._gyr: Vector = (0.0, 0.0, 0.0)
        self._swept: tuple[complex, float] = (0j, 0.0)
        self._count = 0
        self._sum: tuple[complex, float] = (0j, 0.0)
        self._state: tuple[complex, complex, float, float] = (0j, 0j, 0.0, 0.0)

    def step(self, gyr: Vector, acc: Vector) -> Spinor:
        """Takes angular rate in rad/s and specific force in m/s^2.

        Returns:
            The rotation to a level world from a frame with z along the hinge.
        """
        bx, by, bz = self._bias.step(gyr, acc)
        gx, gy, gz = gyr[0] - bx, gyr[1] - by, gyr[2] - bz
        first = self._q is None
        q = _upright(acc) if self._q is None else self._advance(self._q, gx, gy, gz)
        self._q, self._gyr = q, (gx, gy, gz)
        level, rise = turn(q, complex(acc[0], acc[1]), acc[2])
        rx, ry, rz = self._lever_m
        swept = turn(q, complex(gy * rz - gz * ry, gz * rx - gx * rz), gx * ry - gy * rx)
        if not first:
            level -= (swept[0] - self._swept[0]) * self._rate_hz
            rise -= (swept[1] - self._swept[1]) * self._rate_hz
        self._swept = swept
        level, rise = self._smooth(level, rise)
        size = sqrt(level.real * level.real + level.imag * level.imag + rise * rise)
        if size < 1e-9:
            return chain(q, self._hinge)
        level, rise = level / size, rise / size
        # The shortest way from up to z; up stays near z, because the first sample put it there.
        norm = sqrt(max(2.0 * (1.0 + rise), 1e-9))
        return chain(chain((complex((1.0 + rise) / norm), -1j * level / norm), q), self._hinge)

    def _advance(self, q: Spinor, gx: float, gy: float, gz: float) -> Spinor:
        px, py, pz = self._gyr
        x, y, z = (gx + px) * self._quarter_s, (gy + py) * self._quarter_s, (gz + pz) * self._quarter_s
        half = sqrt(x * x + y * y + z * z)
        s = sin(half) / half if half > 1e-9 else 1.0
        a, b = chain(q, (complex(cos(half), s * z), complex(s * x, s * y)))
        # One Newton step of the inverse square root keeps the length, as it never strays far.
        n = 1.5 - 0.5 * (a.real * a.real + a.imag * a.imag + b.real * b.real + b.imag * b.imag)
        return a * n, b * n

    def _smooth(self, level: complex, rise: float) -> tuple[complex, float]:
        self._count += 1
        if self._count <= self._settle:
            # A mean until one time constant has passed, then the filter in the steady state of that mean.
            self._sum = (self._sum[0] + level, self._sum[1] + rise)
            mean = self._sum[0] / self._count, self._sum[1] / self._count
            if self._count == self._settle:
                near, far = 1.0 - self._lowpass.b0, self._lowpass.b0 - self._lowpass.a2
                self._state = (near * mean[0], far * mean[0], near * mean[1], far * mean[1])
            return mean
        b0, a1, a2 = self._lowpass.b0, self._lowpass.a1, self._lowpass.a2
        level1, level2, rise1, rise2 = self._state
        out, up = b0 * level + level1, b0 * rise + rise1
        self._state = (
            2 * b0 * level - a1 * out + level2,
            b0 * level - a2 * out,
            2 * b0 * rise - a1 * up + rise2,
            b0 * rise - a2 * up,
        )
        return out, up


def _upright(acc: Vector) -> Spinor:
    """The shortest rotation that takes the first force to z."""
    x, y, z = acc
    size = sqrt(x * x + y * y + z * z)
    if size < 1e-9 or z / size < -0.999999:
        return 0j, 1 + 0j
    norm = sqrt(2.0 * (1.0 + z / size))
    return complex((1.0 + z / size) / norm), -1j * complex(x, y) / size / norm


class RestBias:
    """Follows the gyro's bias at rest: calm in rate and force, slow, and not tilting meanwhile."""

    __slots__ = ("_bias", "_calm", "_force", "_gain", "_mean", "_need", "_step_s", "_weight")

    _SMOOTH_S = 0.5
    _NEED_S = 2.0
    _RATE_RAD_S = 0.02
    _BIAS_RAD_S = 0.05
    _FORCE_M_S2 = 0.5
    _TILT_M_S2 = 0.04
    _START_S = 2.0
    _MEMORY_S = 30.0

    def __init__(self, rate_hz: float, bias_rad_s: Vector) -> None:
        self._step_s = 1.0 / rate_hz
        self._gain = 1.0 - exp(-1.0 / (rate_hz * self._SMOOTH_S))
        self._need = round(self._NEED_S * rate_hz)
        self._mean: list[float] | None = None
        self._force: Vector = (0.0, 0.0, 0.0)
        self._calm = 0
        self._weight = self._START_S
        self._bias = bias_rad_s

    def step(self, gyr: Vector, acc: Vector) -> Vector:
        """Takes one sample of each in rad/s and m/s^2 and returns the bias in rad/s."""
        if self._mean is None:
            self._mean = [*gyr, *acc]
        m, gain = self._mean, self._gain
        dx, dy, dz = gyr[0] - m[0], gyr[1] - m[1], gyr[2] - m[2]
        ax, ay, az = acc[0] - m[3], acc[1] - m[4], acc[2] - m[5]
        m[0] += gain * dx
        m[1] += gain * dy
        m[2] += gain * dz
        m[3] += gain * ax
        m[4] += gain * ay
        m[5] += gain * az
        if (
            dx * dx + dy * dy + dz * dz > self._RATE_RAD_S**2
            or ax * ax + ay * ay + az * az > self._FORCE_M_S2**2
            or m[0] * m[0] + m[1] * m[1] + m[2] * m[2] > self._BIAS_RAD_S**2
        ):
            self._calm = 0
            return self._bias
        self._calm += 1
        if self._calm == self._need:
            self._force = (m[3], m[4], m[5])
        elif self._calm > self._need:
            self._learn(m)
        return self._bias

    def _learn(self, m: list[float]) -> None:
        tilt = abs(m[3] - self._force[0]) + abs(m[4] - self._force[1]) + abs(m[5] - self._force[2])
        seconds = (self._calm - self._need) * self._step_s
        # Something this slow that tilts is a slow movement, not a bias.
        if tilt > self._TILT_M_S2 * max(1.0, seconds):
            self._calm = 0
            return
        self._weight = min(self._weight + self._step_s, self._MEMORY_S)
        share = self._step_s / self._weight
        bx, by, bz = self._bias
        self._bias = (bx + share * (m[0] - bx), by + share * (m[1] - by), bz + share * (m[2] - bz))
