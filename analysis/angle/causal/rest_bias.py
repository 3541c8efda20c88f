"""The bias of one gyro while the stream runs: the causal form of `orientation.bias`, in plain floats.

A window of rest has four quarters. No sample may take long, so the work that the end of a quarter brings is
spread over the samples that follow: its six channels, two at a time, then the judgement of the window and the
update. Arrays of three would cost more than they hold: code that runs twice a second is never in the cache.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import sqrt

from analysis.angle.orientation.bias import stride
from analysis.angle.parameters import BiasParameters
from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.samples import Float

Vector = tuple[float, float, float]
# Mean of three axes, and the largest standard deviation among them.
_Figures = tuple[Vector, float]
_Quarter = tuple[_Figures, _Figures]
# A symmetric matrix: xx, xy, xz, yy, yz, zz.
Symmetric = tuple[float, float, float, float, float, float]


class RestBias:
    """Updates the gyro's bias at rest: every quarter of a window, by the window that has just ended.

    Args:
        rate_hz: of the samples.
        bias_rad_s: (3,) the bias so far.
        covariance: (3, 3) of it.
        parameters: the constants.

    Attributes:
        rests: number of windows of rest so far.
    """

    __slots__ = (
        "_bias", "_covariance", "_figures", "_parameters", "_quarter", "_quarters", "_rate_hz", "_recent",
        "_stride", "_work", "rests",
    )  # fmt: skip

    def __init__(
        self, rate_hz: float, bias_rad_s: Float, covariance: Float, parameters: BiasParameters
    ) -> None:
        self._rate_hz, self._parameters = rate_hz, parameters
        self._stride = stride(rate_hz, parameters)
        (xx, xy, xz), (_, yy, yz), (_, _, zz) = covariance.tolist()
        self._covariance: Symmetric = xx, xy, xz, yy, yz, zz
        self._bias = vector(bias_rad_s)
        self.rests = 0
        self.interrupt()

    def interrupt(self) -> None:
        """Discards the window, as after a gap."""
        self._recent: list[tuple[Vector, Vector]] = []
        self._quarters: deque[_Quarter] = deque(maxlen=4)
        self._work: list[Callable[[], None]] = []
        self._figures: list[tuple[float, float]] = []

    def step(self, gyr: Vector, acc: Vector) -> Vector:
        """Takes one sample of each in rad/s and m/s^2 and returns the bias in rad/s."""
        if self._work:
            self._work.pop()()
        self._recent.append((gyr, acc))
        if len(self._recent) == self._stride:
            while self._work:  # at low rates a quarter has fewer samples than there is to do
                self._work.pop()()
            self._quarter, self._recent, self._figures = self._recent, [], []
            self._work = [self._update, self._find_two, self._find_two, self._find_two]
        return self._bias

    def along(self, axis: Vector) -> tuple[float, float]:
        """The bias along an axis, and its variance."""
        (x, y, z), (u, v, w) = self._bias, axis
        xx, xy, xz, yy, yz, zz = self._covariance
        variance = u * u * xx + v * v * yy + w * w * zz + 2 * (u * v * xy + u * w * xz + v * w * yz)
        return x * u + y * v + z * w, variance

    def _find_two(self) -> None:
        """Mean and variance of the next two channels of the quarter: three of the rate, then of the force."""
        first = len(self._figures)
        for channel in (first, first + 1):
            part, axis = divmod(channel, 3)
            self._figures.append(_figures([sample[part][axis] for sample in self._quarter]))

    def _update(self) -> None:
        rate, force = self._figures[:3], self._figures[3:]
        self._quarters.append((_of_axes(rate), _of_axes(force)))
        if len(self._quarters) < 4:
            return
        found = rest_of_window(tuple(self._quarters), self._parameters)
        self.rests += found is not None
        seconds = self._stride / self._rate_hz
        self._bias, self._covariance = kalman(self._bias, self._covariance, seconds, found, self._parameters)


def kalman(
    bias_rad_s: Vector,
    covariance: Symmetric,
    seconds: float,
    rest: tuple[Vector, float] | None,
    p: BiasParameters,
) -> tuple[Vector, Symmetric]:
    """One predict over some seconds, and one update with a window of rest that all three axes observe.

    A window whose innovation is larger than `contradiction` sigma is left out.

    Args:
        bias_rad_s: the estimate so far.
        covariance: of it.
        seconds: since that estimate.
        rest: mean rate over the window and its sigma; None where there was no rest.
        p: the constants.
    """
    walk = p.walk_sd_rad_s**2 * seconds / p.node_s
    xx, xy, xz, yy, yz, zz = covariance
    xx, yy, zz = xx + walk, yy + walk, zz + walk
    if rest is None:
        return bias_rad_s, (xx, xy, xz, yy, yz, zz)
    (x, y, z), ((mx, my, mz), sd) = bias_rad_s, rest
    noise = sd * sd
    u, v, w = mx - x, my - y, mz - z
    a, d, f = xx + noise, yy + noise, zz + noise  # of the innovation, S = P + noise
    if u * u > p.contradiction**2 * a or v * v > p.contradiction**2 * d or w * w > p.contradiction**2 * f:
        return bias_rad_s, (xx, xy, xz, yy, yz, zz)
    # The cofactors of S. The gain P / S is 1 - noise / S, and the new covariance is noise times the gain.
    aa, ab, ac = d * f - yz * yz, xz * yz - xy * f, xy * yz - xz * d
    bb, bc, cc = a * f - xz * xz, xy * xz - a * yz, a * d - xy * xy
    part = noise / (a * aa + xy * ab + xz * ac)
    bias = (
        mx - part * (aa * u + ab * v + ac * w),
        my - part * (ab * u + bb * v + bc * w),
        mz - part * (ac * u + bc * v + cc * w),
    )
    return bias, (
        noise * (1 - part * aa), -noise * part * ab, -noise * part * ac,
        noise * (1 - part * bb), -noise * part * bc, noise * (1 - part * cc),
    )  # fmt: skip


def rest_of_window(quarters: tuple[_Quarter, ...], p: BiasParameters) -> tuple[Vector, float] | None:
    """`orientation.bias.at_rest` of a single window: mean rate and its sigma, or None where it is no rest."""
    rates, forces = zip(*quarters, strict=True)
    axes = list(zip(*(mean for mean, _ in rates), strict=True))
    x, y, z = (sum(axis) / 4 for axis in axes)
    ax, ay, az = (last - first for last, first in zip(forces[3][0], forces[0][0], strict=True))
    tilt = sqrt(ax * ax + ay * ay + az * az) / GRAVITY_M_S2
    if max(abs(x), abs(y), abs(z)) >= p.rest_largest_rad_s or tilt >= 2 * p.held_sd_rad_s * 0.75 * p.rest_s:
        return None
    unrest = max(
        max(sd for _, sd in rates) / p.rest_ripple_rad_s,
        max(sd for _, sd in forces) / p.rest_force_m_s2,
        max(max(axis) - min(axis) for axis in axes) / (p.rest_ripple_rad_s / 2),
        tilt / (p.rest_tilt_rad * 0.75),
    )
    if unrest >= p.held_factor:
        return None
    return (x, y, z), 2 * (p.rest_sd_rad_s if unrest < 1.0 else p.held_sd_rad_s)


def _figures(values: list[float]) -> tuple[float, float]:
    """Mean and variance of one channel over a quarter."""
    count = len(values)
    mean = sum(values) / count
    return mean, sum([(off := value - mean) * off for value in values]) / count


def _of_axes(figures: list[tuple[float, float]]) -> _Figures:
    (x, x2), (y, y2), (z, z2) = figures
    return (x, y, z), sqrt(max(x2, y2, z2))


def vector(values: Float) -> Vector:
    """Three floats of an array (3,)."""
    x, y, z = (float(v) for v in values)
    return x, y, z
