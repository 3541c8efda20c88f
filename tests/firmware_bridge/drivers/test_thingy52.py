import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.drivers import thingy52
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.drivers.thingy52 import RAW, MotionConfiguration, RawMotion, Thingy52
from firmware_bridge.errors import DecodeError

# No captured packet is public, so these are layout tests only: fixed-point numbers of the vendor's firmware.


def test_fixed_point_numbers_become_si_units():
    payload = np.array([-1024, 0, 2048, 32, -64, 0, 16, 800, -16], "<i2").tobytes()
    decoded = Thingy52().decoder({}, 100).decode(RAW, payload)
    np.testing.assert_allclose(decoded.acc_m_s2, [[9.80665, 0, -19.6133]])
    np.testing.assert_allclose(np.rad2deg(decoded.gyr_rad_s), [[1, -2, 0]])
    np.testing.assert_allclose(decoded.mag_ut, [[1, 50, -1]])
    assert decoded.device_ticks is None


def test_a_box_that_lies_flat_feels_gravity_upwards():
    # The firmware negates the acceleration (drv_motion.c): at rest, +z up, it sends -1 g.
    decoded = Thingy52().decoder({}, 100).decode(RAW, bytes.fromhex("0000000000fc" + 12 * "00"))
    np.testing.assert_allclose(decoded.acc_m_s2, [[0, 0, 9.80665]])


@settings(max_examples=30)
@given(st.binary(min_size=18, max_size=18))
def test_raw_motion_round_trips(payload):
    numbers = np.frombuffer(payload, "<i2")
    again = np.frombuffer(bytes(RawMotion.from_bytes(payload)), "<i2")
    np.testing.assert_array_equal(again, numbers)


def test_the_start_sets_the_rate():
    (write,) = Thingy52().start(100)
    assert write.characteristic == thingy52.MOTION_CONFIGURATION
    assert write.payload.hex() == "e803e803e803640000"
    assert MotionConfiguration.from_bytes(write.payload) == MotionConfiguration(100)
    assert Thingy52().stop() == ()
    with pytest.raises(DecodeError):
        MotionConfiguration.from_bytes(write.payload[:-1])


@pytest.mark.parametrize("size", [0, 17, 19])
def test_other_lengths_are_refused(size):
    with pytest.raises(DecodeError):
        Thingy52().decoder({}, 100).decode(RAW, bytes(size))


def test_info_and_battery():
    info = Thingy52().info("Thingy", {thingy52.FIRMWARE: b"\x02\x02\x00"}, 100)
    assert (info.firmware, info.clock) == ("2.2.0", None)
    assert info.acc_range_m_s2 == pytest.approx(2 * 9.80665)
    assert info.gyr_range_rad_s == pytest.approx(np.deg2rad(1023))
    assert Thingy52().battery_percent({BATTERY_LEVEL: b"\x5a"}) == 90
    assert Thingy52().decoder({}, 100).decode(BATTERY_LEVEL, b"\x59").battery_percent == 89
