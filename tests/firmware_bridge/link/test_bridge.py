from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from firmware_bridge.drivers.kneeflex import DATA, Packet
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.errors import LinkError
from firmware_bridge.link.bridge import Bridge
from firmware_bridge.link.search import scan
from firmware_bridge.link.target import Target
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.delays import recorded_delay
from firmware_bridge.timing.clock_fit import session_time

TARGETS = {Segment.THIGH: "knee-T", Segment.SHANK: "knee-S"}


@pytest.fixture
def bridge(radio: Any, recorder: Any) -> Bridge:
    return Bridge(TARGETS, radio, sinks=[recorder.sink], on_event=recorder.listen, scan_s=2)


def test_streams_both_sensors_on_one_clock_without_losing_a_sample(thigh, shank, bridge, recorder, numbers):
    with bridge:
        for segment in Segment:
            recorder.wait_s(segment, 4)
        status = bridge.status
    for segment in Segment:
        samples = recorder.samples(segment)
        assert np.all(np.diff(numbers(samples)) == 1)
        assert np.all(np.diff(samples.time_s) > 0)
        assert samples.time_s[0] >= 0
        assert samples.sequence is not None
        assert samples.device_ticks is not None
        assert samples.arrival_s is not None
        assert np.median(samples.arrival_s - samples.time_s) == pytest.approx(0.009, abs=3e-4)
        assert status[segment].state == "connected"
        assert status[segment].lost == 0
        assert bridge.infos[segment].driver == "kneeflex"
    for segment, sensor in ((Segment.THIGH, thigh), (Segment.SHANK, shank)):
        samples = recorder.samples(segment)
        truth_s = np.array(sensor.truth_s)[numbers(samples)] - bridge.session_t0
        # A sample is sent within the period after its measurement; the link takes the middle of that.
        assert np.median(np.abs(samples.time_s - truth_s)) == pytest.approx(0.005, abs=2e-4)


def test_the_sensors_are_started_and_stopped(thigh, shank, bridge):
    with bridge:
        pass
    for sensor in (thigh, shank):
        assert sensor.commands == [b"\x01\xe8\x03", b"\x00"]
        assert sensor.client is None


def test_both_sensors_end_together_however_long_a_disconnect_takes(clock, thigh, shank, bridge, recorder):
    thigh.disconnect_s = shank.disconnect_s = 2.9
    with bridge:
        recorder.wait_s(Segment.THIGH, 1)
        end_s = clock.now_s()
    assert clock.now_s() - end_s < 3.0
    assert thigh.client is shank.client is None
    assert abs(recorder.end_s(Segment.THIGH) - recorder.end_s(Segment.SHANK)) < 0.05


def test_a_lost_sensor_comes_back_while_the_other_streams_on(radio, thigh, bridge, recorder, numbers):
    with bridge:
        recorder.wait_s(Segment.THIGH, 1)
        radio.do(lambda: (setattr(thigh, "in_range", False), thigh.drop_link()))
        recorder.wait(lambda: "lost" in recorder.states(Segment.THIGH))
        assert bridge.status[Segment.THIGH].state == "lost"
        recorder.wait_s(Segment.SHANK, 2)
        radio.do(lambda: setattr(thigh, "in_range", True))
        recorder.wait(lambda: "recovered" in recorder.states(Segment.THIGH))
        recorder.wait_s(Segment.THIGH, 2)
        status = bridge.status
    assert thigh.connections == 2
    assert status[Segment.THIGH].state == "connected"
    assert status[Segment.THIGH].reconnects == 1
    assert np.all(np.diff(numbers(recorder.samples(Segment.SHANK))) == 1)
    assert set(recorder.states(Segment.SHANK)) == {"battery", "clock"}
    samples = recorder.samples(Segment.THIGH)
    assert np.all(np.diff(samples.time_s) > 0)
    # It did not sample while it was away, so the time tells how much is missing.
    gap_s = np.diff(samples.time_s).max()
    assert gap_s > 2
    assert status[Segment.THIGH].lost == round(gap_s * 100) - 1
    truth_s = np.array(thigh.truth_s)[numbers(samples)] - bridge.session_t0
    assert np.median(np.abs(samples.time_s - truth_s)) == pytest.approx(0.005, abs=2e-4)


