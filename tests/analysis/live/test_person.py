"""Every protocol comes to its end, whoever follows the guide; the benchmark beside it runs more of them."""

from __future__ import annotations

import importlib.util
import math
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from analysis.guide.library import load_protocol, protocol_names
from analysis.guide.protocol import parse_protocol
from analysis.live.person import CHARACTERS
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import Phase
from firmware_bridge.virtual.interactive import InteractiveLeg, InteractivePlayback
from firmware_bridge.virtual.leg import Leg

SHORT = """
name = "short"
[[step]]
kind = "ready"
title = "Lie face down"
posture = "prone"
[[step]]
kind = "swings"
title = "Swing"
count = 6
[[step]]
kind = "measure"
title = "Before"
phase = "before"
test = "prone"
count = 2
[[step]]
kind = "pandiculate"
title = "Pull"
count = 1
hold_s = 3
rest_s = 3
[[step]]
kind = "ready"
title = "Stand up"
posture = "standing"
[[step]]
kind = "measure"
title = "After"
phase = "after"
test = "standing"
count = 2
"""


@pytest.fixture(scope="module")
def obeying() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "obeying.py"
    spec = importlib.util.spec_from_file_location("obeying", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("character", CHARACTERS)
def test_a_short_session_ends_whoever_follows_it(obeying: ModuleType, character: str) -> None:
    course = obeying.run(parse_protocol(SHORT, "short"), character, seed=3, most_s=900.0)
    assert math.isfinite(course.finished_s)
    assert [e.name for e in course.events if isinstance(e, Phase) and e.name in ("before", "after")] == [
        "before", "after",
    ]  # fmt: skip
    steps = [step for _, step, _ in course.prompts]
    assert all(b - a in (0, 1) for a, b in pairwise(steps) if b)


@pytest.mark.slow
@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_ends_with_a_person_who_obeys(obeying: ModuleType, name: str) -> None:
    course = obeying.run(load_protocol(name), "obeying", seed=1, most_s=3600.0, most_repetitions=1)
    assert math.isfinite(course.finished_s)
    assert course.skipped == 0


def test_orders_never_change_what_has_been_measured() -> None:
    leg, silent = InteractiveLeg(seed=4), InteractiveLeg(seed=4)
    before = silent.flexion_deg(np.arange(0.0, 3.0, 0.01))
    leg.bend_to(2.6, 80.0, 1.0)
    assert leg.flexion_deg(np.arange(0.0, 3.0, 0.01)) == pytest.approx(before)
    assert leg.flexion_deg(np.array([4.5]))[0] == pytest.approx(80.0, abs=1.0)


def begun(leg: InteractiveLeg) -> tuple[InteractivePlayback, int]:
    """What the shank's sensor plays, and the first sample of the leg's own time."""
    playback = InteractivePlayback(leg, Segment.SHANK, leg.wearing[Segment.SHANK])
    playback.start_with_script(10.0, 9.0)
    playback.settle(10.0)
    assert playback.script_zero is not None
    return playback, playback.script_zero


def test_portions_of_samples_join_into_one_movement() -> None:
    whole, parts = InteractiveLeg(seed=5), InteractiveLeg(seed=5)
    for leg in (whole, parts):
        leg.bend_to(0.0, 70.0, 1.0)
        leg.turn_to(0.0, "standing")
    worn = whole.wearing[Segment.SHANK]
    playback, zero = begun(parts)
    read = [playback.read(a, a + 7) for a in range(zero - 14, zero + 630, 7)]
    acc_m_s2 = np.concatenate([acc for acc, _ in read])[14:]
    ideal = whole.samples(Segment.SHANK, 0, len(acc_m_s2)).acc_m_s2
    # The same but for the noise, whose random numbers are drawn in another order.
    assert np.sqrt(np.mean((acc_m_s2 - ideal) ** 2)) < 2.0 * worn.acc_noise_m_s2
    assert Leg(parts.script).flexion_deg(np.array([2.0]))[0] == pytest.approx(70.0, abs=1.0)


def test_what_is_measured_ahead_is_what_later_orders_leave() -> None:
    leg = InteractiveLeg(seed=6)
    worn = leg.wearing[Segment.SHANK]
    playback, zero = begun(leg)
    # Each but the first while the one before is under way: it begins where that ends.
    orders = {5: (80.0, 0.9), 20: (30.0, 0.4), 33: (80.0, 0.4), 43: (20.0, 2.0), 85: (50.0, 0.5)}
    read = []
    for packet in range(150):
        if packet in orders:
            leg.bend_to(0.04 * packet, *orders[packet])
        read.append(playback.read(zero + 4 * packet, zero + 4 * packet + 4)[0])
    error = np.concatenate(read) - leg.ideal(Segment.SHANK, 0, 600)[0] - worn.acc_bias_m_s2
    assert np.abs(error).max() < 6.0 * worn.acc_noise_m_s2
    assert leg.flexion_deg(np.array([5.9]))[0] == pytest.approx(50.0, abs=1.0)
