"""How far the knee angle is from the truth, with peers beside it in the same run.

python tests/benchmarks/accuracy.py --data FOLDER       recordings, and 4 simulated sessions a posture
python tests/benchmarks/accuracy.py --seeds 20          simulated sessions only

Every figure is the root mean square error in degrees after one constant offset is taken off, with a lag of
at most 4 samples for the recordings (their clocks were never common) and none for simulated sessions.
Peers that are not installed are left out: `pip install vqf`, `pip install qmt`.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from peers import Peer, offline_vqf, peers
from trials import BoardTrial, Trial, boards, cutting, simulated, treadmill, walking

from analysis.angle import estimate_angle
from analysis.angle.blocks import Blocks
from analysis.angle.grid import common_grid
from analysis.angle.orientation.attitude import find_attitude
from analysis.angle.orientation.rest import force_weights
from analysis.angle.parameters import DEFAULTS
from firmware_bridge.errors import KneeflexError
from firmware_bridge.samples import Float, ImuSamples

LAGS = 4


def offset_free_rmse(estimate: Float, reference: Float, lags: int = LAGS, use: Float | None = None) -> float:
    """The smallest over lags of at most `lags` samples, over the samples in `use`."""
    n = min(len(estimate), len(reference))
    inside = slice(lags, n - lags or None)
    chosen = np.isfinite(estimate[:n]) if use is None else np.asarray(use[:n], dtype=bool)
    errors = []
    for lag in range(-lags, lags + 1):
        error = (estimate[:n] - np.roll(reference[:n], lag))[inside][chosen[inside]]
        errors.append(float(np.std(error)))
    return min(errors)


def gridded(trial: Trial) -> tuple[ImuSamples, ImuSamples, float]:
    """Both sensors on one grid, as every peer needs them."""
    grid = common_grid(trial.thigh, trial.shank, DEFAULTS)
    sensors = [ImuSamples(grid.time_s, m.acc_m_s2.T, m.gyr_rad_s.T) for m in (grid.thigh, grid.shank)]
    return sensors[0], sensors[1], grid.rate_hz


def judge_trial(trial: Trial, others: dict[str, Peer], lags: int) -> dict[str, float]:
    """Name of the method -> error; nothing where it refuses."""
    result: dict[str, float] = {}
    streams = {"phases": trial.phases, "poses": trial.poses}
    try:
        ours = estimate_angle(trial.thigh, trial.shank, **streams)
    except KneeflexError as refusal:
        print(f"  {trial.name}: refused: {refusal}")
        return result

    def reference(time_s: Float, thigh_axis: Float, shank_axis: Float) -> Float:
        return np.interp(time_s, trial.thigh.time_s, trial.reference(thigh_axis, shank_axis))

    track = ours.track
    truth = reference(track.time_s, ours.axes.thigh, ours.axes.shank)
    result["kneeflex"] = offset_free_rmse(track.flexion_deg, truth, lags)
    error = track.flexion_deg - truth
    result["inside 2 sd"] = float(np.nanmean(np.abs(error - np.nanmedian(error)) < 2 * track.flexion_sd_deg))
    with suppress(KneeflexError):
        live = estimate_angle(trial.thigh, trial.shank, causal=True, **streams)
        known = live.track.valid
        then = reference(track.time_s, live.axes.thigh, live.axes.shank)
        result["causal"] = offset_free_rmse(live.track.flexion_deg, then, lags, known)
        result["offline, same part"] = offset_free_rmse(track.flexion_deg, truth, lags, known)
    thigh, shank, rate_hz = gridded(trial)
    for name, peer in others.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            angle, *axes = peer(thigh, shank, rate_hz)
        seen = reference(thigh.time_s, *axes)
        result[name] = min(offset_free_rmse(sign * angle, seen, lags) for sign in (1, -1))
    return result


def judge_board(trial: BoardTrial, others: dict[str, Peer]) -> dict[str, float]:
    """RMS inclination of one sensor, once with the times as given and once with the best lag."""
    grid = common_grid(trial.samples, trial.samples, DEFAULTS)
    blocks = Blocks.of(grid.carried, grid.rate_hz, DEFAULTS.block_s)
    at_s = grid.time_s[blocks.middle]
    weight = force_weights((grid.thigh,), blocks, DEFAULTS)
    attitude = find_attitude(grid.thigh, grid.known, weight, blocks, DEFAULTS)
    found = {"kneeflex": (at_s, attitude.up_in_sensor.T)}
    if others:
        up = offline_vqf(trial.samples, trial.rate_hz).inv().apply([0.0, 0.0, 1.0])
        found["vqf"] = (at_s, between(at_s, trial.samples.time_s, up))
    errors: dict[str, float] = {}
    for name, (time_s, up) in found.items():
        by_lag = {
            lag: inclination_rms_deg(
                up, between(time_s + lag / trial.rate_hz, trial.samples.time_s, trial.up_in_sensor)
            )
            for lag in np.arange(-LAGS, LAGS + 0.5, 0.5)
        }
        errors |= {name: by_lag[0.0], f"{name}, best lag": min(by_lag.values())}
    return errors


def between(at_s: Float, time_s: Float, values: Float) -> Float:
    """Unit vectors (n, 3) at other times; NaN stays NaN."""
    chord = np.stack([np.interp(at_s, time_s, column) for column in values.T], axis=1)
    return np.asarray(chord / np.linalg.norm(chord, axis=1, keepdims=True))


def inclination_rms_deg(up: Float, reference: Float) -> float:
    """RMS angle between unit vectors (m, 3), where both are known."""
    cosine = np.clip((up * reference).sum(axis=1), -1.0, 1.0)
    return float(np.degrees(np.sqrt(np.nanmean(np.arccos(cosine) ** 2))))


def row(name: str, results: Iterable[dict[str, float]], columns: list[str]) -> str:
    """One line of the table: the median over trials, and the largest where there are several."""
    results = list(results)
    cells = []
    for column in columns:
        values = [r[column] for r in results if column in r]
        if not values:
            cells.append("-")
        elif len(values) == 1:
            cells.append(f"{values[0]:.2f}")
        else:
            cells.append(f"{np.median(values):.2f} ({np.max(values):.2f})")
    return "| " + " | ".join([f"{name} ({len(results)})", *cells]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the recordings")
    parser.add_argument("--seeds", type=int, default=4, help="simulated sessions in each posture")
    parser.add_argument("--no-peers", action="store_true", help="only this project")
    arguments = parser.parse_args()
    others = {} if arguments.no_peers else peers()
    columns = ["kneeflex", "inside 2 sd", "causal", "offline, same part", *others]
    print("| trial (number): median (largest) | " + " | ".join(columns) + " |")
    print("|" + "---|" * (len(columns) + 1))
    if arguments.data:
        for source in (cutting, walking, treadmill):
            results = [judge_trial(t, others, LAGS) for t in source(arguments.data)]
            if results:
                print(row(source.__name__, results, columns), flush=True)
    for label, soft_tissue_deg in (("rigid hinge", None), ("soft tissue 2 deg", 2.0)):
        by_posture: dict[str, list[dict[str, float]]] = {}
        for trial in simulated(arguments.seeds, soft_tissue_deg):
            by_posture.setdefault(trial.name, []).append(judge_trial(trial, others, 0))
        for posture, results in by_posture.items():
            print(row(f"{posture}, {label}", results, columns), flush=True)
    if arguments.data:
        columns = ["kneeflex", "kneeflex, best lag", *(["vqf", "vqf, best lag"] if others else [])]
        print("\nInclination of one sensor on a board, every trial:\n| | " + " | ".join(columns) + " |")
        print("|" + "---|" * (len(columns) + 1))
        for board in boards(arguments.data):
            print(row(board.name, [judge_board(board, others)], columns), flush=True)


if __name__ == "__main__":
    main()
