from __future__ import annotations

from functools import partial
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.drivers.kneeflex import CONFIGURATION, DATA, Configuration, Kneeflex, Packet, Scale
from firmware_bridge.receiving.messages import LinkChange, Notification, Opened
from firmware_bridge.receiving.sensor_stream import SensorStream, to_samples
from firmware_bridge.samples import Segment

READS = {CONFIGURATION: bytes(Configuration((1, 0, 0), Scale(), 100, (100.0,)))}


numbers = count()


def opened():
    """A new connection to one sensor."""
    driver = Kneeflex()
    info = driver.info("fuzz", READS, 100.0)
    make_decoder = partial(driver.decoder, READS, 100.0)
    return Opened(
        Segment.THIGH, next(numbers), info, "", 100.0, make_decoder, DATA, driver.ping, lambda writes: None
    )


def notification(link, arrival_s, payload):
    return Notification(link.segment, link.connection, DATA, arrival_s, payload)


def packet(sequence, clock_us, k=1):
    return bytes(Packet(sequence, clock_us, 10_000, np.zeros((k, 3)), np.zeros((k, 3)), Scale()))


steps = st.one_of(
    st.tuples(st.just("next"), st.integers(1, 4)),
    st.tuples(st.just("jump"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("again"), st.just(0)),
    st.tuples(st.just("bytes"), st.binary(max_size=40)),
    st.tuples(st.just("silence"), st.floats(0.1, 10_000)),
    st.tuples(st.just("reconnect"), st.just(0)),
)


@given(st.lists(steps, max_size=60))
@settings(max_examples=100)
def test_whatever_the_air_brings_time_never_runs_back(course):
    stream, link = SensorStream(), opened()
    stream.opened(link)
    sequence, clock_us, arrival_s, last = 7, 2**32 - 50_000, 100.0, b""
    timed = []
    for what, how in course:
        arrival_s += 0.01
        if what == "silence":
            arrival_s += how
            clock_us += int(how * 1e6)
            continue
        if what == "reconnect":
            link = opened()
            stream.opened(link)
            continue
        if what == "next":
            last = packet(sequence, clock_us, how)
            sequence, clock_us = sequence + how, clock_us + 10_000 * how
        elif what == "jump":
            last = packet(how % 2**16, how)
        timed += stream.take(notification(link, arrival_s, how if what == "bytes" else last))
    timed += stream.flush()
    status = stream.status(arrival_s)
    assert status.lost is None or status.lost >= 0
    if timed:
        samples = to_samples(timed, 0.0)
        assert np.all(np.diff(samples.time_s) > 0)
        assert np.all(np.isfinite(samples.time_s))


def test_notifications_of_a_connection_that_was_given_up_are_ignored():
    stream, old, new = SensorStream(), opened(), opened()
    stream.opened(old)
    assert len(stream.take(notification(old, 0.0, packet(0, 0)))) == 1
    stream.opened(new)
    assert stream.take(notification(old, 0.01, packet(1, 10_000))) == []
    assert len(stream.take(notification(new, 0.01, packet(1, 10_000)))) == 1


def test_a_reconnect_over_which_nothing_came_is_not_counted():
    stream = SensorStream()
    stream.opened(opened())
    for state in ("lost", "recovered", "stalled", "recovered", "lost"):
        stream.changed(LinkChange(Segment.THIGH, state, 1.0, {}))
    for _ in range(3):
        stream.opened(opened())
    assert stream.status(2.0).reconnects == 1
    stream.changed(LinkChange(Segment.THIGH, "recovered", 3.0, {}))
    assert stream.status(3.0).reconnects == 2


def test_a_sensor_that_was_lost_before_anything_made_sense_has_a_status():
    stream = SensorStream()
    stream.opened(opened())
    stream.changed(LinkChange(Segment.THIGH, "lost", 1.0, {}))
    assert stream.status(2.0).state == "lost"


def test_garbage_is_told_with_growing_patience():
    stream, link = SensorStream(), opened()
    stream.opened(link)
    for _ in range(100):
        stream.take(notification(link, 0.0, b"nonsense"))
    assert stream.status(0.0).garbage == 100
    assert [notice.detail["notifications"] for notice in stream.take_notices()] == [1, 2, 4, 8, 16, 32, 64]
    assert "make no sense" in stream.complaint


def test_what_came_before_the_session_is_left_out():
    stream, link = SensorStream(), opened()
    stream.opened(link)
    timed = []
    for n in range(100):
        timed += stream.take(notification(link, 50 + n / 100, packet(n, n * 10_000)))
    samples = to_samples(timed, 50.5)
    assert len(samples) == 50
    assert samples.time_s[0] == pytest.approx(0, abs=1e-9)
    assert samples.sequence is not None
    assert samples.sequence[0] == 50


def test_what_the_live_times_still_have_to_catch_up_with_is_part_of_their_uncertainty():
    stream, link = SensorStream(), opened()
    stream.opened(link)
    for number, arrival_s in enumerate((100.5, 100.02, 100.03, 100.04)):
        stream.take(notification(link, arrival_s, packet(number, 10_000 * number)))
    # The first packet came half a second late, and time must not run back.
    assert stream.status(100.04).clock_uncertainty_s == pytest.approx(0.487, abs=0.002)
