"""The simulated sensors through bare bleak, and through the whole link."""

from __future__ import annotations

import asyncio

import pytest
from bleak import BleakClient, BleakScanner

from firmware_bridge.link.bridge import Bridge
from firmware_bridge.samples import ImuSamples, Segment


class Connected:
    """A bleak client of one simulated sensor, as an async context manager."""

    def __init__(self, radio, segment):
        self._radio, self._address = radio, radio.addresses[segment]

    async def __aenter__(self):
        device = await BleakScanner.find_device_by_address(
            self._address, timeout=5.0, backend=self._radio.scanner_backend
        )
        assert device is not None, "the sensor does not advertise"
        self._client = BleakClient(device, backend=self._radio.client_backend, timeout=5.0)
        await self._client.connect()
        return self._client

    async def __aexit__(self, *_):
        await self._client.disconnect()


@pytest.fixture
def connected():
    return Connected


@pytest.fixture
def until():
    async def wait(condition):
        async with asyncio.timeout(100.0):
            while not condition():
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def streamed():
    """Streams a whole script through the link: the samples and status of each sensor, and the zero."""

    def stream(radio, rate_hz):
        chunks = {segment: [] for segment in Segment}
        missing = set(Segment)
        complete = radio.clock.signal()
        lengths = {
            Segment.THIGH: len(radio.session.recording.thigh),
            Segment.SHANK: len(radio.session.recording.shank),
        }

        def keep(segment, samples):
            chunks[segment].append(samples)
            if radio.script_index(segment, samples.device_ticks[-1:])[0] == lengths[segment] - 1:
                missing.discard(segment)
            if not missing:
                complete.set()

        with Bridge(radio.names, radio, rate_hz=rate_hz, sinks=[keep]) as bridge:
            assert complete.wait(60.0), f"the end never came: {bridge.status}"
            status, zero_s = bridge.status, bridge.session_t0
        return {s: ImuSamples.concatenate(c) for s, c in chunks.items()}, status, zero_s

    return stream