def test_a_silent_sensor_is_told_and_reconnected(radio, shank, bridge, recorder, numbers):
    with bridge:
        recorder.wait_s(Segment.SHANK, 1)
        radio.do(lambda: setattr(shank, "mute", True))
        recorder.wait(lambda: "lost" in recorder.states(Segment.SHANK))
        radio.do(lambda: setattr(shank, "mute", False))
        recorder.wait(lambda: recorder.states(Segment.SHANK)[-1] == "recovered")
        recorder.wait_s(Segment.SHANK, 1)
    states = [state for state in recorder.states(Segment.SHANK) if state not in ("battery", "clock")]
    assert states == ["stalled", "lost", "recovered"]
    assert np.all(np.diff(numbers(recorder.samples(Segment.THIGH))) == 1)


def test_what_a_system_still_delivers_over_a_closed_connection_is_no_sample(thigh, bridge, recorder, radio):
    packets: list[Packet] = []
    thigh.tamper = lambda packet: [packets.append(packet) or packet]
    with bridge:
        recorder.wait_s(Segment.THIGH, 1)
        callback = thigh.client.callbacks[DATA]
        radio.do(lambda: (setattr(thigh, "in_range", False), thigh.drop_link()))
        recorder.wait(lambda: "lost" in recorder.states(Segment.THIGH))
        recorder.wait_s(Segment.SHANK, 1)
        end_s, last = recorder.end_s(Segment.THIGH), packets[-1]
        later = replace(last, sequence=last.sequence + 1, clock_us=last.clock_us + last.period_us)
        radio.do(lambda: callback(bytearray(bytes(later))))
        recorder.wait_s(Segment.SHANK, 1)
        assert recorder.end_s(Segment.THIGH) == end_s


def test_a_stall_that_ends_by_itself_needs_no_reconnect(radio, shank, bridge, recorder, numbers):
    with bridge:
        recorder.wait_s(Segment.SHANK, 1)
        radio.do(lambda: setattr(shank, "mute", True))
        recorder.wait(lambda: "stalled" in recorder.states(Segment.SHANK))
        assert bridge.status[Segment.SHANK].state == "stalled"
        radio.do(lambda: setattr(shank, "mute", False))
        recorder.wait(lambda: "recovered" in recorder.states(Segment.SHANK))
        recorder.wait_s(Segment.SHANK, 1)
        status = bridge.status[Segment.SHANK]
    assert shank.connections == 1
    assert status.reconnects == 0
    missing = np.diff(numbers(recorder.samples(Segment.SHANK))).max() - 1
    assert status.lost == missing > 40


def test_both_lost_both_come_back(radio, thigh, shank, bridge, recorder):
    with bridge:
        for sensor in (thigh, shank):
            radio.do(sensor.drop_link)
        for segment in Segment:
            recorder.wait(lambda segment=segment: "recovered" in recorder.states(segment))
            recorder.wait_s(segment, 1)
        assert [s.reconnects for s in bridge.status.values()] == [1, 1]


def test_a_reboot_is_survived(radio, thigh, bridge, recorder):
    def reboot() -> None:
        thigh.drop_link()
        thigh.boot_us = -int(radio.clock.now_s() * 1e6 * (1 + 40e-6))

    with bridge:
        recorder.wait_s(Segment.THIGH, 3)
        radio.do(reboot)
        recorder.wait(lambda: "recovered" in recorder.states(Segment.THIGH))
        recorder.wait_s(Segment.THIGH, 2)
    samples = recorder.samples(Segment.THIGH)
    assert np.all(np.diff(samples.time_s) > 0)
    assert np.count_nonzero(np.diff(samples.device_ticks) < 0) == 1
    assert np.median(np.abs(samples.time_s - samples.arrival_s)) < 0.012


