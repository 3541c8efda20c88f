"""Two things that are hard on the axes: a turn onto the side after them, and a gap right after the swings.

python tests/benchmarks/hard_cases.py --seeds 6             offline
python tests/benchmarks/hard_cases.py --seeds 6 --causal    as shown live

Every session is one of a leg with 2 deg of soft tissue. In the first, the knee is found and zeroed in one
posture, then the person lies down on the side, where the hinge stands upright, and bends and straightens for
more than two minutes: counted is what follows the turn. In the second, 0.5 to 4 s are missing from the last
second of the swings on: counted is the whole session after one offset. Printed are, for each posture, median
and largest RMS error in degrees, the median of one sigma of differences, and the share inside two sigma.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from trials import POSTURES

from analysis.angle import estimate_angle
from analysis.angle.result import FlexionTrack
from firmware_bridge.errors import KneeflexError
from firmware_bridge.samples import Float, ImuSamples, Side
from firmware_bridge.session.model import Recording
from firmware_bridge.virtual.script import Script, ScriptWriter
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import SimulatedSession, simulate_session
from firmware_bridge.virtual.wearing import Wearing

FIRST_SEED = 500
LEVEL = ("seated", "standing", "prone", "supine")
Outcome = tuple[float, float, float]


def side_of(seed: int) -> Side:
    """Legs alternate."""
    return (Side.LEFT, Side.RIGHT)[seed % 2]


def onto_the_side(posture: str, seed: int, repetitions: int = 30) -> Script:
    """Swings and a reference pose in one posture, then side-lying."""
    writer = ScriptWriter(posture, 20.0, side_of(seed))  # type: ignore[arg-type]
    writer.phase("swings")
    writer.wait(3.0)
    with writer.restless():
        for _ in range(10):
            writer.bend_to(85.0, 0.8)
            writer.bend_to(20.0, 0.8)
    writer.wait(1.0)
    writer.phase("reference")
    writer.reference_pose(3.0)
    writer.phase("pause")
    writer.turn_to("side_lying")
    writer.phase("before")
    for _ in range(repetitions):
        writer.bend_to(80.0, 1.2)
        writer.bend_to(15.0, 1.5)
        writer.hold(2.0)
    return writer.done(seed=seed)


def error_deg(track: FlexionTrack, session: SimulatedSession) -> Float:
    """(n,) NaN where there is no angle."""
    error = track.flexion_deg - np.interp(track.time_s, session.truth.time_s, session.truth.flexion_deg)
    return np.where(track.valid, error, np.nan)


def judged(error: Float, sd_deg: Float) -> Outcome:
    """RMS error, median sigma, share inside two of them."""
    known = np.isfinite(error)
    error, sd_deg = error[known], sd_deg[known]
    rms_deg = float(np.sqrt(np.mean(error**2)))
    return rms_deg, float(np.median(sd_deg)), float(np.mean(np.abs(error) < 2 * sd_deg))


def after_a_turn(posture: str, seed: int, causal: bool) -> Outcome:
    """The error after the turn; offline it counts from the pose, live as it was shown."""
    session = simulate_session(onto_the_side(posture, seed), Wearing.realistic(2.0, seed), seed=seed)
    recording = session.recording
    track = _track(recording.thigh, recording.shank, recording, causal)
    error, pose = error_deg(track, session), recording.reference_poses[0]
    if not causal:
        during = (track.time_s >= pose.time_s) & (track.time_s < pose.time_s + pose.duration_s)
        error = error - np.nanmedian(error[during])
    turned = track.time_s > session.script.turns[0].stop_s
    return judged(error[turned], track.relative_sd_deg[turned])


def with_a_gap(posture: str, seed: int, causal: bool) -> Outcome:
    """The error of a session without what followed the last swings."""
    script = condensed_session(posture, POSTURES[posture], seed=seed, side=side_of(seed))  # type: ignore[arg-type]
    session = simulate_session(script, Wearing.realistic(2.0, seed), seed=seed)
    recording, rng = session.recording, np.random.default_rng(seed)
    swings = next(p for p in recording.phases if p.name == "swings")
    start_s = swings.stop_s - rng.uniform(0.0, 1.0)
    stop_s = start_s + rng.uniform(0.5, 4.0)
    thigh, shank = (s[(s.time_s < start_s) | (s.time_s > stop_s)] for s in (recording.thigh, recording.shank))
    track = _track(thigh, shank, recording, causal)
    error = error_deg(track, session)
    return judged(error - np.nanmedian(error), track.relative_sd_deg)


def _track(thigh: ImuSamples, shank: ImuSamples, recording: Recording, causal: bool) -> FlexionTrack:
    return estimate_angle(
        thigh, shank, phases=recording.phases, poses=recording.reference_poses, causal=causal
    ).track


def outcomes(
    case: Callable[[str, int, bool], Outcome], posture: str, seeds: int, causal: bool
) -> Iterator[Outcome]:
    """One for each seed that gives an angle."""
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        try:
            yield case(posture, seed, causal)
        except KneeflexError as refusal:
            print(f"  {posture} {seed}: refused: {refusal}")


def main() -> None:
    """Reads the options and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--causal", action="store_true")
    arguments = parser.parse_args()
    print("| case | sessions | error (largest) | one sigma | inside two (least) |")
    print("|---|---|---|---|---|")
    for name, case in (("onto the side, from", after_a_turn), ("gap after the swings,", with_a_gap)):
        for posture in LEVEL:
            rows = np.array(list(outcomes(case, posture, arguments.seeds, arguments.causal)))
            rms, sd, inside = rows.T
            print(
                f"| {name} {posture} | {len(rows)} | {np.median(rms):.2f} ({rms.max():.2f}) | "
                f"{np.median(sd):.2f} | {inside.mean():.3f} ({inside.min():.2f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
