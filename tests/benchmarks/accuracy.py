"""How far the knee angle is from the truth, with peers beside it in the same run.

python tests/benchmarks/accuracy.py --data FOLDER       recordings, and 4 simulated sessions a posture
python tests/benchmarks/accuracy.py --seeds 20          simulated sessions only

Errors are the root mean square in degrees after one constant offset is taken off: at the best lag of at most
4 samples for every method, and for kneeflex also at its own times. The lag is in samples, positive where the
angle is late. Shares inside two sigma are those at its own times, of the repeatable part of the band and of
the whole. A joint of a jig has no direction, so that either sign counts there.
Peers that are not installed are left out: `pip install vqf`, `pip install qmt`.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from peers import Peer, offline_vqf, peers
from trials import BoardTrial, Trial, boards, cutting, field, simulated, treadmill, walking

from analysis.angle import estimate_angle
from analysis.angle.blocks import Blocks
from analysis.angle.grid import common_grid
from analysis.angle.orientation.attitude import find_attitude
from analysis.angle.orientation.rest import force_weights
from analysis.angle.parameters import DEFAULTS
from firmware_bridge.errors import KneeflexError
from firmware_bridge.samples import Float, ImuSamples

LAGS, LAG_STEP = 4, 0.1


def best_lag(
    time_s: Float, angle: Float, reference: Callable[[Float], Float], rate_hz: float, lags: int = LAGS
) -> tuple[float, float]:
    """The smallest error over lags of at most `lags` samples, and that lag (positive = the angle is late).

    Args:
        time_s: (n,) of the angle.
        angle: (n,) in degrees; NaN where it is not to be judged.
        reference: its value at any times.
        rate_hz: of the samples.
        lags: at most.
    """
    found = []
    for lag in np.round(np.arange(-lags, lags + 1e-9, LAG_STEP), 2):
        error = angle - reference(time_s - lag / rate_hz)
        found.append((float(np.nanstd(error)), abs(lag), float(lag)))
    error, _, lag = min(found)
    return error, lag


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

    track, rate_hz = ours.track, ours.rate_hz
    axes = ours.axes.thigh, ours.axes.shank
    at = trial.reference_along(*axes)
    truth = at(track.time_s)
    sign = min((1, -1), key=lambda s: float(np.nanstd(s * track.flexion_deg - truth)))
    if sign < 0 and not trial.name.startswith("jig"):
        print(f"  {trial.name}: bending and straightening are exchanged")
    flexion = np.where(track.valid, sign * track.flexion_deg, np.nan)

    result["kneeflex"], result["lag"] = best_lag(track.time_s, flexion, at, rate_hz, lags)
    error = np.abs(flexion - truth - np.nanmedian(flexion - truth))
    judged = np.isfinite(error)
    result["at its times"] = float(np.nanstd(flexion - truth))
    for name, sd in (("inside, repeatable", track.repeat_sd_deg), ("inside 2 sd", track.relative_sd_deg)):
        result[name] = float(np.mean(error[judged] < 2 * sd[judged]))
    result["2 sd"] = 2 * float(np.median(track.relative_sd_deg[judged]))
    result["samples"], result["optical"] = float(judged.sum()), float(trial.optical)
    with suppress(KneeflexError):
        live = estimate_angle(trial.thigh, trial.shank, causal=True, **streams)
        both = live.track.valid & track.valid
        causal = np.where(both, sign * live.track.flexion_deg, np.nan)
        seen = trial.reference_along(live.axes.thigh, live.axes.shank)
        result["causal"] = best_lag(track.time_s, causal, seen, rate_hz, lags)[0]
        part = np.where(both, flexion, np.nan)
        result["offline, same part"] = best_lag(track.time_s, part, at, rate_hz, lags)[0]
    thigh, shank, rate_hz = gridded(trial)
    for name, peer in others.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                angle, *axes = peer(thigh, shank, rate_hz)
        except AssertionError as refusal:  # qmt takes multiples of 5 Hz only
            print(f"  {trial.name}: {name} refused: {refusal}")
            continue
        seen = trial.reference_along(*axes)
        result[name] = min(best_lag(thigh.time_s, s * angle, seen, rate_hz, lags)[0] for s in (1, -1))
    return result


def judge_board(trial: BoardTrial, others: dict[str, Peer]) -> dict[str, float]:
    """RMS inclination of one sensor, once with the times as given and once with the best lag."""
    grid = common_grid(trial.samples, trial.samples, DEFAULTS)
    blocks = Blocks.of(grid.carried, grid.rate_hz, DEFAULTS.block_s)
    # Up belongs to the middle of a step, the angle to its end.
    at_s = grid.time_s[blocks.middle] - 0.5 / grid.rate_hz
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


def pooled(results: Sequence[dict[str, float]]) -> str:
    """Shares inside two sigma over all samples with an optical reference."""
    if not results:
        return ""
    weights = [r["samples"] for r in results]
    shares = [
        float(np.average([r[name] for r in results], weights=weights))
        for name in ("inside, repeatable", "inside 2 sd")
    ]
    return f"\nInside two sigma, optical references pooled: {shares[1]:.3f} (repeatable {shares[0]:.3f})\n"


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
    columns = ["kneeflex", "at its times", "lag", "inside, repeatable", "inside 2 sd", "2 sd"]
    columns += ["causal", "offline, same part", *others]
    print("| trial (number): median (largest) | " + " | ".join(columns) + " |")
    print("|" + "---|" * (len(columns) + 1))
    if arguments.data:
        everything = []
        for trial in (*cutting(arguments.data), *walking(arguments.data), *field(arguments.data)):
            everything.append(judge_trial(trial, others, LAGS))
            print(row(trial.name, everything[-1:], columns), flush=True)
        results = [judge_trial(t, others, LAGS) for t in treadmill(arguments.data)]
        if results:
            print(row("treadmill", results, columns), flush=True)
        print(pooled([r for r in everything if r.get("optical")]))
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
