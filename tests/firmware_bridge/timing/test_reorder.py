from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.drivers.seam import Decoded
from firmware_bridge.timing.device_clock import DeviceClock
from firmware_bridge.timing.reorder import ReorderBuffer

WITH_CLOCK = DeviceClock(1e-6, 2**32, 2**16)
RATE_HZ = 100.0


def packet(first: int, k: int = 1, ticks: bool = True, sequence: bool = True, boot_us: int = 2**32 - 500_000):
    """Samples first, first + 1, ... of a sensor; acc x tells the number."""
    index = np.arange(first, first + k)
    acc = np.zeros((k, 3))
    acc[:, 0] = index
    return Decoded(
        acc,
        np.zeros((k, 3)),
        device_ticks=(index * 10_000 + boot_us) % 2**32 if ticks else None,
        sequence=(index + 65_500) % 2**16 if sequence else None,
    )


class Feed:
    """Pushes packets and keeps the numbers of the samples that came out."""

    def __init__(self, clock: DeviceClock | None = WITH_CLOCK) -> None:
        self.order = ReorderBuffer(clock, RATE_HZ)
        self.out: list[int] = []
        self.restarts = 0
        self.positions: list[int] = []

    def push(self, decoded: Decoded, arrival_s: float) -> None:
        self.keep(self.order.push(decoded, arrival_s))

    def keep(self, placed) -> None:
        for one in placed:
            self.out += [int(x) for x in one.decoded.acc_m_s2[:, 0]]
            self.restarts += one.restarted
            self.positions += list(one.positions)

    def numbers(self, numbers, **kwargs) -> None:
        for number in numbers:
            self.push(packet(number, **kwargs), number / RATE_HZ)

    def end(self) -> list[int]:
        self.keep(self.order.flush())
        return self.out


@pytest.mark.parametrize("columns", [{}, {"sequence": False}, {"ticks": False}])
def test_wraps_pass_unnoticed(columns):
    feed = Feed()
    feed.numbers(range(300), **columns)
    assert feed.end() == list(range(300))
    assert (feed.order.lost, feed.order.duplicates, feed.restarts) == (0, 0, 0)
    assert np.all(np.diff(feed.positions) > 0)


def test_a_sensor_without_counters_passes_through():
    feed = Feed(None)
    feed.numbers(range(5), ticks=False, sequence=False)
    assert feed.end() == [0, 1, 2, 3, 4]
    assert feed.order.lost is None


def test_a_damaged_packet_that_is_delivered_twice_is_no_restart():
    feed = Feed()
    feed.numbers(range(50))
    for _ in range(2):
        feed.push(packet(2_000_000, boot_us=0), 0.495)
    feed.numbers([48, 49, 50, 50, *range(51, 100)])
    assert feed.end() == list(range(100))
    assert feed.restarts == 0
    assert (feed.order.lost, feed.order.strays, feed.order.duplicates) == (0, 1, 4)


@pytest.mark.parametrize("columns", [{}, {"sequence": False}, {"ticks": False}])
def test_repeats_are_taken_out(columns):
    feed = Feed()
    feed.numbers([*range(20), 17, 18, 19, 19, 20, 20, 21], **columns)
    assert feed.end() == list(range(22))
    assert (feed.order.duplicates, feed.order.lost) == (5, 0)


def test_overlapping_packets_keep_their_new_samples():
    feed = Feed()
    for first in (0, 4, 6, 10):
        feed.push(packet(first, k=4), (first + 4) / RATE_HZ)
    assert feed.end() == list(range(14))
    assert feed.order.duplicates == 2


@pytest.mark.parametrize("columns", [{}, {"sequence": False}, {"ticks": False}])
def test_overtaken_packets_are_sorted_in(columns):
    feed = Feed()
    feed.numbers([*range(20), 21, 20, 22, 24, 25, 23, 26], **columns)
    assert feed.end() == list(range(27))
    assert (feed.order.lost, feed.order.late) == (0, 0)


