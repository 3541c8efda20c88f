import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers.polar import CONTROL, DATA, PolarVeritySense, Response, start_command
from firmware_bridge.drivers.polar_frame import ENCODINGS, Frame, Quantity
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.errors import DecodeError

# Frames and values asserted in polar-ble-sdk: AccDataTest, GyrDataTest.
REAL = [
    ("020094357700000000 01 f7ffffffe703 f8fffeffe503", 2_000_000_000, [(-9, -1, 999), (-8, -2, 997)]),
    ("026500000000000000 81 f1ff1400f003 0601 7b0f08", 101, [(-15, 20, 1008), (-20, 17, 1008)]),
    ("05ffffffffffffff7f 80 eaff08000d00 0301 df00", 2**63 - 1, [(-22, 8, 13), (-23, 11, 16)]),
]
LONG_ACC = """
7107f06a9e8d0a38be5cbeba2f96b3ee4be5adfb42b9ebbe4cfeba2f92bfee4be4b1fb12b9ecbd3c3ebb2f8fd3de4be3b5f7d2b8edbd307e
7b2f8be3ce8be2baf7a2b8eebc20be7b2f88f3cecbe1bdef52f8efbc18fe3b2f8403bfcbe0c2ef32b8f0bb044ebc2e8113af0be0c6eff2f7
f1b9fc7dbc2e7d279f4bdfcaebc2f7f2b8eccd7c2e7b378f4bdecee392f7f3b8e00dfd2d774b7fcbddd2df6237f5b7d44dbd2d745b6fcbdc
d7d73237f6b5c88d7d2d716b4f4bdcdcd3f236f7b4bcddfd2c6f7b3f4bdbe0cfd236f8b2b02dbe2c6c8f1fcbdae3c7a276f9
"""


@pytest.mark.parametrize(("packet", "last_ns", "counts"), REAL)
def test_real_frames(packet, last_ns, counts):
    payload = bytes.fromhex(packet)
    frame = Frame.from_bytes(payload)
    assert frame.last_ns == last_ns
    np.testing.assert_array_equal(frame.counts, counts)
    assert Frame.from_bytes(bytes(frame)).counts.tolist() == frame.counts.tolist()


def test_a_real_frame_of_57_compressed_samples():
    frame = Frame.from_bytes(bytes.fromhex("02009435770000000080" + LONG_ACC))
    assert len(frame.counts) == 57
    assert frame.counts[:2].tolist() == [[1905, 27376, -29282], [2095, 27271, -29367]]
    # Not published: our own decoding, kept against regressions.
    assert frame.counts[-1].tolist() == [12274, 20173, -32449]
    assert frame.counts.sum(axis=0).tolist() == [407646, 1367041, -1774775]
    assert np.abs(frame.values(2.44e-4)).max() <= 8 * G_M_S2
    np.testing.assert_allclose(frame.values(2.44e-4)[0] / G_M_S2, np.array([1905, 27376, -29282]) * 2.44e-4)


def test_a_real_frame_of_compressed_floats():
    frame = Frame.from_bytes(
        bytes.fromhex("05009435770000000081 0000803f00002041 0000a041 1c01 0000a001000008cdccec0d")
    )
    assert frame.values(1.0)[0] / DEG_RAD == pytest.approx([1, 10, 20])
    bits = np.array([0x3F800000 + 0x1A00000, 0x41200000 + 0x800000, 0x41A00000 + 0xFDECCCCD - 2**32], "<i4")
    assert frame.values(0.5)[1] / DEG_RAD == pytest.approx(0.5 * bits.view("<f4").astype(float))


@pytest.mark.parametrize("key", ENCODINGS, ids=str)
@settings(max_examples=20)
@given(last_ns=st.integers(0, 2**64 - 1), k=st.integers(1, 300), seed=st.integers(0, 2**32 - 1))
def test_every_frame_type_round_trips(key, last_ns, k, seed):
    quantity, frame_type, compressed = key
    top = 1 << 8 * ENCODINGS[key].size - 1
    rng = np.random.default_rng(seed)
    spread = min(top, 1 << rng.integers(1, 32))
    sent = Frame(quantity, last_ns, frame_type, compressed, rng.integers(-spread, spread, (k, 3)))
    received = Frame.from_bytes(bytes(sent))
    assert (received.quantity, received.last_ns, received.compressed) == (quantity, last_ns, compressed)
    np.testing.assert_array_equal(received.counts, sent.counts)


