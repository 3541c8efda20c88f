import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.constants import G_M_S2
from firmware_bridge.drivers.movesense import COMMAND, DATA, READINGS, ImuPacket, Movesense, Reading, split
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.errors import DecodeError

# No captured packet is public, so these are layout tests only.


def _packet(index, k=8, rest=False):
    """Packet `index` of a stream at 104 Hz; its values number the samples."""
    number = np.arange(index * k, (index + 1) * k)
    acc = np.stack((np.full(k, G_M_S2), number * 0.01, number * -0.01), axis=1)
    gyr = np.stack((number * 0.001, np.zeros(k), number * -0.001), axis=1)
    if rest:
        acc, gyr = np.tile([0.0, 0.0, G_M_S2], (k, 1)), np.full((k, 3), 0.01)
    return ImuPacket(1000 + round(index * k * 1000 / 104), acc, gyr)


@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("room", [20, 100, 158, 500])
def test_unit_order_and_splitting_are_found_out(reading, room):
    if room == 20:
        packets = [_packet(i, k=1, rest=i == 0) for i in range(12)]
        room = 158
    else:
        packets = [_packet(i, rest=i == 0) for i in range(12)]
    decoder = Movesense().decoder({}, 104)
    parts = [decoder.decode(DATA, n) for p in packets for n in split(p.to_bytes(reading), room)]
    acc = np.concatenate([p.acc_m_s2 for p in parts])
    gyr = np.concatenate([p.gyr_rad_s for p in parts])
    np.testing.assert_allclose(acc, np.concatenate([p.acc_m_s2 for p in packets]), atol=1e-5)
    np.testing.assert_allclose(gyr, np.concatenate([p.gyr_rad_s for p in packets]), atol=1e-6)


def test_nothing_is_guessed_while_the_sensor_moves():
    moving = ImuPacket(0, np.full((8, 3), 9.0), np.full((8, 3), 1.0)).to_bytes(Reading())
    decoder = Movesense().decoder({}, 104)
    parts = [decoder.decode(DATA, moving) for _ in range(80)]
    assert sum(len(p) for p in parts) == 0
    assert [p.problem for p in parts if p.problem] == [
        "Hold the sensor still for a second: its units are told at rest."
    ]


def test_every_sample_is_dated_and_the_clock_wraps():
    decoder = Movesense().decoder({}, 104)
    rest = _packet(0, rest=True)
    packets = [ImuPacket(ms, rest.acc_m_s2, rest.gyr_rad_s) for ms in (2**32 - 80, 2**32 - 3)]
    decoded = [decoder.decode(DATA, p.to_bytes(Reading())) for p in packets][-1]
    ticks = decoded.device_ticks
    assert ticks[0] == (2**32 - 80) * 1000
    assert ticks[8] == (2**32 - 3) * 1000
    assert ticks[9] == 9615 - 3000
    assert set(np.diff(ticks[:8])) <= {9615, 9616}


def test_lost_halves_are_refused_and_the_stream_goes_on():
    halves = [split(_packet(i, rest=True).to_bytes(Reading()), 158) for i in range(4)]
    decoder = Movesense().decoder({}, 104)
    assert len(decoder.decode(DATA, halves[0][0])) == 0
    assert len(decoder.decode(DATA, halves[0][1])) == 8
    with pytest.raises(DecodeError, match="without its beginning"):
        decoder.decode(DATA, halves[1][1])
    decoder.decode(DATA, halves[2][0])
    with pytest.raises(DecodeError, match="without its continuation"):
        decoder.decode(DATA, halves[3][0])
    assert len(decoder.decode(DATA, halves[3][1])) == 8


def test_start_stop_and_answers():
    (start,) = Movesense().start(104)
    (stop,) = Movesense().stop()
    assert start.characteristic == stop.characteristic == COMMAND
    assert start.payload == b"\x01\x4b/Meas/IMU6/104"
    assert stop.payload == b"\x02\x4b"
    decoder = Movesense().decoder({}, 104)
    assert decoder.decode(DATA, b"\x01\x4b\xc8\x00").problem == ""
    assert "status 404" in decoder.decode(DATA, b"\x01\x4b\x94\x01").problem
    assert len(decoder.decode(DATA, b"\x02\x07anything of another subscription")) == 0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.sampled_from(READINGS), st.data())
def test_packets_round_trip(clock_ms, k, reading, data):
    numbers = st.lists(st.floats(-70, 70, width=32), min_size=3 * k, max_size=3 * k)
    acc, gyr = (np.array(data.draw(numbers)).reshape(k, 3) for _ in range(2))
    again = ImuPacket.from_bytes(ImuPacket(clock_ms, acc, gyr).to_bytes(reading), reading)
    assert again.clock_ms == clock_ms
    np.testing.assert_allclose(again.acc_m_s2, acc, rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(again.gyr_rad_s, gyr, rtol=1e-6, atol=1e-30)


def test_info_and_battery():
    info = Movesense().info("Movesense 174630000192", {}, 104)
    assert (info.nominal_rate_hz, info.acc_range_m_s2, info.clock.tick_s) == (104, None, 1e-6)
    assert Movesense().battery_percent({BATTERY_LEVEL: b"\x0a"}) == 10