def test_a_packet_that_comes_too_late_is_dropped_and_counted():
    feed = Feed()
    feed.numbers([*range(20), 21, 22, 23, 24, 20, 25])
    assert feed.end() == [*range(20), 21, 22, 23, 24, 25]
    assert (feed.order.late, feed.order.lost, feed.order.duplicates) == (1, 1, 0)


@pytest.mark.parametrize("columns", [{}, {"sequence": False}, {"ticks": False}])
def test_loss_is_counted(columns):
    feed = Feed()
    feed.numbers([n for n in range(200) if n not in (50, 51, 52, 120)], **columns)
    assert feed.order.lost == 4


@pytest.mark.parametrize("true_rate_hz", [25.0, 98.7, 400.0])
def test_loss_by_the_clock_whatever_the_true_rate(true_rate_hz):
    feed = Feed(DeviceClock(1e-6, 2**32))
    for n in range(400):
        if n not in (200, 201, 300):
            ticks = np.array([round(n / true_rate_hz * 1e6)])
            feed.push(Decoded(np.zeros((1, 3)), np.zeros((1, 3)), device_ticks=ticks), n / true_rate_hz)
    feed.end()
    assert feed.order.lost == 3


@pytest.mark.parametrize("columns", [{}, {"sequence": False}])
def test_a_reboot_is_believed_when_it_is_repeated(columns):
    feed = Feed()
    feed.numbers(range(400), **columns)
    for n in range(50):  # 3 s later, from zero
        feed.push(packet(n, boot_us=0, **columns), 7 + n / RATE_HZ)
    assert feed.end() == [*range(400), *range(50)]
    assert feed.restarts == 1
    assert feed.order.lost == pytest.approx(300, abs=1)
    assert feed.order.strays == 0


def test_one_packet_of_garbage_is_no_reboot():
    feed = Feed()
    feed.numbers(range(400))
    feed.push(packet(123_456, boot_us=999), 4.0)
    feed.numbers(range(400, 450))
    assert feed.end() == list(range(450))
    assert (feed.order.strays, feed.order.lost, feed.restarts) == (1, 0, 0)


def test_a_long_silence_is_no_reboot():
    feed = Feed()
    feed.numbers([*range(100), *range(700_000, 700_100)])  # nearly two hours
    assert len(feed.end()) == 200
    assert (feed.restarts, feed.order.lost) == (0, 699_900)


def test_a_mere_counter_counts_anew_after_a_reconnect():
    clock = DeviceClock(1.0, 1, 2**16)
    feed = Feed(clock)
    feed.numbers(range(50), ticks=False)
    feed.order.reconnected()
    for n in range(30):  # 2 s later, from zero
        feed.push(packet(n, ticks=False), 2.49 + n / RATE_HZ)
    feed.order.reconnected()
    for n in range(30, 60):  # 1 s later it goes on where it stopped
        feed.push(packet(n, ticks=False), 3.78 + (n - 30) / RATE_HZ)
    assert feed.end() == [*range(50), *range(30), *range(30, 60)]
    assert feed.restarts == 2
    assert feed.order.lost == 199 + 99


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 4)), max_size=60),
    st.sampled_from([{}, {"ticks": False}]),
)
@settings(max_examples=150)
def test_whatever_comes_is_handed_out_in_order_and_accounted_for(jumbled, columns):
    feed = Feed()
    pushed = 0
    feed.push(packet(0, **columns), 0.0)
    for arrival, (first, k) in enumerate(jumbled, start=1):
        feed.push(packet(first, k, **columns), arrival / RATE_HZ)
        pushed += k
    out = feed.end()
    assert np.all(np.diff(out) > 0)
    assert len(out) + feed.order.duplicates + feed.order.late == pushed + 1
    if columns:  # the clock alone cannot tell a gap from the rate of so odd a sensor
        assert feed.order.lost == max(out) + 1 - len(out)


def test_a_sensor_without_counters_restarts_with_its_connection():
    feed = Feed(None)
    feed.numbers(range(3), ticks=False, sequence=False)
    feed.order.reconnected()
    feed.numbers(range(3, 6), ticks=False, sequence=False)
    assert feed.end() == [0, 1, 2, 3, 4, 5]
    assert feed.restarts == 1
