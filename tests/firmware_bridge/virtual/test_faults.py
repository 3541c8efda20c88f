"""Every fault as it shows at the callback of real bleak."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest
from bleak import BleakScanner
from bleak.exc import BleakError

from firmware_bridge.drivers import kneeflex, movella_dot
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.errors import DecodeError, UsageError
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.faults import Air, Faults
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import still
from firmware_bridge.virtual.simulation import simulate_session
from firmware_bridge.virtual.wearing import Wearing

SCALE = kneeflex.Scale()
START = bytes(kneeflex.Command(100.0))


@dataclass
class Heard:
    """What bleak called back with, of one sensor."""

    radio: VirtualRadio
    packets: list[bytes] = field(default_factory=list)
    arrivals_s: list[float] = field(default_factory=list)
    batteries: list[int] = field(default_factory=list)

    def data(self, _, payload):
        self.packets.append(bytes(payload))
        self.arrivals_s.append(self.radio.clock.now_s())

    def battery(self, _, payload):
        self.batteries.append(payload[0])

    @property
    def decoded(self):
        return [kneeflex.Packet.from_bytes(packet, SCALE) for packet in self.packets]

    def script_indices(self, segment=Segment.SHANK):
        """The place of the first sample of every packet in the script."""
        clocks = np.array([packet.clock_us for packet in self.decoded])
        return self.radio.script_index(segment, clocks)


async def start(client, heard):
    await client.start_notify(kneeflex.DATA, heard.data)
    await client.start_notify(BATTERY_LEVEL, heard.battery)
    await client.write_gatt_char(kneeflex.CONTROL, START)


@pytest.fixture
def world(connected, clock):
    """Both sensors of a radio connected and started."""

    class World(AsyncExitStack):
        def __init__(self, faults=None, script_s=6.0, wearing=None):
            super().__init__()
            session = simulate_session(still(script_s), wearing)
            self.radio = VirtualRadio(
                session, clock=clock, lead_s=0.3, faults={Segment.SHANK: faults or Faults()}, seed=3
            )
            self.heard = {segment: Heard(self.radio) for segment in Segment}
            self.shank = self.heard[Segment.SHANK]

        async def __aenter__(self):
            await self.enter_async_context(self.radio)
            self.clients = {s: await self.enter_async_context(connected(self.radio, s)) for s in Segment}
            for segment, client in self.clients.items():
                await start(client, self.heard[segment])
            return self

    return World


@pytest.fixture
def heard(world, until):
    """What bleak hears of the shank sensor over a whole script."""

    async def hear(faults=None, **options):
        async with world(faults, **options) as there:
            await until(lambda: there.radio.finished)
        return there.shank

    return hear


async def test_without_faults_nothing_goes_wrong(heard):
    shank = await heard()
    sizes = [len(packet.acc_m_s2) for packet in shank.decoded]
    assert np.all(np.diff(shank.script_indices()) == sizes[:-1])
    assert shank.script_indices()[-1] + sizes[-1] == shank.radio.sent[Segment.SHANK]
    assert shank.radio.sent[Segment.SHANK] == len(shank.radio.session.recording.shank)
    assert shank.batteries == []


async def test_loss_is_a_gap_in_the_counter_and_the_same_one_every_time(heard):
    first, again = await heard(Faults(loss=0.2)), await heard(Faults(loss=0.2))
    indices = [{int(i) for i in run.script_indices() if i >= 0} for run in (first, again)]
    assert indices[0] == indices[1]
    assert 150 - len(indices[0]) == 28
    steps = np.diff([packet.sequence for packet in first.decoded])
    assert steps.min() > 0
    assert steps.max() >= 8
    assert first.radio.sent[Segment.SHANK] == len(first.radio.session.recording.shank)


def test_another_seed_loses_other_packets():
    faults = Faults(loss=0.2)
    fates = [[list(Air(faults, (seed,)).fate(b"packet", key)) for key in range(50)] for seed in (1, 2)]
    assert fates[0] != fates[1]


async def test_duplicates_come_right_after_themselves(heard):
    shank = await heard(Faults(duplication=0.3))
    repeats = sum(a == b for a, b in pairwise(shank.packets))
    assert repeats == 43
    assert len(set(shank.packets)) == len(shank.packets) - repeats


async def test_reordered_packets_are_overtaken_by_one_and_none_is_lost(heard):
    shank = await heard(Faults(reordering=0.3))
    indices = shank.script_indices()
    assert (np.diff(indices) < 0).sum() > 20
    in_order = np.sort(indices[indices >= 0])
    np.testing.assert_array_equal(in_order, np.arange(0, len(shank.radio.session.recording.shank), 4))
    assert np.abs(np.argsort(np.argsort(indices)) - np.arange(len(indices))).max() == 1


async def test_garbage_arrives_in_place_of_packets(heard):
    shank = await heard(Faults(garbage=0.3))
    good = await heard()
    # The leg at rest is another one each time, the script is not.
    true = {packet[8:] for packet in good.packets}
    bad = [packet for packet in shank.packets[-120:] if packet[8:] not in true]
    assert len(bad) == 37
    undecodable = 0
    for packet in bad:
        try:
            kneeflex.Packet.from_bytes(packet, SCALE)
        except DecodeError:
            undecodable += 1
    assert 0 < undecodable < len(bad)


async def test_packets_travel_with_connection_events(heard):
    interval_s = 0.06
    shank = await heard(Faults(interval_s=interval_s, retransmission=0.2))
    assert np.all(np.diff([packet.sequence for packet in shank.decoded]) > 0)
    air = Air(Faults(interval_s=interval_s), phase=0.4)
    late_s = []
    for index, packet, arrival_s in zip(shank.script_indices(), shank.decoded, shank.arrivals_s, strict=True):
        if index >= 0:
            measured = shank.radio.session.recording.shank.time_s[index + len(packet.acc_m_s2) - 1]
            ready_s = shank.radio.script_start_s + measured
            assert arrival_s >= air.next_event_s(ready_s) - 1e-6
            late_s.append(arrival_s - ready_s)
    assert np.mean(late_s) > interval_s / 2


async def test_a_stall_holds_everything_back_and_then_lets_it_all_through(heard):
    shank = await heard(Faults(stalls=((2.0, 1.5), (4.0, 0.5))))
    arrivals_s = np.array(shank.arrivals_s) - shank.radio.script_start_s
    indices = shank.script_indices()
    for start_s, stop_s in ((2.0, 3.5), (4.0, 4.5)):
        held = (indices >= start_s * 100) & (indices + 3 < stop_s * 100)
        assert held.sum() > 10
        assert np.all(arrivals_s[held] >= stop_s)
    assert np.all(np.diff(indices) > 0)


async def test_a_lost_link_comes_back_and_the_other_sensor_does_not_notice(world, connected, until):
    faults = Faults(disconnects=(2.0,), away_s=0.5)
    async with world(faults) as there:
        lost_client = there.clients[Segment.SHANK]
        await until(lambda: not lost_client.is_connected)
        with pytest.raises(BleakError):
            await lost_client.read_gatt_char(BATTERY_LEVEL)
        gone_s = there.radio.clock.now_s()
        async with connected(there.radio, Segment.SHANK) as client:
            assert there.radio.clock.now_s() == pytest.approx(gone_s + faults.away_s, abs=0.06)
            await start(client, there.shank)
            await until(lambda: there.radio.finished)
    indices = there.shank.script_indices()
    gap = int(np.argmax(np.diff(indices)))
    assert indices[gap] == 196
    assert indices[gap + 1] == 255
    assert there.shank.decoded[gap + 1].sequence == 0
    thigh = there.heard[Segment.THIGH]
    assert np.diff(thigh.script_indices(Segment.THIGH)).max() == 4
    assert there.radio.sent[Segment.THIGH] == len(there.radio.session.recording.thigh)


async def test_a_reboot_sets_clock_and_counter_to_zero(world, connected, until):
    wearing = Wearing()
    wearing = replace(wearing, shank=replace(wearing.shank, first_tick=3_000_000_000, first_sequence=77))
    async with world(Faults(reboots=(2.0,), away_s=0.2), wearing=wearing) as there:
        assert not [packet for packet in there.shank.decoded if packet.clock_us < 3_000_000_000]
        await until(lambda: not there.clients[Segment.SHANK].is_connected)
        before = len(there.shank.packets)
        async with connected(there.radio, Segment.SHANK) as client:
            await start(client, there.shank)
            await until(lambda: there.radio.finished)
    decoded = there.shank.decoded
    assert decoded[0].sequence == 77
    assert decoded[before - 1].clock_us > 3_000_000_000
    assert decoded[before].clock_us < 6_000_000


async def test_a_dead_sensor_is_silent_while_the_link_stands(world, until):
    async with world(Faults(dies_s=2.0)) as there:
        await until(lambda: there.radio.finished)
        client = there.clients[Segment.SHANK]
        assert client.is_connected
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.read_gatt_char(BATTERY_LEVEL)
        await client.disconnect()
        assert await seen(there.radio, 0.3) == set()
    last = there.shank.script_indices()[-1]
    assert last == 196
    assert there.radio.sent[Segment.SHANK] == 200


async def test_an_absent_sensor_is_never_seen(clock):
    faults = {Segment.THIGH: Faults(absent=True)}
    async with VirtualRadio(simulate_session(still(2.0)), clock=clock, faults=faults) as radio:
        assert await seen(radio, 0.4) == {"KF-shank"}


async def test_a_refused_connection_breaks_off_and_the_next_one_stands(connected, clock):
    faults = {Segment.THIGH: Faults(refusals=1)}
    async with VirtualRadio(simulate_session(still(2.0)), clock=clock, faults=faults) as radio:
        with pytest.raises(BleakError):
            async with connected(radio, Segment.THIGH) as client:
                await client.read_gatt_char(BATTERY_LEVEL)
        async with connected(radio, Segment.THIGH) as client:
            assert await client.read_gatt_char(BATTERY_LEVEL) == bytearray([90])


async def test_an_attempt_that_was_given_up_connects_to_nobody_later(world, until):
    async with world(Faults(disconnects=(0.5,), away_s=6.0)) as there:
        lost_client = there.clients[Segment.SHANK]
        await until(lambda: not lost_client.is_connected)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await lost_client.connect()
        # A sensor that someone is connected to does not advertise.
        await until(lambda: there.radio.finished)
        assert await seen(there.radio, 0.5) == {"KF-shank"}


async def test_the_battery_falls_and_says_so(heard):
    shank = await heard(Faults(battery_percent=50.0, battery_percent_min=60.0))
    assert shank.batteries[:3] == [49, 48, 47]
    assert shank.batteries == sorted(shank.batteries, reverse=True)
    assert Faults(battery_percent=1.0, battery_percent_min=60.0).battery_at(10.0) == 0


async def test_the_smallest_mtu_carries_one_sample_a_packet(heard):
    shank = await heard(Faults(mtu=23), script_s=4.0)
    assert {len(packet) for packet in shank.packets} == {20}
    assert np.all(np.diff(shank.script_indices()) == 1)


async def test_a_dot_needs_a_larger_mtu_than_the_smallest(connected, until, clock):
    session = simulate_session(still(4.0), rate_hz=60.0)
    faults = {Segment.THIGH: Faults(mtu=23)}
    packets = []
    async with (
        VirtualRadio(session, driver="movella-dot", faults=faults, clock=clock) as radio,
        connected(radio, Segment.THIGH) as client,
    ):
        assert client.mtu_size == 23
        await client.start_notify(movella_dot.MEDIUM_PAYLOAD, lambda _, payload: packets.append(payload))
        await client.write_gatt_char(movella_dot.MEASUREMENT_CONTROL, movella_dot.encode_measurement(True))
        await until(lambda: packets)
    with pytest.raises(DecodeError, match="too small packets"):
        movella_dot.MovellaDotDecoder().decode(movella_dot.MEDIUM_PAYLOAD, bytes(packets[0]))


async def test_clock_and_counter_wrap_on_the_wire(heard):
    wearing = Wearing()
    late = replace(wearing.shank, first_tick=2**32 - 3_000_000, first_sequence=2**16 - 100)
    shank = await heard(wearing=replace(wearing, shank=late))
    clocks = np.array([packet.clock_us for packet in shank.decoded])
    counts = np.array([packet.sequence for packet in shank.decoded])
    assert (np.diff(clocks) < 0).sum() == (np.diff(counts) < 0).sum() == 1
    sizes = [len(packet.acc_m_s2) for packet in shank.decoded]
    np.testing.assert_array_equal(np.diff(clocks) % 2**32, np.multiply(sizes[:-1], 10_000))
    np.testing.assert_array_equal(np.diff(counts) % 2**16, sizes[:-1])
    assert np.all(np.diff(shank.script_indices()) == sizes[:-1])


async def test_drifting_clocks_and_false_rates_tell_their_own_times(heard):
    wearing = Wearing()
    off = replace(wearing.shank, clock_ppm=-3000.0, rate_error=0.0125)
    shank = await heard(wearing=replace(wearing, shank=off))
    full = [packet for packet in shank.decoded if len(packet.acc_m_s2) == 4]
    # By its own clock the sensor runs at 101.25 Hz, and it says so; by the true one at 100.946 Hz.
    assert {packet.period_us for packet in full} == {9877}
    steps = np.diff([packet.clock_us for packet in full])
    assert np.median(steps) == pytest.approx(4 * 9876.5, abs=1.0)
    recording = shank.radio.session.recording.shank
    assert 1.0 / np.mean(np.diff(recording.time_s)) == pytest.approx(101.25 * 0.997, abs=1e-6)


@pytest.mark.parametrize("name", ["loss", "duplication", "reordering", "garbage", "retransmission"])
def test_a_probability_is_a_probability(name):
    with pytest.raises(UsageError):
        Faults(**{name: 1.5})


async def seen(radio, seconds):
    """The names that a scan hears."""
    async with BleakScanner(backend=radio.scanner_backend) as scanner:
        await asyncio.sleep(seconds)
        return {device.name for device in scanner.discovered_devices}
