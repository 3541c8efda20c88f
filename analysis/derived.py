"""The derived/ folder of a session: tables and results that can be deleted and rebuilt from the raw files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.angle.result import AngleResult, FlexionTrack
from analysis.answer import Answer
from analysis.change import to_json
from analysis.decimals import decimal_lines
from analysis.movement.result import Repetition
from analysis.table import angle_figures
from firmware_bridge.errors import SessionError
from firmware_bridge.findings import finding_to_json
from firmware_bridge.session.files import make_private_folder, replace_files
from firmware_bridge.session.guard import ANGLE_HEADER
from firmware_bridge.session.guard import refuse_raw as refuse_raw

if TYPE_CHECKING:
    import pandas as pd

    from analysis.days import PersonTrend
    from analysis.views.figures import Figures


def derived_folder(session: Path) -> Path:
    """The session's derived/ folder, made if need be.

    Raises:
        SessionError: the folder cannot be written.
    """
    folder = session / "derived"
    with _told(folder):
        make_private_folder(folder)
    return folder


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SessionError(
            f"{path} cannot be written ({error.strerror or error}).",
            "Choose a place that you may write to, on a disk with free space.",
        ) from error


def write_files(contents: Mapping[Path, bytes], then: Callable[[], None] | None = None) -> None:
    """Writes files, each whole or not at all, whatever happens; what was recorded is never written over.

    Args:
        contents: the files.
        then: is done once all are on the disk, but before any takes the place of an older one.

    Raises:
        UsageError: a file belongs to a recording.
        SessionError: a file cannot be written; none was.
    """
    for path in contents:
        refuse_raw(path)
    with _told(next(iter(contents), Path())):
        for path in contents:
            make_private_folder(path.parent)
        replace_files(contents, then)


def write_text(path: Path, text: str) -> None:
    """Writes a whole text file, as `write_files` does. Bytes of a name that are no text are escaped."""
    write_files({path: text.encode("utf-8", "backslashreplace")})


def table_text(table: pd.DataFrame) -> str:
    """A table as CSV. A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    safe = table.copy()
    for column in safe.select_dtypes(exclude=["number", "bool"]).columns:
        safe[column] = safe[column].map(_no_formula)
    return safe.to_csv(index=False, float_format="%.4f")


