"""Samples as received -> samples in order of time, each once."""

from __future__ import annotations

import numpy as np

from firmware_bridge.samples import ImuSamples


def in_order(samples: ImuSamples, name: str) -> tuple[ImuSamples, tuple[str, ...]]:
    """Sorts by `time_s` (rows of equal time keep their order) and keeps the first of equal times.

    Args:
        samples: with finite times.
        name: of the file, for messages.

    Returns:
        The samples with strictly increasing `time_s`, and plain sentences about what was done.
    """
    steps = np.diff(samples.time_s)
    if (steps > 0).all():
        return samples, ()
    warnings: list[str] = []
    late = int((steps < 0).sum())
    if late:
        places = "place" if late == 1 else "places"
        warnings.append(f"The rows of {name} were out of order at {late} {places} and are sorted by time.")
        samples = samples[np.argsort(samples.time_s, kind="stable")]
    first = np.diff(samples.time_s, prepend=-np.inf) > 0
    repeats = int((~first).sum())
    if repeats:
        rows = "row" if repeats == 1 else "rows"
        warnings.append(f"{repeats} {rows} of {name} with the time of another left out.")
        samples = samples[first]
    return samples, tuple(warnings)
