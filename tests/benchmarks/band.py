"""How often the error lies inside two sigma of the band, on simulated legs.

python tests/benchmarks/band.py --seeds 6             offline
python tests/benchmarks/band.py --seeds 6 --causal    as shown live

Each cell: share of samples inside two sigma of differences, mean over seeds (least), with the root mean
square of error and band in degrees. The constants were chosen on seeds below 40; here they begin at 500. The
cases of "other tissue" are those of `soft_tissue`, which no constant was chosen on. Below the table, for
groups of cases: the shares for the repeatable part of the band, for differences, and of the angle itself.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace

import numpy as np
from soft_tissue import tissue_session
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
    """One row of the table; a soft tissue of None means ideal sensors.

    Attributes:
        soft_tissue_deg: of the simulated leg's own model.
        knee: how far it is from a hinge.
        noise: times that of common sensors.
        pace: of the movements.
        other_tissue: scale of `soft_tissue`, in place of the leg's own model; None where it is not used.
        group: for the pooled shares.
    """

    soft_tissue_deg: float | None = 2.0
    knee: Knee = HUMAN_KNEE
    noise: float = 1.0
    pace: dict[str, float] = field(default_factory=dict)
    other_tissue: float | None = None
    group: str = "leg, own tissue"


CASES = {
    "ideal sensors on a machine": Case(None, MACHINE, group="machine"),
    "sensors on a machine": Case(0.0, MACHINE, group="machine"),
    "sensors on a machine, noise x 4": Case(0.0, MACHINE, 4.0, group="machine"),
    "leg, soft tissue 1 deg": Case(1.0),
    "leg, soft tissue 2 deg": Case(),
    "the same, fast": Case(pace=FAST),
    "the same, slow": Case(pace=SLOW),
    "the same, noise x 4": Case(noise=4.0),
    "leg, soft tissue 4 deg": Case(4.0),
    "other tissue, half": Case(other_tissue=0.5, group="leg, other tissue"),
    "other tissue": Case(other_tissue=1.0, group="leg, other tissue"),
    "other tissue, fast": Case(other_tissue=1.0, pace=FAST, group="leg, other tissue"),
    "other tissue, perfect hinge": Case(knee=MACHINE, other_tissue=1.0, group="hinge, other tissue"),
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


def judge(case: Case, posture: str, test: str, seed: int, causal: bool = False) -> dict[str, float]:
    """Shares inside two sigma, RMS error after one constant offset, RMS band of differences."""
    script = condensed_session(posture, test, seed=seed, **case.pace)  # type: ignore[arg-type]
    if case.other_tissue is None:
        session = simulate_session(script, worn(case, seed), seed=seed, knee=case.knee)
    else:
        session = tissue_session(script, seed, case.knee, case.other_tissue)
    recording = session.recording
    result = estimate_angle(
        recording.thigh,
        recording.shank,
        phases=recording.phases,
        poses=recording.reference_poses,
        causal=causal,
    )
    truth, track = session.truth, result.track.rows(result.track.valid)
    error = track.flexion_deg - np.interp(track.time_s, truth.time_s, truth.flexion_deg)
    around = np.abs(error - np.median(error))
    return {
        "differences": float(np.mean(around < 2 * track.relative_sd_deg)),
        "repeatable": float(np.mean(around < 2 * track.repeat_sd_deg)),
        "angle": float(np.mean(np.abs(error) < 2 * track.flexion_sd_deg)),
        "error": float(np.std(error)),
        "band": float(np.sqrt(np.mean(track.relative_sd_deg**2))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--causal", action="store_true", help="the live angle")
    arguments = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    print("| case | " + " | ".join(POSTURES) + " |")
    print("|" + "---|" * (len(POSTURES) + 1))
    groups: dict[str, list[dict[str, float]]] = {}
    for name, case in CASES.items():
        cells = []
        for posture, test in POSTURES.items():
            found = [judge(case, posture, test, seed, arguments.causal) for seed in seeds]
            groups.setdefault(case.group, []).extend(found)
            share, error, band = (np.mean([f[k] for f in found]) for k in ("differences", "error", "band"))
            least = min(f["differences"] for f in found)
            cells.append(f"{share:.2f} ({least:.2f}), {error:.2f} in {band:.2f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print("\n| group (sessions) | repeatable part | differences (least) | the angle itself | band |")
    print("|---|---|---|---|---|")
    for group, found in groups.items():
        mean = {key: np.mean([f[key] for f in found]) for key in found[0]}
        least = min(f["differences"] for f in found)
        print(
            f"| {group} ({len(found)}) | {mean['repeatable']:.3f} | {mean['differences']:.3f} "
            f"({least:.2f}) | {mean['angle']:.3f} | {mean['band']:.2f} |"
        )


if __name__ == "__main__":
    main()
