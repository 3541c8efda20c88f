from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.samples import ImuSamples
from firmware_bridge.timing.clock_fit import (
    fit_arrivals,
    fit_clock,
    fit_samples,
    fit_sequence,
    lower_edge,
    session_time,
)
from firmware_bridge.timing.device_clock import DeviceClock
from firmware_bridge.timing.live_clock import LiveClock

MICROSECONDS = DeviceClock(1e-6, 2**32, 2**16)


def over_the_air(time_s, rng, interval_s=0.015, loss=0.02, phase_s=0.0, stalls=()):
    """Arrivals of in-order packets that go at connection events and are repeated until they get through."""
    events = np.ceil((time_s - phase_s) / interval_s) + rng.geometric(1 - loss, len(time_s)) - 1
    arrival_s = phase_s + interval_s * np.maximum.accumulate(events)
    for start_s, length_s in stalls:
        held = (arrival_s >= start_s) & (arrival_s < start_s + length_s)
        arrival_s[held] = start_s + length_s
    return np.maximum.accumulate(arrival_s + 0.002 + rng.exponential(0.0008, len(time_s)))


def ticks_of(time_s, drift_ppm=0.0, boot_s=0.0):
    return ((time_s + boot_s) * (1 + drift_ppm * 1e-6) * 1e6).astype(np.int64) % 2**32


@pytest.fixture
def rng():
    return np.random.default_rng(20240)


@pytest.fixture
def time_s():
    return np.arange(30_000) * 0.01 + 0.004


@pytest.mark.parametrize(("drift_ppm", "boot_s"), [(40, 4200), (-25, 0), (500, 1e6), (-10_000, 4290)])
def test_drift_wraps_jitter_and_stalls_leave_a_constant_delay(rng, time_s, drift_ppm, boot_s):
    arrival_s = over_the_air(time_s, rng, stalls=[(50, 1), (120, 2), (210, 1)])
    fit = fit_clock(ticks_of(time_s, drift_ppm, boot_s), arrival_s, MICROSECONDS)
    error_s = fit.time_s - time_s
    assert np.std(error_s) < 3e-4
    assert 0 <= np.mean(error_s) < 0.015 + 0.002
    assert np.mean(error_s) < 2 * fit.uncertainty_s
    assert fit.drift_ppm == pytest.approx(drift_ppm, abs=max(1, 2e-3 * abs(drift_ppm)))
    assert fit.rate_hz == pytest.approx(100, rel=1e-4)
    assert (fit.lost, fit.restarts) == (0, 0)


def test_a_restart_splits_the_fit_and_keeps_the_drift(rng, time_s):
    time_s = np.concatenate([time_s[:20_000], time_s[20_500:21_000]])
    ticks = np.concatenate([ticks_of(time_s[:20_000], 40, 3000), ticks_of(time_s[20_000:] - 204, 40)])
    fit = fit_clock(ticks, over_the_air(time_s, rng), MICROSECONDS)
    assert fit.restarts == 1
    assert fit.lost == pytest.approx(500, abs=3)
    np.testing.assert_allclose(fit.time_s, time_s, atol=0.018)


def test_repeated_and_late_packets_do_no_harm(rng, time_s):
    arrival_s = over_the_air(time_s, rng)
    repeated, overtaken = [4990, 4991, 4992], [5001]
    order = np.r_[:5000, repeated, 5003:5100, overtaken, 5100:30_000]
    ticks, arrival_s = ticks_of(time_s, 40)[order], np.maximum.accumulate(arrival_s[order])
    fit = fit_clock(ticks, arrival_s, MICROSECONDS)
    assert fit.lost == 2
    assert fit.restarts == 0
    np.testing.assert_allclose(fit.time_s - time_s[order], np.mean(fit.time_s - time_s[order]), atol=2e-4)


def test_a_clock_that_wanders_is_followed(rng, time_s):
    wander_s = 0.1 * np.sin(2 * np.pi * time_s / 300)
    fit = fit_clock(ticks_of(time_s + wander_s), over_the_air(time_s, rng), MICROSECONDS)
    assert np.std(fit.time_s - time_s) < 0.01
    straight = fit_clock(ticks_of(time_s), over_the_air(time_s, rng), MICROSECONDS)
    assert np.std(straight.time_s - time_s) < 1e-4


