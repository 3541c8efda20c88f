"""The code path of Linux users: our link over bleak's own BlueZ backend."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from firmware_bridge.errors import LinkError
from firmware_bridge.link.bridge import Bridge
from firmware_bridge.link.search import scan
from firmware_bridge.samples import Segment

pytestmark = pytest.mark.real_time

TARGETS = {Segment.THIGH: "knee-T", Segment.SHANK: "knee-S"}


@pytest.fixture
def bridge(bluez, recorder, monkeypatch):
    # How long is waited, for namesakes and after a refusal, has tests of its own on simulated time.
    monkeypatch.setattr("firmware_bridge.link.search._GRACE_S", 0.2)
    monkeypatch.setattr("firmware_bridge.link.connection._FIRST_BACKOFF_S", 0.01)
    return Bridge(TARGETS, sinks=[recorder.sink], on_event=recorder.listen, scan_s=5)


def test_scan(bluez):
    assert {(found.name, found.driver) for found in scan(seconds=0.3)} == {
        ("knee-T", "kneeflex"),
        ("knee-S", "kneeflex"),
    }


def test_refusals_streaming_link_loss_and_return(bluez, thigh, bridge, recorder, numbers):
    thigh.refusals = 2
    with bridge:
        for segment in Segment:
            recorder.wait_s(segment, 0.5)
        assert [status.lost for status in bridge.status.values()] == [0, 0]
        assert [status.battery_percent for status in bridge.status.values()] == [80, 80]
        bluez.do(thigh.drop_link)
        recorder.wait(lambda: "recovered" in recorder.states(Segment.THIGH))
        recorder.wait_s(Segment.THIGH, 0.2)
        status = bridge.status[Segment.THIGH]
    assert thigh.connections == 2
    assert status.reconnects == 1
    assert status.duplicates == 0
    assert thigh.commands == [b"\x01\xe8\x03", b"\x01\xe8\x03", b"\x00"]
    assert np.all(np.diff(numbers(recorder.samples(Segment.SHANK))) == 1)
    assert np.all(np.diff(recorder.samples(Segment.THIGH).time_s) > 0)


def test_what_a_crashed_program_left_connected_is_found(bluez, thigh, bridge, recorder):
    left = asyncio.run_coroutine_threadsafe(bluez.devices[0].connect(), bluez.loop)
    left.result(5)
    with bridge:
        recorder.wait_s(Segment.THIGH, 0.1)
    assert thigh.connections == 1


def test_a_sensor_that_never_answers(bluez, thigh, bridge):
    thigh.refusals = 99
    with pytest.raises(LinkError, match="The thigh sensor knee-T cannot be connected") as caught, bridge:
        pytest.fail("must not begin")
    assert "connection abort" in caught.value.problem


def test_no_bluetooth_service_is_said_plainly(monkeypatch, tmp_path):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'nobody'}")
    with pytest.raises(LinkError, match="Bluetooth service of this computer cannot be reached"):
        scan(seconds=0.1)