def test_faults_of_the_air_are_sorted_out_and_counted(thigh, bridge, recorder, numbers):
    held: list[Packet] = []

    def tamper(packet: Packet) -> list[Packet | bytes]:
        match packet.sequence % 100:
            case 10:
                return []  # lost
            case 20:
                return [packet, packet]  # sent twice
            case 30:
                held.append(packet)
                return []
            case 31:
                return [packet, held.pop()] if held else [packet]  # overtaken
            case 40:
                return [b"\xff" * 7, packet]  # garbage
            case 50:
                return [
                    replace(packet, clock_us=packet.clock_us ^ 0x5A5A5A5A),
                    packet,
                ]  # garbage that decodes
        return [packet]

    thigh.tamper = tamper
    with bridge:
        recorder.wait_s(Segment.THIGH, 5)
        status = bridge.status[Segment.THIGH]
    sent = numbers(recorder.samples(Segment.THIGH))
    assert np.all(np.diff(sent) > 0)
    skipped = sorted(set(range(sent[0], sent[-1])) - set(sent))
    assert {number % 100 for number in skipped} == {10}
    rounds = len(skipped)
    assert (rounds, status.lost, status.duplicates, status.garbage, status.late) == (5, 5, 5, 10, 0)
    garbage = [event for event in recorder.events if event.state == "garbage"]
    assert garbage
    assert "7 bytes" in str(garbage[0].detail["text"])


def test_a_slow_sink_costs_no_sample(clock, radio, recorder, numbers):
    chunks = 0

    def slow(segment: Segment, samples: ImuSamples) -> None:
        nonlocal chunks
        chunks += 1
        if chunks % 12 == 5:
            clock.sleep(1.5)

    with Bridge(TARGETS, radio, sinks=[slow, recorder.sink]):
        recorder.wait_s(Segment.SHANK, 5)
    for segment in Segment:
        samples = recorder.samples(segment)
        assert np.all(np.diff(numbers(samples)) == 1)
        assert np.quantile(samples.arrival_s - samples.time_s, 0.9) < 0.0125


def test_a_sink_that_fails_does_not_stop_the_others(radio, recorder):
    calls: list[Segment] = []

    def failing(segment: Segment, samples: ImuSamples) -> None:
        calls.append(segment)
        raise RuntimeError("disk on fire")

    with (
        pytest.raises(RuntimeError, match="on fire"),
        Bridge(TARGETS, radio, sinks=[failing, recorder.sink]),
    ):
        recorder.wait_s(Segment.SHANK, 2)
    assert len(calls) == 1


def test_transient_refusals_are_retried(radio, thigh, bridge):
    thigh.refusals = 2
    with bridge:
        assert bridge.status[Segment.THIGH].state == "connected"


def test_the_battery_is_reported_when_it_changes(radio, thigh, bridge, recorder):
    with bridge:
        recorder.wait_s(Segment.THIGH, 1)
        for percent in (80, 79, 79, 12):
            radio.do(lambda percent=percent: thigh.notify(BATTERY_LEVEL, bytes([percent])))
        recorder.wait(lambda: bridge.status[Segment.THIGH].battery_percent == 12)
    told = [
        e.detail["percent"] for e in recorder.events if e.state == "battery" and e.segment == Segment.THIGH
    ]
    assert told == [80, 79, 12]


