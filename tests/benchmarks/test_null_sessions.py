"""The promise of the verdict, on fixed seeds and fewer sessions than the benchmark beside it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def null() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "null_sessions", Path(__file__).with_name("null_sessions.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("rest", [False, True])
@pytest.mark.parametrize(("repetition_sd_deg", "count"), [(1.0, 8), (3.0, 3)])
def test_at_most_five_percent_are_called_for_the_most_variable_person(null, rest, repetition_sd_deg, count):
    row = null.measure(null.Design(2.0, repetition_sd_deg, count, rest), 700, seed=11)
    assert row.called <= 5.0


@pytest.mark.parametrize("warmups", [0, 3])
def test_unfinished_warm_up_is_not_called_a_gain(null, warmups):
    row = null.measure(null.Design(2.0, 1.0, 3, warmups=warmups), 700, seed=12)
    assert row.called <= 5.0


@pytest.mark.parametrize("rest", [False, True])
def test_the_interval_covers_95_percent_over_the_published_range(null, rest):
    row = null.measure(null.Design(rest=rest), 1500, seed=13)
    assert 93.0 <= row.covered <= 97.0
    assert row.called <= 5.0
    if rest:
        assert 93.0 <= row.covered_net <= 97.0


@pytest.mark.parametrize("block_sd_deg", [0.5, 2.0])
def test_with_own_repeats_it_covers_95_percent_for_anyone(null, block_sd_deg):
    row = null.measure(null.Design(block_sd_deg, 2.0, 4, days=10), 800, seed=14)
    assert 93.0 <= row.covered <= 97.0
    assert row.called <= 5.0


def test_a_trend_through_all_blocks_is_caught_by_the_rest_block(null):
    assert null.measure(null.Design(1.0, 1.5, 5, True, drift_deg=3.0), 500, seed=15).called <= 5.0
    # Over the same time and without the rest block, the same trend is called a gain.
    assert null.measure(null.Design(1.0, 1.5, 5, drift_deg=6.0), 300, seed=15).called > 30.0


def test_what_really_changed_is_found(null):
    assert null.measure(null.Design(1.0, 1.5, 5, gain_deg=8.0), 250, seed=16).called > 70.0
    assert null.measure(null.Design(1.0, 1.5, 5, gain_deg=12.0), 250, seed=16).called > 99.0
    assert null.measure(null.Design(1.0, 1.5, 5, gain_deg=5.0, days=10), 250, seed=16).called > 65.0
