"""A table of many sessions -> the rows that count, with what was left out on the way and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import pandas as pd

from analysis.change.checks import SLIP_REFUSE_DEG
from analysis.cohort.result import Stage
from analysis.cohort.table.reading import Table, count, names
from analysis.table import BLOCKS
from firmware_bridge.errors import CannotAnswerError
from firmware_bridge.findings import Finding

# Beyond these a number is no knee: a decimal sign was lost, or a cell was edited.
_MOST_CHANGE_DEG: Final = 90.0
_EXTENSION_DEG: Final = (-60.0, 150.0)
_MOST_IMPOSSIBLE: Final = 0.2
# Three figures that were rounded to one decimal each.
_ROUNDED_DEG: Final = 0.16

Mask: TypeAlias = "pd.Series[bool]"


@dataclass(frozen=True, eq=False, slots=True)
class Tidy:
    """The rows of one named test.

    Attributes:
        test: its name.
        sessions: every row of a person in this test, once, with the columns of the table, `condition`, and
            `fresh`: its reading before practice comes before any practice of this person.
        counted: those of them whose change counts: with a value, not withheld, no strap slipped too far, both
            readings in one strapping.
        attrition: how many were left after each reason.
    """

    test: str
    sessions: pd.DataFrame
    counted: pd.DataFrame
    attrition: tuple[Stage, ...]


def tidy(table: Table, by: str = "", side: str | None = None) -> tuple[list[Tidy], tuple[Finding, ...]]:
    """The rows of every named test, the test with most people first.

    Args:
        table: of `read_table`, with any columns joined.
        by: the column that holds the condition; "" without one.
        side: only this knee.

    Raises:
        CannotAnswerError: no row belongs to a person and has an answer.
    """
    rows, findings = table.rows, list(table.findings)
    rows = rows.assign(condition=rows[by] if by else "")
    stages = [_stage("in the table", rows)]

    def keep(name: str, wanted: Callable[[pd.DataFrame], Mask]) -> None:
        nonlocal rows
        mask = wanted(rows).astype(bool)
        if not mask.all():
            rows = rows[mask]
            stages.append(_stage(name, rows))

    keep("with an angle", lambda r: r["error"] == "")
    findings += _unanswered(table.rows)
    if not rows.empty:
        findings += _nameless(rows)
        keep("with a person's code", lambda r: r["client"] != "")
    if side is not None:
        keep(f"of the {side} knee", lambda r: r["side"] == side)
    findings += _copies(rows)
    keep("recorded once, not copied", lambda r: ~_copied(r))
    findings += _impossible(rows)
    keep("with numbers that can be", lambda r: ~_impossible_rows(r))
    if by:
        findings += _without_condition(rows, by)
        keep("with a condition", lambda r: r["condition"] != "")
    if rows.empty:
        last = f" {findings[-1].sentence}" if findings else ""
        raise CannotAnswerError(f"No row of the table belongs to a person and has an answer.{last}")
    findings += _doubts(rows, by)
    rows = rows.assign(fresh=_fresh(rows))
    tests = [_of_test(test, rows[rows["test"] == test], stages) for test in dict.fromkeys(rows["test"])]
    tests.sort(key=lambda t: (-t.counted["client"].nunique(), -t.sessions["client"].nunique()))
    return tests, tuple(findings)


def _of_test(test: str, rows: pd.DataFrame, before: list[Stage]) -> Tidy:
    stages = [*before, _stage(f"in this test ({test or 'unnamed'})", rows)]
    counted = rows[rows["change_deg"].notna()]
    stages.append(_stage("with a change", counted))
    against: tuple[tuple[str, Callable[[pd.DataFrame], Mask]], ...] = (
        ("not withheld", withheld),
        ("both readings in one strapping", restrapped),
        (f"no strap slipped by more than {SLIP_REFUSE_DEG:g} deg", _slipped_too_far),
    )
    for name, doubtful in against:
        counted = counted[~doubtful(counted)]
        stages.append(_stage(name, counted))
    return Tidy(test, rows, counted, tuple(stages))


def _fresh(rows: pd.DataFrame) -> Mask:
    """Whether a reading before practice lies before every practice of its person.

    What is not known to be without an exercise counts as practice.
    """
    if rows["day"].isna().all():
        return pd.Series(False, index=rows.index)
    order = rows[rows["day"].notna()].sort_values(["day", "started_at"], kind="stable")
    when = pd.Series(order.groupby(["day", "started_at"], sort=True).ngroup(), index=order.index)
    practised = order["practised"].map(lambda value: value is not False)
    first = order["client"].map(when[practised].groupby(order["client"]).min()).fillna(len(order))
    fresh = (when < first) | ((when == first) & (order["strapping"].fillna(0) == 0))
    return fresh.reindex(rows.index, fill_value=False)


def withheld(rows: pd.DataFrame) -> Mask:
    """Changes that were measured, but that no verdict may be given on."""
    return rows["verdict"] == "not enough data"


def restrapped(rows: pd.DataFrame) -> Mask:
    """Changes between two strappings, which carry the error of strapping on anew."""
    return rows["after_strapping"].notna() & (rows["after_strapping"] != rows["strapping"].fillna(0))


def slipped(rows: pd.DataFrame, beyond_deg: float) -> Mask:
    """Sessions whose strap slipped by more, as the closing reference read it."""
    return rows["slip_deg"].abs() > beyond_deg


def _slipped_too_far(rows: pd.DataFrame) -> Mask:
    return slipped(rows, SLIP_REFUSE_DEG)


def _stage(name: str, rows: pd.DataFrame) -> Stage:
    people = rows.loc[rows["client"] != "", "client"].nunique()
    return Stage(name, len(rows), rows["session"].nunique(), int(people))


def _unanswered(rows: pd.DataFrame) -> list[Finding]:
    broken = rows[rows["error"] != ""]
    if broken.empty:
        return []
    lost = sorted(set(broken["client"]) - set(rows.loc[rows["error"] == "", "client"]) - {""})
    text = (
        f"{count(broken['session'].nunique(), 'session')} left out for having no answer (see column error)."
    )
    if lost:
        text += f" Nothing is left of {names(lost)}."
    return [Finding("table_errors", None, None, text, "gap")]


def _nameless(rows: pd.DataFrame) -> list[Finding]:
    nameless = int((rows["client"] == "").sum())
    if not nameless:
        return []
    text = (
        f"{count(nameless, 'row')} left out for having no person's code: whose they are cannot be said. "
        "Write the code into `client` of their session.json."
    )
    return [Finding("table_nameless", None, None, text, "gap")]


def _copied(rows: pd.DataFrame) -> Mask:
    """Rows that repeat an earlier one: the same recording, whatever its folder or code is called now."""
    key = ["test", "strapping"]
    by_id = rows.duplicated(["id", *key]) & (rows["id"] != "")
    # An import may have no more than a date for a start, so the length has to be the same as well.
    same = ["client", "side", "started_at", "duration_s", *key]
    by_start = rows.duplicated(same) & (rows["started_at"] != "") & rows["duration_s"].notna()
    measured = rows["before_extension_deg"].notna() & rows["change_deg"].notna()
    figures = ["before_extension_deg", "before_sd_deg", "after_extension_deg", "after_sd_deg", "change_deg"]
    by_value = rows.duplicated(["test", "side", *figures]) & measured
    return by_id | by_start | by_value


def _copies(rows: pd.DataFrame) -> list[Finding]:
    copied = rows[_copied(rows)]
    if copied.empty:
        return []
    text = (
        f"{count(len(copied), 'row')} left out as copies of a recording that is in the table already "
        f"({names(sorted(set(copied['session'])))}): each counts once."
    )
    lost = sorted(set(copied["client"]) - set(rows.loc[~_copied(rows), "client"]))
    if lost:
        text += f" Nothing is left of {names(lost)}: check whose recordings these are."
    return [Finding("table_copies", None, None, text, "correct")]


def _impossible_rows(rows: pd.DataFrame) -> Mask:
    wrong = (rows["change_deg"].abs() > _MOST_CHANGE_DEG) | (
        rows["net_change_deg"].abs() > 2 * _MOST_CHANGE_DEG
    )
    for phase in BLOCKS:
        extension = rows[f"{phase}_extension_deg"]
        wrong |= extension.notna() & ~extension.between(*_EXTENSION_DEG)
    apart = rows["before_extension_deg"] - rows["after_extension_deg"] - rows["change_deg"]
    return wrong | (apart.abs() > _ROUNDED_DEG)


def _impossible(rows: pd.DataFrame) -> list[Finding]:
    wrong = rows[_impossible_rows(rows)]
    if wrong.empty:
        return []
    if len(wrong) > _MOST_IMPOSSIBLE * len(rows):
        raise CannotAnswerError(
            f"{len(wrong)} of {len(rows)} rows hold numbers that cannot be: beyond what a knee does, or a "
            "change that is not before less after. A spreadsheet may have taken the decimal points away.",
            "Make the table again with `kneeflex batch`.",
        )
    text = (
        f"{count(len(wrong), 'row')} left out for numbers that cannot be, or a change that is not before "
        f"less after ({names(sorted(set(wrong['session'])))}). Make the table again."
    )
    return [Finding("table_impossible", None, None, text, "gap")]


def _without_condition(rows: pd.DataFrame, by: str) -> list[Finding]:
    empty = rows[rows["condition"] == ""]
    if empty.empty:
        return []
    whose = names(sorted(set(empty["client"])))
    text = f"{count(len(empty), 'row')} of {whose} left out for having nothing in {by}."
    return [Finding("table_condition", None, None, text, "gap")]


def _doubts(rows: pd.DataFrame, by: str) -> list[Finding]:
    """What may be one thing under two names, and what was not measured alike."""
    findings = []
    for what, column in (("people", "client"), *((("conditions", "condition"),) if by else ())):
        values = sorted(set(rows[column]))
        alike: dict[str, list[str]] = {}
        for value in values:
            alike.setdefault("".join(c for c in value.casefold() if c.isalnum()), []).append(value)
        twins = [" and ".join(group) for group in alike.values() if len(group) > 1]
        if twins:
            text = f"{names(twins)} count as different {what}: if they are the same, write them alike."
            findings.append(Finding("table_alike", None, None, text))
    both = rows.groupby("client")["side"].nunique()
    several = sorted(both[both > 1].index)
    if several:
        text = (
            f"{names(several)} {'has' if len(several) == 1 else 'have'} sessions of both knees: the mean of "
            "all counts, one value a person. --side left or right takes one knee alone."
        )
        findings.append(Finding("table_both_knees", None, None, text))
    versions = sorted(set(rows["software_version"]) - {""})
    if len(versions) > 1:
        text = f"The rows were computed by several versions ({names(versions)}): compute all with one."
        findings.append(Finding("table_versions", None, None, text))
    return findings
