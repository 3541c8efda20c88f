"""A flexion track -> the pandiculations: contract and hold, slow release, relax."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import numpy as np

from analysis.angle.result import FlexionTrack
from analysis.movement.cycles import Drop, find_drops
from analysis.movement.quality import evenness, pauses, reversals, steadiness, submovements
from analysis.movement.repetitions import PAUSE_DEG, PAUSE_SHARE, STILL_DEG_S
from analysis.movement.result import Release
from analysis.movement.smoothing import QUICK_SIGMA_S, SLOW_SIGMA_S, rate, smooth, true_runs
from analysis.movement.smoothness import sparc
from analysis.movement.tremor import tremor
from firmware_bridge.samples import Float
from firmware_bridge.session.model import PhaseSpan

EDGE_SHARE = 0.05
RELAX_S = 3.0


def find_releases(track: FlexionTrack, phases: Sequence[PhaseSpan]) -> tuple[Release, ...]:
    """Finds every slow lengthening of the pandiculation phases and measures its quality.

    A release runs from 5 % to 95 % of the excursion, which is counted from the level of the hold before
    it (or the most bent angle, where nothing was held) to the straightest angle after it. Rates come from
    the flexion; that they are low is no proof that a muscle has let go, which only an EMG could show.

    Args:
        track: flexion of the whole session.
        phases: all phases of the session; only `pandiculation` is looked at.

    Returns:
        The releases in order of time.
    """
    found: list[Release] = []
    for span in phases:
        if span.name == "pandiculation":
            found += _in_phase(track, span)
    return tuple(found)


def _in_phase(track: FlexionTrack, span: PhaseSpan) -> list[Release]:
    first, last = np.searchsorted(track.time_s, (span.start_s, span.stop_s))
    if last - first < 3:
        return []
    rows = slice(int(first), int(last))
    time_s = track.time_s[rows]
    rate_hz = (len(time_s) - 1) / float(time_s[-1] - time_s[0])
    flexion_deg = np.where(track.valid[rows], track.flexion_deg[rows], np.nan)
    slow_deg = smooth(flexion_deg, rate_hz, SLOW_SIGMA_S)
    found = []
    for drop in find_drops(slow_deg):
        hold = _hold(slow_deg, rate_hz, drop)
        start, stop = _edges(slow_deg, drop, hold)
        metrics = {
            **_release_metrics(flexion_deg[start:stop], slow_deg[start:stop], rate_hz),
            **_hold_metrics(flexion_deg[slice(*hold)], slow_deg[slice(*hold)], rate_hz),
            **_relaxation_metrics(slow_deg[stop : drop.after], rate_hz),
        }
        found.append(Release(float(time_s[start]), float(time_s[stop - 1]) + 1 / rate_hz, metrics))
    return found


def _hold(slow_deg: Float, rate_hz: float, drop: Drop) -> tuple[int, int]:
    """The longest still stretch near the most bent angle before a drop; empty where there is none."""
    travel_deg = slow_deg[drop.peak] - slow_deg[drop.valley]
    still = np.abs(rate(slow_deg, rate_hz)) < STILL_DEG_S
    still &= slow_deg >= slow_deg[drop.peak] - max(PAUSE_DEG, PAUSE_SHARE * travel_deg)
    still[: drop.before] = False
    still[drop.valley :] = False
    longest = max(true_runs(still), key=lambda run: run[1] - run[0], default=(drop.peak, drop.peak))
    return longest if longest[1] - longest[0] >= 0.5 * rate_hz else (drop.peak, drop.peak)


def _edges(slow_deg: Float, drop: Drop, hold: tuple[int, int]) -> tuple[int, int]:
    held_deg = slow_deg[slice(*hold)]
    high_deg = float(np.median(held_deg)) if len(held_deg) else float(slow_deg[drop.peak])
    low_deg = float(slow_deg[drop.valley])
    margin_deg = EDGE_SHARE * (high_deg - low_deg)
    begin = min(drop.peak, hold[0])
    part = slow_deg[begin : drop.valley + 1]
    start = int(np.flatnonzero(part >= high_deg - margin_deg)[-1])
    stop = start + int(np.flatnonzero(part[start:] <= low_deg + margin_deg)[0])
    return begin + start, begin + stop + 1


def _release_metrics(flexion_deg: Float, slow_deg: Float, rate_hz: float) -> dict[str, float]:
    names = (
        "mean_rate_deg_s", "peak_rate_deg_s", "rate_cv", "pause_count", "pause_s", "reversal_count",
        "submovement_count", "sparc", "tremor_deg", "tremor_ratio",
    )  # fmt: skip
    duration_s = len(flexion_deg) / rate_hz
    if len(flexion_deg) < 3 or np.isnan(flexion_deg).any():
        return {"duration_s": duration_s, **dict.fromkeys(names, nan)}
    quick_deg_s = rate(smooth(flexion_deg, rate_hz, QUICK_SIGMA_S), rate_hz)
    slow_deg_s = rate(slow_deg, rate_hz)
    values = (
        float(flexion_deg[0] - flexion_deg[-1]) / duration_s,
        float(np.max(np.abs(quick_deg_s))),
        evenness(quick_deg_s),
        *pauses(slow_deg_s, rate_hz),
        reversals(slow_deg),
        submovements(slow_deg_s),
        sparc(np.abs(quick_deg_s), rate_hz),
        *tremor(rate(flexion_deg, rate_hz), rate_hz),
    )
    return {"duration_s": duration_s, **{n: float(v) for n, v in zip(names, values, strict=True)}}


def _hold_metrics(flexion_deg: Float, slow_deg: Float, rate_hz: float) -> dict[str, float]:
    # Both ends belong to the movements around the hold.
    edge = round(0.1 * len(flexion_deg))
    middle = slice(edge, len(flexion_deg) - edge)
    sd_deg, _ = steadiness(flexion_deg[middle], rate_hz)
    _, rate_deg_s = steadiness(slow_deg[middle], rate_hz)
    return {"hold_s": len(flexion_deg) / rate_hz, "hold_sd_deg": sd_deg, "hold_rate_deg_s": rate_deg_s}


def _relaxation_metrics(slow_deg: Float, rate_hz: float) -> dict[str, float]:
    """How much the leg still moves in the 3 s from its arrival on; positive drift = goes on straightening."""
    needed = round(RELAX_S * rate_hz)
    arrived = np.flatnonzero(np.abs(rate(slow_deg, rate_hz)) < STILL_DEG_S)
    part = slow_deg[arrived[0] :][:needed] if len(arrived) else slow_deg[:0]
    if len(part) < needed or np.isnan(part).any():
        return {"relaxation_drift_deg": nan, "relaxation_rate_deg_s": nan}
    tail = round(0.5 * rate_hz)
    drift_deg = float(part[:tail].mean() - part[-tail:].mean())
    return {"relaxation_drift_deg": drift_deg, "relaxation_rate_deg_s": steadiness(part, rate_hz)[1]}