@pytest.mark.parametrize(
    "packet",
    [
        "",
        "020094357700000000",
        "02009435770000000001f7",
        "03009435770000000001f7ffffffe703",
        "020094357700000000800102",
        "05ffffffffffffff7f80eaff08000d0003",
        "05ffffffffffffff7f80eaff08000d0003ffdf00",
        "05ffffffffffffff7f80eaff08000d002101df00",
    ],
)
def test_damaged_frames_are_refused(packet):
    with pytest.raises(DecodeError):
        Frame.from_bytes(bytes.fromhex(packet))


def test_the_start_command_is_the_documented_one():
    assert start_command(Quantity.ACC, 52).hex() == "0202000134000101100002010800040103"
    assert start_command(Quantity.GYRO, 104).hex() == "02050001680001011000" + "0201d007" + "040103"


FACTORS = {Quantity.ACC: 2.44e-4, Quantity.GYRO: 0.07}


def _started(rate_hz=52):
    """A decoder after the whole dialogue of the start, and the commands that were sent."""
    driver = PolarVeritySense()
    decoder = driver.decoder({}, rate_hz)
    sent, waiting = [], list(driver.start(rate_hz))
    while waiting:
        write = waiting.pop(0)
        assert write.characteristic == CONTROL
        sent.append(write.payload)
        op, quantity = write.payload[:2]
        answer = Response(op, quantity, 0, FACTORS.get(quantity, 1.0))
        waiting += decoder.decode(CONTROL, bytes(answer)).replies
    return decoder, sent


def test_each_stream_starts_when_the_one_before_is_answered():
    _, sent = _started(52)
    assert [command[:2].hex() for command in sent] == ["0202", "0205"]
    _, sent = _started(104)
    assert [command[:2].hex() for command in sent] == ["0209", "0202", "0205"]
    assert [w.payload.hex() for w in PolarVeritySense().stop()] == ["0302", "0305", "0309"]
    assert all(w.optional for w in PolarVeritySense().stop())


def test_a_stream_that_still_runs_is_started_anew_once():
    decoder = PolarVeritySense().decoder({}, 52)
    already = bytes(Response(2, Quantity.ACC, 6))
    replies = decoder.decode(CONTROL, already).replies
    assert [w.payload[:2].hex() for w in replies] == ["0302", "0202"]
    assert decoder.decode(CONTROL, bytes(Response(3, Quantity.ACC, 0))).replies == ()
    assert "status is 6" in decoder.decode(CONTROL, already).problem


def test_refusals_and_endings_are_told():
    decoder = PolarVeritySense().decoder({}, 52)
    assert "charger" in decoder.decode(CONTROL, bytes(Response(2, Quantity.ACC, 13))).problem
    assert "stopped the stream" in decoder.decode(CONTROL, b"\x01\x02").problem
    with pytest.raises(DecodeError, match="settings"):
        decoder.decode(CONTROL, bytes.fromhex("f0020200000901"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (1, "update its firmware"),
        (3, "does not support"),
        (10, "too small; connect again"),
        (12, "sensor mode"),
    ],
)
def test_a_refusal_says_what_to_do(status, words):
    decoder = PolarVeritySense().decoder({}, 52)
    assert words in decoder.decode(CONTROL, bytes(Response(2, Quantity.ACC, status))).problem


@pytest.mark.parametrize(("status", "words"), [(1, "--rate 52"), (3, "--rate 52"), (12, "sensor mode")])
def test_without_sdk_mode_the_rate_that_works_is_named(status, words):
    decoder = PolarVeritySense().decoder({}, 104)
    assert words in decoder.decode(CONTROL, bytes(Response(2, Quantity.SDK_MODE, status))).problem


def _frame(quantity, last_ns, values):
    unit = G_M_S2 if quantity == Quantity.ACC else DEG_RAD
    counts = np.rint(np.asarray(values) / (unit * FACTORS[quantity])).astype(np.int64)
    return bytes(Frame(quantity, round(last_ns), 0, True, counts))


