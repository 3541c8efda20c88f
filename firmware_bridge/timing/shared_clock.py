"""Sensors that run by one common clock (Movella DOT once synchronised): one line of minimum delay for both.

Fitted one by one, two sensors differ by the difference of their minimum radio delays, which
one-way data do not contain. Where their ticks are known to be those of one clock, one line fits the packets
of both, and the difference vanishes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from firmware_bridge.samples import Float, ImuSamples, Int, Segment
from firmware_bridge.timing.clock_fit import Line, fit_line, session_time, wander
from firmware_bridge.timing.counters import epochs, unwrap
from firmware_bridge.timing.device_clock import DeviceClock

# Minimum delays of two links differ by a connection interval or so; a larger difference shows two clocks.
LARGEST_DISAGREEMENT_S = 0.3


def session_times(
    samples: Mapping[Segment, ImuSamples], clocks: Mapping[Segment, DeviceClock | None]
) -> tuple[dict[Segment, Float], tuple[str, ...]]:
    """The times of measurement of a whole recording, fitted again: on one line where the clock is shared.

    Args:
        samples: of every sensor; those that were not streamed keep their times.
        clocks: how to read the sensors' raw columns; missing or None where nothing is known.

    Returns:
        (n,) seconds on the session clock for every sensor, late by the minimum radio delay; and a plain
        sentence where the sensors claim one clock, but the arrivals of their packets prove two.
    """
    shared = [clock for segment in samples if (clock := clocks.get(segment)) is not None and clock.shared]
    streamed = all(
        len(s) and s.arrival_s is not None and s.device_ticks is not None for s in samples.values()
    )
    if len(shared) == len(samples) > 1 and streamed:
        common = common_times(samples, shared[0])
        if common is not None:
            return common, ()
        warning = (
            "The sensors said that they share one clock, but one restarted or their times differ. Each was "
            "timed for itself, so a constant offset of some hundredths of a second may be left between them."
        )
    else:
        warning = ""
    times = {segment: session_time(s, clocks.get(segment)) for segment, s in samples.items()}
    return times, (warning,) if warning else ()


def common_times(samples: Mapping[Segment, ImuSamples], clock: DeviceClock) -> dict[Segment, Float] | None:
    """Fits one line to the ticks of several sensors.

    Args:
        samples: of every sensor, at least one each, with arrival times and device ticks.
        clock: how to read the ticks.

    Returns:
        (n,) seconds on the session clock for every sensor; None where it cannot be one clock.
    """
    arrivals = {segment: np.asarray(s.arrival_s) for segment, s in samples.items()}
    device_s = _device_s(samples, arrivals, clock)
    if device_s is None:
        return None
    lines = [fit_line(device_s[segment], arrivals[segment]) for segment in samples]
    start_s = max(float(d.min()) for d in device_s.values())
    stop_s = min(float(d.max()) for d in device_s.values())
    if any(_disagreement_s(lines, at_s) > LARGEST_DISAGREEMENT_S for at_s in (start_s, stop_s)):
        return None
    all_device_s, all_arrivals = (np.concatenate(list(each.values())) for each in (device_s, arrivals))
    time_s = fit_line(all_device_s, all_arrivals).host_s(all_device_s)
    curve_s, _ = wander(time_s, all_arrivals - time_s)
    stops = np.cumsum([len(d) for d in device_s.values()])
    return dict(zip(samples, np.split(time_s + curve_s, stops[:-1]), strict=True))


def nearest_wrap_s(time_s: float, other_s: float, wrap_s: float) -> float:
    """One clock read at two sensors, each without its wraps: `other_s` by whole wraps nearest to `time_s`."""
    return other_s + wrap_s * round((time_s - other_s) / wrap_s)


def _device_s(
    samples: Mapping[Segment, ImuSamples], arrivals: Mapping[Segment, Float], clock: DeviceClock
) -> dict[Segment, Float] | None:
    """The common clock at every sample, from zero; None where a sensor's clock restarted."""
    positions: dict[Segment, Int] = {}
    for segment, s in samples.items():
        assert s.device_ticks is not None
        positions[segment] = unwrap(s.device_ticks, clock.ticks_modulo, arrivals[segment] / clock.tick_s)
        if epochs(positions[segment] * clock.tick_s, arrivals[segment])[-1] > 0:
            return None
    first = next(iter(samples))
    origin, wrap_s = int(positions[first][0]), clock.ticks_modulo * clock.tick_s
    device_s: dict[Segment, Float] = {}
    for segment in samples:
        own_s = np.asarray((positions[segment] - origin) * clock.tick_s, dtype=np.float64)
        passed_s = float(arrivals[segment][0] - arrivals[first][0])
        device_s[segment] = own_s + (nearest_wrap_s(passed_s, own_s[0], wrap_s) - own_s[0])
    return device_s


def _disagreement_s(lines: list[Line], device_s: float) -> float:
    host_s = [line.offset_s + line.slope * device_s for line in lines]
    return max(host_s) - min(host_s)