def test_a_computer_that_is_late_for_half_a_minute_does_not_bend_the_clock(rng, time_s):
    late_s = 6 * np.clip(1 - np.abs(time_s - 60) / 20, 0, 1)
    arrival_s = np.maximum.accumulate(over_the_air(time_s, rng) + late_s)
    fit = fit_clock(ticks_of(time_s, 40), arrival_s, MICROSECONDS)
    assert np.std(fit.time_s - time_s) < 1e-3


@pytest.mark.parametrize("at_s", [4, 8, 20, 40])
def test_a_jump_of_the_minimum_delay_is_not_taken_for_drift(rng, at_s):
    # Packets that keep step with the connection events slip to the next event at some moment.
    time_s = np.arange(0, 60, 0.045)
    arrival_s = time_s + np.where(time_s < at_s, 0.001, 0.015) + rng.exponential(0.0005, len(time_s))
    for seconds in (12, 60):
        rows = time_s < seconds
        error_s = fit_clock(ticks_of(time_s, 20)[rows], arrival_s[rows], MICROSECONDS).time_s - time_s[rows]
        assert np.ptp(error_s) < 0.005


def test_many_wraps_of_a_small_clock_during_a_silence(rng):
    # A 16-bit millisecond clock wraps every 65.5 s; nothing is heard for 200 s.
    clock = DeviceClock(1e-3, 2**16)
    time_s = np.concatenate([np.arange(6000) * 0.01, 260 + np.arange(6000) * 0.01])
    ticks = np.floor(time_s * 1000).astype(np.int64) % 2**16
    fit = fit_clock(ticks, over_the_air(time_s, rng), clock)
    assert fit.restarts == 0
    assert fit.lost == 20_000
    np.testing.assert_allclose(fit.time_s, time_s, atol=0.018)


def test_nanoseconds_in_64_bits(rng, time_s):
    ticks = (time_s * 1e9).astype(np.int64) + 7 * 10**17
    fit = fit_clock(ticks, over_the_air(time_s, rng), DeviceClock(1e-9, 2**64))
    assert np.std(fit.time_s - time_s) < 1e-4


def test_loss_is_counted_by_the_counter_else_by_the_clock_else_estimated(rng, time_s):
    kept = np.sort(rng.permutation(len(time_s))[: len(time_s) - 400])
    kept = kept[(kept < 9000) | (kept >= 9050)]
    truth = len(time_s) - len(kept) - (kept[0] + len(time_s) - 1 - kept[-1])
    arrival_s = over_the_air(time_s, rng)[kept]
    zeros = np.zeros((len(kept), 3))
    sequence, ticks = (kept + 65_000) % 65_536, ticks_of(time_s)[kept]

    def fit(clock=MICROSECONDS, **columns):
        return fit_samples(ImuSamples(time_s[kept], zeros, zeros, arrival_s=arrival_s, **columns), clock)

    assert fit(device_ticks=ticks, sequence=sequence).lost == truth
    assert fit(device_ticks=ticks).lost == truth
    assert fit(sequence=sequence).lost == truth
    blind = fit(None)
    assert blind.lost is None
    assert blind.lost_estimate is not None
    assert 45 <= blind.lost_estimate <= truth  # the outage for sure; single losses hide in the jitter


def test_a_short_counter_wraps_unseen_but_the_clock_knows(rng):
    time_s = np.concatenate([np.arange(1000) * 0.01, 40 + np.arange(1000) * 0.01])
    count = np.rint(time_s / 0.01).astype(np.int64)
    zeros = np.zeros((2000, 3))
    samples = ImuSamples(
        time_s,
        zeros,
        zeros,
        arrival_s=over_the_air(time_s, rng),
        device_ticks=ticks_of(time_s),
        sequence=count % 256,
    )
    assert fit_samples(samples, DeviceClock(1e-6, 2**32, 256)).lost == 3000


