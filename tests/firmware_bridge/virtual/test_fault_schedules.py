"""Schedules of faults that hypothesis draws, and reduces where something does not hold."""

from __future__ import annotations

import importlib.util
import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.samples import Segment
from firmware_bridge.virtual.faults import Faults

_BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, _BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


faulty_session, fault_invariants, fault_schedules = map(
    _load, ("faulty_session", "fault_invariants", "fault_schedules")
)
Kill, Schedule = faulty_session.Kill, faulty_session.Schedule

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
    Schedule,
    faults,
    faults,
    ticks=st.tuples(*[st.sampled_from((0, 2**32 - 5_000_000))] * 2),
    sequences=st.tuples(*[st.sampled_from((0, 65_450))] * 2),
    same_name=st.booleans(),
    strangers=st.sampled_from(((), (1.0,), (-1.0, 2.0))),
    full_disk=st.sampled_from((None, None, (2.0, 3.0), (4.0, 100.0))),
    kill=st.one_of(st.none(), st.builds(Kill, st.floats(0.5, 4.5), st.booleans(), st.sampled_from((0, 40)))),
)


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(schedules)
def test_whatever_fails_nothing_is_lost_or_invented_and_all_of_it_is_told(schedule):
    assert fault_schedules.run(schedule) == []


def test_both_links_of_namesakes_at_once_while_others_of_their_name_appear():
    lost = Faults(disconnects=(1.5, 3.0), away_s=0.4)
    assert fault_schedules.run(Schedule(lost, lost, same_name=True, strangers=(-1.0, 1.4))) == []


def test_a_link_given_up_in_a_stall_that_outlasts_the_reconnect_keeps_its_times():
    assert fault_schedules.run(Schedule(shank=Faults(stalls=((0.64, 3.65),)))) == []


def test_a_connection_over_which_nothing_came_is_no_reconnect():
    assert fault_schedules.run(Schedule(shank=Faults(stalls=((1.53, 4.07),), disconnects=(0.51,)))) == []


def test_a_restart_whose_samples_all_arrive_at_one_moment_loses_none_of_them():
    assert fault_schedules.run(Schedule(Faults(stalls=((3.97, 3.54),), reboots=(3.27,), away_s=1.38))) == []


def test_a_schedule_is_reduced_to_what_fails():
    schedule = Schedule(
        Faults(loss=0.1, disconnects=(1.0, 2.0)),
        Faults(refusals=1),
        full_disk=(1.0, 2.0),
        strangers=(1.0, 2.0),
    )
    least = fault_schedules.smallest(
        schedule, lambda one: one.thigh.loss > 0 and 2.0 in one.thigh.disconnects and one.strangers != ()
    )
    assert least == Schedule(Faults(loss=0.1, disconnects=(2.0,)), strangers=(2.0,))
    assert least.count == 3


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A schedule with some faults, and the outcome of it, in which everything holds."""
    schedule = Schedule(
        Faults(loss=0.1, interval_s=0.03, disconnects=(1.0,), away_s=0.2),
        Faults(stalls=((2.0, 1.0),)),
        kill=Kill(3.0),
    )
    return schedule, faulty_session.record(schedule, tmp_path_factory.mktemp("plain") / "session")


def _thigh(outcome, change):
    """The outcome with other samples of the thigh, live and recorded alike."""
    changed = {s: change(x) if s is Segment.THIGH else x for s, x in outcome.received.items()}
    return replace(
        outcome,
        received=changed,
        recording=replace(outcome.recording, thigh=change(outcome.recording.thigh)),
        status={s: replace(link, received=len(changed[s])) for s, link in outcome.status.items()},
    )


def _without_events(outcome, *states):
    kept = tuple(e for e in outcome.recording.events if getattr(e, "state", "") not in states)
    return replace(outcome, recording=replace(outcome.recording, events=kept))


BREAKS = {
    "nothing had ended": lambda o: replace(o, ended=False),
    "nobody asked for": lambda o: replace(o, stranger_connections=1),
    "called full": lambda o: replace(o, warnings=("full",)),
    "nobody is told": lambda o: replace(o, unwritten={Segment.THIGH: 3, Segment.SHANK: 0}),
    "a kill lost": lambda o: replace(
        o, killed=replace(o.killed, recording=replace(o.killed.recording, shank=o.recording.shank[:20]))
    ),
    "not on the disk when": lambda o: replace(o, killed=replace(o.killed, events=o.killed.events + 99)),
    "recorded, 0 counted": lambda o: replace(o, recording=replace(o.recording, thigh=o.recording.thigh[:-1])),
    "the status says": lambda o: replace(
        o, status={s: replace(link, received=1) for s, link in o.status.items()}
    ),
    "time runs back": lambda o: _thigh(o, lambda x: replace(x, time_s=x.time_s[::-1])),
    "recorded twice": lambda o: _thigh(o, lambda x: x[np.repeat(np.arange(len(x)), 2)]),
    "not those of this sensor": lambda o: _thigh(o, lambda x: replace(x, acc_m_s2=-x.acc_m_s2)),
    "neither recorded nor": lambda o: _thigh(o, lambda x: x[np.arange(len(x)) != len(x) - 9]),
    "never arrived": lambda o: replace(o, delivered={s: d[:-9] for s, d in o.delivered.items()}),
    "are counted": lambda o: replace(o, status={s: replace(x, lost=x.lost + 9) for s, x in o.status.items()}),
    "live times are": lambda o: replace(
        o, received={s: replace(x, time_s=x.time_s + 0.1) for s, x in o.received.items()}
    ),
    "recorded times are": lambda o: replace(
        o,
        recording=replace(
            o.recording, shank=replace(o.recording.shank, time_s=o.recording.shank.time_s + 0.1)
        ),
    ),
    "losses among the events": lambda o: _without_events(o, "lost"),
    "the link broke": lambda o: _without_events(o, "lost"),
    "recoveries": lambda o: _without_events(o, "recovered"),
    "nothing arrived": lambda o: _without_events(o, "stalled"),
}


@pytest.mark.parametrize("sentence", BREAKS)
def test_what_does_not_hold_is_found(plain, sentence):
    schedule, outcome = plain
    assert fault_invariants.violations(schedule, outcome) == []
    found = fault_invariants.violations(schedule, BREAKS[sentence](outcome))
    assert any(sentence in one for one in found), found
