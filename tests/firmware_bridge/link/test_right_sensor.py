"""Sensors of one factory share one name: the one that was asked for is connected, or none."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from firmware_bridge.errors import LinkError
from firmware_bridge.link.bridge import Bridge
from firmware_bridge.link.identify import identify
from firmware_bridge.link.search import Rescan
from firmware_bridge.link.target import Target
from firmware_bridge.samples import Segment

MAC_IDS = ("5E0F7C1A-0000-4000-8000-000000000001", "5E0F7C1A-0000-4000-8000-000000000002")


@pytest.fixture
def namesakes(thigh, shank, radio):
    """Three sensors of one name; the third one is nobody's, and not in range yet."""
    thigh.name = shank.name = "MOVE"
    stranger = replace(thigh, address="00:00:00:00:00:03", in_range=False, commands=[], truth_s=[])
    radio.sensors[stranger.address] = stranger
    return stranger


def by_address(thigh, shank):
    return {
        Segment.THIGH: Target("MOVE", address=thigh.address),
        Segment.SHANK: Target("MOVE", address=shank.address),
    }


def texts(recorder, segment):
    return [e.detail["text"] for e in recorder.events if e.segment == segment and e.state == "problem"]


def test_after_a_lost_link_a_namesake_is_not_recorded_in_its_place(
    radio, thigh, shank, namesakes, recorder, numbers
):
    with Bridge(
        by_address(thigh, shank), radio, sinks=[recorder.sink], on_event=recorder.listen, scan_s=2
    ) as bridge:
        recorder.wait_s(Segment.THIGH, 1)
        radio.do(lambda: (setattr(thigh, "in_range", False), thigh.drop_link()))
        radio.do(lambda: setattr(namesakes, "in_range", True))
        recorder.wait(lambda: any("Another sensor" in text for text in texts(recorder, Segment.THIGH)))
        recorder.wait_s(Segment.SHANK, 3)
        assert bridge.status[Segment.THIGH].state == "lost"
        assert "00:00:00:00:00:03" in bridge.status[Segment.THIGH].problem
        radio.do(lambda: setattr(thigh, "in_range", True))
        recorder.wait(lambda: "recovered" in recorder.states(Segment.THIGH))
        recorder.wait_s(Segment.THIGH, 1)
    assert namesakes.connections == 0
    assert thigh.connections == 2
    assert np.all(np.diff(numbers(recorder.samples(Segment.THIGH))) > 0)


@pytest.mark.parametrize("first", ["thigh", "shank"])
def test_when_both_links_drop_at_once_each_segment_gets_its_own_back(radio, thigh, shank, recorder, first):
    thigh.name = shank.name = "MOVE"
    earlier, later = (thigh, shank) if first == "thigh" else (shank, thigh)
    with Bridge(by_address(thigh, shank), radio, sinks=[recorder.sink], on_event=recorder.listen, scan_s=2):
        recorder.wait_s(Segment.SHANK, 1)
        boots = {s: set(np.diff(recorder.samples(s).device_ticks)) for s in Segment}
        radio.do(lambda: [setattr(s, "in_range", False) or s.drop_link() for s in (thigh, shank)])
        recorder.wait(lambda: all("lost" in recorder.states(s) for s in Segment))
        radio.do(lambda: setattr(earlier, "in_range", True))
        recorder.wait(lambda: any("recovered" in recorder.states(s) for s in Segment))
        radio.do(lambda: setattr(later, "in_range", True))
        recorder.wait(lambda: all("recovered" in recorder.states(s) for s in Segment))
        for segment in Segment:
            recorder.wait_s(segment, 1)
    assert boots
    assert (thigh.connections, shank.connections) == (2, 2)
    for segment, sensor in ((Segment.THIGH, thigh), (Segment.SHANK, shank)):
        # The clocks of the two differ by more than an hour: a swap would show in the ticks.
        ticks = recorder.samples(segment).device_ticks
        expected = sensor.clock_us(0.0) % 2**32
        assert np.all((ticks - expected) % 2**32 < 120e6)


def test_two_namesakes_are_waited_for_over_the_whole_scan(radio, thigh, shank, namesakes):
    shank.shows_up_s = 1.9
    with Bridge(by_address(thigh, shank), radio, scan_s=5) as bridge:
        assert all(status.state == "connected" for status in bridge.status.values())
    assert radio.scans == 1


