from __future__ import annotations

import pytest

from firmware_bridge.samples import Segment
from firmware_bridge.session.delays import recorded_delay, sync_event
from firmware_bridge.session.model import LinkEvent, Marker
from firmware_bridge.timing.common_movement import SyncOffset
from firmware_bridge.timing.delay import Delay

EVENTS = (
    Marker(0.0, "begin"),
    LinkEvent(0.5, Segment.THIGH, "clock", {"delay_s": 0.004, "uncertainty_s": 0.002}),
    LinkEvent(0.5, Segment.SHANK, "clock", {"delay_s": 0.008, "uncertainty_s": 0.005}),
    LinkEvent(5.0, Segment.THIGH, "clock", {"delay_s": 0.003, "uncertainty_s": 0.001}),
    LinkEvent(9.0, Segment.THIGH, "clock", {"delay_s": 0.005, "uncertainty_s": 0.003}),
    LinkEvent(9.5, Segment.THIGH, "clock", {"delay_s": "spoilt"}),
    LinkEvent(9.9, Segment.THIGH, "battery", {"percent": 50.0}),
)


def test_the_tightest_of_the_recorded_delays_counts():
    assert recorded_delay(EVENTS, Segment.THIGH) == Delay(0.003, 0.001)
    assert recorded_delay(EVENTS, Segment.SHANK).delay_s == 0.008
    assert recorded_delay(EVENTS[:1], Segment.THIGH) is None
    assert recorded_delay((), Segment.THIGH) is None
    assert recorded_delay(EVENTS, Segment.THIGH, fitted=False) is None


@pytest.mark.parametrize("known", [None, Delay(0.003, 0.002)])
def test_the_offset_is_kept_with_the_session(known):
    event = sync_event(SyncOffset(-0.0042, 0.0001, 0.999), known, 12.0)
    expected_s = -0.0042 + (0.003 if known else 0.0)
    earlier = LinkEvent(1.0, Segment.SHANK, "clock", {"delay_s": 0.003, "uncertainty_s": 0.002})
    assert recorded_delay([earlier, event], Segment.SHANK).delay_s == pytest.approx(expected_s)
    assert recorded_delay([event], Segment.THIGH) is None
