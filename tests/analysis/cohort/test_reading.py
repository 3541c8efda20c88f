"""Whatever a spreadsheet has done to the table, it is read as it was meant, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.cohort import read_table
from analysis.derived import table_text
from analysis.tablefile import parquet_bytes
from firmware_bridge.errors import MissingPathError, SessionError, UsageError

Write = Callable[..., Path]


def _same(file: Path, table: pd.DataFrame) -> None:
    read = read_table(file)
    assert read.findings == ()
    assert list(read.rows["client"]) == list(table["client"])
    for name in ("change_deg", "before_extension_deg", "slip_deg", "day", "before_n"):
        wanted = table[name].astype("float64").round(4)
        pd.testing.assert_series_equal(read.rows[name].round(4), wanted, check_exact=False, atol=1e-4)
    assert list(read.rows["practised"]) == [True] * len(table)


def test_the_table_of_batch_is_read_as_it_is(eight: pd.DataFrame, write: Write) -> None:
    _same(write(eight), eight)


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_spreadsheet_of_another_country_changes_nothing(
    eight: pd.DataFrame, tmp_path: Path, separator: str, encoding: str
) -> None:
    changed = eight.copy()
    changed["practised"] = "WAHR"
    changed["session"] = [f"ä {name}" for name in eight["session"]]
    text = "sep=;\n" if separator == ";" else ""
    text += changed.to_csv(index=False, sep=separator, decimal=",", float_format="%.4f")
    file = tmp_path / "t.csv"
    file.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    _same(file, eight)
    assert read_table(file).rows["session"][0].startswith("ä ")


def test_parquet_is_read_with_every_digit(eight: pd.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    file = tmp_path / "t.parquet"
    file.write_bytes(parquet_bytes(eight))
    assert list(read_table(file).rows["change_deg"]) == list(eight["change_deg"])
    _same(file, eight)


def test_codes_stay_what_they_are(eight: pd.DataFrame, write: Write) -> None:
    changed = eight.assign(client=["007", "NA", "1.0", "P 1 ", "=x", "null", "-1", "TRUE"])
    assert list(read_table(write(changed)).rows["client"]) == [
        "007", "NA", "1.0", "P 1", "=x", "null", "-1", "TRUE",
    ]  # fmt: skip


def test_commas_and_points_in_one_table_are_refused(eight: pd.DataFrame, tmp_path: Path) -> None:
    text = eight.to_csv(index=False, sep=";", float_format="%.4f")
    first = f"{eight['change_deg'][0]:.4f}"
    file = tmp_path / "t.csv"
    file.write_text(text.replace(first, first.replace(".", ",")))
    with pytest.raises(SessionError, match="two ways"):
        read_table(file)


def test_cells_that_are_no_numbers_are_told(eight: pd.DataFrame, tmp_path: Path) -> None:
    lines = table_text(eight).splitlines()
    header = lines[0].split(",")
    cells = lines[1].split(",")
    cells[header.index("slip_deg")] = "03. May"
    cells[header.index("zero_sd_deg")] = "inf"
    cells[header.index("change_deg")] = "\u22122.5"
    file = tmp_path / "t.csv"
    file.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]), encoding="utf-8")
    read = read_table(file)
    assert [f.kind for f in read.findings] == ["table_cells"]
    assert "2 cells" in read.findings[0].sentence
    assert read.rows["slip_deg"].isna()[0]
    assert read.rows["change_deg"][0] == -2.5


def test_an_older_table_lacks_columns_and_says_so(eight: pd.DataFrame, write: Write) -> None:
    read = read_table(write(eight.drop(columns=["day", "closing_read_deg", "practised"])))
    assert [f.kind for f in read.findings] == ["table_columns"]
    assert read.rows["day"].isna().all()
    assert list(read.rows["practised"]) == [None] * 8


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"a,b\n1,2\n", SessionError, "not the table of"),
        (b"", SessionError, "lacks the columns"),
        (b"\0\1\2\3" * 100, SessionError, "not a text table"),
        (b"session,client,side,test,change_deg,verdict\n", SessionError, "no rows"),
        (b"session,session,client,side,test,change_deg,verdict\n1,2,3,4,5,6,7\n", SessionError, "twice"),
        (b"session,client\n1,2,3,4\n", SessionError, "more cells"),
        (b"PAR1 and nothing", SessionError, "Parquet"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, error: type, words: str) -> None:
    if content.startswith(b"PAR1"):
        pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    with pytest.raises(error, match=words):
        read_table(file)


def test_no_file_and_a_spreadsheet(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError):
        read_table(tmp_path / "no.csv")
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(UsageError, match="spreadsheet"):
        read_table(tmp_path / "t.xlsx")
