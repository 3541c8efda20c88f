"""From a table file to the page, the JSON and the exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from analysis.cli.app import main
from analysis.cohort.simulated import CohortPlan, simulate_rows
from analysis.derived import table_text
from analysis.table import table_of


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "table.csv"
    file.write_text(table_text(table_of(simulate_rows(CohortPlan(people=6), seed=1))))
    return file


def _run(*arguments: object) -> int:
    try:
        main([str(a) for a in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_the_page_lies_beside_the_table(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = table.read_bytes()
    assert _run("cohort", table) == 0
    page = table.with_name("table-cohort.html")
    assert "In 6 people" in capsys.readouterr().out
    assert page.read_text().lstrip().startswith("<!DOCTYPE html>")
    assert table.read_bytes() == before
    if os.name != "nt":
        assert page.stat().st_mode & 0o077 == 0


def test_json_is_alone_on_stdout_and_writes_no_page(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("client,group\n" + "".join(f"P0{i},{'ab'[i % 2]}\n" for i in range(1, 7)))
    assert _run("cohort", table, "--join", people, "--by", "group", "--reference", "b", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["by"] == "group"
    assert content["tests"][0]["differences"][0]["reference"] == "b"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["people.csv", "table.csv"]


def test_no_answer_is_1_and_wrong_usage_is_2(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[:3]))
    assert _run("cohort", table) == 1
    table.write_text("\n".join(lines[:2]))
    assert _run("cohort", table) == 1
    assert "one person" in capsys.readouterr().err
    assert _run("cohort", table, "--out", table) == 2
    assert _run("cohort", table.with_name("none.csv")) == 2
    assert table.read_text() == "\n".join(lines[:2])


def test_without_statsmodels_it_says_what_to_install(
    table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import analysis.cohort.answer

    monkeypatch.setattr(analysis.cohort.answer, "find_spec", lambda name: None)
    assert _run("cohort", table) == 2
    assert "kneeflex[cohort]" in capsys.readouterr().err
