from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers.witmotion import COMMAND, DATA, Frame, FrameParser, WitMotion
from firmware_bridge.errors import DecodeError

# A capture whose values were never published; the expected ones are our own reading, see docs/sensors.md.
CAPTURED = bytes.fromhex("55617702a8fe92fe060230fecdfff8f053fcabc4")


def test_a_captured_frame():
    frame = Frame.from_bytes(CAPTURED)
    np.testing.assert_allclose(frame.acc_m_s2 / G_M_S2, [0.308, -0.168, -0.179], atol=5e-4)
    np.testing.assert_allclose(frame.gyr_rad_s / DEG_RAD, [31.6, -28.3, -3.1], atol=0.06)
    np.testing.assert_allclose(frame.angle_deg, [-21.1, -5.2, -83.4], atol=0.06)
    assert bytes(frame) == CAPTURED


@settings(max_examples=30)
@given(st.binary(min_size=18, max_size=18))
def test_frames_round_trip(body):
    frame = Frame.from_bytes(b"\x55\x61" + body)
    assert bytes(frame) == b"\x55\x61" + body


def _cut(stream, at):
    edges = [0, *sorted(at), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


junk = st.binary(max_size=30)
bodies = st.lists(st.one_of(st.binary(min_size=18, max_size=18), st.just(b"\x55\x61" * 9)), max_size=8)


@settings(max_examples=150)
@given(bodies, st.sampled_from([b"\x61", b"\x71"]), junk, junk, st.data())
def test_the_frames_do_not_depend_on_how_notifications_cut_the_stream(contents, kind, before, between, data):
    frames = [b"\x55" + (kind if i % 3 == 2 else b"\x61") + body for i, body in enumerate(contents)]
    stream = before + b"".join(frames[:4]) + between + b"".join(frames[4:])
    at = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    whole = list(FrameParser().feed(stream))
    parser = FrameParser()
    assert [f for chunk in _cut(stream, at) for f in parser.feed(chunk)] == whole


@pytest.mark.parametrize("chunk", [1, 7, 19, 20, 21, 33, 60])
def test_every_sample_arrives_once_in_si_units(chunk):
    sent = [Frame(np.array([0, 0, G_M_S2]), np.array([0, n * DEG_RAD, 0]), np.zeros(3)) for n in range(20)]
    stream = b"".join(bytes(frame) for frame in sent)
    decoder = WitMotion().decoder({}, 100)
    parts = [decoder.decode(DATA, stream[i : i + chunk]) for i in range(0, len(stream), chunk)]
    gyr = np.concatenate([p.gyr_rad_s for p in parts])
    np.testing.assert_allclose(gyr[:, 1] / DEG_RAD, np.arange(20), atol=0.04)
    assert {p.device_ticks is None and p.sequence is None for p in parts} == {True}


def test_a_stream_joined_in_the_middle_falls_into_step():
    frames = [bytes(Frame(np.full(3, n), np.zeros(3), np.zeros(3))) for n in range(6)]
    got = list(FrameParser().feed(b"".join(frames)[7:]))
    assert got == frames[1:]


def test_register_replies_are_no_samples():
    reply = b"\x55\x71\x3a\x00" + bytes(16)
    decoder = WitMotion().decoder({}, 100)
    assert len(decoder.decode(DATA, CAPTURED + reply + CAPTURED)) == 2


@pytest.mark.parametrize(("code", "rate_hz"), [(0x09, 100.0), (0x06, 10.0), (0x07, 20.0), (0x03, 1.0)])
def test_the_rate_that_the_sensor_keeps_is_told(code, rate_hz):
    reply = b"\x55\x71\x03\x00" + bytes((code, 0)) + bytes(14)
    decoded = WitMotion().decoder({}, 100).decode(DATA, CAPTURED + reply + CAPTURED)
    assert (len(decoded), decoded.rate_hz) == (2, rate_hz)
    assert ("keeps its rate" in decoded.problem) == (rate_hz != 100.0)


def test_a_stream_without_frames_is_told():
    decoder = WitMotion().decoder({}, 100)
    with pytest.raises(DecodeError, match="hold no frames"):
        decoder.decode(DATA, bytes(400))
    assert len(decoder.decode(DATA, CAPTURED * 3)) == 3


def test_start_sets_the_rate_without_saving_it_and_reads_it_back():
    writes = WitMotion().start(100)
    assert [w.payload.hex() for w in writes] == ["ffaa6988b5", "ffaa030900", "ffaa270300"]
    assert {(w.characteristic, w.response) for w in writes} == {(COMMAND, False)}
    assert all(w.settle_s == 0.1 for w in writes)
    assert WitMotion().stop() == ()


def test_info():
    info = WitMotion().info("WT901BLE67", {}, 100)
    assert (info.driver, info.nominal_rate_hz, info.clock) == ("witmotion", 100, None)
    assert info.acc_range_m_s2 == pytest.approx(16 * G_M_S2)
    assert WitMotion().battery_percent({}) is None
