"""Whose lag is it? References held against the bare rates of the gyroscopes, and the angle against both.

python tests/benchmarks/lag.py --data FOLDER

Over a few steps an angle rises by what the gyroscopes turned about the hinge meanwhile. At each lag that
rise is fitted by the six turned angles of both sensors, with free weights and robustly: no orientation, no
axes and no filter of this project enters. The lag that fits best is that of the reference against the
samples; fitted once more with the shank's times moved, it is that of the two clocks. All lags are in
samples, positive where the angle from the sensors is later than the reference.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from accuracy import LAGS, best_lag, gridded
from scipy.interpolate import CubicSpline
from trials import Trial, cutting, field, walking

from analysis.angle import estimate_angle
from firmware_bridge.errors import KneeflexError
from firmware_bridge.samples import Float, ImuSamples

OVER = 4
STEP = 0.05
APART = np.round(np.arange(-2.0, 2.01, 0.2), 2)
MARGIN = 12

Curve = Callable[[Float], Float]


def turned_deg(samples: ImuSamples, rate_hz: float) -> CubicSpline:
    """The integral of the three rates: a sample is the mean over the step that ends at its time."""
    total = np.cumsum(samples.gyr_rad_s[1:], axis=0) / rate_hz
    return CubicSpline(samples.time_s, np.degrees(np.concatenate((np.zeros((1, 3)), total))))


def misfit(rise: Float, turned: Float) -> float:
    """RMS of what the best weights of `turned` (n, k) leave of `rise` (n,), with outliers counted less."""
    known = np.isfinite(rise)
    rise, turned = rise[known], turned[known]
    weight = np.ones(len(rise))
    left = rise
    for _ in range(8):
        found = np.linalg.lstsq(turned * weight[:, None], rise * weight, rcond=None)[0]
        left = rise - turned @ found
        scale = max(1.48 * float(np.median(np.abs(left))), 1e-9)
        weight = np.sqrt(1 / np.maximum(1.0, np.abs(left) / (1.5 * scale)))
    return float(np.sqrt(np.mean((weight * left) ** 2)))


def reference_lags(trial: Trial, reference: Curve) -> tuple[float, float]:
    """The lag of the samples against the reference, and of the shank's clock against the thigh's."""
    thigh, shank, rate_hz = gridded(trial)
    at = thigh.time_s[MARGIN:-MARGIN]
    one, two = (turned_deg(s, rate_hz) for s in (thigh, shank))

    def rise(curve: Curve, lag: float) -> Float:
        return np.asarray(curve(at - lag / rate_hz) - curve(at - (lag + OVER) / rate_hz))

    lags = np.round(np.arange(-LAGS, LAGS + 1e-9, STEP), 2)
    still = np.hstack((rise(one, 0.0), rise(two, 0.0)))
    lag = float(min(lags, key=lambda x: misfit(rise(reference, float(x)), still)))
    known = rise(reference, lag)
    apart = min(
        APART, key=lambda x: misfit(known, np.hstack((rise(one, float(x) / 2), rise(two, -float(x) / 2))))
    )
    return lag + 0.0, float(apart) + 0.0


def main() -> None:
    """Reads the options and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the recordings")
    data = parser.parse_args().data
    if data is None:
        print("Without recordings there is no lag to look at.")
        return
    print("| trial | gyros against reference | shank against thigh | angle against gyros | and reference |")
    print("|---|---|---|---|---|")
    for trial in (*cutting(data), *walking(data), *field(data)):
        try:
            found = estimate_angle(trial.thigh, trial.shank, phases=trial.phases, poses=trial.poses)
        except KneeflexError as refusal:
            print(f"  {trial.name}: refused: {refusal}")
            continue
        track, axes = found.track, (found.axes.thigh, found.axes.shank)
        reference = trial.reference_along(*axes)
        truth = reference(track.time_s)
        sign = min((1, -1), key=lambda s: float(np.nanstd(s * track.flexion_deg - truth)))
        flexion = np.where(track.valid, sign * track.flexion_deg, np.nan)
        lag, apart = reference_lags(trial, reference)

        def own(time_s: Float, at: Float = track.time_s, values: Float = flexion) -> Float:
            return np.interp(time_s, at, values, left=np.nan, right=np.nan)

        # The roles are exchanged: here the gyros are the reference.
        ours = 0.0 - reference_lags(trial, own)[0]
        against = best_lag(track.time_s, flexion, reference, found.rate_hz)[1]
        print(f"| {trial.name} | {lag:.2f} | {apart:.1f} | {ours:.2f} | {against:.1f} |", flush=True)


if __name__ == "__main__":
    main()
