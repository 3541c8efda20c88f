"""A table of many people -> everything it says: the one place where the parts meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Literal

import pandas as pd

from analysis.change.checks import SLIP_REFUSE_DEG, SLIP_WARN_DEG
from analysis.change.result import Verdict
from analysis.cohort.doubts import doubts_of, of_tests
from analysis.cohort.estimates import (
    condition_means,
    differences,
    mean_of,
    overturned_by,
    person_values,
    true_spread_deg,
    verdict_of,
)
from analysis.cohort.model import change_model, level_model
from analysis.cohort.repeats import (
    between_strappings,
    column_agreement,
    goniometer_agreement,
    strappings_agreement,
    within_strapping,
)
from analysis.cohort.result import Cohort, Difference, TestAnswer, Variant
from analysis.cohort.table.reading import Table
from analysis.cohort.table.tidy import Tidy, restrapped, slipped, tidy, withheld
from analysis.cohort.wording import sentence_of
from firmware_bridge.errors import CannotAnswerError, UsageError
from firmware_bridge.findings import Finding, unique

CONDITION = "condition"


def cohort_of(
    table: Table,
    *,
    by: str | None = None,
    reference: str = "",
    test: str | None = None,
    side: str | None = None,
    against: str = "",
) -> Cohort:
    """Says what the people of a table say together.

    Args:
        table: of `read_table`, with any columns joined.
        by: the column with the condition or group; by default `condition`, where there is one; "" for none.
        reference: the condition that the others are compared with; the first by name by default.
        test: only this named test.
        side: only this knee.
        against: a column of the user's own with the extension before practice, read in another way.

    Raises:
        UsageError: statsmodels is missing, or there is no such column, condition or test.
        CannotAnswerError: fewer than two people have an answer.
    """
    if find_spec("statsmodels") is None:
        raise UsageError(
            "Many people need statsmodels, which is not installed.",
            "Install it with: pip install 'kneeflex[cohort]'",
        )
    if by is None:
        by = CONDITION if CONDITION in table.rows.columns else ""
    for column in filter(None, (by, against)):
        if column not in table.rows.columns:
            raise UsageError(
                f"The table has no column {column}.", "Join it with --join FILE, or check its spelling."
            )
    tests, findings = tidy(table, by, side)
    if test is not None:
        tests = [t for t in tests if t.test == test]
        if not tests:
            raise UsageError(f"The table holds no answer in the test {test}.", "Leave --test out to see all.")
    people = len({c for t in tests for c in t.sessions["client"]})
    if people < 2:
        raise CannotAnswerError(
            "The table holds answers of one person only.", "`kneeflex trend` answers over the days of one."
        )
    conditions = sorted({c for t in tests for c in t.sessions["condition"]} - {""})
    if reference and reference not in conditions:
        raise UsageError(
            f"There is no condition {reference}.", f"There are {', '.join(conditions) or 'none'}."
        )
    reference = reference or (conditions[0] if len(conditions) > 1 else "")
    answers, doubts = [], list(findings)
    for part in tests:
        answer, found = _answer(part, reference, against)
        answers.append(answer)
        doubts += found
    doubts += of_tests(answers)
    versions = table.rows.drop_duplicates("session")["software_version"].value_counts()
    return Cohort(
        tests=tuple(answers),
        by=by if conditions else "",
        people=people,
        sessions=len({s for t in tests for s in t.sessions["session"]}),
        software={str(name): int(count) for name, count in versions.items() if name},
        findings=unique(doubts),
    )


def _answer(part: Tidy, reference: str, against: str) -> tuple[TestAnswer, list[Finding]]:
    counted, sessions = part.counted, part.sessions
    values = person_values(counted)
    nets = person_values(counted, "net_change_deg")
    change, net = mean_of(values), mean_of(nets)
    with_rest = bool(values) and {v.client for v in nets} == {v.client for v in values}
    judged = nets if with_rest else values
    apart = differences(judged, reference) if reference else ()
    counted_as: Literal["net", "change", "difference"] = "net" if with_rest else "change"
    if reference:
        counted_as = "difference"
        verdict = _verdict_of_differences(apart)
        overturned = ""
    else:
        verdict, overturned = verdict_of(mean_of(judged)), overturned_by(judged)
    column = "net_change_deg" if with_rest else "change_deg"
    models = (change_model(counted, column, reference), level_model(sessions, reference))
    agreements = [strappings_agreement(sessions), goniometer_agreement(sessions)]
    if against:
        agreements.append(column_agreement(sessions, against))
    answer = TestAnswer(
        test=part.test,
        change=change,
        net=net,
        counted=counted_as,
        verdict=verdict,
        sentence="",
        overturned_by=overturned,
        true_spread_deg=true_spread_deg(judged),
        people=judged,
        conditions=condition_means(judged) if reference else (),
        differences=apart,
        models=tuple(m for m in models if m is not None),
        repeatability=tuple(
            r for r in (within_strapping(sessions), between_strappings(sessions)) if r is not None
        ),
        agreements=tuple(a for a in agreements if a is not None),
        variants=_variants(sessions, column, reference),
        attrition=part.attrition,
        by_day=_by_day(counted),
    )
    doubts = doubts_of(answer, part)
    return replace(answer, sentence=sentence_of(answer)), doubts


def _by_day(rows: pd.DataFrame) -> tuple[tuple[int, int], ...]:
    days = sorted(set(rows["day"].dropna()))
    return tuple((int(day), int(rows.loc[rows["day"] == day, "client"].nunique())) for day in days)


def _variants(sessions: pd.DataFrame, column: str, reference: str) -> tuple[Variant, ...]:
    """The same answer with other sessions: means, and the differences between conditions in one column."""
    changed = sessions[sessions["change_deg"].notna()]
    held, anew, far = withheld(changed), restrapped(changed), slipped(changed, SLIP_REFUSE_DEG)
    usual = ~held & ~anew & ~far
    read = changed["slip_deg"].notna()
    freed = changed.assign(
        change_deg=changed["change_deg"] - changed["slip_deg"],
        net_change_deg=changed["net_change_deg"] - changed["slip_deg"],
    )
    choices = (
        ("the sessions that count", changed[usual]),
        ("with withheld sessions", changed[~anew & ~far]),
        ("with slipped sessions", changed[~held & ~anew]),
        ("every session with a change", changed),
        (f"without slips above {SLIP_WARN_DEG:g} deg", changed[usual & ~slipped(changed, SLIP_WARN_DEG)]),
        ("only where the slip was read", changed[usual & read]),
        ("the same, less the slip that was read", freed[usual & read]),
    )
    return tuple(
        Variant(
            name,
            mean_of(person_values(rows)),
            mean_of(person_values(rows, "net_change_deg")),
            differences(person_values(rows, column), reference) if reference else (),
        )
        for name, rows in choices
    )


def _verdict_of_differences(apart: Sequence[Difference]) -> Verdict:
    """That of the only difference; of several, the first that is beyond zero."""
    verdicts = [d.verdict for d in apart]
    beyond = [v for v in verdicts if v in ("gained", "lost")]
    if beyond:
        return beyond[0]
    return "no detectable change" if "no detectable change" in verdicts else "not enough data"
