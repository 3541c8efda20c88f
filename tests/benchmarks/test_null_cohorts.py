"""The strata of the benchmark give answers; how often those are wrong is measured by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def null() -> ModuleType:
    spec = importlib.util.spec_from_file_location("null_cohorts", Path(__file__).with_name("null_cohorts.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_kind_of_stratum_gives_an_answer(null: ModuleType) -> None:
    quick = {s.misses: s for s in null.strata() if not s.name.startswith("model")}
    assert len(quick) >= 6
    for stratum in quick.values():
        missed, known = null.share(stratum, 1)
        assert known == 1, stratum.name
        assert missed in (0.0, 1.0)
