"""The report: one HTML file that needs nothing else, on the screen and on paper."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis.views import tables, wording
from analysis.views.figures import Figures, session_figures
from analysis.views.pictures import data_uri
from analysis.views.quality import quality_checks, what_it_takes
from analysis.views.trend import trend_figure

if TYPE_CHECKING:
    from analysis.answer import Answer
    from analysis.days import PersonTrend


def render_report(
    answer: Answer,
    *,
    truth: Mapping[str, float] | None = None,
    days: PersonTrend | None = None,
    figures: Figures | None = None,
) -> str:
    """Renders an answer as one self-contained HTML page.

    Args:
        answer: everything there is to say about a recording.
        truth: for a simulated leg, the true change in degrees (positive = straighter) by test name, ""
            where the phases name no test; it is set beside the measured change.
        days: the days of the person, this one among them.
        figures: those of `session_figures`, where they are drawn already.

    Returns:
        The page, with its pictures inside and no reference to anything outside.
    """
    release_head, release_rows = tables.release_table(answer)
    figures = session_figures(answer) if figures is None else figures
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            info=answer.recording.info,
            duration=tables.clock(answer.recording.duration_s),
            comparisons=[
                {
                    "test": wording.TEST_TITLES[c.test],
                    "verdict": c.verdict,
                    "headline": wording.headline(c),
                    "explanation": wording.explanation(c),
                    "relative": c.relative,
                    "changes": tables.change_rows(c),
                    "blocks": tables.block_rows(answer, c),
                    "takes": what_it_takes(answer, c),
                    "sensitivity": tables.sensitivity_rows(c, sensitivity),
                }
                for c, sensitivity in zip(answer.comparisons, answer.sensitivities, strict=True)
            ],
            warnings=[wording.tidy(t) for t in (tables.pain_advice(answer), *answer.warnings) if t],
            simulated=truth is not None,
            truth=tables.truth_rows(answer, truth or {}),
            zero_sd=None if answer.angle.zero == "relative" else wording.degrees(answer.angle.zero_sd_deg),
            change_picture=data_uri(figures["change"]),
            session_picture=data_uri(figures["session"]),
            release_picture=data_uri(figures["releases"]) if answer.releases else "",
            days_sentence="" if days is None else wording.tidy(days.trend.sentence),
            days_picture="" if days is None else data_uri(trend_figure(days)),
            release_head=release_head,
            release_rows=release_rows,
            remarks=tables.remark_rows(answer),
            release_summary=tables.release_summary(answer),
            checks=quality_checks(answer),
            recording=tables.recording_rows(answer),
            calibration=tables.calibration_rows(answer),
            purpose=wording.PURPOSE,
            limits=wording.LIMITS,
            safety=wording.SAFETY,
            privacy=wording.PRIVACY,
            sources=wording.SOURCES,
        )
    )


@cache
def environment() -> Environment:
    """The templates of all reports."""
    return Environment(
        loader=PackageLoader("analysis.views"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
