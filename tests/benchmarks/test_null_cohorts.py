"""The strata of the benchmark give answers; how often those are wrong is measured by hand."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def null(benchmark_file: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark_file("null_cohorts")


def test_every_kind_of_stratum_gives_an_answer(null: ModuleType) -> None:
    quick = {s.misses: s for s in null.strata() if not s.name.startswith("model")}
    assert len(quick) >= 6
    for stratum in quick.values():
        missed, known = null.share(stratum, 1)
        assert known == 1, stratum.name
        assert missed in (0.0, 1.0)
