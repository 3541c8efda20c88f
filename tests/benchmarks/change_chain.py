"""The error of the change through the whole chain: simulated leg -> samples -> angle -> plateaus -> change.

python tests/benchmarks/change_chain.py                 20 seeds
python tests/benchmarks/change_chain.py --seeds 100
python tests/benchmarks/change_chain.py --answers 33    short sessions with every check: no change and +8 deg
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.angle import estimate_angle
from analysis.answer import answer
from analysis.change import Comparison, compare_blocks
from analysis.movement import find_repetitions
from firmware_bridge.samples import Side
from firmware_bridge.virtual.sessions import condensed_session, full_session
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing

POSTURES = {
    "prone": "prone",
    "supine": "supine",
    "standing": "standing",
    "side_lying": "prone",
    "seated": "ake",
}


@dataclass(frozen=True)
class Outcome:
    """One simulated session: the truth and what came out."""

    true_change_deg: float
    comparison: Comparison

    @property
    def error_deg(self) -> float:
        """Of the change; NaN where none could be given."""
        change = self.comparison.change_deg
        return np.nan if change is None else change - self.true_change_deg


def run(seed: int, **plan: object) -> Outcome:
    """One session of several minutes; `plan` overrides any field of `SessionPlan`."""
    simulated = simulate_session(full_session(seed=seed, **plan), seed=seed)  # type: ignore[arg-type]
    recording = simulated.recording
    angle = estimate_angle(
        recording.thigh, recording.shank, phases=recording.phases, poses=recording.reference_poses
    )
    comparison = compare_blocks(
        find_repetitions(angle.track, recording.phases, angle.thigh_tilt_deg),
        relative=angle.zero == "relative",
        zero_sd_deg=angle.zero_sd_deg,
        pose_checks=angle.pose_check_deg,
    )[0]
    return Outcome(simulated.truth.change_deg(comparison.test), comparison)


def gains(seeds: int) -> Iterator[Outcome]:
    """Sessions with true gains from -2 to 12 deg, every second one with a rest block."""
    for seed in range(seeds):
        gain_deg = float(np.random.default_rng(seed).uniform(-2, 12))
        yield run(seed, gain_deg=gain_deg, warmup_repetitions=6, rest_s=60.0 if seed % 2 else None)


def answered(seed: int, gain_deg: float) -> Outcome:
    """A short session with 2 deg of soft tissue through every stage; postures and legs take turns."""
    posture, test = list(POSTURES.items())[seed % len(POSTURES)]
    script = condensed_session(
        posture,  # type: ignore[arg-type]
        test,  # type: ignore[arg-type]
        gain_deg=gain_deg,
        side=(Side.LEFT, Side.RIGHT)[seed % 2],
        seed=seed,
        repetitions=5,
        warmup_repetitions=6,
    )
    simulated = simulate_session(script, Wearing.realistic(2.0, seed), seed=seed)
    comparison = answer(simulated.recording).comparisons[0]
    return Outcome(simulated.truth.change_deg(comparison.test), comparison)


def answers(count: int) -> None:
    """Prints the verdicts of `answered`, with nothing gained and with +8 deg."""
    for gain_deg in (0.0, 8.0):
        outcomes = [answered(seed, gain_deg) for seed in range(3000, 3000 + count)]
        errors = np.abs([o.error_deg for o in outcomes])
        intervals = [(o.true_change_deg, o.comparison.change_ci95_deg) for o in outcomes]
        held = [ci is not None and ci[0] <= true_deg <= ci[1] for true_deg, ci in intervals]
        print(
            f"+{gain_deg:g} deg: {dict(Counter(o.comparison.verdict for o in outcomes))}, |error| median "
            f"{np.nanmedian(errors):.3f}, largest {np.nanmax(errors):.3f} deg, "
            f"truth inside the interval {np.mean(held):.2f}"
        )


def main() -> None:
    """Reads the options and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--answers", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.answers:
        answers(arguments.answers)
        return
    seeds = arguments.seeds

    outcomes = list(gains(seeds))
    errors = np.abs([o.error_deg for o in outcomes])
    print(
        f"change, {seeds} seeds: |error| median {np.nanmedian(errors):.3f}, "
        f"p95 {np.nanpercentile(errors, 95):.3f}, largest {np.nanmax(errors):.3f} deg; "
        f"without a value: {int(np.isnan(errors).sum())}"
    )
    print(f"  verdicts: {dict(Counter(o.comparison.verdict for o in outcomes))}")

    few = range(max(1, seeds // 10))
    print(
        "slip between the blocks: true, found, largest error; verdicts with nothing gained and with +10 deg"
    )
    for slip_deg in (-6.0, -3.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0):
        same, gained = (
            [run(s, gain_deg=g, slip_deg=slip_deg, rest_s=None, warmup_repetitions=6) for s in few]
            for g in (0.0, 10.0)
        )
        found = np.array([o.comparison.slip_deg for o in same], dtype=float)
        verdicts = [dict(Counter(o.comparison.verdict for o in group)) for group in (same, gained)]
        print(f"  {slip_deg:+.0f}  {found.mean():+.2f}  {np.max(np.abs(found - slip_deg)):.2f}  {verdicts}")

    print("the reference angle misread: change, extension after (differences from the right one)")
    for seed in few:
        right, wrong = (
            run(seed, gain_deg=8.0, reference_error_deg=e, rest_s=None, warmup_repetitions=6).comparison
            for e in (0.0, 5.0)
        )
        assert right.after is not None
        assert wrong.after is not None
        assert right.change_deg is not None
        assert wrong.change_deg is not None
        shift_deg = wrong.after.extension_deg - right.after.extension_deg
        print(f"  seed {seed}: {wrong.change_deg - right.change_deg:+.6f} deg, {shift_deg:+.3f} deg")


if __name__ == "__main__":
    main()
