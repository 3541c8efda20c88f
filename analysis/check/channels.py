"""Channels that say nothing: a sensor that freezes, rows of zeros, an axis that is dead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.findings import Finding
from firmware_bridge.samples import ImuSamples, Segment

NAMES = {Segment.THIGH: "thigh", Segment.SHANK: "shin"}
FROZEN_S = 0.1
_LEAST_REPEATS = 3
_STUCK_S = 1.0
_LEAST_STUCK = 20
_MOVING_RAD_S = 0.2
# So long no channel of a working sensor repeats one value, even at rest.
_ALWAYS_STUCK_S = 5.0
_REFUSED_SHARE = 0.5
_SMALLEST_RANGE_RAD_S = 2.1  # 125 deg/s


@dataclass(frozen=True, eq=False, slots=True)
class Channels:
    """The samples that say something, and what was found."""

    samples: ImuSamples
    findings: tuple[Finding, ...]


def check_channels(samples: ImuSamples, segment: Segment) -> Channels:
    """Takes out what is no measurement: other code then sees a gap.

    Args:
        samples: of one sensor, as recorded.
        segment: whose they are.
    """
    samples = _finite(samples)
    if len(samples) < _LEAST_STUCK:
        return Channels(samples, ())
    kept, findings = _without_frozen(samples, segment)
    if len(kept) >= _LEAST_STUCK:
        findings += _stuck(kept, segment)
    return Channels(kept, tuple(findings))


def _finite(samples: ImuSamples) -> ImuSamples:
    """Only finite samples whose time moves on."""
    columns = samples.time_s, samples.acc_m_s2, samples.gyr_rad_s
    sound = all(np.isfinite(values).all() for values in columns)
    if sound and (samples.time_s[1:] > samples.time_s[:-1]).all():
        return samples
    total = samples.time_s.copy()
    for axis in range(3):  # column by column: numpy adds up rows of three slowly
        total += samples.acc_m_s2[:, axis] + samples.gyr_rad_s[:, axis]
    finite = np.isfinite(total)
    time_s = np.where(finite, samples.time_s, -np.inf)
    latest = np.maximum.accumulate(np.concatenate(([-np.inf], time_s[:-1])))
    keep = finite & (samples.time_s > latest)
    return samples if keep.all() else samples[keep]


def _without_frozen(samples: ImuSamples, segment: Segment) -> tuple[ImuSamples, list[Finding]]:
    """Drops rows that repeat the one before for more than 0.1 s, and rows of nothing but zeros."""
    time_s = samples.time_s
    # One channel first: where it changes, the row is no repetition.
    same = np.flatnonzero(np.diff(samples.acc_m_s2[:, 0]) == 0) + 1
    for values in (samples.acc_m_s2, samples.gyr_rad_s):
        same = same[(values[same] == values[same - 1]).all(axis=1)]
    drop = np.zeros(len(samples), dtype=bool)
    zero = np.flatnonzero(samples.acc_m_s2[:, 0] == 0)
    zero = zero[~samples.acc_m_s2[zero].any(axis=1) & ~samples.gyr_rad_s[zero].any(axis=1)]
    drop[zero] = True
    spans = []
    for first, last in _runs(same):
        if time_s[last] - time_s[first - 1] > FROZEN_S and last - first + 1 >= _LEAST_REPEATS:
            drop[first : last + 1] = True
            spans.append((float(time_s[first - 1]), float(time_s[last])))
    if not drop.any():
        return samples, []
    kept = samples[~drop]
    name = NAMES[segment]
    lost_s = float(np.count_nonzero(drop)) / len(drop) * float(time_s[-1] - time_s[0])
    if np.mean(drop) > _REFUSED_SHARE:
        text = (
            f"The {name} sensor sent the same values over and over for {lost_s:.0f} s of the recording. "
            "Switch that sensor off and on, and record again."
        )
        return kept, [Finding("frozen", segment, None, text, "refuse")]
    if spans:
        longest = max(spans, key=lambda s: s[1] - s[0])
        text = (
            f"The {name} sensor sent one and the same row for {lost_s:.1f} s in all, longest from "
            f"{longest[0]:.1f} to {longest[1]:.1f} s: there is no angle there."
        )
        return kept, [Finding("frozen", segment, longest, text, "gap")]
    text = f"The {name} sensor sent {len(zero)} rows of zeros; they count as missing."
    return kept, [Finding("zeros", segment, None, text, "gap")]


def _stuck(samples: ImuSamples, segment: Segment) -> list[Finding]:
    """One axis that repeats a value while the others of its sensor move."""
    time_s, gyr = samples.time_s, samples.gyr_rad_s
    for part, values in (("gyroscope", gyr), ("accelerometer", samples.acc_m_s2)):
        for axis in range(3):
            channel = values[:, axis]
            same = np.flatnonzero(np.diff(channel) == 0) + 1
            if len(same) < _LEAST_STUCK:
                continue
            total_s, span = 0.0, (0.0, 0.0)
            for first, last in _runs(same):
                length_s = float(time_s[last] - time_s[first - 1])
                if length_s < _STUCK_S or last - first < _LEAST_STUCK:
                    continue
                if part == "gyroscope" and abs(channel[first]) > _SMALLEST_RANGE_RAD_S:
                    continue  # the end of the range
                rows = slice(first, last + 1)
                others = np.delete(gyr[rows], axis, axis=1) if part == "gyroscope" else gyr[rows]
                moving = float(np.sqrt(np.mean(np.ptp(others, axis=0) ** 2))) > _MOVING_RAD_S
                if moving or length_s > _ALWAYS_STUCK_S:
                    total_s += length_s
                    span = max(span, (float(time_s[first]), float(time_s[last])), key=lambda s: s[1] - s[0])
            if total_s:
                text = (
                    f"Axis {'xyz'[axis]} of the {NAMES[segment]} sensor's {part} stood at one value for "
                    f"{total_s:.0f} s, from {span[0]:.0f} s on, while the others moved. "
                    "That sensor is faulty: record again with another one."
                )
                return [Finding("dead_axis", segment, span, text, "refuse")]
    return []


def _runs(rows: NDArray[np.int64]) -> list[tuple[int, int]]:
    """First and last of each run of consecutive rows."""
    if not len(rows):
        return []
    breaks = np.flatnonzero(np.diff(rows) > 1)
    first = rows[np.concatenate(([0], breaks + 1))]
    last = rows[np.concatenate((breaks, [len(rows) - 1]))]
    long = last - first >= _LEAST_REPEATS - 1
    return list(zip(first[long].tolist(), last[long].tolist(), strict=True))
