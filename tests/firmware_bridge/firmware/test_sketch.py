"""The sketch itself, compiled for the host and run on a fake board, against the driver that will meet it."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import firmware_bridge
from firmware_bridge.drivers.kneeflex import CONFIGURATION, DATA, Configuration, Echo, Kneeflex, Packet
from firmware_bridge.drivers.seam import Decoded

HERE = Path(__file__).parent
SKETCH = Path(firmware_bridge.__file__).parent / "firmware" / "kneeflex_xiao"
COMPILER = shutil.which("c++")
CLOCK_AT_START = 2**32 - 1 - 3_000_000
TRUE_PERIOD_US = 9800  # the fake IMU runs 2 % slow at 104 Hz

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler on this machine")


@dataclass
class Event:
    time_us: int
    what: str
    characteristic: int
    value: bytes


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Runs a script of happenings; returns what the board did."""
    program = tmp_path_factory.mktemp("board") / "board"
    source = HERE / "fake_board" / "board.cpp"
    flags = ["-std=c++11", "-O1", "-Wall", "-Wextra"]
    includes = [f"-I{HERE / 'fake_board'}", f"-I{SKETCH}"]
    subprocess.run([COMPILER, *flags, *includes, str(source), "-o", str(program)], check=True)

    def board(*happenings):
        script = "\n".join(happenings)
        done = subprocess.run([program], input=script, text=True, capture_output=True, check=True, timeout=60)
        events = [line.split(" ") for line in done.stdout.splitlines()]
        hexed = ("characteristic", "value", "notify", "battery")
        return [
            Event(int(t), what, int(n), bytes.fromhex(v) if what in hexed else v.encode())
            for t, what, n, v in events
        ]

    return board


def _decode(events):
    """All samples after the last start, through the driver, and the packets."""
    configurations = [e.value for e in events if e.what == "value" and e.characteristic == 3]
    decoder = Kneeflex().decoder({CONFIGURATION: configurations[0]}, 100)
    scale = Configuration.from_bytes(configurations[0]).scale
    notified = [e for e in events if e.what == "notify" and e.characteristic == 2]
    decoded = [decoder.decode(DATA, e.value) for e in notified]
    acc = np.concatenate([d.acc_m_s2 for d in decoded]) / scale.acc_m_s2
    gyr = np.concatenate([d.gyr_rad_s for d in decoded]) / scale.gyr_rad_s
    ticks = np.concatenate([d.device_ticks for d in decoded])
    sequence = np.concatenate([d.sequence for d in decoded])
    packets = [(e.time_us, Packet.from_bytes(e.value, scale)) for e in notified]
    return Decoded(acc, gyr, device_ticks=ticks, sequence=sequence), packets


def _check_values(samples):
    """Sample n of the fake IMU holds n + 1, n + 2, n + 3 and -n, -n - 1, -n - 2."""
    n = samples.sequence.astype(float)[:, None]
    np.testing.assert_allclose(samples.gyr_rad_s, n + np.array([1, 2, 3]), atol=1e-3)
    np.testing.assert_allclose(samples.acc_m_s2, -n - np.array([0, 1, 2]), atol=1e-3)


def test_the_board_introduces_itself(board):
    events = board("run 10000")
    assert [e.value for e in events if e.what == "name"] == [b"KF-BEEF"]
    assert {e.characteristic: e.value[0] for e in events if e.what == "characteristic"} == {
        2: 0x10,  # data: notify
        3: 0x02,  # configuration: read
        4: 0x08,  # control: write
        5: 0x1C,  # ping: write, write without response, notify
    }
    assert [e.what for e in events].count("advertise") == 1
    assert 50 <= next(e.value[0] for e in events if e.what == "battery") <= 60
    configuration = Configuration.from_bytes(next(e.value for e in events if e.what == "value"))
    assert configuration.rate_hz == 0
    assert configuration.offered_rates_hz == (26, 52, 104, 208, 416)
    assert configuration.scale.acc_m_s2 * 32768 == pytest.approx(16 * 9.80665, rel=1e-3)
    info = Kneeflex().info("KF-BEEF", {CONFIGURATION: bytes(configuration)}, 100)
    assert (info.firmware, info.nominal_rate_hz) == ("1.0.0", 104)


