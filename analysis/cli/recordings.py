"""Commands that work on recordings: angle, compare, knees, report, batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analysis.cli import console
from firmware_bridge.errors import CannotAnswerError, SessionError, UsageError
from firmware_bridge.findings import Finding, finding_to_json, sentences, unique

if TYPE_CHECKING:
    from analysis.answer import Answer
    from analysis.change.result import Comparison
    from analysis.days import PersonTrend
    from analysis.history import OwnRepeats
    from firmware_bridge.session.model import Recording

SessionDir = Annotated[Path, typer.Argument(metavar="DIR", help="A session folder.")]
PageOut = Annotated[Path | None, typer.Option("--out", help="Also write a report as an HTML file.")]
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
    for command in (angle, compare, knees, report, check, batch):
        app.command()(command)


def read(folder: Path, *, keep_parsed: bool = True) -> Recording:
    """Reads a session folder, with a progress display, and keeps it parsed for the next command."""
    from firmware_bridge.session.reader import read_session

    with console.working(f"Reading {folder}"):
        return read_session(folder, keep_parsed=keep_parsed)


def answer_of(folder: Path) -> Answer:
    """Reads a session folder and runs the whole analysis."""
    from analysis.measured import measurement_of

    found = answer_to(read(folder), folder)
    measurement_of(folder, found)  # so that the days of this person need not compute it again
    return found


def answer_to(recording: Recording, folder: Path | None = None) -> Answer:
    """Runs the whole analysis on a recording, and keeps the angle in its folder for the next command."""
    from analysis.answer import answer

    with (
        with_reader_warnings(recording),
        console.working("Computing the angle, the repetitions and the change"),
    ):
        return answer(recording, folder=folder, keep=True)


@contextmanager
def with_reader_warnings(recording: Recording) -> Iterator[None]:
    """Prints the reader's warnings if the analysis fails: they often hold the reason."""
    try:
        yield
    except CannotAnswerError:
        console.warn(recording.warnings)
        raise


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

    for path in filter(None, (out, plot)):
        derived.refuse_raw(path)
    if plot is not None and plot.suffix.lower() not in _PICTURES:
        raise UsageError(f"{plot} is not the name of a picture.", f"End it in {' or '.join(_PICTURES)}.")
    recording = read(folder)
    with with_reader_warnings(recording), console.working("Computing the angle"):
        result = angle_of(recording, causal=causal, folder=folder, keep=True)
    out = out or derived.derived_folder(folder) / "angle.csv"
    derived.write_angle(out, result.track)
    if plot is not None:
        from analysis.views.pictures import picture_of
        from analysis.views.track import plot_track

        drawn = plot_track(result.track, zero=result.zero, title=console.shown(folder))
        derived.write_files({plot: picture_of(drawn, plot.suffix)})
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
        f"one sigma {summary['flexion_sd_median_deg']:.2f} deg, of differences "
        f"{summary['relative_sd_median_deg']:.2f} deg; "
        f"hinge axes known to {result.axes.sd_deg:.1f} deg"
    )


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="DIR | BEFORE_DIR", help="A session, or the earlier of two.")
    ],
    after: Annotated[
        Path | None, typer.Argument(metavar="[AFTER_DIR]", help="The later of two sessions.")
    ] = None,
    retest: Annotated[
        Path | None,
        typer.Option(
            "--retest",
            "--redon",
            metavar="DIR",
            help="A re-strapping study of this person (kneeflex retest).",
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            metavar="ROOT",
            help="Where earlier sessions of this person lie; beside the session by default.",
        ),
    ] = None,
    out: PageOut = None,
    as_json: AsJson = False,
) -> None:
    """Say how much further the knee straightens after than before."""
    from analysis import derived
    from analysis.answer import compare_answers, doubts_of_pair, judged_by
    from analysis.change import to_json

    if after is not None and after.absolute() == before.absolute():
        raise UsageError("The same session is given twice.", "Give one alone to compare within it.")
    first = answer_of(before)
    second = None if after is None else answer_of(after)
    pair = [first] if second is None else [first, second]
    own = _own_repeats(pair, before if after is None else after, retest, history)
    if second is None:
        first = judged_by(first, own.by_test)
        comparisons, found = first.comparisons, unique(first.findings)
    else:
        comparisons = compare_answers(first, second, reliability=own.by_test)
        data = (*doubts_of_pair(first, second), *first.data_findings, *second.data_findings)
        found = unique([*data, *(f for c in comparisons for f in c.findings)])
    if out is not None:
        from analysis.views.pair_report import render_sessions_report
        from analysis.views.report import render_report

        page = (
            render_report(first)
            if second is None
            else render_sessions_report(first, second, comparisons, sentences(found))
        )
        derived.write_text(out, page)
    if as_json:
        results = [to_json(c) for c in comparisons]
        own_days = {str(test): days for test, days in own.days.items()}
        content = {"results": results, "own_repeats_days": own_days, **_told(found)}
        console.say(derived.json_text(content))
    else:
        console.warn(sentences(found))
        _print_comparisons(comparisons, own, "after the session" if after is None else "in the later session")
    if not comparisons:
        raise CannotAnswerError(
            "There is nothing to compare: no before and after phases with repetitions were found.",
            "Mark the phases while recording, or import the session with --events FILE.jsonl.",
        )
    if all(c.verdict == "not enough data" for c in comparisons):
        raise typer.Exit(1)


