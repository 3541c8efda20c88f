from __future__ import annotations

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from firmware_bridge.drivers.kneeflex import SERVICE
from firmware_bridge.drivers.standard import BATTERY_SERVICE
from firmware_bridge.errors import LinkError, UsageError
from firmware_bridge.link.discovery import DiscoveredDevices, assign, candidates
from firmware_bridge.link.target import Found, Target
from firmware_bridge.samples import Segment


def advertise(seen, name, address, services=(SERVICE,), rssi=-60, battery=None):
    service_data = {} if battery is None else {BATTERY_SERVICE: bytes([battery])}
    data = AdvertisementData(name, {}, service_data, list(services), None, rssi, ())
    seen.add(BLEDevice(address, None, None), data)


@pytest.fixture
def seen():
    devices = DiscoveredDevices()
    advertise(devices, "Knee 4711", "AA:01", rssi=-70)
    advertise(devices, "Knee 4712", "AA:02", rssi=-40)
    advertise(devices, "Knee", "AA:03", rssi=-90)
    advertise(devices, None, "AA:04", services=())
    return devices


@pytest.mark.parametrize(
    ("identifier", "address", "expected"),
    [
        ("knee 4711", None, ["AA:01"]),
        ("Knee", None, ["AA:03"]),  # the whole name goes before a part of one
        ("aa:02", None, ["AA:02"]),
        ("4712", None, ["AA:02"]),
        ("47", None, []),  # too little to tell
        ("Knee 47", None, ["AA:02", "AA:01"]),
        ("Knee 47", "AA:01", ["AA:01"]),
        ("Knee 4711", "AA:99", []),  # a namesake is another sensor
        ("nobody", None, []),
    ],
)
def test_what_a_person_may_mean(seen, identifier, address, expected):
    found = candidates(Target(identifier, address=address), seen.all())
    assert [device.address for device in found] == expected


def test_what_was_seen_once_stays(seen):
    advertise(seen, None, "AA:01", services=(), rssi=-55, battery=30)
    advertise(seen, None, "AA:01", services=(), rssi=-50)
    (device,) = candidates(Target("Knee 4711"), seen.all())
    assert device.found() == Found("Knee 4711", "AA:01", "kneeflex", -50, 30.0)


@pytest.mark.parametrize(
    ("thigh", "shank", "words"),
    [
        ("nobody", "4712", "thigh sensor nobody does not show up. In range: Knee 4712, Knee 4711, Knee"),
        ("4711", "Knee 47", "2 devices may be the shank sensor Knee 47"),
        ("4711", "AA:01", "same device"),
        ("4711", "AA:04", "no driver knows it"),
    ],
)
def test_what_cannot_be_told_apart_is_said_plainly(seen, thigh, shank, words):
    with pytest.raises(LinkError, match=words) as caught:
        assign({Segment.THIGH: Target(thigh), Segment.SHANK: Target(shank)}, seen.all())
    assert caught.value.advice


def test_a_driver_can_be_named(seen):
    target = Target("AA:04", driver="movella-dot")
    (device,) = assign({Segment.THIGH: target}, seen.all()).values()
    driver = device.driver(target)
    assert driver is not None
    assert driver.name == "movella-dot"
    with pytest.raises(UsageError, match="no driver named abacus"):
        Target("AA:04", driver="abacus")
