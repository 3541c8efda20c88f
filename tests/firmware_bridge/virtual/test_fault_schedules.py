"""Schedules of faults that hypothesis draws, and reduces where something does not hold."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.virtual.faults import Faults

_PATH = Path(__file__).parents[2] / "benchmarks" / "fault_schedules.py"
_SPEC = importlib.util.spec_from_file_location("fault_schedules", _PATH)
fault_schedules = importlib.util.module_from_spec(_SPEC)
sys.modules["fault_schedules"] = fault_schedules
_SPEC.loader.exec_module(fault_schedules)

times = st.lists(st.floats(0.5, 4.5).map(lambda t: round(t, 2)), max_size=2, unique=True).map(tuple)
faults = st.builds(
    Faults,
    interval_s=st.sampled_from((0.015, 0.03)),
    retransmission=st.sampled_from((0.0, 0.1)),
    stalls=st.lists(st.tuples(st.floats(0.5, 4.0), st.floats(0.2, 1.5)), max_size=1).map(tuple),
    loss=st.sampled_from((0.0, 0.05)),
    duplication=st.sampled_from((0.0, 0.1)),
    reordering=st.sampled_from((0.0, 0.1)),
    garbage=st.sampled_from((0.0, 0.03)),
    refusals=st.integers(0, 1),
    disconnects=times,
    reboots=st.sampled_from(((), (), (2.0,))),
    away_s=st.floats(0.05, 1.0),
)
schedules = st.builds(
    fault_schedules.Schedule,
    faults,
    faults,
    first_tick=st.sampled_from((0, 2**32 - 5_000_000)),
    first_sequence=st.sampled_from((0, 65_500)),
    same_name=st.booleans(),
    full_disk_s=st.sampled_from((None, None, 4.0)),
    torn_bytes=st.sampled_from((0, 57)),
)


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(schedules)
def test_whatever_fails_nothing_is_lost_or_invented_and_all_of_it_is_told(schedule):
    assert fault_schedules.run(schedule) == []


def test_both_links_of_namesakes_at_once():
    lost = Faults(disconnects=(1.5, 3.0), away_s=0.4)
    schedule = fault_schedules.Schedule(lost, lost, same_name=True)
    assert fault_schedules.run(schedule) == []


def test_a_schedule_is_reduced_to_what_fails():
    schedule = fault_schedules.Schedule(Faults(loss=0.1, reboots=(1.0,)), Faults(refusals=1), torn_bytes=9)
    least = fault_schedules.smallest(schedule, lambda one: one.thigh.loss > 0)
    assert least == fault_schedules.Schedule(Faults(loss=0.1))
