"""The rows that count: each person, each recording, each number once, and everything left out is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.cohort import cohort_of
from analysis.cohort.simulated import CohortPlan, simulate_table
from analysis.cohort.table.reading import Table
from analysis.cohort.table.tidy import tidy
from firmware_bridge.errors import CannotAnswerError, UsageError


@pytest.fixture(scope="module")
def table() -> Table:
    return simulate_table(CohortPlan(people=10), seed=3)


def _kinds(table: Table, **options: str) -> set[str]:
    return {f.kind for f in tidy(table, **options)[1]}


def _counted(table: Table) -> pd.DataFrame:
    return tidy(table)[0][0].counted


def test_a_sound_table_is_taken_whole(table: Table) -> None:
    assert _kinds(table) == set()
    assert len(_counted(table)) == 10


def test_copies_count_once_whatever_they_are_called(table: Table) -> None:
    rows = table.rows
    copy = rows.iloc[[0]].assign(session="copied")
    renamed = rows.iloc[[1]].assign(session="other", client="P99")
    anew = rows.iloc[[2]].assign(session="imported twice", id="another", started_at="2026-05-01")
    doubled = Table(pd.concat([rows, copy, renamed, anew], ignore_index=True))
    counted = _counted(doubled)
    assert list(counted["session"]) == list(_counted(table)["session"])
    (told,) = (f for f in tidy(doubled)[1] if f.kind == "table_copies")
    assert "3 rows" in told.sentence
    assert "Nothing is left of P99" in told.sentence


def test_two_imports_with_the_same_date_are_no_copies(table: Table) -> None:
    rows = table.rows.assign(started_at="2026-03-01T00:00:00+00:00", client="P01", side="left")
    assert "table_copies" not in _kinds(Table(rows))
    assert "table_copies" not in _kinds(Table(rows.assign(duration_s=range(10))))
    assert "table_copies" in _kinds(Table(rows.assign(duration_s=600.0)))


def test_two_sessions_without_figures_are_no_copies(table: Table) -> None:
    rows = table.rows.assign(change_deg=np.nan, before_extension_deg=np.nan, id="")
    assert "table_copies" not in _kinds(Table(rows))


def test_numbers_that_cannot_be_are_left_out_or_refuse_the_table(table: Table) -> None:
    rows = table.rows.copy()
    rows.loc[0, "change_deg"] = 52341.0
    rows.loc[1, "change_deg"] = -rows.loc[1, "change_deg"]  # a sign that was edited
    found = Table(rows)
    assert len(_counted(found)) == 8
    assert "table_impossible" in _kinds(found)
    lost = table.rows.assign(change_deg=table.rows["change_deg"] * 10_000)
    with pytest.raises(CannotAnswerError, match="decimal points"):
        tidy(Table(lost))


def test_rows_of_nobody_and_broken_sessions_are_left_out(table: Table) -> None:
    rows = table.rows.copy()
    rows.loc[0, "client"] = ""
    rows.loc[1, "error"] = "Nothing."
    found = Table(rows)
    assert len(_counted(found)) == 8
    assert _kinds(found) == {"table_nameless", "table_errors"}
    (told,) = (f for f in tidy(found)[1] if f.kind == "table_errors")
    assert "P02" in told.sentence
    with pytest.raises(CannotAnswerError, match="code"):
        tidy(Table(table.rows.assign(client="")))


def test_every_reason_not_to_count_is_a_stage(table: Table) -> None:
    rows = table.rows.copy()
    rows.loc[0, "verdict"] = "not enough data"
    rows.loc[1, "after_strapping"] = 1.0
    rows.loc[2, "slip_deg"] = -4.5
    rows.loc[3, "change_deg"] = np.nan
    (part,), _ = tidy(Table(rows))
    assert [s.people for s in part.attrition] == [10, 10, 9, 8, 7, 6]
    assert len(part.sessions) == 10
    assert set(part.counted["client"]) == {f"P{n:02d}" for n in range(5, 11)}


def test_tests_are_never_pooled_and_the_larger_one_comes_first(table: Table) -> None:
    rows = table.rows.copy()
    rows.loc[:2, "test"] = "standing"
    parts, _ = tidy(Table(rows))
    assert [(p.test, len(p.counted)) for p in parts] == [("prone", 7), ("standing", 3)]


def test_what_may_be_one_thing_under_two_names_is_told(table: Table) -> None:
    rows = table.rows.copy()
    rows.loc[1, "client"] = "p-01"
    rows.loc[2, ["client", "side"]] = ["P05", "left"]
    rows.loc[3, "software_version"] = "0.0.9"
    assert _kinds(Table(rows)) == {"table_alike", "table_both_knees", "table_versions"}


def test_readings_before_any_practice_are_known() -> None:
    rows = simulate_table(CohortPlan(people=2, baseline_days=2, days=2), seed=0).rows
    (part,), _ = tidy(Table(rows))
    assert list(part.sessions["fresh"]) == [True, True, True, False] * 2
    (part,), _ = tidy(Table(rows.assign(practised=None)))  # an older table: nothing is known of practice
    assert list(part.sessions["fresh"]) == [True, False, False, False] * 2
    (part,), _ = tidy(Table(rows.assign(day=np.nan)))
    assert not part.sessions["fresh"].any()


def test_one_person_and_wrong_names_are_refused(table: Table) -> None:
    with pytest.raises(CannotAnswerError, match="one person"):
        cohort_of(Table(table.rows.iloc[[0]]))
    for wrong in ({"by": "group"}, {"against": "x"}, {"test": "ake"}, {"reference": "a"}):
        with pytest.raises(UsageError):
            cohort_of(table, **wrong)  # type: ignore[arg-type]
    with pytest.raises(CannotAnswerError):
        cohort_of(table, side="middle")
