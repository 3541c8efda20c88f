"""A Bluetooth world of a few lines under the real bleak, so that the link is tested without any extra."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError

from firmware_bridge.clock import Clock
from firmware_bridge.drivers.kneeflex import (
    CONFIGURATION,
    CONTROL,
    DATA,
    PING,
    SERVICE,
    Command,
    Configuration,
    Echo,
    Packet,
    Scale,
)
from firmware_bridge.drivers.standard import BATTERY_LEVEL, SERIAL_NUMBER
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.model import LinkEvent

SCALE = Scale()
PERIOD_US = 10_000
# By how much the air delays a packet, at most.
JITTER_S = 0.008


@dataclass
class FakeSensor:
    """A board with the kneeflex profile whose every sample says its own number, as acc x in counts.

    `tamper` sees every packet before it is sent and returns what to send in its place, and so injects
    any fault of the air.
    """

    name: str
    address: str
    drift_ppm: float = 0.0
    boot_us: int = 0
    battery: int = 80
    refusals: int = 0
    in_range: bool = True
    mute: bool = False
    service: str = SERVICE
    serial: str = ""
    shows_up_s: float = 0.0
    demands_pairing: bool = False
    can_pair: bool = True
    refuses_start: Exception | None = None
    doubled: bool = False
    lacks: str = ""
    disconnect_s: float = 0.0
    tamper: Callable[[Packet], list[Packet | bytes]] = lambda packet: [packet]
    sent: int = 0
    connections: int = 0
    truth_s: list[float] = field(default_factory=list)
    commands: list[bytes] = field(default_factory=list)
    client: FakeClient | None = None
    streaming: asyncio.Task[None] | None = None

    def clock_us(self, now_s: float) -> int:
        return int(now_s * 1e6 * (1 + self.drift_ppm * 1e-6)) + self.boot_us

    def drop_link(self) -> None:
        """The link is lost, and both sides know it."""
        client = self.client
        self.stop()
        if client is not None:
            client.lost()

    def stop(self) -> None:
        if self.streaming is not None:
            self.streaming.cancel()
        self.client = self.streaming = None

    async def stream(self, radio: FakeRadio) -> None:
        clock_us, begun, jitter = self.clock_us(radio.clock.now_s()), self.sent, Random(self.address)
        while True:
            due_us = clock_us + (self.sent + 1 - begun) * PERIOD_US
            late_s = (self.clock_us(radio.clock.now_s()) - due_us) * 1e-6
            if late_s < 0:
                await asyncio.sleep(jitter.uniform(0.0, JITTER_S) - late_s)
            else:
                acc = np.array([[self.sent % 30_000, 0, 0]]) * SCALE.acc_m_s2
                time_us = clock_us + (self.sent - begun) * PERIOD_US
                self.truth_s.append((time_us - self.boot_us) / (1 + self.drift_ppm * 1e-6) * 1e-6)
                packet = Packet(self.sent % 65536, time_us % 2**32, PERIOD_US, acc, np.zeros((1, 3)), SCALE)
                self.sent += 1
                for out in self.tamper(packet):
                    self.notify(DATA, bytes(out))

    def notify(self, characteristic: str, payload: bytes) -> None:
        if self.client is not None and not self.mute and characteristic in self.client.callbacks:
            for _ in range(1 + (self.doubled and self.connections > 1 and characteristic == DATA)):
                self.client.callbacks[characteristic](bytearray(payload))


class FakeRadio:
    """Sensors in the air of one event loop."""

    def __init__(self, clock: Clock, *sensors: FakeSensor) -> None:
        self.clock, self.random = clock, Random(1)
        self.sensors = {sensor.address: sensor for sensor in sensors}
        self.loop: asyncio.AbstractEventLoop | None = None
        self.scans = 0
        self.scan_errors: list[Exception] = []
        self.scanner_backend = type("Scanner", (FakeScanner,), {"radio": self})
        self.client_backend = type("Client", (FakeClient,), {"radio": self})

    async def __aenter__(self) -> FakeRadio:
        self.loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        for sensor in self.sensors.values():
            sensor.stop()

    def do(self, action: Callable[[], object]) -> None:
        """Lets something happen to a sensor, in the thread where sensors live."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(action)


