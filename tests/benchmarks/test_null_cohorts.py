"""The strata of the benchmark give answers; how often those are wrong is measured by hand."""

from __future__ import annotations

import pytest

from tests.benchmarks.null_cohorts import Stratum, share, strata


@pytest.mark.parametrize(
    "stratum", [s for s in strata() if not s.name.startswith("model")], ids=lambda s: s.name
)
def test_a_stratum_gives_an_answer(stratum: Stratum) -> None:
    missed, known = share(stratum, 2)
    assert known == 2
    assert missed in (0.0, 0.5, 1.0)
