"""The simulated sensors as real bleak and the real link see them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import numpy as np
import pytest
from bleak import BleakScanner
from bleak.exc import BleakError, BleakGATTProtocolError
from bumble.core import UUID
from bumble.link import LocalLink

from firmware_bridge.clock import SystemClock
from firmware_bridge.drivers import kneeflex, movella_dot
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.errors import UsageError
from firmware_bridge.link.search import scan
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.backend import Adapter, SimulatedScanner
from firmware_bridge.virtual.faults import Faults
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import still, swings
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.traces import spare_searches

STEP = kneeflex.Scale()


@pytest.mark.parametrize(
    ("driver", "rate_hz", "acc_step", "gyr_step"),
    [
        ("kneeflex", 100.0, STEP.acc_m_s2, STEP.gyr_rad_s),
        ("kneeflex", 400.0, STEP.acc_m_s2, STEP.gyr_rad_s),
        ("movella-dot", 60.0, 1e-5, 1e-5),
    ],
)
def test_the_link_receives_every_sample_of_the_script_as_it_was_sent(
    driver, rate_hz, acc_step, gyr_step, streamed, clock
):
    session = simulate_session(swings(2), rate_hz=rate_hz)
    radio = VirtualRadio(session, driver=driver, clock=clock)
    received, status, zero_s = streamed(radio, rate_hz)
    assert radio.finished
    assert radio.script_start_s is not None
    assert radio.script_start_s > zero_s
    for segment in Segment:
        sent = session.recording.thigh if segment is Segment.THIGH else session.recording.shank
        samples = received[segment]
        index = radio.script_index(segment, samples.device_ticks)
        assert np.all(np.diff(index[index >= 0]) == 1)
        assert radio.sent[segment] == len(sent) == np.count_nonzero(index >= 0)
        assert status[segment].lost in (0, None)
        in_script = samples[index >= 0]
        np.testing.assert_allclose(in_script.acc_m_s2, sent.acc_m_s2, atol=0.51 * acc_step)
        np.testing.assert_allclose(in_script.gyr_rad_s, sent.gyr_rad_s, atol=0.51 * gyr_step)
        # Before the script the leg rests as at its beginning.
        at_rest = samples[index < 0]
        np.testing.assert_allclose(at_rest.acc_m_s2.mean(0), sent.acc_m_s2[:20].mean(0), atol=0.05)


def test_what_the_radio_delays_repeats_and_swaps_the_link_puts_right(streamed, clock):
    faults = Faults(interval_s=0.015, retransmission=0.05, duplication=0.1, reordering=0.1)
    session = simulate_session(swings(2))
    radio = VirtualRadio(session, clock=clock, faults=dict.fromkeys(Segment, faults))
    received, status, _ = streamed(radio, 100.0)
    for segment, samples in received.items():
        index = radio.script_index(segment, samples.device_ticks)
        np.testing.assert_array_equal(index[index >= 0], np.arange(radio.sent[segment]))
        assert status[segment].lost == 0
        assert status[segment].duplicates > 0


def test_a_scan_finds_both_by_name_and_driver(clock):
    radio = VirtualRadio(simulate_session(still(5.0)), clock=clock)
    found = {device.name: device for device in scan(radio, seconds=0.5)}
    assert set(found) == {"KF-thigh", "KF-shank"} == set(radio.names.values())
    assert {device.driver for device in found.values()} == {"kneeflex"}
    assert found["KF-thigh"].address == radio.addresses[Segment.THIGH]


async def test_another_adapter_on_their_link_finds_the_boards_until_they_are_switched_off(clock):
    link = LocalLink()
    adapter = Adapter(link, "F0:0D:00:00:00:AA")
    await adapter.device.power_on()
    backend = type("Scanner", (SimulatedScanner,), {"adapter": adapter})
    radio = VirtualRadio(simulate_session(still(5.0)), clock=clock)
    for expected, switch in ((set(radio.names.values()), radio.switch_on(link)), (set(), radio.switch_off())):
        await switch
        async with BleakScanner(backend=backend) as scanner:
            await asyncio.sleep(0.2)
        assert {device.name for device in scanner.discovered_devices} == expected


@pytest.mark.parametrize("driver", ["kneeflex", "movella-dot"])
async def test_real_bleak_sees_the_services_of_the_sensor(driver, connected, clock):
    session = simulate_session(still(5.0), rate_hz=60.0 if driver == "movella-dot" else 100.0)
    async with (
        VirtualRadio(session, driver=driver, clock=clock) as radio,
        connected(radio, Segment.THIGH) as client,
    ):
        assert client.mtu_size == 247
        assert client.name == radio.names[Segment.THIGH]
        if driver == "kneeflex":
            ping = client.services.get_characteristic(kneeflex.PING)
            assert ping is not None
            assert set(ping.properties) == {"write", "write-without-response", "notify"}
            assert ping.max_write_without_response_size == 244
            assert await client.read_gatt_char(BATTERY_LEVEL) == bytearray([90])
            told = kneeflex.Configuration.from_bytes(await client.read_gatt_char(kneeflex.CONFIGURATION))
            assert (told.rate_hz, told.offered_rates_hz) == (0.0, (100.0,))
        else:
            info = movella_dot.DeviceInfo.from_bytes(await client.read_gatt_char(movella_dot.DEVICE_INFO))
            assert info.address == radio.addresses[Segment.THIGH]
            assert await client.read_gatt_char(movella_dot.BATTERY) == bytearray([90, 0])


async def test_a_ping_is_answered_with_the_clock_of_the_board(connected, clock):
    session = simulate_session(still(5.0))
    async with VirtualRadio(session, clock=clock) as radio, connected(radio, Segment.SHANK) as client:
        echoes = asyncio.Queue()
        await client.start_notify(kneeflex.PING, lambda _, payload: echoes.put_nowait(bytes(payload)))
        times = []
        for token in (7, 2**32 - 1):
            before_s = radio.clock.now_s()
            await client.write_gatt_char(kneeflex.PING, kneeflex.encode_ping(token), response=False)
            echo = kneeflex.Echo.from_bytes(await echoes.get())
            assert echo.token == token
            times.append((before_s, echo.clock_us, radio.clock.now_s()))
            await asyncio.sleep(0.05)
        ((sent_s, first, _), (sent_again_s, second, _)) = times
        assert times == [(sent_s, first, sent_s), (sent_again_s, second, sent_again_s)]  # no air, no delay
        passed_s = (second - first) * 1e-6 / session.wearing.shank.clock_rate
        assert passed_s == pytest.approx(sent_again_s - sent_s, abs=1e-6)


async def test_what_a_sensor_refuses_is_a_gatt_error_in_bleak(connected, clock):
    async with (
        VirtualRadio(simulate_session(still(5.0)), clock=clock) as radio,
        connected(radio, Segment.THIGH) as client,
    ):
        with pytest.raises(BleakGATTProtocolError) as caught:
            await client.write_gatt_char(kneeflex.CONTROL, b"\x09", response=True)
        assert caught.value.code == 0x13
        await client.disconnect()
        with pytest.raises(BleakError):
            await client.read_gatt_char(BATTERY_LEVEL)


async def test_the_script_waits_for_both_and_a_second_connection_does_not_restart_it(connected, until, clock):
    session = simulate_session(still(20.0))
    start = kneeflex.Command(100.0)
    async with (
        VirtualRadio(session, clock=clock, lead_s=0.5) as radio,
        connected(radio, Segment.THIGH) as thigh,
    ):
        packets = []
        await thigh.start_notify(kneeflex.DATA, lambda _, payload: packets.append(bytes(payload)))
        await thigh.write_gatt_char(kneeflex.CONTROL, bytes(start))
        await until(lambda: len(packets) > 5)
        assert radio.script_start_s is None
        assert radio.sent[Segment.THIGH] == 0
        async with connected(radio, Segment.SHANK) as shank:
            await shank.start_notify(kneeflex.DATA, lambda *_: None)
            before_s = radio.clock.now_s()
            await shank.write_gatt_char(kneeflex.CONTROL, bytes(start))
            zero_s = radio.script_start_s
            assert zero_s is not None
            assert zero_s > before_s + 0.5
        async with connected(radio, Segment.SHANK) as shank:
            await shank.start_notify(kneeflex.DATA, lambda *_: None)
            await shank.write_gatt_char(kneeflex.CONTROL, bytes(start))
            await until(lambda: radio.sent[Segment.SHANK] > 0)
        assert radio.script_start_s == zero_s
        decoded = [kneeflex.Packet.from_bytes(p, STEP) for p in packets]
        assert decoded[0].sequence == 0
        sizes = [len(p.acc_m_s2) for p in decoded]
        assert sorted(set(sizes))[-1] == 4
        # A packet begins with the script, so the one before it may be short.
        assert sum(size < 4 for size in sizes) <= 1
        np.testing.assert_array_equal(np.diff([p.sequence for p in decoded]), sizes[:-1])
        np.testing.assert_array_equal(np.diff([p.clock_us for p in decoded]), np.multiply(sizes[:-1], 10_000))


async def test_stopping_ends_the_stream_and_starting_goes_on_in_the_script(connected, until, clock):
    async with (
        VirtualRadio(simulate_session(still(30.0)), clock=clock, lead_s=0.0) as radio,
        AsyncExitStack() as stack,
    ):
        clients = {s: await stack.enter_async_context(connected(radio, s)) for s in Segment}
        packets = []
        for client in clients.values():
            await client.start_notify(kneeflex.DATA, lambda _, payload: packets.append(bytes(payload)))
            await client.write_gatt_char(kneeflex.CONTROL, bytes(kneeflex.Command(100.0)))
        await until(lambda: len(packets) > 4)
        for client in clients.values():
            await client.write_gatt_char(kneeflex.CONTROL, bytes(kneeflex.Command(None)))
        count = len(packets)
        await asyncio.sleep(0.1)
        assert len(packets) == count
        assert client.is_connected


def test_it_can_be_entered_again_and_starts_anew(streamed, clock):
    radio = VirtualRadio(simulate_session(still(1.0)), clock=clock)
    for _ in range(2):
        received, _, _ = streamed(radio, 100.0)
        assert len(received[Segment.THIGH]) >= len(radio.session.recording.thigh)


def test_bumble_knows_a_uuid_again_by_its_bytes():
    spare_searches()
    battery = UUID.from_16_bits(0x180F)
    assert battery.name == "Battery"
    assert UUID.from_bytes(battery.to_bytes(force_128=True)) is battery is UUID.from_16_bits(0x180F)
    new = UUID.from_bytes(bytes(range(16)))
    assert new.name is None
    assert UUID.from_bytes(bytes(range(16)), "named later") is new
    assert new.name == "named later"


def test_unknown_kinds_and_rates_are_refused_in_words():
    with pytest.raises(UsageError, match="Choose one of kneeflex, movella-dot"):
        VirtualRadio(simulate_session(still(1.0)), driver="no-such")
    with pytest.raises(UsageError, match="speed"):
        SystemClock().faster(0.0)
    with pytest.raises(UsageError, match="90 Hz"):
        VirtualRadio(simulate_session(still(1.0), rate_hz=90.0))
