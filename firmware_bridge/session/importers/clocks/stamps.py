"""Stamps as they stand in a file -> times of evenly sampling sensors, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float, Int

# Slower than this nobody records a knee, and faster no sensor for people samples.
SLOWEST_HZ, FASTEST_HZ = 5.0, 5000.0

_DAY_S = 86_400.0
_MOMENT = (
    r"^\s*(?:(?P<year>\d{4})\D(?P<month>\d{1,2})\D(?P<day>\d{1,2})[T _]+)?"
    r"(?P<hour>\d{1,2})[:.\-](?P<minute>\d{1,2})[:.\-](?P<second>\d{1,2})(?:[.,:](?P<part>\d{1,9}))?"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?\s*$"
)
# Fewer packets than this are no pattern.
_LEAST_PACKETS = 10
_MOST_A_PACKET = 60


def seconds_of_moments(texts: NDArray[Any]) -> tuple[Float, bool]:
    """Dates with times, or times of day, as seconds; and whether they told the date.

    Dates count from 1970, as if a time without a zone were UTC. Times of day go on after midnight.

    Args:
        texts: (n,) such as "2022-10-14T15:24:46.362", "2023-05-05 14:26:41:123", "15:24:46.362".

    Returns:
        (n,) NaN where a text is neither.
    """
    import pandas as pd

    parts = pd.Series(texts, dtype=str).str.extract(_MOMENT)
    numbers = parts[["hour", "minute", "second"]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    fraction = pd.to_numeric("0." + parts["part"].fillna("0"), errors="coerce").to_numpy(float)
    time_s = numbers @ np.array([3600.0, 60.0, 1.0]) + fraction
    if parts["year"].isna().all():
        known = np.flatnonzero(np.isfinite(time_s))
        turns = np.cumsum(np.diff(time_s[known], prepend=time_s[known][:1]) < -_DAY_S / 2)
        time_s[known] += _DAY_S * turns
        return time_s, False
    dates = parts["year"] + "-" + parts["month"].str.zfill(2) + "-" + parts["day"].str.zfill(2)
    days = pd.to_datetime(dates, errors="coerce", format="%Y-%m-%d")
    time_s = time_s + (days - pd.Timestamp(0)).dt.total_seconds().to_numpy(float)
    zone = parts["zone"].fillna("Z").str.replace(":", "").replace("Z", "+0000")
    minutes = pd.to_numeric(zone.str[1:3]) * 60 + pd.to_numeric(zone.str[3:5])
    return time_s - 60.0 * np.where(zone.str[0] == "-", -1, 1) * minutes.to_numpy(float), True


def plausible_unit(stamps: Float) -> str:
    """The unit of time in which these stamps are those of a sensor, or "" where none or several are."""
    steps = np.abs(np.diff(stamps))
    step = float(np.mean(steps[steps <= 10 * np.median(steps)])) if len(steps) else 0.0
    if not step > 0:
        return ""
    units = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
    fitting = [unit for unit, worth in units.items() if SLOWEST_HZ <= 1 / (step * worth) < 2000]
    return fitting[0] if len(fitting) == 1 else ""


def believable(time_s: Float) -> NDArray[np.bool_]:
    """False for single stamps that cannot be: far from both neighbours, which agree with each other.

    A digit that was lost must not put a sample an hour away. Late packets, which are a little out of order,
    are believed.
    """
    keep = np.isfinite(time_s)
    known = np.flatnonzero(keep)
    if len(known) < 4:
        return keep
    values = time_s[known]
    period_s = float(np.median(np.abs(np.diff(values))))
    far_s = max(1.0, 50 * period_s)
    before, here, after = values[:-2], values[1:-1], values[2:]
    apart = np.minimum(np.abs(here - before), np.abs(here - after)) > far_s
    wild = apart & (np.abs(after - before) < far_s)
    # A row between two neighbours that are two periods apart is where it belongs, whatever its stamp says.
    placed = np.abs((after - before) / max(period_s, 1e-12) - 2) < 0.3
    wild |= placed & ((here < before) | (here > after))
    keep[known[1:-1][wild]] = False
    for end, inner, next_ in ((0, 1, 2), (-1, -2, -3)):
        if abs(values[end] - values[inner]) > 60.0 + far_s and abs(values[inner] - values[next_]) < far_s:
            keep[known[end]] = False
    return keep


def restarted_at(time_s: Float) -> int | None:
    """The row at which the times begin anew and go over the same span again, or None.

    That is two recordings in one file; sorted by time, they would be mixed. Rows that came late fill a hole.
    """
    if len(time_s) < 20:
        return None
    steps = np.diff(time_s)
    period_s = float(np.median(np.abs(steps)))
    for back in np.flatnonzero(steps < -max(1.0, 20 * period_s)):
        earlier, later = np.sort(time_s[: back + 1]), time_s[back + 1 :]
        if len(later) < 10:
            continue
        near = np.clip(np.searchsorted(earlier, later), 1, len(earlier) - 1) if len(earlier) > 1 else None
        if near is None:
            continue
        apart = np.minimum(np.abs(earlier[near] - later), np.abs(later - earlier[near - 1]))
        if (apart < 0.75 * period_s).sum() >= 10 or later[-1] < earlier[0]:
            return int(back) + 1
    return None


def even_out(stamps_s: Float) -> Float:
    """Replaces jittering stamps of an evenly sampling sensor by straight lines, one per gap-free stretch.

    Args:
        stamps_s: (n,) increasing, one per sample.

    Returns:
        (n,) times; the stamps themselves in stretches that no straight line fits within half a period.
    """
    steps = np.diff(stamps_s)
    period_s = float(np.median(steps)) if len(steps) else 0.0
    times_s = stamps_s.copy()
    bounds = np.concatenate([[0], np.flatnonzero(steps > 1.5 * period_s) + 1, [len(stamps_s)]])
    for start, stop in pairwise(bounds):
        if stop - start < 3:
            continue
        count = np.arange(stop - start)
        offsets_s = stamps_s[start:stop] - stamps_s[start]
        line = np.polynomial.Polynomial.fit(count, offsets_s, 1)(count)
        if np.abs(line - offsets_s).max() < 0.5 * period_s:
            times_s[start:stop] = stamps_s[start] + line
    return times_s


@dataclass(frozen=True, eq=False, slots=True)
class Spread:
    """Stamps of arrival, spread over the time between packets.

    Attributes:
        time_s: (n,) evenly spaced between silences.
        rate_hz: of the sensor, as it follows.
        a_packet: rows a packet, median.
    """

    time_s: Float
    rate_hz: float
    a_packet: float


def spread_packets(stamps_s: Float) -> Spread | None:
    """Evens out stamps of arrival: many rows at one moment, then none for a while.

    The last row of a packet is what had just been measured; a line through (its number, its stamp) tells
    the sensor's period. Stamps whose silences are not made up for by the rows that follow them are no
    packets but losses, and are left alone.

    Args:
        stamps_s: (n,) in order, never decreasing.

    Returns:
        None where the stamps are not those of packets.
    """
    steps = np.diff(stamps_s)
    if len(steps) < 2 * _LEAST_PACKETS:
        return None
    big = steps > 4 * float(np.quantile(steps, 0.25))
    waits = steps[big]
    if len(waits) < max(_LEAST_PACKETS, len(steps) / _MOST_A_PACKET):
        return None
    wait_s = float(np.median(waits))
    if np.minimum(waits, 5 * wait_s).sum() < 0.5 * np.minimum(steps, 5 * wait_s).sum():
        return None
    last = np.append(np.flatnonzero(big), len(stamps_s) - 1)
    # A silence of many packets is a loss of connection: what follows has a line of its own.
    breaks = np.flatnonzero(np.diff(stamps_s[last]) > max(5 * wait_s, 0.5))
    groups = np.split(last, breaks + 1)
    lines = [_line(group, stamps_s[group]) for group in groups if len(group) >= _LEAST_PACKETS]
    if not lines:
        return None
    period_s = float(np.median([slope for slope, _, _ in lines]))
    spread = float(np.sqrt(np.mean([rms**2 for _, _, rms in lines])))
    if not period_s > 0 or spread > wait_s:
        return None
    time_s = np.empty(len(stamps_s))
    first = 0
    for group in groups:
        slope, offset, _ = _line(group, stamps_s[group])
        if len(group) < _LEAST_PACKETS:
            slope, offset = period_s, float(np.mean(stamps_s[group] - period_s * group))
        rows = np.arange(first, group[-1] + 1)
        time_s[rows] = offset + slope * rows
        first = int(group[-1]) + 1
    a_packet = float(np.median(np.diff(last))) if len(last) > 1 else 1.0
    return Spread(np.maximum.accumulate(time_s), 1 / period_s, a_packet)


def spread_jitter(stamps_s: Float) -> Spread | None:
    """Evens out stamps of arrival that come one by one, early and late by a good part of a period.

    Stamps on a grid, with or without losses, are left alone, and so are those that drift from a line by
    more than a period: then samples were lost.
    """
    steps = np.diff(stamps_s)
    if len(steps) < 50:
        return None
    period_s = float(np.median(steps))
    breaks = np.flatnonzero(steps > max(8 * period_s, 0.15))
    groups = [group for group in np.split(np.arange(len(stamps_s)), breaks + 1) if len(group) >= 50]
    if not groups or sum(map(len, groups)) < 0.98 * len(stamps_s):
        return None
    lines = [_line(group, stamps_s[group]) for group in groups]
    period_s = float(np.median([slope for slope, _, _ in lines]))
    off_grid = np.abs(steps / period_s - np.rint(steps / period_s))
    if not period_s > 0 or np.quantile(off_grid, 0.6) < 0.1:
        return None
    time_s = stamps_s.copy()
    for group, (slope, offset, _) in zip(groups, lines, strict=True):
        time_s[group] = offset + slope * group
        away = stamps_s[group] - time_s[group]
        if np.abs(np.convolve(away, np.ones(25) / 25, "valid")).max() > 0.7 * period_s:
            return None
    return Spread(np.maximum.accumulate(time_s), 1 / period_s, 1.0)


def _line(count: NDArray[Any], stamps_s: Float) -> tuple[float, float, float]:
    """Slope and offset of the line through most of the points, and how far (rms) those are from it."""
    x = count.astype(np.float64)
    kept = np.ones(len(x), dtype=bool)
    slope = offset = rms = 0.0
    for _ in range(3):
        if kept.sum() < 2:
            break
        middle = x[kept].mean()
        offsets = x[kept] - middle
        slope = float(offsets @ stamps_s[kept] / max(float(offsets @ offsets), 1e-12))
        offset = float(stamps_s[kept].mean()) - slope * middle
        away = stamps_s - offset - slope * x
        rms = float(np.sqrt(np.mean(away[kept] ** 2)))
        scatter = 1.4826 * float(np.median(np.abs(away - np.median(away))))
        kept = np.abs(away - np.median(away)) <= max(3 * scatter, 1e-9)
    return slope, offset, rms


def unrounded(stamps: Float, counter: Int, period: float | None) -> tuple[Float, float] | None:
    """Times of samples whose stamps were rounded coarsely, such as to 1.02E+09 by a spreadsheet.

    Where a rounded stamp changes, the true one passes half a step: those rows tell the time exactly.

    Args:
        stamps: (n,) rounded.
        counter: (n,) of samples, without wraps.
        period: in units of the stamps, where it is known.

    Returns:
        (n,) times in units of the stamps, and how far off they may be; None where too few rows tell.
    """
    change = np.flatnonzero(np.diff(stamps) > 0)
    if len(change) < 2 and (period is None or not len(change)):
        return None
    passed = (stamps[change] + stamps[change + 1]) / 2
    between = (counter[change] + counter[change + 1]) / 2
    if period is None or len(change) >= 4:
        fitted, offset, rms = _line(between, passed)
        if period is not None and abs(fitted / period - 1) > 0.02:
            return None
        period = fitted
    else:
        offset = float(np.mean(passed - period * between))
        rms = float(np.sqrt(np.mean((passed - offset - period * between) ** 2)))
    if rms > period:
        return None
    times = np.asarray(offset + period * counter, dtype=np.float64)
    return times, float(period / 2 / np.sqrt(len(change)))


def lost_samples(time_s: Float) -> int:
    """How many samples are missing in gaps, by the usual step between the others."""
    steps = np.diff(time_s)
    if not len(steps):
        return 0
    period_s = float(np.median(steps))
    gaps = steps[steps > 1.5 * period_s]
    return int(np.rint(gaps / period_s - 1).sum()) if period_s > 0 else 0


def rate_of(time_s: Float) -> float:
    """Samples a second between gaps; rows that are there twice do not count."""
    steps = np.diff(time_s)
    steps = steps[steps > 0]
    if not len(steps):
        return 0.0
    usual = np.median(steps)
    whole = steps[(steps > 0.5 * usual) & (steps <= 1.5 * usual)]
    return float(1 / whole.mean()) if len(whole) and whole.mean() > 0 else 0.0