def _motion(t_s):
    acc = np.stack([2 * np.sin(t_s), 9.8 * np.cos(t_s), 3 * np.sin(2 * t_s)], axis=-1)
    return acc, np.stack([np.cos(t_s), np.sin(t_s), np.cos(2 * t_s)], axis=-1)


def _stream(seconds=6.0, k=(36, 27), offset_s=0.004, true_hz=52.4):
    """(arrival order) frames of both quantities, whose samples lie `offset_s` apart, off the nominal rate."""
    origin_ns = 800_000_000 * 10**9
    frames = []
    for quantity, size, shift in zip((Quantity.ACC, Quantity.GYRO), k, (0.0, offset_s), strict=True):
        t = np.arange(0, seconds, 1 / true_hz) + shift
        for i in range(0, len(t) - size + 1, size):
            part = t[i : i + size]
            values = _motion(part)[0 if quantity == Quantity.ACC else 1]
            frames.append((part[-1], quantity, _frame(quantity, origin_ns + part[-1] * 1e9, values)))
    return origin_ns, sorted(frames, key=lambda frame: frame[0])


def test_both_streams_come_out_on_one_time_base():
    origin_ns, frames = _stream()
    decoder, _ = _started()
    parts = [decoder.decode(DATA, payload) for _, _, payload in frames]
    t = (np.concatenate([p.device_ticks for p in parts]) - origin_ns) * 1e-9
    acc = np.concatenate([p.acc_m_s2 for p in parts])
    gyr = np.concatenate([p.gyr_rad_s for p in parts])
    assert len(t) > 260
    settled = t > 1.5  # the first frame of each stream is dated at the nominal rate
    np.testing.assert_allclose(np.diff(t[settled]), 1 / 52.4, atol=1e-6)
    true_acc, true_gyr = _motion(t[settled])
    np.testing.assert_allclose(gyr[settled], true_gyr, atol=1e-3)
    np.testing.assert_allclose(acc[settled], true_acc, atol=5e-3)


def test_no_acceleration_is_invented_inside_a_gap():
    _, frames = _stream()
    lost = [i for i, (_, quantity, _) in enumerate(frames) if quantity == Quantity.ACC][3]
    decoder, _ = _started()
    whole = sum(len(decoder.decode(DATA, f[2])) for f in frames)
    decoder, _ = _started()
    parts = [decoder.decode(DATA, f[2]) for i, f in enumerate(frames) if i != lost]
    t_ns = np.concatenate([p.device_ticks for p in parts])
    assert 30 <= whole - len(t_ns) <= 40
    assert 0.6 < np.diff(t_ns).max() * 1e-9 < 0.8


def test_a_clock_that_is_set_back_starts_afresh():
    decoder, _ = _started()
    for origin in (900, 800):
        for last in (1, 2, 3):
            last_ns = (origin + last * 36 / 52) * 1e9
            decoder.decode(DATA, _frame(Quantity.GYRO, last_ns, np.zeros((36, 3))))
            decoded = decoder.decode(DATA, _frame(Quantity.ACC, last_ns, np.zeros((36, 3))))
    assert len(decoded) == 36
    assert decoded.device_ticks[-1] == round((800 + 3 * 36 / 52) * 1e9)


def test_data_before_the_answer_to_the_start_is_ignored():
    decoder = PolarVeritySense().decoder({}, 52)
    for quantity in (Quantity.GYRO, Quantity.ACC):
        assert len(decoder.decode(DATA, _frame(quantity, 1e18, np.zeros((10, 3))))) == 0


def test_impossible_values_and_times_are_refused():
    decoder, _ = _started()
    with pytest.raises(DecodeError, match="acceleration"):
        decoder.decode(DATA, bytes(Frame(Quantity.ACC, 10**18, 1, False, np.full((1, 3), 30_000))))
    with pytest.raises(DecodeError, match="century"):
        decoder.decode(DATA, bytes(Frame(Quantity.GYRO, 2**63, 0, True, np.zeros((1, 3), int))))


def test_info_and_battery():
    info = PolarVeritySense().info("Polar Sense 1234ABCD", {}, 52)
    assert info.acc_range_m_s2 == pytest.approx(8 * G_M_S2)
    assert info.gyr_range_rad_s == pytest.approx(2000 * DEG_RAD)
    assert info.clock.tick_s == 1e-9
    assert PolarVeritySense().battery_percent({BATTERY_LEVEL: b"\x64"}) == 100