@pytest.mark.parametrize(("mtu", "limit"), [(23, 1), (35, 2), (185, 4), (247, 4)])
def test_a_stream_is_whole_dated_and_fresh(board, mtu, limit):
    (start,) = Kneeflex().start(100)
    events = board(f"connect {mtu}", f"control {start.payload.hex()}", "run 6000000")
    samples, packets = _decode(events)
    assert samples.sequence.tolist() == list(range(len(samples)))
    assert len(samples) > 600
    _check_values(samples)
    assert {len(p.acc_m_s2) for _, p in packets[:-1]} == {limit}
    ages_us = [t - (p.clock_us - CLOCK_AT_START) % 2**32 for t, p in packets]
    assert max(ages_us) < 40_000
    late = [p for _, p in packets if p.sequence > 400]
    assert {p.period_us for p in late} == {TRUE_PERIOD_US}
    assert packets[0][1].period_us == 9615  # nominal, until it is measured
    clock = np.unwrap(samples.device_ticks.astype(float), period=2**32)
    np.testing.assert_allclose(np.diff(clock[400:]), TRUE_PERIOD_US, atol=2)  # across the wrap at 3 s
    running = [e.value for e in events if e.what == "value"][-1]
    assert Configuration.from_bytes(running).rate_hz == 104


@pytest.mark.parametrize(("wanted", "rate"), [(25, 26), (50, 52), (200, 208), (400, 416)])
def test_every_rate_runs_without_a_gap(board, wanted, rate):
    (start,) = Kneeflex().start(wanted)
    samples, _ = _decode(board("connect 247", f"control {start.payload.hex()}", "run 3000000"))
    assert samples.sequence.tolist() == list(range(len(samples)))
    assert len(samples) == pytest.approx(3 * rate * 0.981, abs=0.05 * rate)
    _check_values(samples)


def test_samples_that_the_radio_could_not_take_are_counted(board):
    (start,) = Kneeflex().start(100)
    events = board(
        *("connect 247", f"control {start.payload.hex()}", "run 1000000"),
        *("radio full", "run 500000", "radio free", "run 1000000"),
    )
    samples, packets = _decode(events)
    steps = np.diff(samples.sequence)
    assert (steps > 1).sum() == 1
    assert 40 <= steps.max() <= 70
    _check_values(samples)
    at_gap = next(
        p for (_, p), (_, q) in zip(packets[1:], packets, strict=False) if p.sequence != q.sequence + 4
    )
    age_us = np.diff([(q.clock_us - CLOCK_AT_START) % 2**32 for q in (packets[0][1], at_gap)])[0]
    assert age_us == pytest.approx((at_gap.sequence - packets[0][1].sequence) * TRUE_PERIOD_US, abs=5)


def test_a_ping_is_answered_with_the_clock_also_while_idle(board):
    ping = Kneeflex.ping
    events = board(
        "connect 247", "run 5000", f"ping {ping.encode(7).hex()}", f"ping {ping.encode(8).hex()}aa"
    )
    (answer,) = [e for e in events if e.what == "notify"]
    assert answer.characteristic == 5
    echo = Echo.from_bytes(answer.value)
    assert echo.token == 7
    assert echo.clock_us == (CLOCK_AT_START + answer.time_us) % 2**32


def test_stop_disconnect_and_restart(board):
    start, stop = Kneeflex().start(100)[0].payload.hex(), Kneeflex().stop()[0].payload.hex()
    running = ("connect 247", f"control {start}", "run 1000000")
    stopped = board(*running, f"control {stop}", "run 1000000")
    left = board(*running, "disconnect -", "run 1000000")
    for events in (stopped, left):
        assert max(e.time_us for e in events if e.what == "notify") < 1_100_000
        assert Configuration.from_bytes([e.value for e in events if e.what == "value"][-1]).rate_hz == 0
    again = board(*running, "disconnect -", "run 300000", *running)
    _, packets = _decode(again)
    first_again = next(i for i, (t, _) in enumerate(packets) if t > 1_300_000)
    assert packets[first_again][1].sequence == 0
    nonsense = board("connect 247", "control 07", "control 0100", "run 100000")
    assert [e for e in nonsense if e.what == "notify"] == []
