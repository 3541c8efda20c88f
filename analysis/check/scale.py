"""Scale, rate and sign against gravity: do gyroscopes and accelerometers tell of one movement?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.check.carried import Carried, Frames, carried_agreement, carried_frames
from analysis.check.channels import NAMES
from analysis.check.excerpt import Excerpt, excerpt, resting_rate, still_seconds
from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.findings import Finding
from firmware_bridge.plausible import (
    LARGEST_RATE_RAD_S,
    REST_ERROR_M_S2,
    is_dead,
    is_gravity,
    median_force_m_s2,
)
from firmware_bridge.samples import Float, ImuSamples, Segment

_ENOUGH_ROWS = 5000
_REST_NOTED_M_S2 = 0.3
_WINDOWS = 20
_WINDOW_S = 4.0
_FEW_WINDOWS = 10
_LEAST_WINDOWS = 3
# Above this residual (walking, impacts) skin and bone disagree too much for a scale to be read off.
_RELIABLE_M_S2 = 0.35
# On sound recordings the scale came out within 7 %; within 1 % on simulated ones.
_LEAST_ERROR = 0.075
_ERROR_FLOOR = 0.05
_ERROR_SIGMAS = 3.0
_FORMAL_SIGMAS = 6.0
_REFUSED_ERROR = 0.15
# From here on the linear fit is no guide.
_FAR_ERROR = 0.2
# Two halves of a sound recording differ by less, where each of them has enough movement.
_HALVES_ERROR = 0.12
_HALVES_SIGMAS = 6.0
_CANDIDATES = (
    (0.5, 0.5), (2.0, 2.0), (0.4, 0.4), (2.5, 2.5), (0.5, 1.0), (1.0, 0.5), (2.0, 1.0), (1.0, 2.0),
    (0.0175, 0.0175),
)  # fmt: skip
# How much better another scale must explain the forces: sound recordings of people stay above 0.87.
_MUCH_BETTER = 0.8
# Over sound sessions the wrong sign fitted worse by 2 to 29 %, and turned round by as much better.
_MIRRORED = -0.6
_MIRROR_BETTER = 0.99
_SAME_ERROR = 0.05
# On sound recordings of people a turn between rates and forces came out up to 11 deg, on simulated ones
# within 3 deg, and it never explained the forces better than by 5 %.
_TURNED_RAD = np.radians(6.0)
_TURNED_SIGMAS = 4.0
_TURN_BETTER = 0.9
_REFUSED_TURN_RAD = np.radians(15.0)
# A gyroscope that needs more than this factor has no wrong scale but other axes, or another unit.
_NO_SCALE_ERROR = 1.9


@dataclass(frozen=True, slots=True)
class Scales:
    """What was found, and by how much the gyros' scales are in doubt (a share of the angle)."""

    findings: tuple[Finding, ...]
    doubt: float = 0.0
    tilt_deg: float = 0.0


