import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.drivers import kneeflex
from firmware_bridge.drivers.kneeflex import (
    CONFIGURATION,
    CONTROL,
    DATA,
    PING,
    Command,
    Configuration,
    Echo,
    Kneeflex,
    Packet,
    Scale,
)
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.errors import DecodeError, LinkError, UsageError

SCALE = Scale()
READS = {CONFIGURATION: bytes(Configuration((1, 2, 3), SCALE, 0.0, (26.0, 52.0, 104.0, 208.0, 416.0)))}

triples = st.lists(st.tuples(*[st.floats(-150, 150)] * 3), min_size=1, max_size=19)


@settings(max_examples=50)
@given(st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(1, 2**16 - 1), triples)
def test_a_packet_survives_the_air_to_half_a_count(sequence, clock_us, period_us, acc):
    acc = np.array(acc)
    sent = Packet(sequence, clock_us, period_us, acc, acc / 5, SCALE)
    received = Packet.from_bytes(bytes(sent), SCALE)
    assert (received.sequence, received.clock_us, received.period_us) == (sequence, clock_us, period_us)
    np.testing.assert_allclose(received.acc_m_s2, acc, atol=0.501 * SCALE.acc_m_s2)
    np.testing.assert_allclose(received.gyr_rad_s, acc / 5, atol=0.501 * SCALE.gyr_rad_s)
    assert bytes(received) == bytes(sent)


def test_values_beyond_the_range_saturate_and_never_wrap():
    sent = Packet(0, 0, 10_000, np.array([[1e3, -1e3, 0]]), np.array([[1e3, -1e3, 0]]), SCALE)
    received = Packet.from_bytes(bytes(sent), SCALE)
    np.testing.assert_allclose(received.acc_m_s2[0], [156.9, -156.9, 0], atol=0.1)
    np.testing.assert_allclose(received.gyr_rad_s[0], [34.9, -34.9, 0], atol=0.1)


@pytest.mark.parametrize(("mtu", "samples"), [(23, 1), (185, 14), (247, 19)])
def test_a_packet_fits_the_common_mtus(mtu, samples):
    assert Packet.samples_fitting(mtu) == samples
    packet = Packet(0, 0, 1, np.zeros((samples, 3)), np.zeros((samples, 3)), SCALE)
    assert mtu - 3 - 12 < len(bytes(packet)) <= mtu - 3


def test_clock_and_sequence_of_every_sample_wrap():
    packet = Packet(65_534, 2**32 - 15_000, 10_000, np.zeros((4, 3)), np.zeros((4, 3)), SCALE)
    decoded = Kneeflex().decoder(READS, 100).decode(DATA, bytes(packet))
    assert decoded.sequence.tolist() == [65_534, 65_535, 0, 1]
    assert decoded.device_ticks.tolist() == [2**32 - 15_000, 2**32 - 5_000, 5_000, 15_000]


@settings(max_examples=50)
@given(
    st.tuples(*[st.integers(0, 255)] * 3),
    st.floats(2**-20, 1, width=32),
    st.floats(2**-20, 1, width=32),
    st.integers(0, 65535),
    st.lists(st.integers(160, 65535), max_size=8, unique=True),
)
def test_a_configuration_round_trips(firmware, acc, gyr, rate, offered):
    rates = tuple(r / 10 for r in sorted(offered))
    configuration = Configuration(firmware, Scale(acc, gyr), rate / 10, rates)
    assert Configuration.from_bytes(bytes(configuration)) == configuration
    assert Configuration.from_bytes(bytes(configuration) + b"later") == configuration


def test_another_profile_version_is_told_as_such():
    with pytest.raises(DecodeError, match="version 2 of the kneeflex profile"):
        Configuration.from_bytes(b"\x02" + READS[CONFIGURATION][1:])


@pytest.mark.parametrize(("wanted", "chosen"), [(25, 26), (100, 104), (104, 104), (999, 416)])
def test_the_board_runs_at_its_lowest_rate_not_below(wanted, chosen):
    assert Configuration.from_bytes(READS[CONFIGURATION]).chosen_rate_hz(wanted) == chosen


def test_info_tells_what_the_configuration_says():
    info = Kneeflex().info("KF-one", READS, 100)
    assert (info.driver, info.firmware, info.nominal_rate_hz) == ("kneeflex", "1.2.3", 104)
    assert info.acc_range_m_s2 == pytest.approx(16 * 9.80665)
    assert info.gyr_range_rad_s == pytest.approx(np.deg2rad(2000))
    assert info.clock == kneeflex.CLOCK


def test_start_and_stop_are_one_command_each():
    (start,) = Kneeflex().start(100)
    (stop,) = Kneeflex().stop()
    assert (start.characteristic, start.payload.hex()) == (CONTROL, "01e803")
    assert (stop.characteristic, stop.payload.hex()) == (CONTROL, "00")
    assert Command.from_bytes(start.payload) == Command(100.0)
    assert Command.from_bytes(stop.payload) == Command(None)
    with pytest.raises(UsageError, match="101 Hz"):
        Kneeflex().start(101)


def test_a_ping_comes_back_with_its_token_and_the_clock():
    ping = Kneeflex.ping
    token = int.from_bytes(ping.encode(7), "little")
    assert ping.decode(bytes(Echo(token, 2**32 + 5))) == (7, 5)
    assert ping.decode(b"short") is None
    assert len(Kneeflex().decoder(READS, 100).decode(PING, bytes(Echo(7, 5)))) == 0


def test_battery_reports():
    driver = Kneeflex()
    assert driver.decoder(READS, 100).decode(BATTERY_LEVEL, b"\x55").battery_percent == 85
    assert driver.battery_percent({BATTERY_LEVEL: b"\x55"}) == 85
    assert driver.battery_percent({}) is None
    with pytest.raises(DecodeError):
        driver.decoder(READS, 100).decode(BATTERY_LEVEL, b"\x65")


def test_no_configuration_is_a_failed_start():
    with pytest.raises(LinkError, match="configuration"):
        Kneeflex().decoder({}, 100)


@pytest.mark.parametrize("size", [0, 7, 8, 19, 21, 31, 33])
def test_a_length_that_is_no_whole_number_of_samples_is_refused(size):
    with pytest.raises(DecodeError):
        Kneeflex().decoder(READS, 100).decode(DATA, b"\x01" * size)
