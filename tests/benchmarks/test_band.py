"""The band on a soft tissue that none of its constants came from, and on a machine."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def band() -> Iterator[ModuleType]:
    """The benchmark, whose files import one another by their names."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("band")
    finally:
        sys.path.remove(folder)


def test_the_band_is_true_on_another_soft_tissue(band: ModuleType) -> None:
    case = band.CASES["other tissue"]
    found = [
        band.judge(case, posture, test, 640 + k) for k, (posture, test) in enumerate(band.POSTURES.items())
    ]
    shares = {key: float(np.mean([f[key] for f in found])) for key in found[0]}
    assert shares["repeatable"] < 0.9
    assert 0.9 < shares["differences"] < 0.995
    assert shares["angle"] > 0.95
    assert shares["band"] < 2.0


def test_the_band_is_narrow_on_a_machine(band: ModuleType) -> None:
    found = band.judge(band.CASES["sensors on a machine"], "supine", "supine", 640)
    assert found["band"] < 0.3
    assert found["differences"] > 0.9