def check_one(samples: ImuSamples, segment: Segment) -> Scales:
    """Dead sensors, other units, and the length of gravity at rest."""
    rows = slice(None, None, max(1, len(samples) // _ENOUGH_ROWS))
    acc, gyr, name = samples.acc_m_s2[rows], samples.gyr_rad_s[rows], NAMES[segment]
    if len(acc) < 2:
        return Scales(())
    for part, values in (("accelerometer", acc), ("gyroscope", gyr)):
        if is_dead(values):
            text = (
                f"The {part} of the {name} sensor sent the same value all the time. "
                "Switch that sensor off and on, and record again."
            )
            return Scales((Finding("dead", segment, None, text, "refuse"),))
    force = median_force_m_s2(acc)
    if not is_gravity(force):
        hint = " That looks like g; m/s^2 are needed." if 0.7 < force < 1.3 else ""
        text = (
            f"The {name} sensor feels {force:.1f} m/s^2 instead of gravity's 9.8.{hint} "
            "Check the units and the calibration of its accelerometer."
        )
        return Scales((Finding("units", segment, None, text, "refuse"),))
    fastest = float(np.quantile(np.linalg.norm(gyr, axis=1), 0.999))
    if fastest > LARGEST_RATE_RAD_S:
        text = (
            f"The angular rate of the {name} sensor reaches {fastest:.3g} rad/s, which no sensor measures. "
            "Is it in deg/s? Convert it to rad/s."
        )
        return Scales((Finding("units", segment, None, text, "refuse"),))
    return _at_rest(samples, segment)


def _at_rest(samples: ImuSamples, segment: Segment) -> Scales:
    _, mean = still_seconds(samples)
    if len(mean) < 2:
        return Scales(())
    lengths = np.linalg.norm(mean, axis=1)
    off = lengths - GRAVITY_M_S2
    worst = float(np.quantile(np.abs(off), 0.9))
    if worst < _REST_NOTED_M_S2:
        return Scales(())
    felt = float(lengths[int(np.argmin(np.abs(np.abs(off) - worst)))])
    tilt_deg = float(np.degrees(np.arcsin(min(worst / GRAVITY_M_S2, 1.0))))
    what = f"The {NAMES[segment]} sensor reads {felt:.2f} m/s^2 at rest instead of gravity's 9.81"
    if worst > REST_ERROR_M_S2:
        text = f"{what}: its accelerometer is out of calibration. Calibrate it, or use another sensor."
        return Scales((Finding("gravity_length", segment, None, text, "refuse"),))
    text = f"{what}: its accelerometer is off, which tilts the vertical by {tilt_deg:.1f} deg."
    return Scales((Finding("gravity_length", segment, None, text, "widen"),), tilt_deg=tilt_deg)


def check_both(thigh: ImuSamples, shank: ImuSamples) -> Scales:
    """Gyro scales, sample rates and signs, from the force at the knee that both sensors share.

    Args:
        thigh, shank: on one clock.
    """
    windows = excerpt(thigh, shank, _WINDOWS, _WINDOW_S)
    windows = replace(
        windows,
        thigh_gyr=windows.thigh_gyr - resting_rate(thigh),
        shank_gyr=windows.shank_gyr - resting_rate(shank),
    )
    found = carried_agreement(windows)
    if found is None or found.windows < _LEAST_WINDOWS:
        return Scales(())
    reliable = found.residual_m_s2 <= _RELIABLE_M_S2
    wrong = reliable & (np.abs(found.scale_error) > _limit(found))
    if (wrong & (np.abs(found.scale_error) > _FAR_ERROR)).any() or not reliable:
        scales = _better(windows, found)
        if scales is not None:
            return Scales((_finding(scales, np.array([True, True])),), 1.0)
    if found.parity < _MIRRORED:
        other = carried_agreement(replace(windows, shank_acc=-windows.shank_acc))
        if other is not None and other.residual_m_s2 < _MIRROR_BETTER * found.residual_m_s2:
            text = (
                "The accelerations of the two sensors are mirror images of each other: one accelerometer has "
                "its sign turned round (gravity must read +9.8 along the axis that points up)."
            )
            return Scales((Finding("negated", None, None, text, "refuse"),))
    if (turned := _turned(carried_frames(windows, found.chains), found)) is not None:
        return turned
    if wrong.any():
        scales = 1 - found.scale_error
        again = carried_agreement(windows, *scales)
        if again is not None:
            scales = scales * (1 - again.scale_error)
        return Scales((_finding(scales, wrong),), float(np.abs(scales - 1)[wrong].max()))
    return _changed(found, windows.start_s) if reliable else Scales(())


def _turned(frames: Frames, found: Carried) -> Scales | None:
    """Rates that are turned against the forces of their own sensor; None where they are not."""
    size = frames.size_rad
    wrong = (size > _TURNED_RAD) & (size > _TURNED_SIGMAS * frames.sd_rad)
    explained = frames.residual_m_s2 <= min(_RELIABLE_M_S2, _TURN_BETTER * found.residual_m_s2)
    if not wrong.any() or not explained:
        return None
    findings = []
    for segment, turn_rad, is_wrong in zip((Segment.THIGH, Segment.SHANK), size, wrong, strict=True):
        if is_wrong:
            text = (
                f"In the {NAMES[segment]} sensor the rates are turned by {np.degrees(turn_rad):.0f} deg "
                "against the forces: gyroscope and accelerometer do not share their axes. Check the columns, "
                "or use another sensor."
            )
            consequence = "refuse" if turn_rad > _REFUSED_TURN_RAD else "no_verdict"
            findings.append(Finding("frames_turned", segment, None, text, consequence))  # type: ignore[arg-type]
    return Scales(tuple(findings), float(size[wrong].max()))


def _limit(found: Carried) -> Float:
    limit = _ERROR_FLOOR + _ERROR_SIGMAS * found.scale_se + _FORMAL_SIGMAS * found.formal_sd
    return np.maximum(limit, _LEAST_ERROR)


def _better(windows: Excerpt, found: Carried) -> Float | None:
    """Scales far from 1 that explain the forces much better; None where there are none."""
    few = windows.part(slice(None, None, max(1, -(-found.windows // _FEW_WINDOWS))))
    now = carried_agreement(few)
    tried = [(carried_agreement(few, *c), c) for c in _CANDIDATES]
    best, factors = min(
        ((c.residual_m_s2, f) for c, f in tried if c is not None), default=(np.inf, (1.0, 1.0))
    )
    if now is None or best > _MUCH_BETTER * now.residual_m_s2:
        return None
    scales = np.array(factors)
    for _ in range(2):
        step = carried_agreement(windows, *scales)
        if step is not None:
            scales = scales * (1 - np.clip(step.scale_error, -0.3, 0.3))
    return scales


def _finding(scales: Float, wrong: np.ndarray) -> Finding:
    """Of scales by which the rates would have to be multiplied."""
    size = float(np.abs(scales - 1)[wrong].max())
    wrong = wrong & (np.abs(scales - 1) > 0.5 * size)
    consequence = "refuse" if size > _REFUSED_ERROR else "no_verdict"
    if size > _NO_SCALE_ERROR or scales.min() < 0:
        text = (
            "Gyroscopes and accelerometers do not tell of the same movement: the rates are in another unit, "
            "about other axes, or with other signs than the forces. Check the columns and the units."
        )
        return Finding("gyro_scale", None, None, text, "refuse")
    if wrong.all() and abs(scales[0] / scales[1] - 1) < _SAME_ERROR + 0.2 * size:
        text = (
            f"Against gravity both gyroscopes turn {1 / float(scales.mean()):.2f} times as far as the leg. "
            "The sample rate is not what the file says, or the rates are in another unit: check both."
        )
        return Finding("gyro_scale", None, None, text, consequence)  # type: ignore[arg-type]
    segment = (Segment.THIGH, Segment.SHANK)[int(np.argmax(np.abs(scales - 1) * wrong))]
    factor = 1 / float(scales[0 if segment is Segment.THIGH else 1])
    text = (
        f"Against gravity the gyroscope of the {NAMES[segment]} sensor turns {factor:.2f} times as far as "
        "the leg: its scale, unit or sample rate is wrong. Check that sensor's settings and record again."
    )
    return Finding("gyro_scale", segment, None, text, consequence)  # type: ignore[arg-type]


def _changed(found: Carried, start_s: Float) -> Scales:
    """A gyro whose scale is another one in the second half."""
    apart = found.halves_apart
    limit = np.maximum(_HALVES_ERROR, _limit(found) + _HALVES_SIGMAS * found.halves_sd)
    if found.windows < 2 * _LEAST_WINDOWS or not (apart > limit).any():
        return Scales(())
    segment = (Segment.THIGH, Segment.SHANK)[int(np.argmax(apart))]
    text = (
        f"The gyroscope of the {NAMES[segment]} sensor turns {100 * float(apart.max()):.0f} % farther or "
        f"less far from about {float(start_s[len(start_s) // 2]):.0f} s on: its scale changed. Record again."
    )
    return Scales((Finding("scale_changed", segment, None, text, "no_verdict"),), float(apart.max()))
