"""The thread between the Bluetooth thread and the sinks."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from firmware_bridge.drivers.kneeflex import CONFIGURATION, DATA, Configuration, Kneeflex, Packet, Scale
from firmware_bridge.receiving.dispatcher import Dispatcher
from firmware_bridge.receiving.messages import Notification, Opened
from firmware_bridge.samples import Segment

READS = {CONFIGURATION: bytes(Configuration((1, 0, 0), Scale(), 100, (100.0,)))}


def opened(segment):
    driver = Kneeflex()
    info, decoder = driver.info("", READS, 100.0), partial(driver.decoder, READS, 100.0)
    return Opened(segment, 1, info, "", 100.0, decoder, DATA, driver.ping, lambda _: None)


def sample(number, segment=Segment.THIGH):
    """A packet of one sample, a hundredth of a second after the one before."""
    packet = Packet(number, 10_000 * number, 10_000, np.zeros((1, 3)), np.zeros((1, 3)), Scale())
    return Notification(segment, 1, DATA, 0.01 * number, bytes(packet))


@pytest.mark.parametrize("ahead", Segment)
def test_the_session_begins_with_the_newest_sample_of_the_sensor_that_is_ahead(clock, ahead):
    received = {segment: [] for segment in Segment}
    dispatcher = Dispatcher(Segment, clock, [lambda segment, x: received[segment].extend(x.time_s)], None)
    dispatcher.start()
    for segment in Segment:
        dispatcher.put(opened(segment))
        for number in range(130 if segment is ahead else 110):
            dispatcher.put(sample(number, segment))
    clock.sleep(0.01)
    assert dispatcher.zero_s == pytest.approx(1.29)
    for segment in Segment:
        for number in range(130 if segment is ahead else 110, 132):
            dispatcher.put(sample(number, segment))
    dispatcher.drain()
    dispatcher.check()
    assert received == {segment: pytest.approx([0.0, 0.01, 0.02], abs=1e-9) for segment in Segment}


def test_what_waits_for_an_overtaken_packet_is_handed_out_at_the_end(clock):
    received = []
    dispatcher = Dispatcher([Segment.THIGH], clock, [lambda _, samples: received.append(samples)], None)
    dispatcher.start()
    dispatcher.put(opened(Segment.THIGH))
    for number in range(130):
        dispatcher.put(sample(number))
    clock.sleep(0.01)
    assert dispatcher.ready.is_set()
    for number in (130, 132, 133):  # 131 is on its way for ever
        dispatcher.put(sample(number))
    dispatcher.drain()
    dispatcher.check()
    assert [int(sequence) for samples in received for sequence in samples.sequence] == [129, 130, 132, 133]
    assert dispatcher.status()[Segment.THIGH].lost == 1
