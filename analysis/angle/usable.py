"""Whether samples can be used: what makes an angle impossible raises, the rest becomes a finding."""

from __future__ import annotations

import numpy as np

from analysis.angle.grid import Grid
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import Finding
from firmware_bridge.plausible import is_dead, is_gravity, median_force_m_s2
from firmware_bridge.samples import Float, ImuSamples, Segment

_CLIPPED_IN_A_ROW = 3
_SHARP_QUANTA = 16
_LEAST_GYR_RANGE_RAD_S = 2.1  # 125 deg/s
_LEAST_ACC_RANGE_M_S2 = 19.0  # 2 g
_ENOUGH_ROWS = 5000
_SLOW_HZ = 40.0


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
    for channel in np.ascontiguousarray(values.T):
        for limit in (channel.max(), channel.min()):
            if abs(limit) < least:
                continue
            rows = np.flatnonzero(channel == limit)
            first = np.flatnonzero(np.diff(rows, prepend=-2) > 1)  # of each run of consecutive rows
            length = np.diff(first, append=len(rows))
            long = np.column_stack((rows[first], rows[first] + length))[length >= _CLIPPED_IN_A_ROW]
            if not len(long):
                continue
            # The flat top of a slow movement differs by a quantum or two from the samples beside it.
            quantum = np.diff(np.unique(channel)).min(initial=np.inf)
            around = np.concatenate((channel[:1], channel, channel[-1:]))
            step = np.maximum(np.abs(around[long[:, 0]] - limit), np.abs(around[long[:, 1] + 1] - limit))
            total += int(np.diff(long[step > _SHARP_QUANTA * quantum], axis=1).sum())
    return total