@pytest.mark.parametrize("rate_hz", [98.71, 99.80, 104.2])
def test_a_mere_counter_is_a_clock_whatever_the_true_rate(rng, rate_hz):
    time_s = np.arange(30_000) / rate_hz
    arrival_s = over_the_air(time_s, rng, stalls=[(50, 1)])
    fit = fit_sequence(np.arange(30_000) % 256, arrival_s, 256)
    assert fit.rate_hz == pytest.approx(rate_hz, rel=1e-4)
    assert np.std(fit.time_s - time_s) < 2e-4


def test_a_counter_that_paused_with_its_link_does_not_shift_the_rest(rng):
    time_s = np.r_[np.arange(10_000) / 100, 103 + np.arange(10_000) / 100, 203.2 + np.arange(10_000) / 100]
    fit = fit_sequence(np.arange(30_000) % 2**16, over_the_air(time_s, rng), 2**16)
    np.testing.assert_allclose(fit.time_s, time_s, atol=0.02)
    assert fit.lost == pytest.approx(300 + 20, abs=3)


def test_arrivals_alone_are_evened_out(rng):
    time_s = np.arange(30_000) / 98.71
    arrival_s = over_the_air(time_s, rng, stalls=[(50, 1)])
    fit = fit_arrivals(arrival_s)
    assert fit.lost is None
    assert fit.lost_estimate == 0
    assert np.std(fit.time_s - time_s) < 1e-3
    assert np.std(arrival_s - time_s) > 0.01