class FakeScanner(BaseBleakScanner):
    radio: FakeRadio

    def __init__(self, callback: Any, uuids: Any, mode: str, **_: Any) -> None:
        super().__init__(callback, uuids)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.radio.scans += 1
        if self.radio.scan_errors:
            raise self.radio.scan_errors.pop(0)
        self.seen_devices = {}
        self._task = asyncio.create_task(self._scan())

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()

    async def _scan(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            for sensor in self.radio.sensors.values():
                here = sensor.in_range and self.radio.clock.now_s() >= sensor.shows_up_s
                if here and sensor.client is None:
                    data = AdvertisementData(sensor.name, {}, {}, [sensor.service], None, -50, ())
                    device = self.create_or_update_device(
                        sensor.address, sensor.address, sensor.name, None, data
                    )
                    self.call_detection_callbacks(device, data)


class FakeClient(BaseBleakClient):
    radio: FakeRadio

    def __init__(self, device: BLEDevice, **options: Any) -> None:
        super().__init__(device, **options)
        self.sensor = self.radio.sensors[self.address]
        self.callbacks: dict[str, Callable[[bytearray], None]] = {}

    @property
    def name(self) -> str:
        return self.sensor.name

    @property
    def mtu_size(self) -> int:
        return 247

    @property
    def is_connected(self) -> bool:
        return self.sensor.client is self

    async def connect(self, pair: bool, **_: Any) -> None:
        await asyncio.sleep(0)
        if self.sensor.refusals:
            self.sensor.refusals -= 1
            raise BleakError("refused")
        if not self.sensor.in_range:
            raise TimeoutError
        self.sensor.client = self
        self.sensor.connections += 1
        self.services = BleakGATTServiceCollection()
        service = BleakGATTService(None, 1, SERVICE)
        self.services.add_service(service)
        for handle, (uuid, properties) in enumerate(
            {
                DATA: ["notify"],
                CONFIGURATION: ["read"],
                CONTROL: ["write"],
                PING: ["write-without-response", "notify"],
                BATTERY_LEVEL: ["read", "notify"],
                SERIAL_NUMBER: ["read"],
            }.items(),
            start=2,
        ):
            if uuid == self.sensor.lacks or (uuid == SERIAL_NUMBER and not self.sensor.serial):
                continue
            self.services.add_characteristic(
                BleakGATTCharacteristic(None, handle, uuid, properties, lambda: 244, service)
            )

    def lost(self) -> None:
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        if self.is_connected:
            await asyncio.sleep(self.sensor.disconnect_s)
            self.sensor.stop()
            self.lost()

    async def pair(self, *_: Any, **__: Any) -> None:
        if not self.sensor.can_pair:
            raise NotImplementedError
        self.sensor.demands_pairing = False

    async def unpair(self) -> None: ...

    async def read_gatt_char(self, characteristic: Any, **_: Any) -> bytearray:
        if characteristic.uuid == SERIAL_NUMBER:
            return bytearray(self.sensor.serial.encode())
        if characteristic.uuid == BATTERY_LEVEL:
            return bytearray([self.sensor.battery])
        return bytearray(bytes(Configuration((1, 0, 0), SCALE, 0, (50.0, 100.0))))

    async def read_gatt_descriptor(self, *_: Any, **__: Any) -> bytearray:
        raise NotImplementedError

    async def write_gatt_descriptor(self, *_: Any) -> None:
        raise NotImplementedError

    async def write_gatt_char(self, characteristic: Any, data: Any, response: bool) -> None:
        if not self.is_connected:
            raise BleakError("not connected")
        if characteristic.uuid == PING:
            token = int.from_bytes(data, "little")
            self.sensor.notify(PING, bytes(Echo(token, self.sensor.clock_us(self.radio.clock.now_s()))))
            return
        if self.sensor.demands_pairing:
            raise BleakGATTProtocolError(5)
        if self.sensor.refuses_start is not None:
            raise self.sensor.refuses_start
        self.sensor.commands.append(bytes(data))
        if Command.from_bytes(bytes(data)).rate_hz is None:
            if self.sensor.streaming is not None:
                self.sensor.streaming.cancel()
        else:
            self.sensor.streaming = asyncio.create_task(self.sensor.stream(self.radio))

    async def start_notify(self, characteristic: Any, callback: Any, **_: Any) -> None:
        self.callbacks[characteristic.uuid] = callback

    async def stop_notify(self, characteristic: Any) -> None:
        self.callbacks.pop(characteristic.uuid)


@pytest.fixture
def thigh() -> FakeSensor:
    return FakeSensor("knee-T", "00:00:00:00:00:01", drift_ppm=40, boot_us=4_290_000_000)


@pytest.fixture
def shank() -> FakeSensor:
    return FakeSensor("knee-S", "00:00:00:00:00:02", drift_ppm=-25, boot_us=77_000_000)


@pytest.fixture
def radio(clock: Clock, thigh: FakeSensor, shank: FakeSensor) -> FakeRadio:
    return FakeRadio(clock, thigh, shank)


class Recorder:
    """A sink and listener that keeps everything, and lets a test wait for what it needs."""

    def __init__(self, clock: Clock) -> None:
        self.chunks: dict[Segment, list[ImuSamples]] = {segment: [] for segment in Segment}
        self.events: list[LinkEvent] = []
        self._news = clock.signal()

    def sink(self, segment: Segment, samples: ImuSamples) -> None:
        self.chunks[segment].append(samples)
        self._news.set()

    def listen(self, event: LinkEvent) -> None:
        self.events.append(event)
        self._news.set()

    def wait(self, condition: Callable[[], bool]) -> None:
        while not condition():
            assert self._news.wait(60), "it never happened"
            self._news.clear()

    def wait_s(self, segment: Segment, seconds: float) -> None:
        """Until that much more session time has arrived."""
        until = self.end_s(segment) + seconds
        self.wait(lambda: self.end_s(segment) > until)

    def end_s(self, segment: Segment) -> float:
        return float(self.chunks[segment][-1].time_s[-1]) if self.chunks[segment] else 0.0

    def states(self, segment: Segment) -> list[str]:
        return [event.state for event in self.events if event.segment == segment]

    def samples(self, segment: Segment) -> ImuSamples:
        return ImuSamples.concatenate(self.chunks[segment])


@pytest.fixture
def recorder(clock: Clock) -> Recorder:
    return Recorder(clock)


@pytest.fixture
def numbers() -> Callable[[ImuSamples], Any]:
    """Reads the number that every sample of a fake sensor carries."""
    return lambda samples: np.rint(samples.acc_m_s2[:, 0] / SCALE.acc_m_s2).astype(int)
