import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers import metamotion as mm
from firmware_bridge.drivers.metamotion import (
    ACC_MODULE,
    ACC_PER_LSB_M_S2,
    BMI160,
    BMI270,
    COMMAND,
    DATA,
    GYR_MODULE,
    GYR_PER_LSB_RAD_S,
    MetaMotion,
    ModuleInfo,
    VectorPacket,
)
from firmware_bridge.drivers.standard import BATTERY_LEVEL
from firmware_bridge.errors import DecodeError

# Packets and values asserted in MetaWear-SDK-Cpp/test. They were taken at other ranges than the driver's
# 16 g and 2000 deg/s, so the values are these times the ratio of the ranges.
REAL_ACC = [
    ("0304 16c494a22ad0", 4, [(-1.872, -2.919, -1.495)]),
    ("031c 62b7530de9fd16d04d0e57028affa1050a01", 8, None),
    ("0305 62b7530de9fd16d04d0e57028affa1050a01", 8, None),
]
PACKED_ACC = [(-4.539, 0.833, -0.131), (-2.995, 0.894, 0.146), (-0.029, 0.352, 0.065)]
REAL_GYR = [
    ("1305 3e43ff7f0080", 500, [(262.409, 499.497, -499.512)]),
    (
        "1307 0915ad2608de8a1a0d2665e48d20ac2773ec",
        1000,
        [(164.177, 301.860, -265.122), (207.134, 296.982, -215.457), (254.055, 309.634, -152.591)],
    ),
]
# The answers of a MetaMotion R and of a MetaMotion S in the same tests.
MMR_MODULES = ("03800101", "13800001")
MMS_MODULES = ("03800400", "13800100")


@pytest.mark.parametrize(("packet", "range_g", "values_g"), REAL_ACC)
def test_real_acceleration(packet, range_g, values_g):
    decoded = VectorPacket.from_bytes(bytes.fromhex(packet))
    assert decoded.module == ACC_MODULE
    np.testing.assert_allclose(decoded.values / G_M_S2 * range_g / 16, values_g or PACKED_ACC, atol=1e-3)


@pytest.mark.parametrize(("packet", "range_deg_s", "values_deg_s"), REAL_GYR)
def test_real_angular_rate(packet, range_deg_s, values_deg_s):
    decoded = VectorPacket.from_bytes(bytes.fromhex(packet))
    assert decoded.module == GYR_MODULE
    np.testing.assert_allclose(decoded.values / DEG_RAD * range_deg_s / 2000, values_deg_s, atol=2e-3)


def _configured(answers, rate_hz=100):
    decoder = MetaMotion().decoder({}, rate_hz)
    first, second = (decoder.decode(DATA, bytes.fromhex(answer)) for answer in answers)
    assert first.replies == ()
    return decoder, second


def test_the_start_asks_and_configures_a_bmi160():
    asked = MetaMotion().start(100)
    assert [(w.characteristic, w.payload.hex()) for w in asked] == [(COMMAND, "0380"), (COMMAND, "1380")]
    _, configured = _configured(MMR_MODULES)
    assert {w.characteristic for w in configured.replies} == {COMMAND}
    assert [w.payload.hex() for w in configured.replies] == [
        *("11090600060000005802", "030400", "130500"),
        *("0303280c", "13032800", "031c01", "130701"),
        *("03020100", "13020100", "030101", "130101"),
    ]


def test_the_start_configures_a_bmi270_by_its_own_registers():
    _, configured = _configured(MMS_MODULES, rate_hz=200)
    assert [w.payload.hex() for w in configured.replies][:7] == [
        *("11090600060000005802", "030400", "130400"),
        *("0303a903", "13032900", "030501", "130501"),
    ]


def test_old_firmware_streams_unpacked():
    _, configured = _configured(("03800100", "13800000"))
    assert [w.payload.hex() for w in configured.replies][1:7] == [
        *("031c00", "130700"),
        *("0303280c", "13032800"),
        *("030401", "130501"),
    ]


@pytest.mark.parametrize(
    ("answers", "words"),
    [(("03800001", "1380"), "no gyroscope"), (("03800901", "13800901"), "unknown motion chip")],
)
def test_unfit_boards_are_told(answers, words):
    _, configured = _configured(answers)
    assert words in configured.problem
    assert configured.replies == ()


def test_stop():
    assert [w.payload.hex() for w in MetaMotion().stop()] == ["130100", "13020001", "030100", "03020001"]


def _packet(module, register, numbers):
    per_lsb = ACC_PER_LSB_M_S2 if module == ACC_MODULE else GYR_PER_LSB_RAD_S
    values = np.repeat(np.array(numbers, float)[:, None], 3, axis=1) * per_lsb
    return bytes(VectorPacket(module, register, values))


