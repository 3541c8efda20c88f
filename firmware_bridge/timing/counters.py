"""Counters that wrap and restart: a sensor's raw ticks and sequence numbers as monotonic positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firmware_bridge.samples import Float, Int

# A larger step back is not a late packet but a restarted counter.
BACKWARD_LIMIT_S = 2.0
# A counter further ahead of the arrivals than any radio delays packets has restarted, too.
AHEAD_LIMIT_S = 10.0
# 64-bit counters never wrap in practice, and their modulus does not fit the arithmetic.
_LARGEST_MODULO = 2**62


def unwrap(raw: ArrayLike, modulo: int, expected: ArrayLike | None = None) -> Int:
    """Removes the wraps of a counter; the first value stays.

    Each step is taken as the shortest way around the circle, so small steps back (late or repeated
    packets) stay steps back. Where the counter may have wrapped unseen, during a long silence, `expected`
    gives how far it should have come.

    Args:
        raw: (n,) counter values as received, in order of arrival.
        modulo: the counter wraps to 0 here.
        expected: (n,) roughly where the counter should stand, up to a constant: host time in counts.

    Returns:
        (n,) counter values without wraps.
    """
    values = np.asarray(raw, dtype=np.int64)
    if len(values) < 2:
        return values.copy()
    steps = np.diff(values)
    if modulo < _LARGEST_MODULO:
        half = modulo // 2
        steps = (steps + half) % modulo - half
        if expected is not None:
            surplus = (np.diff(np.asarray(expected, dtype=np.float64)) - steps) / modulo
            steps = steps + modulo * np.rint(surplus).astype(np.int64)
    return np.concatenate([values[:1], values[0] + np.cumsum(steps)])


def advance(before: int, after: int, modulo: int, expected: float) -> int:
    """One step of `unwrap`: how far a counter came from one raw value to another.

    Args:
        before, after: the raw values.
        modulo: the counter wraps to 0 here.
        expected: roughly how far it should have come.
    """
    if modulo >= _LARGEST_MODULO:
        return after - before
    half = modulo // 2
    step = (after - before + half) % modulo - half
    return step + modulo * round((expected - step) / modulo)


def is_restart(step_s: ArrayLike, arrival_step_s: ArrayLike) -> NDArray[np.bool_]:
    """Whether a counter restarted (the sensor rebooted or restarted its stream) at these steps.

    Args:
        step_s: (n,) steps of the unwrapped counter in seconds.
        arrival_step_s: (n,) host time that passed over the same steps.

    Returns:
        (n,) True where the step goes back further than a late packet can, or ahead of host time.
    """
    steps, arrivals = np.asarray(step_s, dtype=np.float64), np.asarray(arrival_step_s, dtype=np.float64)
    restarted: NDArray[np.bool_] = (steps < -BACKWARD_LIMIT_S) | (steps - arrivals > AHEAD_LIMIT_S)
    return restarted


def epochs(position_s: ArrayLike, arrival_s: ArrayLike) -> Int:
    """Numbers the stretches between restarts of a counter: 0, 0, ..., 1, 1, ...

    Args:
        position_s: (n,) the unwrapped counter in seconds.
        arrival_s: (n,) host time of arrival.

    Returns:
        (n,) index of the epoch of every row.
    """
    restarted = is_restart(np.diff(np.asarray(position_s)), np.diff(np.asarray(arrival_s)))
    return np.concatenate([np.zeros(min(1, np.size(position_s)), np.int64), np.cumsum(restarted)])


def missing(positions: ArrayLike, step: float) -> int:
    """Counts the samples that a counter proves missing between its neighbouring values.

    Args:
        positions: (n,) unwrapped counter values of the samples that arrived, in any order, repeats allowed.
        step: what the counter advances from one sample to the next.
    """
    gaps = np.diff(np.unique(np.asarray(positions, dtype=np.float64))) / step
    return int(np.sum(np.maximum(np.rint(gaps) - 1, 0)))


def typical_step(positions: ArrayLike) -> float | None:
    """The median advance of a counter per sample, or None where it never advanced.

    Args:
        positions: (n,) unwrapped counter values.
    """
    steps: Float = np.diff(np.asarray(positions, dtype=np.float64))
    forward = steps[steps > 0]
    return float(np.median(forward)) if len(forward) else None