def test_the_missing_one_of_two_namesakes_is_named(radio, thigh, shank, namesakes):
    shank.in_range = False
    with (
        pytest.raises(LinkError, match=r"shank sensor MOVE \(00:00:00:00:00:02\).*not used") as caught,
        Bridge(by_address(thigh, shank), radio, scan_s=2),
    ):
        pytest.fail("must not begin")
    assert "kneeflex pair" in caught.value.advice
    assert thigh.connections == 0


def test_a_namesake_that_advertises_late_is_not_overlooked(radio, thigh, shank, namesakes):
    shank.name, namesakes.in_range, namesakes.shows_up_s = "knee-S", True, 1.3
    targets = {Segment.THIGH: "MOVE", Segment.SHANK: "knee-S"}
    with pytest.raises(LinkError, match="2 devices may be the thigh"), Bridge(targets, radio, scan_s=5):
        pytest.fail("must not begin")


@pytest.mark.parametrize("names", [(), ("MOVE", "MOVE")])
def test_two_namesakes_can_be_paired(radio, thigh, shank, names, monkeypatch):
    thigh.name = shank.name = "MOVE"
    thigh.serial, shank.serial = "S1", "S2"
    shank.shows_up_s = 3.0
    monkeypatch.setattr("firmware_bridge.link.identify.which_moved", lambda streams: Segment.SHANK)
    found = identify(names, radio, shake_s=0.5)
    assert {(t.address, t.serial) for t in found.values()} == {(thigh.address, "S1"), (shank.address, "S2")}
    assert len({t.address for t in found.values()}) == 2


async def test_the_device_of_one_segment_is_never_handed_to_the_other(radio, thigh, shank):
    thigh.name = shank.name = "MOVE"
    thigh.in_range = False
    rescan = Rescan(radio, asyncio.Lock())
    rescan.own(Segment.SHANK, shank.address)
    async with radio:
        finding = asyncio.create_task(rescan.find(Segment.THIGH, Target("MOVE")))
        await asyncio.sleep(7.0)
        assert not finding.done()
        thigh.in_range = True
        assert (await finding).address == thigh.address
        await rescan.close()


def on_a_mac(radio, thigh, shank):
    """The operating system hides the addresses behind identifiers of its own."""
    for sensor, address in zip((thigh, shank), MAC_IDS, strict=True):
        del radio.sensors[sensor.address]
        sensor.address = address
        radio.sensors[address] = sensor


def test_without_addresses_the_serial_number_is_compared_before_a_sample_is_taken(radio, thigh, shank):
    on_a_mac(radio, thigh, shank)
    thigh.name, thigh.serial = "MOVE", "S3"
    targets = {
        Segment.THIGH: Target("MOVE", address="5E0F7C1A-0000-4000-8000-00000000000F", serial="S1"),
        Segment.SHANK: Target("knee-S", address=shank.address),
    }
    with pytest.raises(LinkError, match="serial number is S3, not S1"), Bridge(targets, radio, scan_s=2):
        pytest.fail("must not begin")
    assert thigh.commands == []
    thigh.serial = "S1"
    with Bridge(targets, radio, scan_s=2) as bridge:
        assert bridge.serial_numbers[Segment.THIGH] == "S1"


def test_without_addresses_a_stranger_is_given_up_and_the_right_one_comes_back(radio, thigh, shank, recorder):
    on_a_mac(radio, thigh, shank)
    thigh.name, thigh.serial = "MOVE", "S1"
    stranger = replace(thigh, address=MAC_IDS[0][:-1] + "3", serial="S9", in_range=False, commands=[])
    radio.sensors[stranger.address] = stranger
    targets = {Segment.THIGH: "MOVE", Segment.SHANK: "knee-S"}
    with Bridge(targets, radio, sinks=[recorder.sink], on_event=recorder.listen, scan_s=3):
        recorder.wait_s(Segment.THIGH, 1)
        radio.do(lambda: (setattr(thigh, "in_range", False), thigh.drop_link()))
        radio.do(lambda: setattr(stranger, "in_range", True))
        recorder.wait(lambda: any("S9, not S1" in text for text in texts(recorder, Segment.THIGH)))
        radio.do(lambda: setattr(thigh, "in_range", True))
        recorder.wait(lambda: "recovered" in recorder.states(Segment.THIGH))
    assert stranger.commands == []
    assert thigh.connections == 2
