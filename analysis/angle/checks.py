"""Checks of a recording: what makes an angle impossible raises, everything else becomes a finding.

`refuse_unusable` needs the grid, `refuse_incoherent` the orientations, `about_samples` the recording, and
`about_strapping` the finished estimate of a strapping.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.grid import Grid
from analysis.angle.knee.identification import Knee
from analysis.angle.orientation.attitude import Attitude
from analysis.angle.strapping_estimate import StrappingEstimate
from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import Finding
from firmware_bridge.plausible import is_dead, is_gravity, median_force_m_s2
from firmware_bridge.samples import Float, ImuSamples, Segment

_COHERENCE_S = 2.0
_COHERENT_SHARE = 0.85
_CLIPPED_IN_A_ROW = 3
_SHARP_QUANTA = 16
_LEAST_GYR_RANGE_RAD_S = 2.1  # 125 deg/s
_LEAST_ACC_RANGE_M_S2 = 19.0  # 2 g
_ENOUGH_ROWS = 5000
# In a squat the thigh turns up to three times as fast as the shin, standing up from a chair six times; lying
# down, the thigh rests.
_SWAPPED_RATIO = 4.0
# Mean sine of a lever against the horizontal above which its sensor is clearly on one side of the knee: of
# people who stand and sit 0.72 to 0.94, of those who lie below 0.35.
_CLEAR_PLACE = 0.6
_SWAPPED_RATIO_WITH_LEVERS = 1.2
_SYMMETRIC = "The knee angle is the same either way; what is said of the thigh is not."
_UPRIGHT_HINGE_LEVEL = 0.35
_MUCH = 0.2
_SLOW_HZ = 40.0
# Log-likelihood ratio below which the direction of bending is doubtful. In recorded people 4 of 16 legs were
# inverted between 2 and 3, none of 7 above: the pieces of evidence of one recording are correlated, so that
# their sum promises more than it holds.
SURE_RATIO = 3.0
_MUCH_DOUBT_DEG, _TOO_MUCH_DOUBT_DEG = 2.0, 5.0
_MUCH_APART_DEG = 2.0


def refuse_unusable(grid: Grid) -> None:
    """Raises CannotAnswerError where a sensor is dead, or its numbers are in other units."""
    rows = np.flatnonzero(grid.known)
    rows = rows[:: max(1, len(rows) // _ENOUGH_ROWS)]
    for name, motion in (("thigh", grid.thigh), ("shin", grid.shank)):
        acc, gyr = motion.acc_m_s2[:, rows], motion.gyr_rad_s[:, rows]
        if len(rows) < 2:
            raise CannotAnswerError(
                "The two sensors never delivered samples at the same time.",
                "Check the connection of both sensors and record again.",
            )
        if is_dead(acc.T) or is_dead(gyr.T):
            part = "accelerometer" if is_dead(acc.T) else "gyroscope"
            raise CannotAnswerError(
                f"The {part} of the {name} sensor sent the same value all the time.",
                "Switch that sensor off and on, and record again.",
            )
        felt = median_force_m_s2(acc.T)
        if not is_gravity(felt):
            hint = " That looks like g; m/s^2 are needed." if 0.7 < felt < 1.3 else ""
            raise CannotAnswerError(
                f"The {name} sensor feels {felt:.1f} m/s^2 instead of gravity's 9.8.{hint}",
                "Check the units and the calibration of its accelerometer.",
            )


def refuse_incoherent(thigh: Attitude, shank: Attitude, blocks: Blocks) -> None:
    """Raises CannotAnswerError where a gyro does not explain how gravity turns in its own sensor.

    In the frame of a correct gyro the force keeps its direction, and its mean over a few seconds its length.
    Wrong units or axes scatter it.
    """
    size = max(1, round(_COHERENCE_S * blocks.rate_hz / blocks.size))
    count = blocks.count // size
    for name, attitude in (("thigh", thigh), ("shin", shank)):
        force = attitude.strapdown.force[:, : count * size].reshape(3, count, size)
        whole = ~blocks.cut[: count * size].reshape(count, size).any(axis=1)
        if not whole.any():
            continue
        lengths = np.linalg.norm(force.mean(axis=2), axis=0)[whole]
        if float(np.percentile(lengths, 5)) < _COHERENT_SHARE * GRAVITY_M_S2:
            raise CannotAnswerError(
                f"Gyroscope and accelerometer of the {name} sensor do not tell of the same movement.",
                "Check the units, rad/s and m/s^2, and that both use the same axes.",
            )


def about_samples(thigh: ImuSamples, shank: ImuSamples, grid: Grid) -> list[Finding]:
    """Findings that need no angle: missing samples, clipping, a low rate."""
    findings = []
    missing = 1.0 - float(grid.known.mean())
    if missing > 0.01:
        text = f"{100 * missing:.0f} % of the recording is missing; there is no angle there."
        findings.append(Finding("missing", None, None, text, "gap"))
    if grid.rate_hz < _SLOW_HZ:
        text = f"The sensors delivered only {grid.rate_hz:.0f} samples a second: fast movement is blurred."
        findings.append(Finding("slow_rate", None, None, text))
    for segment, name, samples in ((Segment.THIGH, "thigh", thigh), (Segment.SHANK, "shin", shank)):
        alone = float(samples.time_s[-1] - samples.time_s[0]) - float(grid.time_s[-1] - grid.time_s[0])
        if alone > 2.0:
            text = f"The {name} sensor recorded {alone:.0f} s without the other one."
            findings.append(Finding("alone", segment, None, text, "gap"))
        for part, values, least in (
            ("gyroscope", samples.gyr_rad_s, _LEAST_GYR_RANGE_RAD_S),
            ("accelerometer", samples.acc_m_s2, _LEAST_ACC_RANGE_M_S2),
        ):
            if (clipped := _clipped(values, least)) > 0:
                seconds = clipped / grid.rate_hz
                text = (
                    f"The {part} of the {name} sensor was at the end of its range for {seconds:.2f} s: "
                    "choose a wider range; the angle is wrong around these moments."
                )
                findings.append(Finding("clipped", segment, None, text))
    return findings


def _clipped(values: Float, least: float) -> int:
    """Number of samples in runs at the largest or smallest value of a channel that begin or end abruptly.

    Args:
        values: (n, 3).
        least: smaller limits are no end of a range.
    """
    total = 0
    for channel in values.T:
        for limit in (channel.max(), channel.min()):
            if abs(limit) < least:
                continue
            flat = np.concatenate(([False], channel == limit, [False]))
            runs = np.flatnonzero(np.diff(flat)).reshape(-1, 2)
            long = runs[runs[:, 1] - runs[:, 0] >= _CLIPPED_IN_A_ROW]
            if not len(long):
                continue
            # The flat top of a slow movement differs by a quantum or two from the samples beside it.
            quantum = np.diff(np.unique(channel)).min(initial=np.inf)
            around = np.concatenate((channel[:1], channel, channel[-1:]))
            step = np.maximum(np.abs(around[long[:, 0]] - limit), np.abs(around[long[:, 1] + 1] - limit))
            total += int(np.diff(long[step > _SHARP_QUANTA * quantum], axis=1).sum())
    return total


def about_strapping(
    found: StrappingEstimate, diagnostics: Mapping[str, float], relative: bool
) -> list[Finding]:
    """Findings about the estimate of a strapping.

    Args:
        found: the estimate.
        diagnostics: its named figures.
        relative: no reference pose has set its zero.
    """
    findings = []
    doubt_deg = float(found.uncertainty.pairing_sd_deg.max())
    still_deg = diagnostics.get("gravity_alone_deg", 0.0)
    if still_deg > _MUCH_APART_DEG:
        text = (
            f"While the leg was still, gravity alone tells an angle {still_deg:.1f} deg away from this one: "
            "a sensor may have been jolted, or its gyroscope may drift."
        )
        findings.append(Finding("gravity_disagrees", None, None, text))
    if doubt_deg > _MUCH_DOUBT_DEG:
        text = (
            f"The movement allows two different knee axes, whose angles differ by up to "
            f"{2 * doubt_deg:.0f} deg: record 8 to 10 swings of the lower leg while the thigh "
            "moves a little too."
        )
        consequence = "no_verdict" if doubt_deg > _TOO_MUCH_DOUBT_DEG else "widen"
        findings.append(Finding("two_axes", None, None, text, consequence))  # type: ignore[arg-type]
    if found.direction.log_likelihood_ratio < SURE_RATIO:
        text = (
            "Which way the knee bends could not be told for sure: if bending lowers the number, "
            "record a reference pose before and some bending after it."
        )
        findings.append(Finding("direction", None, None, text, "no_verdict"))
    if relative:
        text = (
            "The angle is relative: it counts from the straightest still posture, "
            "because no reference pose with a known angle was recorded."
        )
        findings.append(Finding("relative", None, None, text))
    return findings + about_knee(found.knee, found.heading.level2)


def about_knee(knee: Knee, level2: Float) -> list[Finding]:
    """Findings about the identification: swapped sensors, an upright hinge."""
    findings = []
    upright = float(np.mean(level2 < _UPRIGHT_HINGE_LEVEL**2))
    if upright > _MUCH:
        text = (
            f"The knee's axis stood nearly upright in {100 * upright:.0f} % of the recording, as in "
            "side-lying: there the angle rests on the gyroscopes alone and its band is wider."
        )
        findings.append(Finding("upright_hinge", None, None, text, "widen"))
    findings += _about_swapping(knee)
    return findings


def _about_swapping(knee: Knee) -> list[Finding]:
    """A warning where the sensor named "thigh" moves like a shank.

    The shank turns more than the thigh, and in upright postures the thigh's sensor is above the knee. The
    joint angle does not depend on which segment is which, so nothing has to be refused.
    """
    rates = [
        float(np.sqrt(np.mean((axis @ sensor.strapdown.gyr) ** 2)))
        for axis, sensor in zip(knee.axes, (knee.thigh, knee.shank), strict=True)
    ]
    ratio = rates[0] / max(rates[1], 1e-6)
    inverted = knee.centre.upright(-knee.thigh.up_in_sensor, -knee.shank.up_in_sensor).mean() > _MUCH
    if inverted and ratio > _SWAPPED_RATIO_WITH_LEVERS:
        text = (
            'The sensor named "thigh" moves like a shin and the other like a thigh: '
            f"check that they are not swapped. {_SYMMETRIC}"
        )
        return [Finding("swapped", None, None, text)]
    _, below = knee.centre.places(knee.thigh.up_in_sensor, knee.shank.up_in_sensor)
    if ratio > _SWAPPED_RATIO and below < _CLEAR_PLACE:
        text = (
            f"The thigh turned {ratio:.1f} times as fast as the shin, as if the sensors were swapped: check "
            f"which one sits where. {_SYMMETRIC}"
        )
        return [Finding("swapped", None, None, text)]
    return []
