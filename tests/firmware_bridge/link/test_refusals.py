"""What a sensor or the adapter refuses is said with its reason and what to do; what can be repaired is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakGATTProtocolError,
)

from firmware_bridge.drivers import DRIVERS
from firmware_bridge.drivers.kneeflex import DATA, Kneeflex
from firmware_bridge.drivers.seam import Decoded
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.errors import LinkError
from firmware_bridge.link.advice import connection_error, needs_pairing
from firmware_bridge.link.bridge import Bridge
from firmware_bridge.link.target import Target
from firmware_bridge.samples import Segment

TARGETS = {Segment.THIGH: "knee-T", Segment.SHANK: "knee-S"}


def refused(radio):
    with pytest.raises(LinkError) as caught, Bridge(TARGETS, radio, scan_s=3):
        pytest.fail("must not begin")
    return caught.value


def test_a_refused_start_carries_the_reason(radio, thigh):
    thigh.refuses_start = BleakGATTProtocolError(0x13)
    error = refused(radio)
    assert "thigh sensor knee-T refuses a command: GATT Protocol Error: Value Not Allowed" in error.problem
    assert error.advice


def test_a_sensor_that_demands_pairing_is_paired(radio, thigh):
    thigh.demands_pairing = True
    with Bridge(TARGETS, radio, scan_s=3) as bridge:
        assert bridge.status[Segment.THIGH].state == "connected"


@pytest.mark.parametrize("system", ["linux", "win32", "darwin"])
def test_where_pairing_is_impossible_the_person_is_told_how(radio, thigh, monkeypatch, system):
    thigh.demands_pairing, thigh.can_pair = True, False
    monkeypatch.setattr("firmware_bridge.link.advice.sys.platform", system)
    error = refused(radio)
    assert "must be paired" in error.problem
    assert {"linux": "bluetoothctl", "win32": "Add device", "darwin": "macOS"}[system] in error.advice


@pytest.mark.parametrize(
    ("error", "pairing"),
    [
        (BleakDBusError("org.bluez.Error.NotPermitted", ["Read not permitted"]), True),
        (BleakDBusError("org.bluez.Error.Failed", ["Operation failed with ATT error: 0x0f"]), True),
        (BleakDBusError("org.bluez.Error.Failed", ["Operation failed with ATT error: 0x0e"]), False),
        (BleakGATTProtocolError(5), True),
        (BleakGATTProtocolError(0x13), False),
    ],
)
def test_a_demand_for_pairing_is_recognised_on_every_system(error, pairing):
    assert needs_pairing(error) is pairing
    assert ("must be paired" in connection_error("The thigh sensor X", error).problem) is pairing


class Complaining(Kneeflex):
    """A sensor that answers the start with a refusal, as Polar does."""

    name = "complaining"

    def decoder(self, reads, rate_hz):
        class Decoder:
            def decode(self, characteristic, payload):
                return Decoded.nothing(problem="The sensor refused to start: it is busy; free it.")

        return Decoder()


def test_the_reason_that_the_sensor_itself_gives_is_carried(radio, thigh, monkeypatch):
    monkeypatch.setitem(DRIVERS, "complaining", Complaining())

    def answer(packet):
        thigh.notify(BATTERY_LEVEL, b"\x50")  # a notification, but not of samples
        return []

    thigh.tamper = answer
    targets = {Segment.THIGH: Target("knee-T", "complaining"), Segment.SHANK: Target("knee-S")}
    with (
        pytest.raises(LinkError, match=r"does not start.*refused to start: it is busy; free it"),
        Bridge(targets, radio, scan_s=3),
    ):
        pytest.fail("must not begin")


def test_a_stale_memory_of_the_services_says_forget_the_device(radio, thigh):
    thigh.lacks = DATA
    assert "forget the device" in refused(radio).advice


def test_a_busy_adapter_is_tried_again(radio):
    busy = BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])
    radio.scan_errors = [busy, busy]
    with Bridge(TARGETS, radio, scan_s=3):
        pass
    assert radio.scans == 3
    radio.scan_errors = [busy] * 9
    assert "busy" in refused(radio).problem


def test_a_connection_is_tried_again_with_what_is_advertised_now(radio, thigh):
    thigh.refusals = 2
    with Bridge(TARGETS, radio, scan_s=3):
        pass
    assert radio.scans == 3


def test_bluetooth_that_is_switched_off_meanwhile_is_the_reason(radio, thigh, recorder):
    off = BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF)
    with Bridge(TARGETS, radio, sinks=[recorder.sink], on_event=recorder.listen, scan_s=3) as bridge:
        recorder.wait_s(Segment.THIGH, 1)
        radio.scan_errors = [off] * 5
        radio.do(thigh.drop_link)
        recorder.wait(lambda: "problem" in recorder.states(Segment.THIGH))
        assert "switched off" in bridge.status[Segment.THIGH].problem
        recorder.wait(lambda: "recovered" in recorder.states(Segment.THIGH))
        assert bridge.status[Segment.THIGH].problem == ""
    texts = [e.detail["text"] for e in recorder.events if e.state == "problem"]
    assert texts == ["Bluetooth is switched off. Switch it on in the settings of this computer."]


def test_a_low_battery_is_a_warning(radio, thigh, recorder):
    thigh.battery = 3
    with Bridge(TARGETS, radio, sinks=[recorder.sink], on_event=recorder.listen, scan_s=3) as bridge:
        recorder.wait(lambda: "problem" in recorder.states(Segment.THIGH))
        assert bridge.status[Segment.THIGH].problem == "The battery is at 3 %: charge the sensor."
        radio.do(lambda: thigh.notify(BATTERY_LEVEL, b"\x02"))
        recorder.wait_s(Segment.THIGH, 1)
    assert recorder.states(Segment.THIGH).count("problem") == 1


def test_the_advice_of_a_decode_error_is_kept(radio, thigh, monkeypatch):
    monkeypatch.setattr("firmware_bridge.link.bridge._SETTLE_LIMIT_S", 0.5)

    class SmallMtu(Kneeflex):
        name = "movella-dot-like"

        def decoder(self, reads, rate_hz):
            from firmware_bridge.errors import DecodeError

            class Decoder:
                def decode(self, characteristic, payload):
                    raise DecodeError("A payload is cut off.", "Use larger packets; connect again.")

            return Decoder()

    monkeypatch.setitem(DRIVERS, "movella-dot-like", SmallMtu())
    targets = {Segment.THIGH: Target("knee-T", "movella-dot-like"), Segment.SHANK: Target("knee-S")}
    with pytest.raises(LinkError, match="Use larger packets; connect again"), Bridge(targets, radio):
        pytest.fail("must not begin")


class WithoutClock(Kneeflex):
    """The kneeflex packets, read as if they held neither clock nor counter."""

    name = "clockless"
    ping = None

    def info(self, name, reads, rate_hz):
        from dataclasses import replace

        return replace(super().info(name, reads, rate_hz), clock=None)

    def decoder(self, reads, rate_hz):
        from dataclasses import replace

        inner = super().decoder(reads, rate_hz)

        class Decoder:
            def decode(self, characteristic, payload):
                return replace(inner.decode(characteristic, payload), device_ticks=None, sequence=None)

        return Decoder()


def test_notifications_that_come_twice_after_a_reconnect_are_used_once(
    radio, thigh, recorder, numbers, monkeypatch
):
    monkeypatch.setitem(DRIVERS, "clockless", WithoutClock())
    thigh.doubled = True
    targets = {Segment.THIGH: Target("knee-T", "clockless"), Segment.SHANK: Target("knee-S")}
    with Bridge(targets, radio, sinks=[recorder.sink], on_event=recorder.listen, scan_s=3) as bridge:
        recorder.wait_s(Segment.THIGH, 1)
        radio.do(thigh.drop_link)
        recorder.wait(lambda: "recovered" in recorder.states(Segment.THIGH))
        recorder.wait_s(Segment.THIGH, 4)
        status = bridge.status[Segment.THIGH]
    assert np.all(np.diff(numbers(recorder.samples(Segment.THIGH))) == 1)
    assert status.rate_hz == pytest.approx(100, rel=0.02)
    assert "twice" in status.problem


def test_a_clockless_sensor_at_another_rate_is_told_and_timed(radio, thigh, recorder, monkeypatch):
    monkeypatch.setitem(DRIVERS, "clockless", WithoutClock())
    thigh.tamper = lambda packet: [packet] if packet.sequence % 10 == 0 else []  # 10 Hz instead of 100 Hz
    targets = {Segment.THIGH: Target("knee-T", "clockless"), Segment.SHANK: Target("knee-S")}
    with Bridge(targets, radio, sinks=[recorder.sink], on_event=recorder.listen, scan_s=3) as bridge:
        recorder.wait_s(Segment.SHANK, 8)
        status = bridge.status[Segment.THIGH]
        assert bridge.infos[Segment.THIGH].nominal_rate_hz == pytest.approx(10, abs=0.5)
    assert "runs at 10 Hz instead of 100 Hz" in status.problem
    assert status.lost_estimate == 0
    samples = recorder.samples(Segment.THIGH)
    late_s = samples.arrival_s - samples.time_s
    assert np.abs(late_s).max() < 0.1


def test_a_reply_after_the_end_leaves_nothing_behind(radio, thigh, recorder):
    kept = []
    with Bridge(TARGETS, radio, sinks=[recorder.sink], scan_s=3) as bridge:
        stream = bridge._dispatcher._streams[Segment.THIGH]
        kept.append(stream._decoding._opened.reply)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept[0](())
