from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.cohort.simulated import CohortPlan, simulate_rows
from analysis.derived import table_text
from analysis.table import table_of


@pytest.fixture(scope="session")
def eight() -> pd.DataFrame:
    """The table of eight people with one session each, as `batch` makes it."""
    return table_of(simulate_rows(CohortPlan(people=8), seed=2))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """`write(table, name)`: the table as `batch` writes CSV."""

    def to_file(table: pd.DataFrame, name: str = "table.csv") -> Path:
        file = tmp_path / name
        file.write_text(table_text(table), encoding="utf-8")
        return file

    return to_file
