import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.constants import G_M_S2
from firmware_bridge.drivers.movesense import COMMAND, DATA, ImuPacket, Movesense, split
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.errors import DecodeError

# Captured from a sensor, with its values: sensein/movesense-py, tests/fixtures/validation/fixture.json.
REAL = (
    "024b aca10200 94b578bf399b8840cdb20d41 55ff7cbf6a60884092c70c41 82627cbfa2e988405da00c41"
    "8bf871bf71248940c38c0c41 48e17abf713daabf3333b3be c3f568bf713daabf3e0ad7be"
    "ae4721bff628bcbf3e0ad7be ae4721bf3333b3bf3e0ad7be"
)
REAL_ACC_M_S2 = [
    (-0.9715206623077393, 4.268948078155518, 8.856152534484863),
    (-0.9882710576057434, 4.2617692947387695, 8.798723220825195),
    (-0.9858781099319458, 4.278519630432129, 8.789151191711426),
    (-0.9451987147331238, 4.285698413848877, 8.7843656539917),
]
REAL_GYR_DEG_S = [(-0.98, -1.33, -0.35), (-0.91, -1.33, -0.42), (-0.63, -1.47, -0.42), (-0.63, -1.4, -0.42)]


def test_a_real_packet():
    decoder = Movesense().decoder({}, 52)
    decoder.decode(DATA, bytes.fromhex(REAL))  # held back until it is clear that no continuation follows
    later = bytes.fromhex(REAL.replace("aca10200", "f9a10200"))
    decoded = decoder.decode(DATA, later)
    np.testing.assert_array_equal(decoded.acc_m_s2[:4], REAL_ACC_M_S2)
    np.testing.assert_allclose(np.rad2deg(decoded.gyr_rad_s[:4]), REAL_GYR_DEG_S, atol=1e-6)
    assert decoded.device_ticks[0] == 172460 * 1000


def _packet(index, k=8):
    """Packet `index` of a stream at 104 Hz; its values number the samples."""
    number = np.arange(index * k, (index + 1) * k)
    acc = np.stack((np.full(k, G_M_S2), number * 0.01, number * -0.01), axis=1)
    gyr = np.stack((number * 0.001, np.zeros(k), number * -0.001), axis=1)
    return ImuPacket(1000 + round(index * k * 1000 / 104), acc, gyr)


@pytest.mark.parametrize(("k", "room"), [(1, 158), (8, 100), (8, 158), (8, 500)])
def test_split_packets_are_joined(k, room):
    packets = [_packet(i, k) for i in range(12)]
    decoder = Movesense().decoder({}, 104)
    parts = [decoder.decode(DATA, n) for p in packets for n in split(p.to_bytes(), room)]
    acc = np.concatenate([p.acc_m_s2 for p in parts])
    gyr = np.concatenate([p.gyr_rad_s for p in parts])
    np.testing.assert_allclose(acc, np.concatenate([p.acc_m_s2 for p in packets]), atol=1e-5)
    np.testing.assert_allclose(gyr, np.concatenate([p.gyr_rad_s for p in packets]), atol=1e-6)


def test_a_sensor_that_moves_streams_from_the_second_packet_on():
    moving = [ImuPacket(77 * n, np.full((8, 3), 9.0), np.full((8, 3), 1.0)).to_bytes() for n in range(4)]
    decoder = Movesense().decoder({}, 104)
    assert [len(decoder.decode(DATA, packet)) for packet in moving] == [0, 16, 8, 8]


def test_parts_that_are_delivered_twice_are_used_once():
    decoder = Movesense().decoder({}, 104)
    parts = [n for i in range(4) for n in split(_packet(i).to_bytes(), 158) for _ in range(2)]
    assert sum(len(decoder.decode(DATA, part)) for part in parts) == 32


def test_old_firmware_that_drops_the_second_part_is_named():
    decoder = Movesense().decoder({}, 104)
    first_parts = [split(_packet(i).to_bytes(), 152)[0] for i in range(2)]
    decoder.decode(DATA, first_parts[0])
    with pytest.raises(DecodeError, match=r"152 bytes.*2\.2\.1 or newer, or choose --rate 52"):
        decoder.decode(DATA, first_parts[1])


def test_every_sample_is_dated_and_the_clock_wraps():
    decoder = Movesense().decoder({}, 104)
    rest = _packet(0)
    packets = [ImuPacket(ms, rest.acc_m_s2, rest.gyr_rad_s) for ms in (2**32 - 80, 2**32 - 3)]
    decoded = [decoder.decode(DATA, p.to_bytes()) for p in packets][-1]
    ticks = decoded.device_ticks
    assert ticks[0] == (2**32 - 80) * 1000
    assert ticks[8] == (2**32 - 3) * 1000
    assert ticks[9] == 9615 - 3000
    assert set(np.diff(ticks[:8])) <= {9615, 9616}


def test_lost_halves_are_refused_and_the_stream_goes_on():
    halves = [split(_packet(i).to_bytes(), 158) for i in range(4)]
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
    assert decoder.decode(DATA, b"\x01\x4b\x00\xc8").problem == ""
    assert decoder.decode(DATA, b"\x01\x4bHello").problem == ""
    assert "status 404" in decoder.decode(DATA, b"\x01\x4b\x01\x94").problem
    full = decoder.decode(DATA, bytes.fromhex("014b01fb")).problem
    assert "status 507" in full
    assert "another program" in full
    assert len(decoder.decode(DATA, b"\x02\x07anything of another subscription")) == 0


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.data())
def test_packets_round_trip(clock_ms, k, data):
    numbers = st.lists(st.floats(-70, 70, width=32), min_size=3 * k, max_size=3 * k)
    acc, gyr = (np.array(data.draw(numbers)).reshape(k, 3) for _ in range(2))
    again = ImuPacket.from_bytes(ImuPacket(clock_ms, acc, gyr).to_bytes())
    assert again.clock_ms == clock_ms
    np.testing.assert_allclose(again.acc_m_s2, acc, rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(again.gyr_rad_s, gyr, rtol=1e-6, atol=1e-30)


def test_info_and_battery():
    info = Movesense().info("Movesense 174630000192", {}, 104)
    assert (info.nominal_rate_hz, info.acc_range_m_s2, info.clock.tick_s) == (104, None, 1e-6)
    assert Movesense().battery_percent({BATTERY_LEVEL: b"\x0a"}) == 10