def test_recordings_that_were_not_streamed_keep_their_times():
    samples = ImuSamples(np.array([0.0, 0.5]), np.zeros((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(session_time(samples, MICROSECONDS), samples.time_s)
    with pytest.raises(ValueError, match="arrival"):
        fit_samples(samples, MICROSECONDS)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_the_shortest_recordings(n):
    arrival_s = np.arange(n) * 0.01 + 5
    for fit in (
        fit_clock(np.arange(n) * 10_000, arrival_s, MICROSECONDS),
        fit_sequence(np.arange(n), arrival_s, 256),
        fit_arrivals(arrival_s),
    ):
        np.testing.assert_allclose(fit.time_s, arrival_s, atol=1e-9)
        assert fit.restarts == 0


points = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=40)


@given(points)
@settings(max_examples=150)
def test_the_edge_lies_below_all_points_and_is_the_highest_such_line_at_the_centroid(raw):
    x, y = np.array(raw, dtype=float).T
    line = lower_edge(x, y)
    assert np.all(line.host_s(x) <= y + 1e-6)
    if np.ptp(x):
        slopes = np.diff(np.array(np.meshgrid(y, y)), axis=0)[0] / np.where(
            (dx := np.diff(np.array(np.meshgrid(x, x)), axis=0)[0]) == 0, np.inf, dx
        )
        heights = np.min(y[:, None] - slopes.ravel() * (x[:, None] - x.mean()), axis=0)
        assert line.host_s(np.array([x.mean()]))[0] == pytest.approx(heights.max(), abs=1e-6)


def test_the_live_clock_never_runs_back_and_ends_with_the_batch(rng, time_s):
    arrival_s = over_the_air(time_s, rng, stalls=[(50, 1)])
    ticks = ticks_of(time_s, 40)
    clock = LiveClock(1e-6)
    live_s = np.concatenate([clock.update(ticks[i : i + 4], arrival_s[i + 3]) for i in range(0, 30_000, 4)])
    assert np.all(np.diff(live_s) > 0)
    assert np.max(np.abs(live_s - time_s)[200:]) < 0.02
    batch_s = fit_clock(ticks, np.repeat(arrival_s[3::4], 4), MICROSECONDS).time_s
    np.testing.assert_allclose(live_s[-1000:], batch_s[-1000:], atol=2e-4)
    assert clock.drift_ppm == pytest.approx(40, abs=1)


@pytest.mark.parametrize("begun_s", [1.5, 2.6, 4.2, 9.0])
@pytest.mark.parametrize(("silent_s", "stalled_s"), [(0.0, 1.5), (0.0, 2.9), (3.0, 0.7), (60.0, 2.0)])
def test_live_times_after_a_long_silence_are_not_bent_by_the_late_packets_that_end_it(
    begun_s, silent_s, stalled_s
):
    # Nothing is sent for a while, then everything is held and arrives at once: a reconnect amid a stall.
    time_s = np.arange(0.0, begun_s + silent_s + stalled_s + 5.0, 0.04)
    end_s = begun_s + silent_s + stalled_s
    arrival_s = np.where((time_s > begun_s) & (time_s < end_s), end_s, time_s)
    sent = (time_s <= begun_s) | (time_s > begun_s + silent_s)
    clock = LiveClock(1e-6)
    for ticks, at_s, true_s in zip(ticks_of(time_s, 40)[sent], arrival_s[sent], time_s[sent], strict=True):
        assert clock.update(np.array([ticks]), at_s)[0] == pytest.approx(true_s, abs=0.01)
    assert clock.behind_s < 0.01
    # The recording may end amid the burst; a drift that a crystal may have is still read into it.
    until = sent & (time_s < end_s)
    batch_s = fit_clock(ticks_of(time_s, 40)[until], arrival_s[until], MICROSECONDS).time_s
    np.testing.assert_allclose(batch_s, time_s[until], atol=0.03)


def test_a_second_that_has_only_begun_does_not_bend_the_live_times():
    # 60 ms after 200 s could be a slow crystal; the packets behind show that it was a stall.
    time_s = np.concatenate([np.arange(0.0, 3.0, 0.04), np.arange(203.0, 206.0, 0.04)])
    arrival_s = np.where((time_s >= 203.0) & (time_s < 203.06), 203.06, time_s)
    clock = LiveClock(1e-6)
    for ticks, at_s, true_s in zip(ticks_of(time_s, 0), arrival_s, time_s, strict=True):
        assert clock.update(np.array([ticks]), at_s)[0] == pytest.approx(true_s, abs=0.001)


def test_the_samples_after_a_restart_that_all_arrive_at_one_moment_keep_their_distances():
    time_s = np.arange(0.0, 12.0, 0.04)
    before, after = time_s < 8.0, time_s > 10.0
    ticks = np.concatenate([ticks_of(time_s[before], 40, 9_000_000), ticks_of(time_s[after] - 9.5, 40)])
    arrival_s = np.concatenate([time_s[before], np.full(np.sum(after), 12.0)])
    fitted_s = fit_clock(ticks, arrival_s, MICROSECONDS).time_s
    np.testing.assert_allclose(np.diff(fitted_s[np.sum(before) :]), 0.04, atol=1e-5)
    assert fitted_s[-1] == pytest.approx(12.0, abs=0.05)


def test_a_clock_of_another_rate_than_its_nominal_one_is_believed_after_some_seconds(rng, time_s):
    arrival_s = over_the_air(time_s, rng)
    clock = LiveClock(1e-6)
    live_s = np.array(
        [clock.update(ticks_of(time_s[i : i + 1], 20_000), arrival_s[i])[0] for i in range(3000)]
    )
    assert np.max(np.abs(live_s - time_s[:3000])[1000:]) < 0.02
    assert clock.drift_ppm == pytest.approx(20_000, rel=0.01)


def test_the_live_clock_says_by_how_much_it_still_lags_behind_its_line():
    clock = LiveClock(1e-6)
    clock.update(np.array([0]), 0.5)
    assert clock.behind_s == 0.0
    clock.update(np.array([100_000]), 0.1)
    assert clock.behind_s == pytest.approx(0.49, abs=1e-3)


def test_the_live_clock_survives_a_restart(rng, time_s):
    arrival_s = over_the_air(time_s, rng)
    ticks = np.concatenate([ticks_of(time_s[:20_000], 40, 1000), ticks_of(time_s[20_000:], 40)])
    clock = LiveClock(1e-6)
    live_s = []
    for i in range(30_000):
        if i == 20_000:
            clock.restart()
        live_s.append(clock.update(ticks[i : i + 1], arrival_s[i])[0])
    assert np.all(np.diff(live_s) > 0)
    assert np.max(np.abs(live_s - time_s)[200:]) < 0.02
