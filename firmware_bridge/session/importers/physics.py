"""Units, scale, sample rate and offset of a sensor, from gravity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_bridge.samples import Float, Int
from firmware_bridge.session.importers.files.units import ACC, GYR

_STEPS = (40, 80, 160)  # rows between two looks at gravity
_PAIRS = 60
_STEADY = 0.04  # of its norm, by which the acceleration may differ from gravity at a look
_TURN_DEG = (25.0, 140.0)
_LEAST_PAIRS = 6
_REST_S = 0.5
# Between rests the turn is exact; rests are told without units, by how little rows differ.
_REST_ROWS = 24
_REST_ACC = 0.012
_REST_TURN = 0.04
_LONGEST_TURN_ROWS = 800


@dataclass(frozen=True, slots=True)
class Turning:
    """How far the angular rate turns, compared with gravity.

    Attributes:
        scale: what the rate must be multiplied by to turn as gravity does; 1 for a sound sensor.
        error_deg: by which gravity is missed with that scale, median.
        pairs: observations of gravity that were compared.
        exact: the observations were at rest; otherwise the limb's own acceleration distorts the scale, by up
            to a factor of two in walking.
    """

    scale: float
    error_deg: float
    pairs: int
    exact: bool

    @property
    def sure(self) -> bool:
        """Whether the scale is good to some percent."""
        return self.exact and self.error_deg < 4.0


def turning(acc: Float, turn: Float) -> Turning | None:
    """Compares the turns of an angular rate with those of gravity between moments without acceleration.

    Args:
        acc: (n, 3) in any unit.
        turn: (n, 3) angular rate times the period: radians from row to row, if units and rate are right.

    Returns:
        None where the sensor is turned too little.
    """
    exact = _looks_at_rest(acc, turn)
    found = exact or _looks(acc, turn)
    if found is None:
        return None
    start, steps, before, after = found
    # A few looks are enough to find about where it is.
    few = slice(None, None, max(1, len(start) // 15))
    best, error = _best(turn, start[few], steps[few], before[few], after[few], np.geomspace(1 / 90, 90, 47))
    for width in (1.3, 1.03):
        best, error = _best(turn, start, steps, before, after, best * np.geomspace(1 / width, width, 15))
    seen = float(np.median(_angle_deg(before, after)))
    if error > 0.4 * seen:
        return None
    return Turning(best, error, len(start), exact is not None)


def acc_unit(acc: Float) -> str:
    """The unit in which the acceleration is gravity most of the time, or ""."""
    usual = float(np.median(np.linalg.norm(acc, axis=1))) if len(acc) else 0.0
    return next((unit for unit, worth in ACC.items() if 7.0 < usual * worth < 14.0), "")


def gyr_unit(acc: Float, gyr: Float, period_s: float) -> tuple[str, float]:
    """The unit in which the rate turns as gravity does, and the scale that is left; ("", 0) where untold."""
    found = turning(acc, gyr * period_s)
    if found is None:
        return "", 0.0
    unit, rest = min(
        ((unit, found.scale / worth) for unit, worth in GYR.items()), key=lambda one: abs(np.log(one[1]))
    )
    return (unit, 1 / rest) if 0.4 < rest < 2.5 else ("", 0.0)


def rate_from_orientation(gyr_rad_s: Float, quat_wxyz: Float) -> float | None:
    """Samples a second, from the angular rate and the orientation that a sensor put out with it.

    Least squares of the turns between rows against the mean rate between them; the rows in which either is
    missing or the orientation jumps do not count.

    Returns:
        None where the sensor hardly turned.
    """
    from scipy.spatial.transform import Rotation

    norm = np.linalg.norm(quat_wxyz, axis=1)
    good = np.isfinite(quat_wxyz).all(axis=1) & np.isfinite(gyr_rad_s).all(axis=1) & (np.abs(norm - 1) < 0.05)
    pairs = np.flatnonzero(good[:-1] & good[1:])
    if len(pairs) < 50:
        return None
    first = Rotation.from_quat(quat_wxyz[pairs], scalar_first=True)
    second = Rotation.from_quat(quat_wxyz[pairs + 1], scalar_first=True)
    turn = (first.inv() * second).as_rotvec()
    mean = (gyr_rad_s[pairs] + gyr_rad_s[pairs + 1]) / 2
    speed = np.linalg.norm(mean, axis=1)
    moving = speed > max(0.3, float(np.quantile(speed, 0.5)))
    if moving.sum() < 30:
        return None
    turn, mean = turn[moving], mean[moving]
    each = np.einsum("ij,ij->i", turn, mean) / np.einsum("ij,ij->i", mean, mean)
    usual = np.median(each)
    sound = np.abs(each - usual) < 0.5 * abs(usual)
    if sound.sum() < 30:
        return None
    period_s = float(np.sum(turn[sound] * mean[sound]) / np.sum(mean[sound] ** 2))
    return 1 / period_s if period_s > 0 else None


def at_rest_m_s2(time_s: Float, acc_m_s2: Float, gyr_rad_s: Float) -> float | None:
    """The acceleration felt at rest, or None where the sensor never lies still for half a second."""
    rate_hz = (len(time_s) - 1) / max(float(time_s[-1] - time_s[0]), 1e-9) if len(time_s) > 1 else 0.0
    width = max(4, round(_REST_S * rate_hz))
    count = len(time_s) // width
    if count < 1:
        return None
    acc = acc_m_s2[: count * width].reshape(count, width, 3)
    gyr = gyr_rad_s[: count * width].reshape(count, width, 3)
    restless = np.sqrt((acc.std(axis=1) ** 2).sum(axis=1))
    turns = np.sqrt((gyr.std(axis=1) ** 2).sum(axis=1))
    still = (restless < 0.35) & (turns < 0.1) & (np.linalg.norm(gyr.mean(axis=1), axis=1) < 0.25)
    if not still.any():
        return None
    return float(np.median(np.linalg.norm(acc.mean(axis=1), axis=1)[still]))


_Looks = tuple[Int, Int, Float, Float]


def _looks_at_rest(acc: Float, turn: Float) -> _Looks | None:
    count = len(acc) // _REST_ROWS
    if count < 3:
        return None
    blocks = acc[: count * _REST_ROWS].reshape(count, _REST_ROWS, 3)
    turns = np.linalg.norm(turn[: count * _REST_ROWS].reshape(count, _REST_ROWS, 3), axis=2)
    gravity = blocks.mean(axis=1)
    norm = np.linalg.norm(gravity, axis=1)
    fast = float(np.quantile(turns, 0.98))
    still = (np.linalg.norm(blocks.std(axis=1), axis=1) < _REST_ACC * np.median(norm)) & (
        turns.mean(axis=1) < _REST_TURN * fast
    )
    rests = np.flatnonzero(still)
    first, last = [], []
    for ahead in (1, 2):
        moved = rests[ahead:] - rests[:-ahead] > 1
        first.append(rests[:-ahead][moved])
        last.append(rests[ahead:][moved])
    start, stop = np.concatenate(first), np.concatenate(last)
    turned = _angle_deg(gravity[start], gravity[stop])
    rows = (stop - start) * _REST_ROWS
    good = (rows <= _LONGEST_TURN_ROWS) & (turned > _TURN_DEG[0]) & (turned < _TURN_DEG[1])
    if good.sum() < _LEAST_PAIRS:
        return None
    start, stop = start[good][:_PAIRS], stop[good][:_PAIRS]
    unit = gravity / np.where(norm > 0, norm, 1.0)[:, None]
    return (
        start * _REST_ROWS + _REST_ROWS // 2,
        (stop - start) * _REST_ROWS,
        unit[start],
        unit[stop],
    )


def _looks(acc: Float, turn: Float) -> _Looks | None:
    width = 7
    if len(acc) < 2 * max(_STEPS):
        return None
    kernel = np.ones(width) / width
    smooth = np.column_stack([np.convolve(axis, kernel, "same") for axis in acc.T])
    norm = np.linalg.norm(smooth, axis=1)
    usual = float(np.median(norm))
    if not usual > 0:
        return None
    away = np.abs(norm / usual - 1)
    away[:width] = away[-width:] = 1.0
    starts, lengths = [], []
    for steps in _STEPS:
        first = np.arange(width, len(acc) - steps - width, max(1, steps // 8))
        starts.append(first)
        lengths.append(np.full(len(first), steps))
    start, length = np.concatenate(starts), np.concatenate(lengths)
    # A strapped-on limb swings about where it is still; between two such looks gravity has turned.
    turned = _angle_deg(smooth[start], smooth[start + length])
    poor = np.maximum(away[start], away[start + length])
    rough = np.array([away[s : s + n : 4].mean() for s, n in zip(start, length, strict=True)])
    good = (poor < _STEADY) & (turned > _TURN_DEG[0]) & (turned < _TURN_DEG[1])
    if good.sum() < _LEAST_PAIRS:
        return None
    chosen = np.flatnonzero(good)
    chosen = chosen[np.argsort(poor[chosen] + 0.3 * rough[chosen], kind="stable")[:_PAIRS]]
    unit = smooth / np.where(norm > 0, norm, 1.0)[:, None]
    start, length = start[chosen], length[chosen]
    return start, length, unit[start], unit[start + length]


def _best(
    turn: Float, start: Int, steps: Int, before: Float, after: Float, scales: Float
) -> tuple[float, float]:
    """The scale at which the turns best explain how gravity turned, and its residual."""
    longest_first = np.argsort(-steps, kind="stable")
    start, steps = start[longest_first], steps[longest_first]
    between = (turn[:-1] + turn[1:]) / 2
    size = np.linalg.norm(between, axis=1)
    axis = between / np.where(size > 0, size, 1.0)[:, None]
    gravity = np.repeat(before[longest_first].T[:, None], len(scales), axis=1)
    for step in range(int(steps[0])):
        running = int(np.count_nonzero(steps > step))
        row = start[:running] + step
        # The sensor turns, so gravity turns the other way in it.
        _turn(gravity[:, :, :running], axis[row].T, -scales[:, None] * size[row])
    error = np.median(_angle_deg(np.moveaxis(gravity, 0, -1), after[longest_first]), axis=1)
    at = int(np.argmin(error))
    return float(scales[at]), float(error[at])


def _turn(vectors: Float, axis: Float, angle: Float) -> None:
    """Turns vectors (3, k, m) in place about unit axes (3, m) by angles (k, m) (Rodrigues)."""
    (a, b, c), (x, y, z) = vectors, axis
    cosine, sine = np.cos(angle), np.sin(angle)
    along = (1 - cosine) * (x * a + y * b + z * c)
    vectors[:] = (
        cosine * a + along * x + sine * (y * c - z * b),
        cosine * b + along * y + sine * (z * a - x * c),
        cosine * c + along * z + sine * (x * b - y * a),
    )


def _angle_deg(a: Float, b: Float) -> Float:
    cosine = (a * b).sum(axis=-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1) + 1e-300)
    angle: Float = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return angle
