from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.drivers import movella_dot as dot
from firmware_bridge.drivers.movella_dot import DeviceInfo, Measurement, MovellaDot
from firmware_bridge.errors import DecodeError, UsageError


@settings(max_examples=50)
@given(st.binary(min_size=28, max_size=28))
def test_a_payload_round_trips(payload):
    measurement = Measurement.from_bytes(payload)
    np.testing.assert_equal(asdict(Measurement.from_bytes(bytes(measurement))), asdict(measurement))
    with pytest.raises(DecodeError, match="27 bytes instead of 28"):
        Measurement.from_bytes(payload[:-1])


def _rate_packet(acc=(0.0, 0.0, 9.81), gyr=(0.0, 90.0, 180.0), clock_us=2**32 - 1):
    return bytes(Measurement(clock_us, acc_m_s2=acc, gyr_deg_s=gyr))


@pytest.mark.parametrize("padding", [0, 12])
def test_the_stream_is_mode_21_in_si_units(padding):
    decoded = MovellaDot().decoder({}, 60).decode(dot.MEDIUM_PAYLOAD, _rate_packet() + bytes(padding))
    np.testing.assert_allclose(decoded.acc_m_s2, [[0, 0, 9.81]], rtol=1e-6)
    np.testing.assert_allclose(decoded.gyr_rad_s, [[0, np.pi / 2, np.pi]], rtol=1e-6)
    assert decoded.device_ticks.tolist() == [2**32 - 1]
    assert decoded.sequence is None


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
