"""A flexion track -> the repetitions of its measuring phases, each with the extension that was held."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import numpy as np

from analysis.angle.result import FlexionTrack
from analysis.movement.detector import RepetitionDetector
from analysis.movement.result import Repetition
from firmware_bridge.samples import Float
from firmware_bridge.session.model import PhaseSpan

MEASURING_PHASES = frozenset(
    ("warmup", "before", "before_again", "after", "after_5min", "after_10min", "after_30min")
)


def find_repetitions(
    track: FlexionTrack, phases: Sequence[PhaseSpan], thigh_tilt_deg: Float | None = None
) -> tuple[Repetition, ...]:
    """Finds every bend-and-straighten of the measuring phases and the extension that it held.

    The extension is the median flexion of the best plateau: at least 1 s of valid samples with a rate
    below 3 deg/s, near the straightest moment of the repetition. It is never the instantaneous
    extreme, whose expectation grows with the number of samples and repetitions. Half repetitions and
    repetitions without a held second are kept, with `extension` None, so that nothing vanishes unseen.

    Args:
        track: flexion of the whole session.
        phases: all phases of the session, in order; those that measure nothing only count strappings.
        thigh_tilt_deg: (n,) inclination of the thigh on the same grid, for `Repetition.thigh_tilt_deg`.

    Returns:
        The repetitions in order of time, warm-up included.
    """
    found: list[Repetition] = []
    strapping = 0
    for span in phases:
        if span.name == "restrap":
            strapping += 1
        elif span.name in MEASURING_PHASES:
            found += _in_phase(track, span, strapping, thigh_tilt_deg)
    return tuple(found)


def _in_phase(
    track: FlexionTrack, span: PhaseSpan, strapping: int, thigh_tilt_deg: Float | None
) -> list[Repetition]:
    first, last = np.searchsorted(track.time_s, (span.start_s, span.stop_s))
    if last - first < 3:
        return []
    rows = slice(int(first), int(last))
    step_s = float(track.time_s[rows][-1] - track.time_s[rows][0]) / (rows.stop - rows.start - 1)
    detector = RepetitionDetector(1 / step_s)
    detector.push(track.rows(rows))
    return [
        Repetition(
            start_s=found.start_s,
            stop_s=found.stop_s,
            phase=span.name,
            test=span.test,
            peak_flexion_deg=found.peak_flexion_deg,
            extension=found.extension,
            strapping=strapping,
            thigh_tilt_deg=nan if thigh_tilt_deg is None else _median(thigh_tilt_deg[rows][found.held]),
        )
        for found in detector.finish()
    ]


def _median(values: Float) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else nan
