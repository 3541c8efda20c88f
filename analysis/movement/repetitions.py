"""A flexion track -> the repetitions of its measuring phases, each with the extension that was held."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from analysis.angle.result import FlexionTrack
from analysis.constants import STILL_DEG_S
from analysis.movement.cycles import Drop, find_drops
from analysis.movement.result import Plateau, Repetition
from analysis.movement.smoothing import SLOW_SIGMA_S, rate, smooth, true_runs
from firmware_bridge.samples import Float
from firmware_bridge.session.model import PhaseSpan

MEASURING_PHASES = frozenset(
    ("warmup", "before", "before_again", "after", "after_5min", "after_10min", "after_30min")
)
HELD_S = 1.0
# A plateau this far above the straightest moment of its own repetition is a pause on the way ...
PAUSE_DEG, PAUSE_SHARE = 5.0, 0.1
# ... and a straightest moment this far above that of its block belongs to a half repetition.
HALF_DEG, HALF_SHARE = 10.0, 0.25


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


def near_valley(angle_deg: Float, drop: Drop) -> NDArray[np.bool_]:
    """(n,) where the angle, between a drop and the next bend, is about as straight as it gets."""
    travel_deg = angle_deg[drop.peak] - angle_deg[drop.valley]
    near = np.zeros(len(angle_deg), dtype=bool)
    part = slice(drop.peak, drop.after)
    near[part] = angle_deg[part] <= angle_deg[drop.valley] + max(PAUSE_DEG, PAUSE_SHARE * travel_deg)
    return near


def _in_phase(
    track: FlexionTrack, span: PhaseSpan, strapping: int, thigh_tilt_deg: Float | None
) -> list[Repetition]:
    first, last = np.searchsorted(track.time_s, (span.start_s, span.stop_s))
    if last - first < 3:
        return []
    rows = slice(int(first), int(last))
    time_s = track.time_s[rows]
    step_s = float(time_s[-1] - time_s[0]) / (len(time_s) - 1)
    flexion_deg = np.where(track.valid[rows], track.flexion_deg[rows], np.nan)
    slow_deg = smooth(flexion_deg, 1 / step_s, SLOW_SIGMA_S)
    still = np.abs(rate(slow_deg, 1 / step_s)) < STILL_DEG_S
    drops = find_drops(slow_deg)
    complete = _complete(slow_deg, drops)
    found = []
    start = 0
    for drop, is_complete in zip(drops, complete, strict=True):
        near = near_valley(slow_deg, drop)
        stop = int(np.flatnonzero(near)[-1]) + 1
        best = _best_plateau(flexion_deg, near & still, round(HELD_S / step_s)) if is_complete else None
        extension, tilt_deg = None, nan
        if best is not None:
            held = slice(*best)
            sd_deg = float(np.sqrt(np.mean(track.flexion_sd_deg[rows][held] ** 2)))
            median_deg = float(np.median(flexion_deg[held]))
            extension = Plateau(
                float(time_s[best[0]]), float(time_s[best[1] - 1]) + step_s, median_deg, sd_deg
            )
            tilt_deg = _median(thigh_tilt_deg[rows][held]) if thigh_tilt_deg is not None else nan
        found.append(
            Repetition(
                start_s=float(time_s[start]),
                stop_s=float(time_s[stop - 1]) + step_s,
                phase=span.name,
                test=span.test,
                peak_flexion_deg=float(slow_deg[drop.peak]),
                extension=extension,
                strapping=strapping,
                thigh_tilt_deg=tilt_deg,
            )
        )
        start = stop
    return found


def _complete(angle_deg: Float, drops: list[Drop]) -> list[bool]:
    """Which straightenings reach the level that the block reaches, judged by its straighter quarter."""
    if not drops:
        return []
    valley_deg = np.array([angle_deg[d.valley] for d in drops])
    travel_deg = np.array([angle_deg[d.peak] for d in drops]) - valley_deg
    margin_deg = max(HALF_DEG, HALF_SHARE * float(np.median(travel_deg)))
    return [bool(ok) for ok in valley_deg <= np.percentile(valley_deg, 25) + margin_deg]


def _best_plateau(flexion_deg: Float, held: NDArray[np.bool_], least: int) -> tuple[int, int] | None:
    long_enough = [run for run in true_runs(held) if run[1] - run[0] >= least]
    return min(long_enough, key=lambda run: float(np.median(flexion_deg[slice(*run)])), default=None)


def _median(values: Float) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else nan
