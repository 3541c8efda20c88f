"""What streaming from the simulated sensors costs, and how fast real time can run before packets come late.

    python tests/benchmarks/virtual_streaming.py                          a table of rates and speeds
    python tests/benchmarks/virtual_streaming.py --rate 100 --seconds 600 --speed 1

Simulated sensors, real bleak, no link above it. Latency is real time from the moment at which the last
sample of a packet was measured to bleak's callback.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time

import numpy as np
from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic

from firmware_bridge.clock import SystemClock
from firmware_bridge.drivers.kneeflex import CONTROL, DATA, Command, Packet, Scale
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.radio import VirtualRadio
from firmware_bridge.virtual.sessions import still
from firmware_bridge.virtual.simulation import simulate_session

RUNS = [
    (100.0, 1.0, 10.0),
    (400.0, 1.0, 10.0),
    (100.0, 5.0, 50.0),
    (100.0, 10.0, 100.0),
    (400.0, 10.0, 100.0),
]


async def stream(clock: SystemClock, rate_hz: float, seconds: float) -> None:
    """Streams a still leg and prints one row."""
    session = simulate_session(still(seconds), rate_hz=rate_hz)
    radio = VirtualRadio(session, clock=clock, lead_s=0.5)
    heard: dict[Segment, list[tuple[float, bytes]]] = {segment: [] for segment in Segment}
    async with radio:
        for segment in Segment:
            device = await BleakScanner.find_device_by_address(
                radio.addresses[segment], backend=radio.scanner_backend
            )
            assert device is not None
            client = BleakClient(device, backend=radio.client_backend)
            await client.connect()

            def receive(
                _: BleakGATTCharacteristic,
                payload: bytearray,
                into: list[tuple[float, bytes]] = heard[segment],
            ) -> None:
                into.append((clock.now_s(), bytes(payload)))

            await client.start_notify(DATA, receive)
            await client.write_gatt_char(CONTROL, bytes(Command(rate_hz)))
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        while not radio.finished:
            await asyncio.sleep(0.1 * clock.speed)
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    late_ms, received = [], 0
    for segment, packets in heard.items():
        recording = session.recording.thigh if segment is Segment.THIGH else session.recording.shank
        assert radio.script_start_s is not None
        for arrival_s, payload in packets:
            packet = Packet.from_bytes(payload, Scale())
            first = int(radio.script_index(segment, np.array([packet.clock_us]))[0])
            if first >= 0:
                received += len(packet.acc_m_s2)
                measured_s = radio.script_start_s + recording.time_s[first + len(packet.acc_m_s2) - 1]
                late_ms.append((arrival_s - measured_s) / clock.speed * 1e3)
    median, p99, worst = np.percentile(late_ms, [50, 99, 100])
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"2 x {rate_hz:3.0f} Hz, speed {clock.speed:4.1f}: "
        f"{sum(radio.sent.values())} sent, {received} received; "
        f"latency median {median:.1f}, p99 {p99:.1f}, worst {worst:.1f} ms; "
        f"{100 * cpu_s / wall_s:.0f} % of a core; peak {memory_mb:.0f} MB",
        flush=True,
    )


def main() -> None:
    """Reads the options and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rate", type=float, help="Hz; the whole table without it")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    chosen = (options.rate, options.speed, options.seconds)
    for rate_hz, speed, seconds in [chosen] if options.rate else RUNS:
        clock = SystemClock(speed)
        clock.run(stream(clock, rate_hz, seconds))


if __name__ == "__main__":
    main()
