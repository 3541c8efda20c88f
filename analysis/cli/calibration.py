"""Commands on calibration and noise: recalibrate, retest."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from analysis.cli import console
from analysis.cli.recordings import AsJson, SessionDir, answer_of, answer_to, read
from firmware_bridge.errors import CannotAnswerError, UsageError

_FLEXION_RANGE_DEG = (-30.0, 150.0)


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command()(recalibrate)
    app.command()(retest)
    app.command("redon", hidden=True)(retest)  # its earlier name


def recalibrate(
    folder: SessionDir,
    flexion: Annotated[float, typer.Option(help="The angle that was really measured, in degrees.")],
    pose: Annotated[int, typer.Option(min=1, help="Which reference pose, counted from 1.")] = 1,
    sd: Annotated[float | None, typer.Option(min=0.0, help="One-sigma uncertainty of that angle.")] = None,
) -> None:
    """Correct a mistyped reference angle, and compute everything anew from the raw data."""
    from dataclasses import replace

    from analysis import derived
    from firmware_bridge.session.amend import add_event

    low, high = _FLEXION_RANGE_DEG
    if not low <= flexion <= high:
        raise UsageError(f"A knee cannot be held at {flexion:g} deg.", "0 is straight, 90 a right angle.")
    recording = read(folder)
    poses = recording.reference_poses
    if pose > len(poses):
        raise CannotAnswerError(
            f"The session holds {len(poses)} reference poses, so there is no number {pose}.",
            "Without a reference pose a session stays relative.",
        )
    before = poses[pose - 1]
    after = replace(before, flexion_deg=flexion, sd_deg=before.sd_deg if sd is None else sd)
    # Computed first, put in force last: a failure on the way leaves the session as it was.
    answer = answer_to(replace(recording, events=(*recording.events, after)))
    derived.write_everything(folder, answer, then=lambda: add_event(folder, after))
    console.warn(answer.warnings)
    console.say(
        f"Reference pose {pose} at {before.time_s:.1f} s: {before.flexion_deg:g} deg becomes "
        f"{flexion:g} deg. Both stay in events.jsonl; derived/ is computed anew."
    )


def retest(folder: SessionDir, as_json: AsJson = False) -> None:
    """From one session with several re-strappings: how much strapping on anew changes the reading."""
    from analysis import derived
    from analysis.change import retest_study

    study = retest_study(answer_of(folder).repetitions)
    figures: dict[str, Any] = {
        "strappings": study.strappings,
        "repetitions": study.repetitions,
        "strapping_sd_deg": study.strapping_sd_deg,
        "repetition_sd_deg": study.repetition_sd_deg,
        "sem_deg": study.repeats.sem_deg,
        "detectable_deg": study.detectable_deg,
        "repeats": {
            "sem_deg": study.repeats.sem_deg,
            "df": study.repeats.df,
            "repetitions": study.repeats.repetitions,
            "source": study.repeats.source,
        },
    }
    file = derived.derived_folder(folder) / "retest.json"
    derived.write_text(file, derived.json_text(figures, indent=2) + "\n")
    if as_json:
        console.say(derived.json_text(figures))
        return
    console.say(
        f"{study.strappings} strappings, {study.repetitions} repetitions: strapping on anew moves the "
        f"reading by {study.strapping_sd_deg:.1f} deg (one sigma), a repetition by "
        f"{study.repetition_sd_deg:.1f} deg."
    )
    console.say(
        f"Between two strappings of one day, differences above {study.detectable_deg:.1f} deg are beyond "
        "noise. Days differ by more: the knee itself is not the same every day."
    )
    console.say(f"Use it with: kneeflex compare BEFORE_DIR AFTER_DIR --retest {folder}")
