"""How often the error lies inside two sigma of the band, on the simulated leg.

python tests/benchmarks/band.py --seeds 6             offline
python tests/benchmarks/band.py --seeds 6 --causal    as shown live

Each cell: share of samples inside two sigma, mean over seeds (least), with the root mean square of error
and band in degrees. The constants were chosen on seeds below 40; here they begin at 500.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace

import numpy as np
from trials import POSTURES

from analysis.angle import estimate_angle
from firmware_bridge.virtual.leg import HUMAN_KNEE, Knee
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing

FIRST_SEED = 500
MACHINE = Knee()
FAST = {"swing_s": 0.8, "bend_s": 0.5, "extend_s": 0.6}
SLOW = {"swing_s": 2.5, "bend_s": 2.0, "extend_s": 3.0}


@dataclass(frozen=True)
class Case:
    """One row of the table; a soft tissue of None means ideal sensors."""

    soft_tissue_deg: float | None = 2.0
    knee: Knee = HUMAN_KNEE
    noise: float = 1.0
    pace: dict[str, float] = field(default_factory=dict)


CASES = {
    "ideal sensors on a machine": Case(None, MACHINE),
    "sensors on a machine": Case(0.0, MACHINE),
    "sensors on a machine, noise x 4": Case(0.0, MACHINE, 4.0),
    "leg, soft tissue 1 deg": Case(1.0),
    "leg, soft tissue 2 deg": Case(),
    "the same, fast": Case(pace=FAST),
    "the same, slow": Case(pace=SLOW),
    "the same, noise x 4": Case(noise=4.0),
    "leg, soft tissue 4 deg": Case(4.0),
}


def worn(case: Case, seed: int) -> Wearing:
    """Both sensors of a case."""
    if case.soft_tissue_deg is None:
        return Wearing.rigid(seed)
    wearing = Wearing.realistic(case.soft_tissue_deg, seed)
    loud = [
        replace(
            w,
            gyr_noise_rad_s=case.noise * w.gyr_noise_rad_s,
            acc_noise_m_s2=case.noise * w.acc_noise_m_s2,
        )
        for w in (wearing.thigh, wearing.shank)
    ]
    return Wearing(*loud)


def judge(case: Case, posture: str, test: str, seed: int, causal: bool) -> tuple[float, float, float]:
    """Share inside two sigma, RMS error after one constant offset, RMS band."""
    script = condensed_session(posture, test, seed=seed, **case.pace)  # type: ignore[arg-type]
    session = simulate_session(script, worn(case, seed), seed=seed, knee=case.knee)
    recording = session.recording
    result = estimate_angle(
        recording.thigh,
        recording.shank,
        phases=recording.phases,
        poses=recording.reference_poses,
        causal=causal,
    )
    track, truth = result.track, session.truth
    error = (track.flexion_deg - np.interp(track.time_s, truth.time_s, truth.flexion_deg))[track.valid]
    error = error - np.median(error)
    sd = track.flexion_sd_deg[track.valid]
    return float(np.mean(np.abs(error) < 2 * sd)), float(np.std(error)), float(np.sqrt(np.mean(sd**2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--causal", action="store_true", help="the live angle")
    arguments = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    print("| case | " + " | ".join(POSTURES) + " |")
    print("|" + "---|" * (len(POSTURES) + 1))
    shares = []
    for name, case in CASES.items():
        cells = []
        for posture, test in POSTURES.items():
            figures = np.array([judge(case, posture, test, seed, arguments.causal) for seed in seeds])
            share, error, band = figures.mean(axis=0)
            shares.append(share)
            cells.append(f"{share:.2f} ({figures[:, 0].min():.2f}), {error:.2f} in {band:.2f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nmean {np.mean(shares):.3f}, least cell {min(shares):.3f}, largest {max(shares):.3f}")


if __name__ == "__main__":
    main()
