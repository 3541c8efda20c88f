"""`kneeflex pair` over simulated sensors: the one that swings is the one that the person moves."""

from __future__ import annotations

import pytest

from firmware_bridge.errors import LinkError, UsageError
from firmware_bridge.link.identify import identify
from firmware_bridge.link.target import Target
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.faults import Faults
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import still, swings
from firmware_bridge.virtual.simulation import simulate_session


@pytest.mark.parametrize("names", [(), ("thigh", "F0:0D:00:00:00:02")])
def test_the_moved_sensor_is_the_thigh_sensor(names, clock):
    # The lower leg alone swings: its sensor is the one that the person, asked for the thigh, has moved.
    radio = VirtualRadio(simulate_session(swings(6, restlessness=0.0)), clock=clock)
    told = []
    targets = identify(names, radio, scan_s=0.5, shake_s=10.0, tell=told.append)
    assert targets == {
        Segment.THIGH: Target("KF-shank", "kneeflex", radio.addresses[Segment.SHANK]),
        Segment.SHANK: Target("KF-thigh", "kneeflex", radio.addresses[Segment.THIGH]),
    }
    assert "Move the THIGH sensor" in told[-1]


def test_nobody_moved(clock):
    radio = VirtualRadio(simulate_session(still(20.0)), clock=clock)
    with pytest.raises(LinkError, match="not clear which sensor was moved"):
        identify((), radio, scan_s=0.3, shake_s=2.0)


def test_two_sensors_are_needed(clock):
    radio = VirtualRadio(
        simulate_session(still(2.0)), clock=clock, faults={Segment.THIGH: Faults(absent=True)}
    )
    with pytest.raises(LinkError, match=r"there are 1 \(KF-shank\)"):
        identify((), radio, scan_s=0.3)
    with pytest.raises(UsageError, match="Two sensors"):
        identify(("KF-shank",), radio, scan_s=0.3)
