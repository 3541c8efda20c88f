"""The guide on the real live angle: from raw samples of the simulated leg to the last step."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.guide.protocol import parse_protocol
from analysis.live.angle_feed import AngleFeed
from firmware_bridge.session.model import Marker, Phase
from firmware_bridge.virtual.script import ScriptWriter
from firmware_bridge.virtual.simulation import simulate_session

PROTOCOL = parse_protocol(
    """
    name = "short"
    [[step]]
    kind = "strap"
    title = "Strap on"
    [[step]]
    kind = "still"
    title = "Lie still"
    seconds = 3
    [[step]]
    kind = "swings"
    title = "Swing"
    count = 8
    thigh_rests = true
    [[step]]
    kind = "reference"
    title = "Reference"
    angle_deg = 20.0
    seconds = 3
    [[step]]
    kind = "measure"
    title = "Before"
    phase = "before"
    test = "prone"
    count = 3
    [[step]]
    kind = "pandiculate"
    title = "Pull"
    count = 2
    hold_s = 4
    rest_s = 3
    [[step]]
    kind = "measure"
    title = "After"
    phase = "after"
    test = "prone"
    count = 3
    """,
    "short",
)


def obedient_person():
    person = ScriptWriter("prone", 20.0)
    person.wait(9)
    with person.restless():
        for _ in range(10):
            person.bend_to(85, 1.1)
            person.bend_to(20, 1.1)
    person.wait(8)

    def measure(extension_deg):
        for _ in range(3):
            person.bend_to(50, 1.3)
            person.bend_to(extension_deg, 1.8)
            person.hold(3)

    measure(12)
    for _ in range(2):
        person.bend_to(90, 2)
        person.effort_during(1.0, 1.0)
        person.wait(6)
        person.bend_to(12, 9)
        person.effort_during(0.0, 1.0)
        person.wait(5)
    measure(6)
    person.wait(3)
    return person.done(tremor_deg=0.2, seed=5)


@pytest.fixture(scope="module")
def story(lead_through):
    session = simulate_session(obedient_person(), seed=5)
    kept = []

    def make(_, clock):
        stream = AngleFeed(clock, 100.0, sensors=lambda: (), keep=kept.append)
        stream.events = kept
        return stream

    return session, lead_through(PROTOCOL, session, make=make)


def test_the_live_angle_is_good_enough_to_lead_by(story):
    _, told = story
    assert told.finished_s is not None
    assert told.phases == ["swings", "reference", "before", "pandiculation", "after", "pause"]
    assert [e for e in told.events if isinstance(e, Marker)] == []


def test_each_block_holds_the_repetitions_that_were_done_in_it(story):
    session, told = story
    starts = {e.name: e.time_s for e in told.events if isinstance(e, Phase)}
    edges = [starts[name] for name in ("before", "pandiculation", "after", "pause")]
    # Two seconds are enough, so the last hold of a block may outlast it.
    blocks = [int(np.searchsorted(edges, hold.start_s + 2.0)) for hold in session.script.holds]
    assert blocks == [1, 1, 1, 3, 3, 3]