def test_round_trips_are_recorded_for_a_later_fit(radio, shank, bridge, recorder, numbers):
    with bridge:
        recorder.wait_s(Segment.SHANK, 4)
        uncertainty_s = bridge.status[Segment.SHANK].clock_uncertainty_s
    delay = recorded_delay(recorder.events, Segment.SHANK)
    assert delay is not None
    assert delay.uncertainty_s == pytest.approx(uncertainty_s, abs=1e-3)
    samples = recorder.samples(Segment.SHANK)
    refitted_s = session_time(samples, bridge.infos[Segment.SHANK].clock) - delay.delay_s
    truth_s = np.array(shank.truth_s)[numbers(samples)] - bridge.session_t0
    error_s = refitted_s - truth_s
    assert np.abs(np.mean(error_s)) < 1.8 * delay.uncertainty_s
    assert np.std(error_s) < 5e-5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda thigh, shank: setattr(shank, "in_range", False), "shank sensor knee-S does not show up"),
        (lambda thigh, shank: setattr(shank, "name", "knee-T"), "2 devices may be the thigh sensor"),
        (lambda thigh, shank: setattr(thigh, "service", "1234"), "no driver knows it"),
        (lambda thigh, shank: setattr(thigh, "refusals", 99), "cannot be connected: refused"),
        (lambda thigh, shank: setattr(thigh, "mute", True), "is connected but sends no samples"),
    ],
)
def test_what_goes_wrong_at_the_start_is_said_plainly(radio, thigh, shank, change, words, monkeypatch):
    monkeypatch.setattr("firmware_bridge.link.supervisor.LOST_AFTER_S", 0.3)
    monkeypatch.setattr("firmware_bridge.link.connection._FIRST_BACKOFF_S", 0.01)
    change(thigh, shank)
    with pytest.raises(LinkError, match=words) as caught, Bridge(TARGETS, radio, scan_s=0.3):
        pytest.fail("must not begin")
    assert caught.value.advice
    assert thigh.client is None
    assert shank.client is None


def test_packets_that_make_no_sense_are_said_plainly(radio, thigh, monkeypatch):
    monkeypatch.setattr("firmware_bridge.link.bridge._SETTLE_LIMIT_S", 0.5)
    thigh.tamper = lambda packet: [bytes(packet)[:-3]]  # cut short, as by too small an MTU
    with (
        pytest.raises(LinkError, match=r"thigh sensor: its packets make no sense.*17 bytes"),
        Bridge(TARGETS, radio),
    ):
        pytest.fail("must not begin")


def test_no_thread_is_left_behind(radio, bridge):
    with bridge:
        pass
    assert not [t for t in threading.enumerate() if t.name in ("bluetooth", "sample dispatcher")]


def test_a_sensor_that_never_comes_back(radio, thigh, bridge, recorder):
    with bridge:
        recorder.wait_s(Segment.THIGH, 1)
        radio.do(lambda: (setattr(thigh, "in_range", False), thigh.drop_link()))
        recorder.wait(lambda: "lost" in recorder.states(Segment.THIGH))
        recorder.wait_s(Segment.SHANK, 2)
    status = bridge.status
    assert status[Segment.THIGH].state == "lost"
    missing_s = status[Segment.SHANK].received / 100 - status[Segment.THIGH].received / 100
    assert status[Segment.THIGH].lost == pytest.approx(100 * missing_s, abs=2)
    assert bridge.status[Segment.THIGH].lost == status[Segment.THIGH].lost
    assert not [t for t in threading.enumerate() if t.name in ("bluetooth", "sample dispatcher")]


def test_two_sensors_of_one_name_are_told_apart_by_their_address(radio, thigh, shank):
    shank.name = thigh.name
    targets = {
        Segment.THIGH: Target("knee-T", address=thigh.address),
        Segment.SHANK: Target(shank.address),
    }
    with Bridge(targets, radio) as bridge:
        assert bridge.status[Segment.SHANK].state == "connected"
    assert radio.scans == 1


def test_scan_lists_what_is_in_range(radio):
    radio.sensors["x"] = replace(radio.sensors["00:00:00:00:00:01"], name="toothbrush", service="1234")
    radio.sensors["x"].address = "x"
    found = scan(radio, 0.2)
    assert [(f.name, f.driver, f.rssi_dbm) for f in found] == [
        ("knee-T", "kneeflex", -50),
        ("knee-S", "kneeflex", -50),
        ("toothbrush", None, -50),
    ]
