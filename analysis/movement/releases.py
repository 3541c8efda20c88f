"""A flexion track -> the pandiculations: contract and hold, slow release, relax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from analysis.angle.result import FlexionTrack
from analysis.constants import STILL_DEG_S
from analysis.movement.cycles import Drop, find_drops
from analysis.movement.detector import PAUSE_DEG, PAUSE_SHARE
from analysis.movement.quality import evenness, pauses, reversals, steadiness, submovements
from analysis.movement.result import Release
from analysis.movement.smoothing import QUICK_SIGMA_S, SLOW_SIGMA_S, rate, smooth, true_runs
from analysis.movement.smoothness import sparc
from analysis.movement.tremor import tremor
from firmware_bridge.samples import Float
from firmware_bridge.session.model import PhaseSpan

EDGE_SHARE = 0.05
LEAST_HOLD_S = 0.5
RELAX_S = 3.0
LEAST_RELAX_S = 1.5
# A leg that lies and bends by so much begins the next repetition.
BEND_DEG = 5.0


@dataclass(frozen=True, eq=False, slots=True)
class _Signals:
    """One phase: (n,) arrays, NaN in gaps. "slow" holds no tremor, "quick" does; "raw" is unfiltered."""

    time_s: Float
    rate_hz: float
    raw_deg: Float
    slow_deg: Float
    raw_deg_s: Float
    quick_deg_s: Float
    slow_deg_s: Float


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
    signals = _signals(track, slice(int(first), int(last)))
    found = []
    for drop in find_drops(signals.slow_deg):
        hold = _hold(signals, drop)
        release = _release(signals, drop, hold)
        metrics = {
            **_release_metrics(signals, release),
            "sparc": sparc(
                np.abs(signals.quick_deg_s[_from_rest_to_rest(signals, drop, release)]), signals.rate_hz
            ),
            **_hold_metrics(signals, hold),
            **_relaxation_metrics(signals, slice(release.stop, drop.after)),
        }
        start_s, stop_s = (
            float(signals.time_s[0]) + i / signals.rate_hz for i in (release.start, release.stop)
        )
        found.append(Release(start_s, stop_s, metrics))
    return found


def _signals(track: FlexionTrack, rows: slice) -> _Signals:
    time_s = track.time_s[rows]
    rate_hz = (len(time_s) - 1) / float(time_s[-1] - time_s[0])
    raw_deg = np.where(track.valid[rows], track.flexion_deg[rows], np.nan)
    slow_deg = smooth(raw_deg, rate_hz, SLOW_SIGMA_S)
    return _Signals(
        time_s=time_s,
        rate_hz=rate_hz,
        raw_deg=raw_deg,
        slow_deg=slow_deg,
        raw_deg_s=rate(raw_deg, rate_hz),
        quick_deg_s=rate(smooth(raw_deg, rate_hz, QUICK_SIGMA_S), rate_hz),
        slow_deg_s=rate(slow_deg, rate_hz),
    )


def _hold(signals: _Signals, drop: Drop) -> slice:
    """The longest still stretch near the most bent angle before a drop; empty where there is none."""
    peak_deg, valley_deg = signals.slow_deg[drop.peak], signals.slow_deg[drop.valley]
    still = np.abs(signals.slow_deg_s) < STILL_DEG_S
    still &= signals.slow_deg >= peak_deg - max(PAUSE_DEG, PAUSE_SHARE * (peak_deg - valley_deg))
    still[: drop.before] = False
    still[drop.valley :] = False
    none = (drop.peak, drop.peak)
    start, stop = max(true_runs(still), key=lambda run: run[1] - run[0], default=none)
    return slice(start, stop) if stop - start >= LEAST_HOLD_S * signals.rate_hz else slice(*none)


def _release(signals: _Signals, drop: Drop, hold: slice) -> slice:
    """From 5 % to 95 % of the excursion."""
    held_deg = signals.slow_deg[hold]
    high_deg = float(np.median(held_deg)) if len(held_deg) else float(signals.slow_deg[drop.peak])
    low_deg = float(signals.slow_deg[drop.valley])
    margin_deg = EDGE_SHARE * (high_deg - low_deg)
    begin = min(drop.peak, hold.start)
    part_deg = signals.slow_deg[begin : drop.valley + 1]
    start = int(np.flatnonzero(part_deg >= high_deg - margin_deg)[-1])
    stop = start + int(np.flatnonzero(part_deg[start:] <= low_deg + margin_deg)[0])
    return slice(begin + start, begin + stop + 1)


def _from_rest_to_rest(signals: _Signals, drop: Drop, release: slice) -> slice:
    """The release and its ends, as far as the speed stays above 5 % of its peak.

    Cut at 5 % of the excursion the speed jumps at both ends, which SPARC takes for roughness.
    """
    speed_deg_s = np.abs(signals.slow_deg_s)
    slow = speed_deg_s <= EDGE_SHARE * np.max(speed_deg_s[release])
    before = np.flatnonzero(slow[drop.before : release.start])
    after = np.flatnonzero(slow[release.stop : drop.after])
    return slice(
        drop.before + int(before[-1]) + 1 if len(before) else drop.before,
        release.stop + int(after[0]) if len(after) else drop.after,
    )


def _release_metrics(signals: _Signals, release: slice) -> dict[str, float]:
    names = (
        "mean_rate_deg_s", "peak_rate_deg_s", "rate_cv", "pause_count", "pause_s", "reversal_count",
        "submovement_count", "tremor_deg", "tremor_ratio",
    )  # fmt: skip
    raw_deg, rate_hz = signals.raw_deg[release], signals.rate_hz
    duration_s = len(raw_deg) / rate_hz
    if len(raw_deg) < 3 or np.isnan(raw_deg).any():
        return {"duration_s": duration_s, **dict.fromkeys(names, nan)}
    values = (
        float(raw_deg[0] - raw_deg[-1]) / duration_s,
        float(np.max(np.abs(signals.quick_deg_s[release]))),
        evenness(signals.quick_deg_s[release]),
        *pauses(signals.slow_deg_s[release], rate_hz),
        reversals(signals.slow_deg[release]),
        submovements(signals.slow_deg_s[release]),
        *tremor(signals.raw_deg_s[release], rate_hz),
    )
    return {"duration_s": duration_s, **{n: float(v) for n, v in zip(names, values, strict=True)}}


def _hold_metrics(signals: _Signals, hold: slice) -> dict[str, float]:
    length = hold.stop - hold.start
    # Both ends belong to the movements around the hold.
    edge = round(0.1 * length)
    middle = slice(hold.start + edge, hold.stop - edge)
    return {
        "hold_s": length / signals.rate_hz,
        "hold_sd_deg": steadiness(signals.raw_deg[middle], signals.rate_hz)[0],
        "hold_rate_deg_s": steadiness(signals.slow_deg[middle], signals.rate_hz)[1],
    }


def _until_bending(signals: _Signals, part: slice) -> int:
    """How many samples of a rest come before the next bend."""
    level_deg, rate_deg_s = signals.slow_deg[part], signals.slow_deg_s[part]
    bent = np.flatnonzero(level_deg > np.minimum.accumulate(level_deg) + BEND_DEG)
    if not len(bent):
        return len(level_deg)
    still = np.flatnonzero(rate_deg_s[: bent[0]] < STILL_DEG_S)
    return int(still[-1]) + 1 if len(still) else 0


def _relaxation_metrics(signals: _Signals, rest: slice) -> dict[str, float]:
    """How much the leg still moves in the 3 s from its arrival on; positive drift = goes on straightening.

    Where the next bend begins within them they end there; NaN where less than 1.5 s are left.
    """
    arrived = np.flatnonzero(np.abs(signals.slow_deg_s[rest]) < STILL_DEG_S)
    first = rest.start + (int(arrived[0]) if len(arrived) else rest.stop - rest.start)
    part = slice(first, min(first + round(RELAX_S * signals.rate_hz), rest.stop))
    part_deg = signals.slow_deg[part][: _until_bending(signals, part)]
    if len(part_deg) < round(LEAST_RELAX_S * signals.rate_hz) or np.isnan(part_deg).any():
        return {"relaxation_drift_deg": nan, "relaxation_rate_deg_s": nan}
    end = round(0.5 * signals.rate_hz)
    return {
        "relaxation_drift_deg": float(part_deg[:end].mean() - part_deg[-end:].mean()),
        "relaxation_rate_deg_s": steadiness(part_deg, signals.rate_hz)[1],
    }