def _play(chip, order):
    """Feeds packets that number their samples; returns what came out as pairs of numbers."""
    decoder, _ = _configured(MMR_MODULES if chip is BMI160 else MMS_MODULES)
    sent = {ACC_MODULE: 0, GYR_MODULE: 0}
    pairs, problems = [], []
    for module, arrives in order:
        numbers = range(sent[module], sent[module] + 3)
        sent[module] += 3
        if arrives:
            register = chip.acc_packed if module == ACC_MODULE else chip.gyr_packed
            decoded = decoder.decode(DATA, _packet(module, register, numbers))
            acc = np.rint(decoded.acc_m_s2[:, 0] / ACC_PER_LSB_M_S2)
            gyr = np.rint(decoded.gyr_rad_s[:, 0] / GYR_PER_LSB_RAD_S)
            pairs += list(zip(acc.tolist(), gyr.tolist(), strict=True))
            problems += [decoded.problem] * bool(decoded.problem)
    return pairs, problems


@pytest.mark.parametrize("chip", [BMI160, BMI270], ids=lambda chip: chip.name)
@settings(max_examples=30)
@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_both_streams_are_paired_whichever_comes_first(chip, acc_first):
    order = [(m, True) for first in acc_first for m in sorted((ACC_MODULE, GYR_MODULE), reverse=not first)]
    pairs, problems = _play(chip, order)
    assert pairs == [(n, n) for n in range(3 * len(acc_first))]
    assert problems == []


def test_a_stream_that_starts_earlier_is_cut_to_the_other():
    pairs, _ = _play(
        BMI160, [(ACC_MODULE, True)] * 5 + [(GYR_MODULE, True), (ACC_MODULE, True), (GYR_MODULE, True)]
    )
    assert pairs == [(12 + n, n) for n in range(6)]


def test_a_lost_packet_is_noticed_told_and_repaired():
    both = [(ACC_MODULE, True), (GYR_MODULE, True)]
    order = both * 5 + [(ACC_MODULE, True), (GYR_MODULE, False)] + both * 15
    pairs, problems = _play(BMI160, order)
    assert problems == ["The sensor lost about 3 samples of one of its two streams."]
    assert len(set(pairs)) == len(pairs)
    assert pairs[:15] == [(n, n) for n in range(15)]
    assert all(acc == gyr for acc, gyr in pairs[-30:])


def test_a_stream_that_was_left_subscribed_is_ignored():
    decoder, _ = _configured(MMR_MODULES)
    pairs = 0
    for n in range(0, 90, 3):
        for k in range(3):
            left_over = _packet(ACC_MODULE, BMI160.acc_plain, [n + k])
            assert len(decoder.decode(DATA, left_over)) == 0
        for module, register in ((ACC_MODULE, BMI160.acc_packed), (GYR_MODULE, BMI160.gyr_packed)):
            decoded = decoder.decode(DATA, _packet(module, register, range(n, n + 3)))
            acc = np.rint(decoded.acc_m_s2[:, 0] / ACC_PER_LSB_M_S2)
            gyr = np.rint(decoded.gyr_rad_s[:, 0] / GYR_PER_LSB_RAD_S)
            np.testing.assert_array_equal(acc, gyr)
            assert decoded.problem == ""
            pairs += len(decoded)
    assert pairs == 90


def test_data_from_before_the_configuration_is_ignored():
    decoder = MetaMotion().decoder({}, 100)
    for register in (BMI160.acc_packed, BMI160.acc_packed):
        assert len(decoder.decode(DATA, _packet(ACC_MODULE, register, range(3)))) == 0


@settings(max_examples=30)
@given(
    st.sampled_from([(ACC_MODULE, 4, 1), (ACC_MODULE, 0x1C, 3), (GYR_MODULE, 5, 1), (GYR_MODULE, 7, 3)]),
    st.data(),
)
def test_data_packets_round_trip(kind, data):
    module, register, k = kind
    payload = bytes((module, register)) + data.draw(st.binary(min_size=6 * k, max_size=6 * k))
    assert bytes(VectorPacket.from_bytes(payload)) == payload


@pytest.mark.parametrize("answer", [*MMR_MODULES, *MMS_MODULES, "1380"])
def test_module_answers_round_trip(answer):
    assert bytes(ModuleInfo.from_bytes(bytes.fromhex(answer))).hex() == answer


@pytest.mark.parametrize("payload", ["", "03", "038001", "030401", "031c0102"])
def test_cut_off_answers_are_refused(payload):
    decoder, _ = _configured(MMR_MODULES)
    with pytest.raises(DecodeError):
        decoder.decode(DATA, bytes.fromhex(payload))


def test_info_and_battery():
    driver = MetaMotion()
    info = driver.info("MetaWear", {"00002a26-0000-1000-8000-00805f9b34fb": b"1.7.3"}, 100)
    assert (info.firmware, info.nominal_rate_hz, info.clock) == ("1.7.3", 100, None)
    assert (info.acc_range_m_s2, info.gyr_range_rad_s) == (mm.ACC_RANGE_M_S2, mm.GYR_RANGE_RAD_S)
    assert driver.battery_percent({BATTERY_LEVEL: b"\x40"}) == 64
    assert driver.decoder({}, 100).decode(BATTERY_LEVEL, b"\x32").battery_percent == 50
