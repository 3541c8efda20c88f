"""Commands on calibration and noise: recalibrate, redon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli import console
from analysis.cli.recordings import AsJson, SessionDir, answer_of, answer_to, read
from firmware_bridge.errors import CannotAnswerError, KneeflexError, SessionError, UsageError

if TYPE_CHECKING:
    from analysis.answer import Answer
    from analysis.change import Reliability
    from analysis.movement.result import Repetition

_FLEXION_RANGE_DEG = (-30.0, 150.0)


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command()(recalibrate)
    app.command()(redon)


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


def redon(folder: SessionDir, as_json: AsJson = False) -> None:
    """From one session with several re-strappings: how much strapping on anew changes the reading."""
    from analysis import derived
    from analysis.change import redon_study

    study = redon_study(answer_of(folder).repetitions)
    figures: dict[str, Any] = {
        "strappings": study.strappings,
        "repetitions": study.repetitions,
        "sem_redon_deg": study.sem_redon_deg,
        "sem_repetition_deg": study.sem_repetition_deg,
        "sem_deg": study.repeats.sem_deg,
        "mdc95_deg": study.mdc95_deg,
        "icc": study.icc,
        "repeats": {
            "sem_deg": study.repeats.sem_deg,
            "df": study.repeats.df,
            "repetitions": study.repeats.repetitions,
            "source": study.repeats.source,
        },
    }
    file = derived.derived_folder(folder) / "redon.json"
    derived.write_text(file, derived.json_text(figures, indent=2) + "\n")
    if as_json:
        console.say(derived.json_text(figures))
        return
    console.say(
        f"{study.strappings} strappings, {study.repetitions} repetitions: strapping on anew moves the "
        f"reading by {study.sem_redon_deg:.1f} deg (one sigma), a repetition by "
        f"{study.sem_repetition_deg:.1f} deg."
    )
    console.say(f"Between two days, changes above {study.mdc95_deg:.1f} deg are beyond noise.")
    console.say(f"Use it with: kneeflex compare BEFORE_DIR AFTER_DIR --redon {folder}")


def _repetitions_of(session: Path) -> tuple[Repetition, ...]:
    try:
        return answer_of(session).repetitions
    except KneeflexError as error:  # one broken day must not cost the person the others
        console.warn([f"{session} is left out of the history: {error.problem}"])
        return ()


def own_repeats(redon_folder: Path | None, history: Path | None, answer: Answer) -> Reliability:
    """The person's own noise: from a re-strapping study, and from the rest blocks of earlier sessions.

    Args:
        redon_folder: a session that `kneeflex redon` was run on.
        history: a folder of earlier sessions.
        answer: tells the test whose repeats are wanted.

    Raises:
        SessionError: `kneeflex redon` has not been run on the folder, or there is no such history.
        CannotAnswerError: the history holds too few sessions with a rest block.
    """
    from analysis.change import Reliability, Repeats, repeats_of
    from firmware_bridge.session.reader import find_sessions

    across = within = None
    if redon_folder is not None:
        file = redon_folder / "derived" / "redon.json"
        try:
            across = Repeats(**json.loads(file.read_text(encoding="utf-8"))["repeats"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SessionError(
                f"There is no re-strapping study in {redon_folder}.", f"Run: kneeflex redon {redon_folder}"
            ) from error
    if history is not None:
        test = answer.comparisons[0].test if answer.comparisons else None
        days = (_repetitions_of(session) for session in find_sessions(history))
        within = repeats_of([[r for r in day if r.test == test] for day in days])
    return Reliability(within, across)
