"""The table of many sessions, the page that explains it, and the files it is written to."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.answer import Answer, answer
from analysis.derived import table_text
from analysis.table import COLUMNS, TEXTS, TRUTH, WHOLE, rows_of, table_of
from analysis.tablefile import refuse_format, table_bytes, unit_of
from firmware_bridge.errors import UsageError
from firmware_bridge.session.model import Phase, ReferencePose
from firmware_bridge.virtual.sessions import condensed_session
from firmware_bridge.virtual.simulation import simulate_session

PAGE = Path(__file__).parents[2] / "docs" / "table.md"


@pytest.fixture(scope="module")
def found() -> Answer:
    script = condensed_session(seed=4, gain_deg=6.0, rest_block=True, repetitions=3)
    return answer(simulate_session(script, seed=4).recording)


@pytest.fixture(scope="module")
def table(found: Answer) -> pd.DataFrame:
    started = {"client": "P07", "started_at": "2026-03-03T10:00:00+00:00"}
    earlier = {"client": "P07", "started_at": "2026-03-01T10:00:00+00:00", "error": "Nothing."}
    return table_of([*(row | started for row in rows_of(found)), earlier, {"session": "x", "error": "y"}])


def test_the_page_explains_every_column_in_order(table: pd.DataFrame) -> None:
    page = dict(re.findall(r"^\| `(\w+)` \| ([\w ]+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert tuple(page) == COLUMNS == tuple(table.columns)
    kinds = {"text": "object str", "whole": "Int64", "true or false": "boolean", "number": "float64 object"}
    assert set(page.values()) == set(kinds)
    assert {name for name, kind in page.items() if kind == "whole"} == set(WHOLE)
    assert {name for name, kind in page.items() if kind == "true or false"} == set(TRUTH)
    numbers = {name for name, kind in page.items() if kind == "number"}
    assert all(unit_of(name) for name in numbers)
    for name, kind in page.items():
        assert str(table[name].dtype) in kinds[kind], name
        if kind == "number":
            pd.to_numeric(table[name])


def test_a_row_holds_what_many_people_need(table: pd.DataFrame, found: Answer) -> None:
    row, comparison = table.iloc[0], found.comparisons[0]
    again = comparison.blocks["before_again"]
    assert (row["before_again_extension_deg"], row["before_again_n"]) == (again.extension_deg, again.n)
    assert (row["change_se_deg"], row["net_change_se_deg"]) == (
        comparison.change_se_deg,
        comparison.net_change_se_deg,
    )
    assert 0 < row["change_se_deg"] < row["net_change_se_deg"]
    pose, closing = found.recording.reference_poses
    entered = (row["reference_method"], row["reference_deg"], row["reference_sd_deg"])
    assert entered == (pose.method, pose.flexion_deg, pose.sd_deg)
    assert (row["closing_method"], row["closing_deg"]) == (closing.method, closing.flexion_deg)
    assert row["closing_read_deg"] - row["closing_deg"] == pytest.approx(-row["slip_deg"])
    assert (row["strapping"], row["after_strapping"], row["after_phase"]) == (0, 0, "after")
    assert (row["practised"], row["day"]) == (True, 3)
    assert table["day"][1] == 1
    assert table["day"].isna()[2]
    assert row["reason"] == comparison.reason
    assert set(row["findings"].split()) == {f.kind for f in found.findings}


def test_every_other_strapping_is_a_row_with_its_own_zero() -> None:
    """A session of strapping on anew holds no change, but a reading a strapping."""
    recording = simulate_session(condensed_session(seed=5, gain_deg=0.0), seed=5).recording
    poses = recording.reference_poses
    swings = next(p for p in recording.phases if p.name == "swings")
    after = next(p for p in recording.phases if p.name == "after")
    # The same samples, told as two strappings: the sensors stayed, so both see the axes.
    events = [
        *(e for e in recording.events if not isinstance(e, Phase | ReferencePose)),
        Phase(swings.start_s, "swings"),
        *(Phase(p.start_s, p.name, p.test) for p in recording.phases if p.name in ("before", "reference")),
        poses[0],
        Phase(after.start_s - 1.0, "restrap"),
        Phase(after.start_s - 0.5, "before", "prone"),
        replace(poses[1], flexion_deg=21.0),
    ]
    rows = table_of(rows_of(answer(replace(recording, events=tuple(events)))))
    assert list(rows["strapping"]) == [0, 1]
    assert list(rows["test"]) == ["prone", "prone"]
    assert list(rows["reference_deg"]) == [poses[0].flexion_deg, 21.0]
    assert rows["before_extension_deg"].notna().all()
    assert rows["change_deg"].isna().all()


def test_parquet_gives_back_the_table_with_units(table: pd.DataFrame, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra 'parquet' is not installed")
    file = tmp_path / "t.parquet"
    content = table_bytes(table, file, {"made": "here"})
    back = pd.read_parquet(io.BytesIO(content))
    text = list(TEXTS)
    pd.testing.assert_frame_equal(back.drop(columns=text), table.drop(columns=text))
    pd.testing.assert_frame_equal(back[text].fillna(""), table[text].fillna(""), check_dtype=False)
    schema = parquet.read_schema(io.BytesIO(content))
    assert schema.field("change_deg").metadata == {b"unit": b"deg"}
    assert schema.field("axes_residual_deg_s").metadata == {b"unit": b"deg/s"}
    assert schema.field("client").metadata is None
    assert schema.metadata[b"made"] == b"here"


def test_without_pyarrow_parquet_is_refused_before_anything_is_computed(
    table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"kneeflex\[parquet\]"):
        refuse_format(tmp_path / "t.parquet")
    assert table_bytes(table, tmp_path / "t.csv").decode() == table_text(table)
    with pytest.raises(UsageError, match="CSV or Parquet"):
        refuse_format(tmp_path / "t.xlsx")
