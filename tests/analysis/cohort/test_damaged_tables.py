"""Whatever stands in the cells of a table, there is an answer or a plain refusal, never a crash."""

from __future__ import annotations

import csv
import io
import random
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from analysis.cohort import cohort_of, read_table, to_json
from analysis.derived import json_text, table_text
from firmware_bridge.errors import KneeflexError

STRANGE = (
    "", "nan", "NA", "inf", "-inf", "1e400", "1e9", "-0", "abc", "12,5", "1.234,5", "01.02.2026", "'", '"',
    "=1+1", "True", "not enough data", "None", "\u2212", "ü", "5 deg", "-3", "2", "0",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_no_cell_breaks_it(eight: pd.DataFrame, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    rows = list(csv.reader(io.StringIO(table_text(eight))))
    for _ in range(draw.choice((1, 4, 60))):
        line, column = draw.randrange(1, len(rows)), draw.randrange(len(rows[0]))
        rows[line][column] = draw.choice(STRANGE)
    if seed % 4 == 0:  # a whole column
        column = draw.randrange(len(rows[0]))
        for line in rows[1:]:
            line[column] = draw.choice(STRANGE)
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    file = tmp_path / "t.csv"
    file.write_text(text.getvalue(), encoding="utf-8")
    with suppress(KneeflexError):
        found = cohort_of(read_table(file))
        assert json_text(to_json(found))
        assert 2 <= found.people <= 8 + 60