def _no_formula(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def json_text(value: Mapping[str, Any], *, indent: int | None = None) -> str:
    """JSON of plain and numpy values; what is not a finite number becomes null."""
    return json.dumps(_jsonable(value), indent=indent, ensure_ascii=False, allow_nan=False)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(v) for v in value]
    if hasattr(value, "tolist"):  # numpy
        return _jsonable(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def tables_of(
    session: Path,
    answer: Answer,
    truth: Mapping[str, float] | None = None,
    figures: Figures | None = None,
) -> dict[Path, bytes]:
    """angle.csv, repetitions.csv, result.json and the pictures of a session, as they belong into derived/.

    Args:
        session: the session folder.
        answer: what its recording says.
        truth: the true change of each test in degrees, where a simulation knows it.
        figures: those of `session_figures`, where they are drawn already.
    """
    import pandas as pd

    from analysis.views.figures import session_figures
    from analysis.views.pictures import picture_of

    place = session / "derived"
    repetitions = pd.DataFrame(repetition_rows(answer.repetitions))
    extra = {"truth": truth} if truth else None
    texts = {
        "angle.csv": angle_text(answer.angle.track),
        "repetitions.csv": table_text(repetitions),
        "result.json": json_text(result(answer, extra), indent=2) + "\n",
    }
    files = {place / name: text.encode("utf-8", "backslashreplace") for name, text in texts.items()}
    figures = session_figures(answer) if figures is None else figures
    return files | {place / f"{name}.png": picture_of(figure) for name, figure in figures.items()}


def write_tables(
    session: Path,
    answer: Answer,
    truth: Mapping[str, float] | None = None,
    figures: Figures | None = None,
) -> None:
    """Writes `tables_of` a session.

    Raises:
        SessionError: the folder cannot be written.
    """
    derived_folder(session)
    write_files(tables_of(session, answer, truth, figures))


def report_of(
    answer: Answer,
    truth: Mapping[str, float] | None = None,
    days: PersonTrend | None = None,
    figures: Figures | None = None,
) -> bytes:
    """The report of an answer as one HTML file."""
    from analysis.views.report import render_report

    page = render_report(answer, truth=truth, days=days, figures=figures)
    return page.encode("utf-8", "backslashreplace")


def write_report(
    file: Path,
    answer: Answer,
    truth: Mapping[str, float] | None = None,
    days: PersonTrend | None = None,
    figures: Figures | None = None,
) -> None:
    """Writes the report of an answer as one HTML file, with the days of its person where they are known.

    Raises:
        SessionError: it cannot be written.
    """
    write_files({file: report_of(answer, truth, days, figures)})


def write_everything(
    session: Path,
    answer: Answer,
    truth: Mapping[str, float] | None = None,
    days: PersonTrend | None = None,
    then: Callable[[], None] | None = None,
) -> Path:
    """Fills derived/ with tables, figures and report, all or nothing; returns the report's file.

    `then` is done when all is on the disk, and before anything older is replaced.
    """
    from analysis.views.figures import session_figures

    file = derived_folder(session) / "report.html"
    figures = session_figures(answer)
    tables = tables_of(session, answer, truth, figures)
    write_files({**tables, file: report_of(answer, truth, days, figures)}, then)
    return file


def write_angle(path: Path, track: FlexionTrack) -> None:
    """Writes the angle as CSV."""
    write_text(path, angle_text(track))


def angle_text(track: FlexionTrack) -> str:
    """The angle as CSV: 0.1 ms, 0.0001 deg; a gap is an empty field with valid = 0."""
    columns = (
        track.time_s, track.flexion_deg, track.flexion_sd_deg, track.relative_sd_deg,
        track.valid.astype(np.float64),
    )  # fmt: skip
    return ANGLE_HEADER + decimal_lines(columns, (4, 4, 4, 4, 0))


def repetition_rows(repetitions: tuple[Repetition, ...]) -> list[dict[str, Any]]:
    """One tidy row a repetition."""
    return [
        {
            "start_s": r.start_s,
            "stop_s": r.stop_s,
            "phase": r.phase,
            "test": r.test,
            "strapping": r.strapping,
            "peak_flexion_deg": r.peak_flexion_deg,
            "extension_deg": r.extension.flexion_deg if r.extension else None,
            "extension_sd_deg": r.extension.sd_deg if r.extension else None,
            "extension_start_s": r.extension.start_s if r.extension else None,
            "extension_stop_s": r.extension.stop_s if r.extension else None,
        }
        for r in repetitions
    ]


def angle_summary(angle: AngleResult) -> dict[str, Any]:
    """What can be said of an angle without its samples."""
    track = angle.track
    known = track.flexion_deg[track.valid]
    return {
        **angle_figures(angle),
        "rate_hz": angle.rate_hz,
        "samples": len(track.time_s),
        "flexion_min_deg": float(known.min()) if len(known) else None,
        "flexion_max_deg": float(known.max()) if len(known) else None,
        "axes": {
            "thigh": angle.axes.thigh,
            "shank": angle.axes.shank,
            "sd_deg": angle.axes.sd_deg,
            "residual_deg_s": angle.axes.residual_deg_s,
            "pairing_margin": angle.axes.pairing_margin,
        },
        "pose_checks": [{"time_s": t, "read_minus_entered_deg": d} for t, d in angle.pose_check_deg],
        "diagnostics": angle.diagnostics,
        "warnings": list(angle.warnings),
        "findings": [finding_to_json(finding) for finding in angle.findings],
    }


def result(answer: Answer, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything that result.json holds."""
    info = answer.recording.info
    return {
        "session": info.id,
        "client": info.client,
        "side": str(info.side),
        "started_at": info.started_at,
        "status": info.status,
        "angle": angle_summary(answer.angle),
        "results": [
            {**to_json(c), "sensitivity": None if s is None else asdict(s)}
            for c, s in zip(answer.comparisons, answer.sensitivities, strict=True)
        ],
        "repetitions": repetition_rows(answer.repetitions),
        "releases": [{"start_s": r.start_s, "stop_s": r.stop_s, **r.metrics} for r in answer.releases],
        "warnings": list(answer.warnings),
        "findings": [finding_to_json(finding) for finding in answer.findings],
        **(extra or {}),
    }
