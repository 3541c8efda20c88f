"""Whatever bytes arrive: samples that make sense, or a `DecodeError`. Nothing else, ever.

KNEEFLEX_FUZZ_EXAMPLES sets how many streams each driver is fed, for longer runs than CI makes.
"""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.constants import G_M_S2
from firmware_bridge.drivers import (
    DRIVERS,
    kneeflex,
    metamotion,
    movella_dot,
    movesense,
    polar,
    thingy52,
    witmotion,
)
from firmware_bridge.drivers import movella_sync as sync
from firmware_bridge.drivers.kneeflex import Command, Configuration, Echo, Packet, Scale
from firmware_bridge.drivers.movella_dot import DeviceInfo, Measurement
from firmware_bridge.drivers.polar_frame import Frame, Quantity
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.errors import DecodeError, KneeflexError

EXAMPLES = int(os.environ.get("KNEEFLEX_FUZZ_EXAMPLES", "40"))
fuzz = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))

REST = np.tile([0.0, 0.0, G_M_S2], (4, 1)), np.full((4, 3), 0.01)
RATE = Measurement(1, acc_m_s2=(0.0, 0.0, 9.8), gyr_deg_s=(1.0, 2.0, 3.0))
IMU = movesense.ImuPacket(99, *REST).to_bytes()
ACC = bytes(metamotion.VectorPacket(3, 0x1C, REST[0][:3]))
GYR = bytes(metamotion.VectorPacket(0x13, 7, REST[1][:3]))
POLAR = [
    bytes(Frame(q, 10**18 + t, 0, True, np.arange(30).reshape(10, 3))) for q in (2, 5) for t in (0, 10**8)
]
STARTED = [bytes(polar.Response(2, q, 0, 1e-3)) for q in (Quantity.ACC, Quantity.GYRO)]
WIT = bytes(witmotion.Frame(np.zeros(3), np.zeros(3), np.zeros(3)))

# What the decoder has received before, and whole notifications from which damaged ones are made.
BEFORE = {
    "metamotion": [(metamotion.DATA, bytes.fromhex(h)) for h in ("03800101", "13800001")],
    "movesense": [(movesense.DATA, IMU), (movesense.DATA, IMU)],
    "polar-verity-sense": [(polar.CONTROL, response) for response in STARTED],
}
WHOLE = {
    "kneeflex": [(kneeflex.DATA, bytes(Packet(7, 8, 9, *REST, Scale()))), (kneeflex.PING, bytes(Echo(1, 2)))],
    "movella-dot": [(movella_dot.MEDIUM_PAYLOAD, bytes(RATE)), (movella_dot.BATTERY, b"\x50\x00")],
    "metamotion": [(metamotion.DATA, p) for p in (ACC, GYR, b"\x03\x80\x01\x01", b"\x13\x80")],
    "movesense": [(movesense.DATA, p) for p in (*movesense.split(IMU, 60), IMU, b"\x01\x4b\xc8\x00")],
    "polar-verity-sense": [*((polar.DATA, p) for p in POLAR), *((polar.CONTROL, p) for p in STARTED)],
    "thingy52": [(thingy52.RAW, bytes(range(18)))],
    "witmotion": [(witmotion.DATA, p) for p in (WIT, WIT * 2, WIT[:7], WIT[7:])],
}
READS = {kneeflex.CONFIGURATION: bytes(Configuration((1, 0, 0), Scale(), 0, (104.0,)))}


