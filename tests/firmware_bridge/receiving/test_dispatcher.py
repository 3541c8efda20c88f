"""The thread between the Bluetooth thread and the sinks."""

from __future__ import annotations

from functools import partial

import numpy as np

from firmware_bridge.drivers.kneeflex import CONFIGURATION, DATA, Configuration, Kneeflex, Packet, Scale
from firmware_bridge.receiving.dispatcher import Dispatcher
from firmware_bridge.receiving.messages import Notification, Opened
from firmware_bridge.samples import Segment

READS = {CONFIGURATION: bytes(Configuration((1, 0, 0), Scale(), 100, (100.0,)))}


def test_what_waits_for_an_overtaken_packet_is_handed_out_at_the_end(clock):
    driver, received = Kneeflex(), []
    dispatcher = Dispatcher([Segment.THIGH], clock, [lambda _, samples: received.append(samples)], None)

    def send(number):
        packet = Packet(number, 10_000 * number, 10_000, np.zeros((1, 3)), np.zeros((1, 3)), Scale())
        dispatcher.put(Notification(Segment.THIGH, 1, DATA, 0.01 * number, bytes(packet)))

    info, decoder = driver.info("", READS, 100.0), partial(driver.decoder, READS, 100.0)
    dispatcher.start()
    dispatcher.put(Opened(Segment.THIGH, 1, info, "", 100.0, decoder, DATA, driver.ping, lambda _: None))
    for number in range(130):
        send(number)
    clock.sleep(0.01)
    assert dispatcher.ready.is_set()
    for number in (130, 132, 133):  # 131 is on its way for ever
        send(number)
    dispatcher.drain()
    dispatcher.check()
    assert [int(sequence) for samples in received for sequence in samples.sequence] == [129, 130, 132, 133]
    assert dispatcher.status()[Segment.THIGH].lost == 1
