"""Commands that work on recordings: import, angle, compare, report, batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli import console
from analysis.cli.streaming import Client, Leg
from firmware_bridge.errors import CannotAnswerError, SessionError, UsageError
from firmware_bridge.findings import Finding, finding_to_json, sentences, unique
from firmware_bridge.samples import Side

if TYPE_CHECKING:
    from analysis.answer import Answer
    from analysis.change.result import Comparison
    from firmware_bridge.session.model import Recording

SessionDir = Annotated[Path, typer.Argument(metavar="DIR", help="A session folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

_PICTURES = (".png", ".svg", ".pdf")
_CONSEQUENCES = {
    "refuse": "No answer",
    "gap": "Missing",
    "correct": "Corrected",
    "widen": "Less certain",
    "no_verdict": "No verdict",
    "tell": "Note",
}


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command("import")(import_)
    for command in (angle, compare, knees, report, check, batch):
        app.command()(command)


def read(folder: Path) -> Recording:
    """Reads a session folder, showing that it is at work."""
    from firmware_bridge.session.reader import read_session

    with console.working(f"Reading {folder}"):
        return read_session(folder)


def answer_of(folder: Path) -> Answer:
    """Reads a session folder and runs every stage on it."""
    from analysis.answer import answer

    recording = read(folder)
    with (
        blaming_the_recording(recording),
        console.working("Computing the angle, the repetitions and the change"),
    ):
        return answer(recording)


@contextmanager
def blaming_the_recording(recording: Recording) -> Iterator[None]:
    """Where there is no answer, tells what reading had to repair: that is often why."""
    try:
        yield
    except CannotAnswerError:
        console.warn(recording.warnings)
        raise


def import_(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="csv, movella-dot, xsens-mt or metabase.")],
    thigh: Annotated[Path, typer.Option(help="The thigh sensor's file.")],
    shank: Annotated[Path, typer.Option(help="The shank (shin) sensor's file.")],
    out: Annotated[Path, typer.Option(help="The session folder to make.")],
    events: Annotated[
        Path | None, typer.Option(help="Phases and reference poses, one JSON object a line.")
    ] = None,
    side: Leg = Side.RIGHT,
    client: Client = "",
) -> None:
    """Turn two files of another program into a session folder."""
    from firmware_bridge.session.importers import import_session

    with console.working("Importing"):
        recording = import_session(format_, thigh, shank, out, events=events, side=side, client=client)
    console.warn(recording.warnings)
    console.say(
        f"{out}: {len(recording.thigh)} thigh and {len(recording.shank)} shank samples, "
        f"{recording.duration_s:.1f} s. Next: kneeflex angle {out}"
    )


def angle(
    folder: SessionDir,
    out: Annotated[Path | None, typer.Option(help="The CSV file; default DIR/derived/angle.csv.")] = None,
    causal: Annotated[bool, typer.Option("--causal", help="What the live view would have shown.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw the angle into this file (PNG, SVG or PDF).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute the knee flexion angle of a session."""
    from analysis import derived
    from analysis.answer import angle_of

    if plot is not None and plot.suffix.lower() not in _PICTURES:
        raise UsageError(f"{plot} is not the name of a picture.", f"End it in {' or '.join(_PICTURES)}.")
    recording = read(folder)
    with blaming_the_recording(recording), console.working("Computing the angle"):
        result = angle_of(recording, causal=causal)
    out = out or derived.derived_folder(folder) / "angle.csv"
    derived.write_angle(out, result.track)
    if plot is not None:
        from analysis.views.figures import save_figure
        from analysis.views.track import plot_track

        with derived.writing(plot):
            save_figure(plot_track(result.track, zero=result.zero, title=str(folder)), plot)
    summary: dict[str, Any] = derived.angle_summary(result)
    summary |= _told([*recording.findings, *result.findings])
    if as_json:
        console.say(derived.json_text({"session": recording.info.id, "out": str(out), **summary}))
        return
    console.warn(summary["warnings"])
    console.say(f"{out}: {summary['duration_s']:.1f} s at {result.rate_hz:g} Hz")
    if summary["flexion_min_deg"] is None:
        return
    zero = (
        "relative to the straightest still posture (no reference pose)"
        if result.zero == "relative"
        else f"zero from the reference pose, ±{2 * result.zero_sd_deg:.1f} deg"
    )
    console.say(
        f"Knee flexion {summary['flexion_min_deg']:.1f} to {summary['flexion_max_deg']:.1f} deg, {zero}; "
        f"{summary['valid_percent']:.1f} % valid; "
        f"band (one sigma) {summary['flexion_sd_median_deg']:.2f} deg; "
        f"hinge axes known to {result.axes.sd_deg:.1f} deg"
    )


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="DIR | BEFORE_DIR", help="A session, or the earlier of two.")
    ],
    after: Annotated[
        Path | None, typer.Argument(metavar="[AFTER_DIR]", help="The later of two sessions.")
    ] = None,
    redon: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A re-strapping study of this person (kneeflex redon).")
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(metavar="ROOT", help="Earlier sessions, for the person's own noise."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how much further the knee straightens after than before."""
    from analysis import derived
    from analysis.answer import compare_answers, doubts_of_pair, judged_by
    from analysis.change import to_json
    from analysis.cli.calibration import own_repeats

    if after is not None and after.absolute() == before.absolute():
        raise UsageError("The same session is given twice.", "Give one alone to compare within it.")
    first = answer_of(before)
    own = own_repeats(redon, history, first)
    if after is None:
        first = judged_by(first, own)
        comparisons, found = first.comparisons, first.findings
    else:
        second = answer_of(after)
        comparisons = compare_answers(first, second, reliability=own)
        data = (*doubts_of_pair(first, second), *first.data_findings, *second.data_findings)
        found = unique([*data, *(f for c in comparisons for f in c.findings)])
    if as_json:
        results = [to_json(c) for c in comparisons]
        console.say(derived.json_text({"results": results, **_told(found)}))
    else:
        console.warn(sentences(found))
        _tell(comparisons, "after the session" if after is None else "in the later session")
    if not comparisons:
        raise CannotAnswerError(
            "There is nothing to compare: no before and after phases with repetitions were found.",
            "Mark the phases while recording, or import the session with --events FILE.jsonl.",
        )
    if all(c.verdict == "not enough data" for c in comparisons):
        raise typer.Exit(1)


def knees(
    this: Annotated[Path, typer.Argument(metavar="DIR", help="A session of one knee.")],
    other: Annotated[Path, typer.Argument(metavar="OTHER_DIR", help="A session of the other knee.")],
    as_json: AsJson = False,
) -> None:
    """Say how much less far one knee straightens than the other."""
    from dataclasses import asdict

    from analysis import derived
    from analysis.answer import compare_knees
    from analysis.views.wording import PHASE_TITLES, TEST_TITLES

    first, second = answer_of(this), answer_of(other)
    differences = compare_knees(first, second)
    found = unique([*first.data_findings, *second.data_findings])
    if as_json:
        results = [asdict(d) for d in differences]
        console.say(derived.json_text({"results": results, **_told(found)}))
        return
    console.warn(sentences(found))
    one, two = (a.recording.info.side for a in (first, second))
    for d in differences:
        how = f"{abs(d.difference_deg):.1f} deg {'less' if d.difference_deg > 0 else 'more'} than the {two}"
        low, high = d.ci95_deg
        console.say(
            f"{PHASE_TITLES[d.phase]}, {TEST_TITLES[d.test]}: the {one} knee straightens {how} "
            f"(95 % interval of the difference {low:+.1f} to {high:+.1f} deg)."
        )


def _told(findings: Iterable[Finding]) -> dict[str, Any]:
    """Findings as the JSON output has them: their sentences, and all that is known of each."""
    found = unique(findings)
    return {"warnings": list(sentences(found)), "findings": [finding_to_json(f) for f in found]}


def report(
    folder: SessionDir,
    out: Annotated[Path | None, typer.Option(help="The HTML file; default DIR/derived/report.html.")] = None,
) -> None:
    """Write the report of a session, with its figures and tables, into derived/."""
    from analysis import derived

    result = answer_of(folder)
    with console.working("Writing the report"):
        if out is None:
            out = derived.write_everything(folder, result)
        else:
            derived.write_report(out, result)
            try:
                derived.write_tables(folder, result)
            except SessionError as error:  # a recording on a read-only disk can still be reported
                console.warn([error.problem])
    console.warn(result.warnings)
    console.say(f"{out}")


def check(folder: SessionDir, as_json: AsJson = False) -> None:
    """Say everything that is wrong with a recording, before anything is computed from it."""
    from analysis import derived
    from analysis.answer import findings_of

    recording = read(folder)
    with console.working("Checking"):
        found = findings_of(recording)
    refused = any(f.consequence == "refuse" for f in found)
    if as_json:
        console.say(derived.json_text({"session": recording.info.id, "usable": not refused, **_told(found)}))
    else:
        for finding in found:
            console.say(f"{_CONSEQUENCES[finding.consequence]}: {finding.sentence} [{finding.kind}]")
        if not found:
            console.say("Nothing was found wrong with this recording.")
    if refused:
        raise typer.Exit(1)


def tell_and_report(folder: Path) -> None:
    """After a session: the answer in words, and the report. A session without an answer is no error."""
    from analysis import derived

    try:
        result = answer_of(folder)
    except CannotAnswerError as error:
        console.say(f"{folder}: recorded. {error}")
        return
    report_file = derived.write_everything(folder, result)
    console.warn(result.warnings)
    _tell(result.comparisons)
    if not result.comparisons:
        console.say(f"{folder}: recorded. There is no before and after to compare in it.")
    console.say(f"Report: {report_file}")


def _tell(comparisons: tuple[Comparison, ...], when: str = "after the session") -> None:
    from analysis.views.wording import explanation, headline

    for comparison in comparisons:
        console.say(" ".join((headline(comparison, when), *explanation(comparison))))


def batch(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="A folder that holds session folders.")],
    out: Annotated[Path, typer.Option(help="The table to write, one row a session and test.")],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default one a core.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="A Dask scheduler, tcp://HOST:PORT.")] = None,
) -> None:
    """Analyse every session below a folder into one tidy table."""
    from analysis import derived
    from analysis.batch import batch as run

    if workers is not None and scheduler is not None:
        raise UsageError("--workers and --scheduler exclude each other.", "Give one of them.")
    with console.counting("Sessions") as progress:
        table = run(root, workers=workers, scheduler=scheduler, progress=progress)
    derived.write_text(out, table.to_csv(index=False, float_format="%.4f"))
    sessions = table.drop_duplicates("session")
    broken = int(sessions["error"].astype(bool).sum())
    console.say(
        f"{out}: {len(sessions)} sessions, {len(table)} rows, {broken} not usable (see the column error)."
    )