@st.composite
def damaged(draw, whole):
    """A whole payload with some bytes changed, cut out, doubled or added; or not damaged at all."""
    payload = bytearray(draw(st.sampled_from(whole)))
    for _ in range(draw(st.integers(0, 3))):
        at, kind = draw(st.integers(0, len(payload))), draw(st.sampled_from(["change", "cut", "add", "tail"]))
        if kind == "change" and at < len(payload):
            payload[at] = draw(st.sampled_from([0, 1, 0x55, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
        elif kind == "cut":
            del payload[at : at + draw(st.integers(1, 6))]
        elif kind == "add":
            payload[at:at] = draw(st.binary(max_size=6))
        elif kind == "tail":
            payload = payload[:at]
    return bytes(payload)


def _notifications(driver):
    whole = WHOLE[driver.name]
    of = {c: [p for d, p in whole if d == c] or [b"\x32"] for c in {*driver.notify, *(c for c, _ in whole)}}
    one = st.sampled_from(sorted(of)).flatmap(
        lambda c: st.tuples(st.just(c), damaged(of[c]) | st.binary(max_size=60))
    )
    return st.lists(one, max_size=25)


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=lambda driver: driver.name)
@fuzz
@given(data=st.data())
def test_a_decoder_gives_sensible_samples_or_a_decode_error(driver, data):
    rate_hz = driver.rates_hz()[-1]
    decoder = driver.decoder(READS, rate_hz)
    clock = driver.info("", READS, rate_hz).clock
    for characteristic, payload in BEFORE.get(driver.name, []):
        decoder.decode(characteristic, payload)
    for characteristic, payload in data.draw(_notifications(driver)):
        try:
            decoded = decoder.decode(characteristic, payload)
        except DecodeError:
            continue
        k = len(decoded)
        assert decoded.acc_m_s2.shape == decoded.gyr_rad_s.shape == (k, 3)
        assert np.isfinite(decoded.acc_m_s2).all()
        assert np.isfinite(decoded.gyr_rad_s).all()
        assert np.abs(decoded.acc_m_s2).max(initial=0) < 40 * G_M_S2
        assert np.abs(decoded.gyr_rad_s).max(initial=0) < np.deg2rad(3000)
        if decoded.device_ticks is not None:
            assert decoded.device_ticks.shape == (k,)
            assert decoded.device_ticks.dtype == np.int64
            assert (decoded.device_ticks >= 0).all()
            assert (decoded.device_ticks < clock.ticks_modulo).all()
        if decoded.sequence is not None:
            assert decoded.sequence.shape == (k,)
            assert (decoded.sequence < clock.sequence_modulo).all()
        assert all(w.characteristic and w.payload for w in decoded.replies)
        if decoded.battery_percent is not None:
            assert 0 <= decoded.battery_percent <= 100


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=lambda driver: driver.name)
@fuzz
@given(data=st.data())
def test_what_is_read_at_connection_may_be_garbage(driver, data):
    reads = {c: data.draw(st.binary(max_size=40)) for c in driver.reads if data.draw(st.booleans())}
    driver.battery_percent(reads)
    try:
        info = driver.info("name", reads, driver.rates_hz()[0])
        driver.decoder(reads, driver.rates_hz()[0])
    except KneeflexError:
        return
    assert info.driver == driver.name


PARSERS = {
    "configuration": (Configuration.from_bytes, [READS[kneeflex.CONFIGURATION]]),
    "command": (Command.from_bytes, [bytes(Command(100.0)), bytes(Command(None))]),
    "echo": (Echo.from_bytes, [bytes(Echo(1, 2))]),
    "device info": (DeviceInfo.from_bytes, [bytes(DeviceInfo("00:11:22:33:44:55", (2, 0, 0), 7, "XS-T02"))]),
    "sync message": (
        sync.Message.from_bytes,
        [bytes(sync.get_status()), bytes(sync.Message(sync.SYNC, bytes(7)))],
    ),
    "motion configuration": (
        thingy52.MotionConfiguration.from_bytes,
        [bytes(thingy52.MotionConfiguration(100))],
    ),
    "mode 21": (Measurement.from_bytes, [bytes(44)]),
}


@pytest.mark.parametrize("name", PARSERS)
@fuzz
@given(data=st.data())
def test_a_parser_takes_any_bytes_or_raises_a_decode_error(name, data):
    parse, whole = PARSERS[name]
    payload = data.draw(damaged(whole) | st.binary(max_size=200))
    try:
        parse(payload)
    except DecodeError as refusal:
        told = refusal.problem
    else:
        return
    assert told.endswith(".")


SIGNALLING_NAN = bytes.fromhex("010080ff")


@pytest.mark.parametrize(
    ("name", "characteristic", "payload"),
    [
        ("movesense", movesense.DATA, IMU[:6] + SIGNALLING_NAN * 24),
        ("movella-dot", movella_dot.MEDIUM_PAYLOAD, bytes(4) + SIGNALLING_NAN * 6),
        ("polar-verity-sense", polar.DATA, b"\x05" + bytes(8) + b"\x01" + SIGNALLING_NAN * 3),
    ],
)
def test_numbers_that_are_none_are_refused(name, characteristic, payload):
    decoder = DRIVERS[name].decoder({}, 52.0)
    for before in BEFORE.get(name, []):
        decoder.decode(*before)
    with pytest.raises(DecodeError, match="cannot measure"):
        decoder.decode(characteristic, payload)


def test_every_driver_is_fuzzed_from_whole_packets():
    assert set(WHOLE) == set(DRIVERS)
    assert {BATTERY_LEVEL} <= {c for driver in DRIVERS.values() for c in driver.notify}
