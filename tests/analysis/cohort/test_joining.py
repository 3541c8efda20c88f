"""The user's own columns reach the rows they belong to, and only those."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.cohort import join_columns
from analysis.cohort.simulated import CohortPlan, simulate_table
from analysis.cohort.table.reading import Table
from firmware_bridge.errors import SessionError


@pytest.fixture(scope="module")
def table() -> Table:
    return simulate_table(CohortPlan(people=3, days=2), seed=1)


def _file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_group_belongs_to_the_person(table: Table, tmp_path: Path) -> None:
    joined = join_columns(
        table, _file(tmp_path, "client;condition;age\nP02;hold;40\nP01;move;50\nP03;hold;60\n")
    )
    assert list(joined.rows["condition"]) == ["move", "move", "hold", "hold", "hold", "hold"]
    assert list(joined.rows["age"]) == ["50", "50", "40", "40", "60", "60"]
    assert joined.findings == ()
    assert "condition" not in table.rows


@pytest.mark.parametrize("days", [("1", "2"), ("1.0", "2.0")])
def test_a_condition_that_alternates_belongs_to_the_day(
    table: Table, tmp_path: Path, days: tuple[str, str]
) -> None:
    lines = [
        f"{client},{day},{c}" for client in ("P01", "P02", "P03") for day, c in zip(days, "ab", strict=True)
    ]
    joined = join_columns(table, _file(tmp_path, "client,day,condition\n" + "\n".join(lines)))
    assert list(joined.rows["condition"]) == ["a", "b"] * 3


def test_by_date_and_by_session(table: Table, tmp_path: Path) -> None:
    by_date = join_columns(table, _file(tmp_path, "date,condition\n2026-03-02,x\n2026-03-03,y\n"))
    assert list(by_date.rows["condition"]) == ["x", "y"] * 3
    by_session = join_columns(table, _file(tmp_path, "session,condition\nP02/day 1,z\n"))
    assert list(by_session.rows["condition"]) == ["", "", "z", "", "", ""]


def test_who_is_missing_on_either_side_is_told(table: Table, tmp_path: Path) -> None:
    joined = join_columns(table, _file(tmp_path, "client,condition\nP01,a\np02,b\nP03,a\nP09,b\n"))
    assert list(joined.rows["condition"])[2:4] == ["", ""]
    assert {f.kind: f.sentence for f in joined.findings}.keys() == {"join_missing", "join_unused"}
    assert "P02" in joined.findings[0].sentence
    assert "p02, P09" in joined.findings[1].sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("client,condition\nP01,a\nP01,b\n", "two things of P01"),
        ("person,condition\nP01,a\n", "whose its rows are"),
        ("client\nP01\n", "one that is new"),
        ("client,verdict\nP01,a\n", "verdict already"),
    ],
)
def test_a_list_that_cannot_be_joined_is_refused(table: Table, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SessionError, match=words):
        join_columns(table, _file(tmp_path, text))


def test_codes_with_leading_zeros_are_no_numbers(tmp_path: Path, table: Table) -> None:
    rows = table.rows.assign(client=["007", "007", "7", "7", "07", "07"])
    joined = join_columns(Table(rows), _file(tmp_path, "client,condition\n007,a\n7,b\n07,c\n"))
    assert list(joined.rows["condition"]) == ["a", "a", "b", "b", "c", "c"]
    assert isinstance(joined.rows, pd.DataFrame)
