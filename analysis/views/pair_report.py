"""Reports of two sessions: an earlier and a later one of the same knee, or the two knees of one person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis.change.result import Comparison
from analysis.change.sides import SideDifference
from analysis.views import wording
from analysis.views.figures import pair_figure
from analysis.views.pictures import data_uri
from analysis.views.quality import quality_checks, what_it_takes_between
from analysis.views.report import environment
from analysis.views.tables import number
from analysis.views.wording import PHASE_TITLES, TEST_TITLES, signed

if TYPE_CHECKING:
    from analysis.answer import Answer

Row = tuple[str, ...]


def render_sessions_report(
    before: Answer, after: Answer, comparisons: Sequence[Comparison], warnings: Sequence[str] = ()
) -> str:
    """Renders an earlier and a later session of one knee as one self-contained HTML page.

    Args:
        before, after: the sessions.
        comparisons: of both, one for each test.
        warnings: about both.
    """
    texts = [
        {
            "headline": wording.headline(c, "in the later session"),
            "explanation": wording.explanation(c),
        }
        for c in comparisons
    ]
    rows = [
        (
            TEST_TITLES[c.test],
            *(
                "withheld" if c.relative or b is None else number(b.extension_deg, "°")
                for b in (c.before, c.after)
            ),
            "–" if c.change_deg is None else signed(c.change_deg),
            number(c.detectable_change_deg, "°"),
        )
        for c in comparisons
    ]
    return _render(
        "Two sessions of one knee",
        (before, after),
        ("earlier", "later"),
        texts,
        rows,
        ("test", "earlier", "later", "change, + straighter", "smallest detectable"),
        warnings,
        what_it_takes_between(comparisons),
    )


def render_knees_report(
    this: Answer, other: Answer, differences: Sequence[SideDifference], warnings: Sequence[str] = ()
) -> str:
    """Renders the two knees of one person as one self-contained HTML page.

    Args:
        this, other: a session of each knee.
        differences: of both.
        warnings: about both.
    """
    texts = [
        {
            "headline": wording.side_sentence(this.recording.info.side, other.recording.info.side, d),
            "explanation": (),
        }
        for d in differences[:1]
    ]
    rows = [
        (
            TEST_TITLES[d.test],
            PHASE_TITLES[d.phase],
            signed(d.difference_deg),
            f"{signed(d.ci95_deg[0])} to {signed(d.ci95_deg[1])}",
        )
        for d in differences
    ]
    return _render(
        "Two knees of one person",
        (this, other),
        (f"{this.recording.info.side} knee", f"{other.recording.info.side} knee"),
        texts,
        rows,
        ("test", "block", "difference, + = the second straightens further", "95 % interval"),
        warnings,
    )


def _render(
    title: str,
    answers: tuple[Answer, Answer],
    names: tuple[str, str],
    texts: Sequence[dict[str, Any]],
    rows: Sequence[Row],
    head: Row,
    warnings: Sequence[str],
    takes: Sequence[str] = (),
) -> str:
    sessions = [
        {
            "name": f"{name}: {a.recording.info.started_at[:10]}",
            "id": a.recording.info.id,
            "client": a.recording.info.client,
            "checks": quality_checks(a),
        }
        for name, a in zip(names, answers, strict=True)
    ]
    return (
        environment()
        .get_template("pair.html.j2")
        .render(
            title=title,
            subtitle="Straightest position held",
            sessions=sessions,
            headlines=texts,
            warnings=[wording.tidy(text) for text in warnings],
            picture=data_uri(pair_figure(answers, names)),
            rows=rows,
            head=head,
            takes=takes,
            limits=wording.LIMITS,
            safety=wording.SAFETY,
            purpose=wording.PURPOSE,
            privacy=wording.PRIVACY,
        )
    )