def _own_repeats(
    judged: Sequence[Answer], folder: Path, retest: Path | None = None, history: Path | None = None
) -> OwnRepeats:
    """The person's own repeats: from the sessions beside the one that is judged, or from `history`."""
    from analysis.history import own_repeats, siblings
    from firmware_bridge.session.reader import find_sessions

    infos = [answer.recording.info for answer in judged]
    sessions = siblings(folder) if infos[-1].client else ()
    if history is not None:
        sessions = find_sessions(history)
    with console.working("Looking at this person's earlier sessions"):
        return own_repeats(infos, sessions, retest=retest, warn=lambda text: console.warn([text]))


def knees(
    this: Annotated[Path, typer.Argument(metavar="DIR", help="A session of one knee.")],
    other: Annotated[Path, typer.Argument(metavar="OTHER_DIR", help="A session of the other knee.")],
    out: PageOut = None,
    as_json: AsJson = False,
) -> None:
    """Say how much less far one knee straightens than the other."""
    from dataclasses import asdict

    from analysis import derived
    from analysis.answer import compare_knees, two_people
    from analysis.views.pair_report import render_knees_report
    from analysis.views.wording import side_sentence

    first, second = answer_of(this), answer_of(other)
    differences = compare_knees(first, second)
    found = unique([*two_people(first, second), *first.data_findings, *second.data_findings])
    if out is not None:
        derived.write_text(out, render_knees_report(first, second, differences, sentences(found)))
    if as_json:
        results = [asdict(d) for d in differences]
        console.say(derived.json_text({"results": results, **_told(found)}))
        return
    console.warn(sentences(found))
    for difference in differences:
        console.say(side_sentence(first.recording.info.side, second.recording.info.side, difference))


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

    if out is not None:
        derived.refuse_raw(out)
    result, _, among = judged_among_days(folder)
    with console.working("Writing the report"):
        if out is None:
            out = derived.write_everything(folder, result, days=among)
        else:
            from analysis.views.figures import session_figures

            figures = session_figures(result)
            derived.write_report(out, result, days=among, figures=figures)
            try:
                derived.write_tables(folder, result, figures=figures)
            except SessionError as error:  # a recording on a read-only disk can still be reported
                console.warn([error.problem])
    console.warn(result.warnings)
    console.say(f"{out}")


def check(folder: SessionDir, as_json: AsJson = False) -> None:
    """Say everything that is wrong with a recording, before anything is computed from it."""
    from analysis import derived
    from analysis.answer import findings_of

    recording = read(folder, keep_parsed=False)  # a check leaves nothing behind
    with console.working("Checking"):
        found = findings_of(recording, folder=folder)
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


def judged_among_days(folder: Path) -> tuple[Answer, OwnRepeats, PersonTrend | None]:
    """The answer of a session by the person's own repeats, what those rest on, and the days of the person."""
    from analysis.answer import judged_by

    found = answer_of(folder)
    own = _own_repeats([found], folder)
    return judged_by(found, own.by_test), own, _among_days(found, folder)


def _among_days(found: Answer, folder: Path) -> PersonTrend | None:
    """The days of the person of a session that lies in the person's folder."""
    from analysis.days import person_trend
    from firmware_bridge.session.person import read_person

    info, home = found.recording.info, folder.resolve().parent
    try:
        person = read_person(home)
        if person is None or person.client != info.client:
            return None
        with console.counting("Sessions") as progress:
            return person_trend(home, info.client, side=info.side, progress=progress)
    except (CannotAnswerError, SessionError) as error:
        console.warn([f"The days of {info.client} cannot be told: {error.problem}"])
        return None


def print_and_report(folder: Path) -> tuple[Answer, Path, PersonTrend | None] | None:
    """Prints the result of a session and writes its report. A session without a result is not an error.

    Returns:
        The answer, the file of its report, and the days of the person where the session is one of them; None
        without a result.
    """
    from analysis import derived

    try:
        result, own, among = judged_among_days(folder)
    except CannotAnswerError as error:
        console.say(f"{folder}: recorded. {error}")
        return None
    report_file = derived.write_everything(folder, result, days=among)
    console.warn(result.warnings)
    _print_comparisons(result.comparisons, own)
    if not result.comparisons:
        console.say(f"{folder}: recorded. There is no before and after to compare in it.")
    console.say(f"Report: {report_file}")
    if among is not None:
        from analysis.cli.show_days import show_days

        show_days(among, folder.resolve().parent / "trend.html")
    return result, report_file, among


def _print_comparisons(
    comparisons: tuple[Comparison, ...], own: OwnRepeats | None = None, when: str = "after the session"
) -> None:
    from analysis.views.wording import explanation, headline

    for comparison in comparisons:
        texts = [headline(comparison, when), *explanation(comparison)]
        if own is not None and comparison.verdict != "not enough data":
            texts.append(own.sentence(comparison.test))
        console.say(" ".join(texts))


def batch(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="A folder that holds session folders.")],
    out: Annotated[Path, typer.Option(help="The table to write, CSV or .parquet: a row a session and test.")],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default one a core.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="A Dask scheduler, tcp://HOST:PORT.")] = None,
) -> None:
    """Analyse every session below a folder into one tidy table."""
    from analysis import derived
    from analysis.batch import batch as run
    from analysis.tablefile import refuse_format, table_bytes

    if workers is not None and scheduler is not None:
        raise UsageError("--workers and --scheduler exclude each other.", "Give one of them.")
    derived.refuse_raw(out)
    refuse_format(out)
    with console.counting("Sessions") as progress:
        table = run(root, workers=workers, scheduler=scheduler, progress=progress)
    derived.write_files({out: table_bytes(table, out)})
    sessions = table.drop_duplicates("session")
    broken = int(sessions["error"].astype(bool).sum())
    console.say(
        f"{out}: {len(sessions)} sessions, {len(table)} rows, {broken} not usable (see the column error)."
    )
