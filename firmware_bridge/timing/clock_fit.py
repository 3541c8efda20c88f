"""One time base for both sensors: each sensor's clock fitted to the host's arrival times.

A packet can be late but never early. So the points (device time, arrival time) lie above the line of
minimum delay, and that line is the edge of their lower convex hull under the centroid (Moon, Skelly and
Towsley 1999, "Estimation and removal of clock skew from network delay measurements"). Radio retries and
stalls move points up and do not affect the line. The minimum delay itself remains unknown, because one-way
data do not contain it: see `firmware_bridge.timing.delay` and `firmware_bridge.timing.common_movement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge.samples import Float, ImuSamples, Int
from firmware_bridge.timing.arrivals import SMALLEST_RISE_S, bridge_losses, sample_period_s
from firmware_bridge.timing.counters import epochs, missing, typical_step, unwrap
from firmware_bridge.timing.device_clock import DeviceClock

# Prior standard deviation of the slope: of an unknown crystal, and of one whose drift was measured before.
UNKNOWN_SLOPE_SD = 1e-4
KNOWN_SLOPE_SD = 2e-5
# Beyond so many standard deviations the prior is dropped, because the nominal clock is wrong, if more than
# half of all seconds, of at least so many, had a packet this close to the line. Otherwise late packets look
# like that: after a long silence, or where a stall held all there is.
_BEYOND_BELIEF = 4.0
_FEWEST_SECONDS = 8.0
_PROMPT_S = 0.01
# The minimum delay is taken over blocks: it varies within a connection interval where packets and connection
# events beat slowly. A variation larger than any interval, and no faster than that of a clock that warms up,
# is attributed to the clock and followed. A faster rise is attributed to a late radio or computer.
_FLOOR_BLOCKS = 12
_SMALLEST_WOBBLE_S = 0.0005
_WANDER_BLOCK_S = 10.0
_LARGEST_INTERVAL_S = 0.06
_FASTEST_WANDER = 5e-3
# A counter that stays behind by this much has paused, as sensors do while they are not connected.
_PAUSED_COUNT_S = 0.05


@dataclass(frozen=True, slots=True)
class Line:
    """host_s = offset_s + slope * device_s: the line of minimum delay."""

    slope: float
    offset_s: float

    def host_s(self, device_s: Float) -> Float:
        """Host time of device times, both (n,)."""
        return self.offset_s + self.slope * device_s

    @property
    def drift_ppm(self) -> float:
        """How fast the device clock runs against the host, in parts per million."""
        return (1.0 / self.slope - 1.0) * 1e6


@dataclass(frozen=True, eq=False, slots=True)
class ClockFit:
    """The samples of one sensor on the host's clock.

    Attributes:
        time_s: (n,) time of measurement on the clock of the arrivals, late by the minimum radio delay.
        uncertainty_s: one-sigma figure of that unknown delay and of the clock's variation.
        rate_hz: the true sample rate by host time, or None with fewer than two samples.
        drift_ppm: how fast the device clock runs against the host, or None without such a clock.
        restarts: how often the counter restarted.
        lost: samples that never arrived, or None where the sensor has no counter to prove it.
        lost_estimate: without a counter, the estimate from the rate of the arrivals; otherwise None.
    """

    time_s: Float
    uncertainty_s: float
    rate_hz: float | None
    drift_ppm: float | None
    restarts: int
    lost: int | None
    lost_estimate: int | None = None


def lower_edge(x: Float, y: Float) -> Line:
    """The edge of the lower convex hull of points that lies under their centroid.

    Args:
        x: (n,) abscissae, n >= 1.
        y: (n,) ordinates.

    Returns:
        The line through that edge, or of slope 1 through the lowest point where all x are equal.
    """
    left, right = int(np.lexsort((y, x))[0]), int(np.lexsort((y, -x))[0])
    if x[left] == x[right]:
        return Line(1.0, float(y[left] - x[left]))
    middle = float(np.mean(x))
    while True:
        slope = float((y[right] - y[left]) / (x[right] - x[left]))
        height = (y - y[left]) - slope * (x - x[left])
        lowest = int(np.argmin(height))
        if height[lowest] > -1e-9 or lowest in (left, right):
            return Line(slope, float(y[left] - slope * x[left]))
        if x[lowest] <= middle:
            left = lowest
        else:
            right = lowest


def fit_line(
    device_s: Float, arrival_s: Float, prior: float = 1.0, prior_sd: float = UNKNOWN_SLOPE_SD
) -> Line:
    """The line of minimum delay of a clock that did not restart.

    The slope of the hull edge is weighted against the prior: over a short span, or where the minimum delay
    itself varies, it determines the drift poorly.

    Args:
        device_s: (n,) unwrapped device time, n >= 1.
        arrival_s: (n,) host time of arrival.
        prior: the slope expected beforehand.
        prior_sd: its standard deviation.
    """
    edge, span_s = lower_edge(device_s, arrival_s), float(np.ptp(device_s))
    slope = prior
    if span_s > 0:
        floors_s = _floors(device_s, arrival_s - edge.host_s(device_s), span_s / _FLOOR_BLOCKS)[1]
        # Blocks that were late as a whole lie above the edge, not on it.
        prompt_s = floors_s[floors_s <= max(_LARGEST_INTERVAL_S, float(np.median(floors_s)))]
        wobble_s = max(float(np.sqrt(np.mean(prompt_s**2))), _SMALLEST_WOBBLE_S)
        fit_sd = 2 * wobble_s / span_s
        deviation = edge.slope - prior
        if abs(deviation) <= _BEYOND_BELIEF * np.hypot(fit_sd, prior_sd):
            slope += deviation * prior_sd**2 / (prior_sd**2 + fit_sd**2)
        elif _proven(device_s, arrival_s - edge.host_s(device_s), span_s):
            slope = edge.slope
    return Line(slope, float(np.min(arrival_s - slope * device_s)))


def _proven(device_s: Float, late_s: Float, span_s: float) -> bool:
    """Whether a line of an unlikely slope is one of prompt packets, by how late (n,) they are against it."""
    floors_s = _floors(device_s, late_s, 1.0)[1]
    return bool(np.sum(floors_s < _PROMPT_S) > 0.5 * max(span_s, _FEWEST_SECONDS))


def fit_clock(ticks: ArrayLike, arrival_s: ArrayLike, clock: DeviceClock) -> ClockFit:
    """Times the samples of a sensor with its own clock on the host's clock.

    Wraps are removed, restarts of the device clock split the fit, repeated or late packets do no harm.

    Args:
        ticks: (n,) the device clock as received.
        arrival_s: (n,) host time of arrival.
        clock: how to read the ticks.
    """
    arrivals = np.asarray(arrival_s, dtype=np.float64)
    positions = unwrap(ticks, clock.ticks_modulo, arrivals / clock.tick_s)
    return _fit(positions, clock.tick_s, arrivals, typical_step(positions))


def fit_sequence(sequence: ArrayLike, arrival_s: ArrayLike, modulo: int) -> ClockFit:
    """Times the samples of a sensor with a counter but no clock: the counter is its clock until it pauses.

    Args:
        sequence: (n,) the sample counter as received.
        arrival_s: (n,) host time of arrival.
        modulo: the counter wraps to 0 here.
    """
    arrivals = np.asarray(arrival_s, dtype=np.float64)
    period_s = sample_period_s(unwrap(sequence, modulo), arrivals)
    positions = unwrap(sequence, modulo, arrivals / period_s)
    epoch = epochs(positions * period_s, arrivals)
    for number in np.unique(epoch):
        rows = epoch == number
        positions[rows] = bridge_losses(positions[rows], arrivals[rows], period_s, _PAUSED_COUNT_S)
    return replace(_fit(positions, period_s, arrivals, 1.0), drift_ppm=None)


def fit_arrivals(arrival_s: ArrayLike) -> ClockFit:
    """Times the samples of a sensor with neither clock nor counter: a regular grid through the arrivals.

    Args:
        arrival_s: (n,) host time of arrival.
    """
    arrivals = np.asarray(arrival_s, dtype=np.float64)
    index = np.arange(len(arrivals), dtype=np.int64)
    period_s = sample_period_s(index, arrivals)
    positions = bridge_losses(index, arrivals, period_s, SMALLEST_RISE_S)
    fit = _fit(positions, period_s, arrivals, 1.0)
    return replace(fit, drift_ppm=None, lost=None, lost_estimate=fit.lost)


def fit_samples(samples: ImuSamples, clock: DeviceClock | None) -> ClockFit:
    """Fits the clock of a recording again from its raw columns, from the best source that the sensor offers.

    Time comes from the device clock, else from the counter, else from the arrivals; the loss from the
    counter, else from the device clock, else from the rate of arrivals.

    Args:
        samples: with `arrival_s`; with `device_ticks` and `sequence` where the sensor sends them.
        clock: how to read these two, or None where the sensor has neither.

    Raises:
        ValueError: the samples were not streamed, so there are no arrival times.
    """
    fit, sequence = _fit_source(samples, clock), samples.sequence
    modulo = None if clock is None else clock.sequence_modulo
    if clock is None or samples.device_ticks is None or sequence is None or modulo is None:
        return fit
    # Device time has no stalls, so it determines the wraps of a short counter better than arrival times.
    return replace(fit, lost=fit_sequence(sequence, fit.time_s, modulo).lost)


def _fit_source(samples: ImuSamples, clock: DeviceClock | None) -> ClockFit:
    """The fit of the best source alone, with the loss as that source shows it."""
    arrivals, ticks, sequence = samples.arrival_s, samples.device_ticks, samples.sequence
    if arrivals is None:
        raise ValueError("Samples without arrival times have no clock to fit.")
    if clock is not None and ticks is not None:
        return fit_clock(ticks, arrivals, clock)
    modulo = None if clock is None else clock.sequence_modulo
    if sequence is None or modulo is None:
        return fit_arrivals(arrivals)
    return fit_sequence(sequence, arrivals, modulo)


def session_time(samples: ImuSamples, clock: DeviceClock | None) -> Float:
    """The time of measurement of a recording's samples, fitted again with the whole recording in view.

    Args:
        samples: the samples of one sensor; they keep their times where they were not streamed.
        clock: how to read the sensor's raw columns, or None.

    Returns:
        (n,) seconds on the session clock, late by the minimum radio delay: `session.delays.recorded_delay`.
    """
    # The loss is not asked for, and counting it costs as much as the times.
    return samples.time_s if samples.arrival_s is None else _fit_source(samples, clock).time_s


def _fit(positions: Int, unit_s: float, arrivals: Float, step: float | None) -> ClockFit:
    """Fits every epoch of a counter of which one count lasts `unit_s` and one sample takes `step` counts."""
    if not len(positions):
        return ClockFit(np.empty(0), 0.0, None, None, 0, 0)
    epoch = epochs(positions * unit_s, arrivals)
    stretches = [np.flatnonzero(epoch == number) for number in range(int(epoch[-1]) + 1)]
    time_s = np.empty(len(positions))
    known: Line | None = None
    # The crystal is the same after a restart, so the longest stretch gives the prior drift of the others.
    for rows in sorted(stretches, key=len, reverse=True):
        device_s = (positions[rows] - positions[rows[0]]) * unit_s
        if known is None:
            line = known = fit_line(device_s, arrivals[rows])
        else:
            line = fit_line(device_s, arrivals[rows], known.slope, KNOWN_SLOPE_SD)
        time_s[rows] = line.host_s(device_s)
    assert known is not None
    curve_s, roughness_s = wander(time_s, arrivals - time_s)
    time_s = time_s + curve_s
    return ClockFit(
        time_s=time_s,
        uncertainty_s=float(np.hypot(np.median(arrivals - time_s), roughness_s)),
        rate_hz=None if step is None else 1.0 / (step * unit_s * known.slope),
        drift_ppm=known.drift_ppm,
        restarts=len(stretches) - 1,
        lost=0 if step is None else _lost(positions, step, stretches, time_s, step * unit_s),
    )


def _lost(positions: Int, step: float, stretches: Sequence[Int], time_s: Float, period_s: float) -> int:
    """Samples missing inside every stretch by its counter, and between stretches by the time that passed."""
    inside = sum(missing(positions[rows], step) for rows in stretches)
    silences_s = [float(time_s[after[0]] - time_s[before[-1]]) for before, after in pairwise(stretches)]
    return inside + sum(max(round(silence_s / period_s) - 1, 0) for silence_s in silences_s)


def wander(time_s: Float, delay_s: Float) -> tuple[Float, float]:
    """Slow variation of a clock over a recording: a curve to add to the line, and its uncertainty.

    Args:
        time_s: (n,) by the line.
        delay_s: (n,) how much later than that each packet arrived.

    Returns:
        (n,) seconds, all zero where a line fits; and a standard deviation in seconds.
    """
    centres_s, floors_s = _floors(time_s, delay_s, _WANDER_BLOCK_S)
    creeps = np.all(np.abs(np.diff(floors_s)) <= _FASTEST_WANDER * np.diff(centres_s))
    if len(floors_s) < 4 or np.ptp(floors_s) <= _LARGEST_INTERVAL_S or not creeps:
        return np.zeros(len(time_s)), float(np.std(np.minimum(floors_s, _LARGEST_INTERVAL_S)))
    bend_s = np.diff(floors_s, 2)
    return np.interp(time_s, centres_s, floors_s), float(np.sqrt(np.mean(bend_s**2) / 6.0))


def _floors(time_s: Float, delay_s: Float, block_s: float) -> tuple[Float, Float]:
    """The smallest delay of every block of time that has samples, and the blocks' centres.

    A remainder of less than half a block joins the block before: its minimum would rest on few packets.
    """
    blocks = max(round(float(np.ptp(time_s)) / block_s), 1)
    block = np.minimum((time_s - time_s.min()) // block_s, blocks - 1).astype(np.int64)
    floors_s = np.full(blocks, np.inf)
    np.minimum.at(floors_s, block, delay_s)
    filled = np.flatnonzero(np.isfinite(floors_s))
    return (filled + 0.5) * block_s + time_s.min(), floors_s[filled]
