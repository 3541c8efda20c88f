from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.drivers import movella_dot as dot
from firmware_bridge.drivers.movella_dot import LAYOUTS, DeviceInfo, Measurement, Mode, MovellaDot
from firmware_bridge.errors import DecodeError, UsageError

# Captured packets and their values: protobioengineering/xsens-dot-python-examples.
REAL_MODE_6 = [
    ("d8052244af9640406b2aa7405add14c000000000", 1143080408, (3.009197, 5.223928, -2.3260102)),
    ("f34622440da53c409c13a640f01009c000000000", 1143097075, (2.947574, 5.1898937, -2.1416588)),
]


@pytest.mark.parametrize(("packet", "clock_us", "free_acc"), REAL_MODE_6)
def test_real_packets_of_mode_6(packet, clock_us, free_acc):
    measurement = Measurement.from_bytes(bytes.fromhex(packet), Mode.FREE_ACCELERATION)
    assert measurement.clock_us == clock_us
    assert measurement.free_acc_m_s2 == pytest.approx(free_acc, abs=1e-5)
    assert bytes(measurement).ljust(20, b"\x00").hex() == packet


# From the vendor's table.
LENGTHS = {
    2: 36,
    3: 32,
    4: 16,
    5: 20,
    6: 16,
    7: 32,
    16: 28,
    18: 38,
    19: 32,
    20: 34,
    21: 28,
    22: 40,
    23: 34,
    24: 32,
    26: 44,
}


@pytest.mark.parametrize(
    ("mode", "size"),
    LENGTHS.items(),
)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_every_payload_mode_round_trips(mode, size, data):
    payload = data.draw(st.binary(min_size=size, max_size=size))
    measurement = Measurement.from_bytes(payload, Mode(mode))
    assert measurement.mode == mode
    again = Measurement.from_bytes(bytes(measurement), Mode(mode))
    np.testing.assert_equal(asdict(again), asdict(measurement))
    with pytest.raises(DecodeError, match=f"{size - 1} bytes instead of {size}"):
        Measurement.from_bytes(payload[:-1], Mode(mode))


def test_every_mode_is_tested_for_its_length():
    assert set(LENGTHS) == set(LAYOUTS) == set(Mode)


def _rate_packet(acc=(0.0, 0.0, 9.81), gyr=(0.0, 90.0, 180.0), clock_us=2**32 - 1):
    return bytes(Measurement(clock_us, acc_m_s2=acc, gyr_deg_s=gyr))


@pytest.mark.parametrize("padding", [0, 12])
def test_the_stream_is_mode_21_in_si_units(padding):
    decoded = MovellaDot().decoder({}, 60).decode(dot.MEDIUM_PAYLOAD, _rate_packet() + bytes(padding))
    np.testing.assert_allclose(decoded.acc_m_s2, [[0, 0, 9.81]], rtol=1e-6)
    np.testing.assert_allclose(decoded.gyr_rad_s, [[0, np.pi / 2, np.pi]], rtol=1e-6)
    assert decoded.device_ticks.tolist() == [2**32 - 1]
    assert decoded.sequence is None


def test_the_payload_characteristic_follows_from_the_length():
    assert dot.payload_characteristic(Mode.QUATERNION) == dot.SHORT_PAYLOAD
    assert dot.payload_characteristic(Mode.CUSTOM_1) == dot.MEDIUM_PAYLOAD
    assert dot.payload_characteristic(Mode.CUSTOM_5) == dot.LONG_PAYLOAD


def test_the_stream_with_quaternion_decodes_too():
    packet = bytes(Measurement(5, quaternion=(1, 0, 0, 0), acc_m_s2=(1, 2, 3), gyr_deg_s=(0, 0, 180)))
    decoded = dot.MovellaDotDecoder(Mode.CUSTOM_5).decode(dot.LONG_PAYLOAD, packet.ljust(63, b"\x00"))
    np.testing.assert_allclose(np.r_[decoded.acc_m_s2[0], decoded.gyr_rad_s[0, 2]], [1, 2, 3, np.pi])


def test_the_stream_with_mag_decodes_too():
    packet = bytes(Measurement(5, acc_m_s2=(1, 2, 3), gyr_deg_s=(0, 0, 0), mag_counts=(1, -2, 3)))
    decoded = dot.MovellaDotDecoder(Mode.RATE_WITH_MAG).decode(dot.MEDIUM_PAYLOAD, packet)
    assert decoded.acc_m_s2.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e9, -200.0])
def test_impossible_accelerations_are_refused(bad):
    with pytest.raises(DecodeError, match="acceleration"):
        MovellaDot().decoder({}, 60).decode(dot.MEDIUM_PAYLOAD, _rate_packet(acc=(0.0, bad, 0.0)))


def test_impossible_rates_are_refused():
    with pytest.raises(DecodeError, match="angular rate"):
        MovellaDot().decoder({}, 60).decode(dot.MEDIUM_PAYLOAD, _rate_packet(gyr=(0.0, 3000.0, 0.0)))


def test_start_sets_the_rate_before_it_measures():
    ask, rate, measure = MovellaDot().start(60)
    assert ask.optional  # firmware without synchronisation streams all the same
    assert rate.characteristic == dot.DEVICE_CONTROL
    assert rate.payload.hex() == "10" + "00" * 23 + "3c00" + "00" * 6
    assert (measure.characteristic, measure.payload.hex()) == (dot.MEASUREMENT_CONTROL, "010115")
    (stop,) = MovellaDot().stop()
    assert (stop.characteristic, stop.payload.hex()) == (dot.MEASUREMENT_CONTROL, "010015")
    with pytest.raises(UsageError, match="100 Hz"):
        MovellaDot().start(100)


INFO = DeviceInfo("D4:CA:6E:F1:69:3D", (2, 0, 0), 0x1234, "XS-T01")


def test_device_information():
    payload = bytes(INFO)
    assert len(payload) == 34
    assert payload[:6].hex() == "3d69f16ecad4"
    assert DeviceInfo.from_bytes(payload) == INFO
    info = MovellaDot().info("Xsens DOT", {dot.DEVICE_INFO: payload}, 60)
    assert (info.driver, info.firmware, info.nominal_rate_hz) == ("movella-dot", "2.0.0", 60)
    assert MovellaDot().info("Xsens DOT", {}, 60).firmware == ""


def test_battery_with_charging_flag():
    driver = MovellaDot()
    assert driver.battery_percent({dot.BATTERY: b"\x64\x01"}) == 100
    assert driver.battery_percent({dot.BATTERY: b"\xff\x01"}) is None
    assert driver.decoder({}, 60).decode(dot.BATTERY, b"\x20\x00").battery_percent == 32
