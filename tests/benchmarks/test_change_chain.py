"""The change through the whole chain, on a few of the benchmark's sessions."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

PLAN = {"rest_s": None, "warmup_repetitions": 6, "pandiculations": 3}


@pytest.fixture(scope="module")
def chain(benchmark_file: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark_file("change_chain")


@pytest.mark.parametrize("gain_deg", [0.0, 10.0])
def test_the_change_is_that_of_the_bones(chain, gain_deg):
    outcome = chain.run(3, gain_deg=gain_deg, **PLAN)
    assert abs(outcome.error_deg) < 0.5
    assert outcome.comparison.verdict == ("gained" if gain_deg else "no detectable change")
    assert outcome.comparison.before.n == outcome.comparison.after.n == 6


@pytest.mark.parametrize(("slip_deg", "verdict"), [(1.0, "gained"), (5.0, "no detectable change")])
def test_slip_is_found_and_beyond_four_degrees_believed(chain, slip_deg, verdict):
    outcome = chain.run(4, gain_deg=10.0, slip_deg=slip_deg, **PLAN)
    assert outcome.comparison.slip_deg == pytest.approx(slip_deg, abs=1.0)
    assert outcome.error_deg == pytest.approx(slip_deg, abs=1.0)
    assert outcome.comparison.verdict == verdict


def test_a_misread_reference_angle_shifts_the_angle_and_not_the_change(chain):
    right, wrong = (
        chain.run(5, gain_deg=8.0, reference_error_deg=error_deg, **PLAN).comparison
        for error_deg in (0.0, 5.0)
    )
    assert wrong.change_deg == pytest.approx(right.change_deg, abs=1e-6)
    assert wrong.after.extension_deg - right.after.extension_deg == pytest.approx(5.0, abs=1e-6)
    assert wrong.change_ci95_deg == pytest.approx(right.change_ci95_deg, abs=1e-6)
