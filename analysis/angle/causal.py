"""The gravity filter one sample at a time: VQF's basic form (Laidig and Seel 2023) in plain floats.

Scalars beat arrays here: a step costs a few microseconds, a numpy call alone about one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, pi, sin, sqrt, tan

from analysis.angle.parameters import AngleParameters

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Lowpass:
    """Second-order Butterworth low-pass, bilinear, as b0 (1 + 2 z^-1 + z^-2) / (1 + a1 z^-1 + a2 z^-2)."""

    b0: float
    a1: float
    a2: float

    @classmethod
    def design(cls, cutoff_hz: float, rate_hz: float) -> Lowpass:
        """The filter for a cut-off and a sample rate."""
        k = tan(pi * cutoff_hz / rate_hz)
        scale = 1.0 + sqrt(2.0) * k + k * k
        return cls(k * k / scale, 2.0 * (k * k - 1.0) / scale, (1.0 - sqrt(2.0) * k + k * k) / scale)


class GravityFilter:
    """Follows up in the coordinates of one sensor. `step` once for every grid sample."""

    __slots__ = (
        "_bias",
        "_count",
        "_dt",
        "_gyr",
        "_low",
        "_q",
        "_rest",
        "_start",
        "_state",
        "_sum",
        "_track",
    )

    def __init__(self, rate_hz: float, parameters: AngleParameters) -> None:
        tau = parameters.gravity_tau_s
        self._dt = 1.0 / rate_hz
        self._low = Lowpass.design(sqrt(2.0) / (2.0 * pi * tau), rate_hz)
        self._start = max(1, round(tau * rate_hz))
        self._rest = _RestBias(rate_hz)
        self.restart()

    def restart(self) -> None:
        """Forgets the attitude, as after a gap; the bias of the gyro stays."""
        self._count = 0
        self._q = (1.0, 0.0, 0.0, 0.0)
        self._gyr: Vector | None = None
        self._sum = (0.0, 0.0, 0.0)
        self._state = (0.0,) * 6

    def step(self, gyr: Vector, acc: Vector) -> Vector:
        """Takes angular rate in rad/s and specific force in m/s^2; returns the unit vector up."""
        bx, by, bz = self._rest.step(gyr, acc)
        gx, gy, gz = gyr[0] - bx, gyr[1] - by, gyr[2] - bz
        px, py, pz = self._gyr or (gx, gy, gz)
        moving = self._gyr is not None
        self._gyr = (gx, gy, gz)
        w, x, y, z = self._q
        if moving:
            half = 0.25 * self._dt
            rx, ry, rz = (gx + px) * half, (gy + py) * half, (gz + pz) * half
            angle = sqrt(rx * rx + ry * ry + rz * rz)
            c, s = cos(angle), (sin(angle) / angle if angle > 1e-12 else 1.0)
            rx, ry, rz = rx * s, ry * s, rz * s
            w, x, y, z = (
                w * c - x * rx - y * ry - z * rz,
                w * rx + x * c + y * rz - z * ry,
                w * ry - x * rz + y * c + z * rx,
                w * rz + x * ry - y * rx + z * c,
            )
            n = 1.0 / sqrt(w * w + x * x + y * y + z * z)
            w, x, y, z = w * n, x * n, y * n, z * n
            self._q = (w, x, y, z)
        ax, ay, az = acc
        tx, ty, tz = 2 * (y * az - z * ay), 2 * (z * ax - x * az), 2 * (x * ay - y * ax)
        fx, fy, fz = self._filter(
            ax + w * tx + y * tz - z * ty, ay + w * ty + z * tx - x * tz, az + w * tz + x * ty - y * tx
        )
        n = sqrt(fx * fx + fy * fy + fz * fz)
        if n < 1e-9:
            return (0.0, 0.0, 1.0)
        fx, fy, fz = fx / n, fy / n, fz / n
        tx, ty, tz = 2 * (y * fz - z * fy), 2 * (z * fx - x * fz), 2 * (x * fy - y * fx)
        return (fx - w * tx + y * tz - z * ty, fy - w * ty + z * tx - x * tz, fz - w * tz + x * ty - y * tx)

    def _filter(self, x: float, y: float, z: float) -> Vector:
        self._count += 1
        if self._count <= self._start:
            # A mean until one time constant has passed, then the filter in the steady state of that mean.
            sx, sy, sz = self._sum
            self._sum = (sx + x, sy + y, sz + z)
            mx, my, mz = (v / self._count for v in self._sum)
            if self._count == self._start:
                first, second = 1.0 - self._low.b0, self._low.b0 - self._low.a2
                self._state = (first * mx, second * mx, first * my, second * my, first * mz, second * mz)
            return mx, my, mz
        b0, a1, a2 = self._low.b0, self._low.a1, self._low.a2
        x1, x2, y1, y2, z1, z2 = self._state
        ox, oy, oz = b0 * x + x1, b0 * y + y1, b0 * z + z1
        self._state = (
            2 * b0 * x - a1 * ox + x2, b0 * x - a2 * ox,
            2 * b0 * y - a1 * oy + y2, b0 * y - a2 * oy,
            2 * b0 * z - a1 * oz + z2, b0 * z - a2 * oz,
        )  # fmt: skip
        return ox, oy, oz


class _RestBias:
    """The gyro's bias from moments of rest: low-passed rate while neither signal moves (VQF, section 3.4)."""

    __slots__ = ("_bias", "_calm", "_gain", "_mean", "_need", "_weight")

    _TAU_S = 0.5
    _GYR_RAD_S = 0.035
    _ACC_M_S2 = 0.5
    _MEMORY = 200

    def __init__(self, rate_hz: float) -> None:
        self._gain = 1.0 - exp(-1.0 / (rate_hz * self._TAU_S))
        self._need = round(1.5 * rate_hz)
        self._mean: list[float] | None = None
        self._calm = 0
        self._weight = 0
        self._bias = (0.0, 0.0, 0.0)

    def step(self, gyr: Vector, acc: Vector) -> Vector:
        values = (*gyr, *acc)
        if self._mean is None:
            self._mean = list(values)
        mean, gain = self._mean, self._gain
        far_gyr = far_acc = 0.0
        for i in range(6):
            d = values[i] - mean[i]
            mean[i] += gain * d
            if i < 3:
                far_gyr += d * d
            else:
                far_acc += d * d
        slow = mean[0] * mean[0] + mean[1] * mean[1] + mean[2] * mean[2] < self._GYR_RAD_S**2
        calm = slow and far_gyr < self._GYR_RAD_S**2 and far_acc < self._ACC_M_S2**2
        self._calm = self._calm + 1 if calm else 0
        if self._calm > self._need:
            self._weight = min(self._weight + 1, self._MEMORY)
            share = 1.0 / self._weight
            bx, by, bz = self._bias
            self._bias = (
                bx + share * (mean[0] - bx),
                by + share * (mean[1] - by),
                bz + share * (mean[2] - bz),
            )
        return self._bias
