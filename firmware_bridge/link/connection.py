"""One connection to one sensor, from connecting to disconnecting; a reconnect makes a new one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakBluetoothNotAvailableError, BleakCharacteristicNotFoundError, BleakError

from firmware_bridge.drivers.seam import Driver, Write, nearest_rate_hz
from firmware_bridge.errors import LinkError
from firmware_bridge.link.advice import connection_error, needs_pairing
from firmware_bridge.link.discovery import DiscoveredDevice
from firmware_bridge.link.radio import Radio
from firmware_bridge.link.search import look_again
from firmware_bridge.receiving.messages import LinkChange, Message, Notification, Opened, PingSent
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import SensorInfo

_log = logging.getLogger(__name__)

# Windows takes up to 30 s to give up on a device that it cannot reach.
_CONNECT_LIMIT_S = 30.0
_CLOSE_LIMIT_S = 3.0
_FIRST_BACKOFF_S = 0.25
_PING_BURST = 24
_TRANSIENT = (BleakError, OSError, TimeoutError, EOFError)
_FINAL = (BleakBluetoothNotAvailableError, BleakCharacteristicNotFoundError)


_numbers = count()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """Which sensor is wanted where, and who takes its messages.

    Attributes:
        segment: where it is worn.
        driver: its driver.
        rate_hz: the rate that is wanted; it runs at the nearest one that it offers.
        radio: the Bluetooth to use, entered.
        deliver: takes every message, from the Bluetooth thread.
    """

    segment: Segment
    driver: Driver
    rate_hz: float
    radio: Radio
    deliver: Callable[[Message], None]


class Connection:
    """An open connection. `connect` makes one.

    Attributes:
        request: what it is for.
        device: the device.
        number: unique among all connections.
        flowing: set when the first packet of samples has arrived.
        gone: set when the device has disconnected.
        reads: what was read after connecting, by characteristic.
        last_arrival_s: when the last packet of samples arrived, or the stream was started.
    """

    def __init__(self, request: StreamRequest, device: DiscoveredDevice) -> None:
        self.request, self.device, self.number = request, device, next(_numbers)
        self.flowing, self.gone = asyncio.Event(), asyncio.Event()
        self.reads: Mapping[str, bytes] = {}
        self.last_arrival_s = request.radio.clock.now_s()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._started = False
        self._paired = False
        self._replies: set[asyncio.Task[None]] = set()
        self._client = BleakClient(
            device.ble_device,
            disconnected_callback=lambda _: self.gone.set(),
            timeout=_CONNECT_LIMIT_S,
            backend=request.radio.client_backend,
        )

    @property
    def called(self) -> str:
        """What messages call it, at the beginning of a sentence."""
        return f"The {self.request.segment} sensor {self.device.name or self.device.address}"

    @property
    def rate_hz(self) -> float:
        """The rate that the sensor is started at."""
        return nearest_rate_hz(self.request.driver, self.request.rate_hz)

    @property
    def info(self) -> SensorInfo:
        """The sensor as the driver describes it from what was read."""
        return self.request.driver.info(self.device.name, self.reads, self.rate_hz)

    @property
    def serial_number(self) -> str:
        """The serial number of the sensor, or "" where it has none that can be read."""
        return self.request.driver.serial_number(self.reads)

    def opened(self) -> Opened:
        """The message that this connection is open; raises what the driver objects to."""
        driver = self.request.driver
        make_decoder = partial(driver.decoder, self.reads, self.rate_hz)
        make_decoder()
        return Opened(
            segment=self.request.segment,
            connection=self.number,
            info=self.info,
            serial_number=self.serial_number,
            rate_hz=self.rate_hz,
            make_decoder=make_decoder,
            data=driver.notify[0],
            ping=driver.ping,
            reply=self.reply,
        )

    async def open(self) -> None:
        """Connects, reads, and subscribes; the stream is not started yet."""
        async with asyncio.timeout(_CONNECT_LIMIT_S):
            await self._client.connect()
            self.reads = await self.read(self.request.driver.reads)
            self.opened()
            data, *others = self.request.driver.notify
            await self._with_pairing(partial(self._client.start_notify, data, self._receiver(data)))
            for characteristic in others:
                if self._client.services.get_characteristic(characteristic) is not None:
                    receiver = self._receiver(characteristic)
                    await self._with_pairing(partial(self._client.start_notify, characteristic, receiver))

    async def start(self) -> None:
        """Starts the stream."""
        self._started = True
        await self.write(self.request.driver.start(self.rate_hz))
        self.last_arrival_s = self.request.radio.clock.now_s()

    def silence(self) -> SilentSensorError:
        """The error that the sensor is connected but sends nothing."""
        return SilentSensorError(self.request.segment, self.called)

    async def close(self, stop: bool = True) -> None:
        """Disconnects; errors of a link that is already lost are ignored.

        Args:
            stop: stop the stream first; useless where the sensor no longer answers.
        """
        self._closed = True
        if stop and self._started and not self.gone.is_set():
            with suppress(*_TRANSIENT):
                async with asyncio.timeout(_CLOSE_LIMIT_S):
                    await self.write(self.request.driver.stop())
        with suppress(*_TRANSIENT):
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await self._client.disconnect()

    def reply(self, writes: Sequence[Write]) -> None:
        """Has writes sent that the sensor waits for. Callable from any thread, even after the loop's end."""

        async def send() -> None:
            try:
                await self.write(writes)
            except _TRANSIENT as error:
                if not self.gone.is_set() and not self._closed:  # else the supervisor detects the lost link
                    self.report_problem(connection_error(self.called, error))

        def begin() -> None:
            task = asyncio.get_running_loop().create_task(send())
            self._replies.add(task)
            task.add_done_callback(self._replies.discard)

        with suppress(RuntimeError):  # the loop has ended, and with it the connection
            self._loop.call_soon_threadsafe(begin)

    def report_problem(self, error: LinkError) -> None:
        """Reports an error to the user."""
        now_s = self.request.radio.clock.now_s()
        self.request.deliver(LinkChange(self.request.segment, "problem", now_s, {"text": str(error)}))

    async def ping(self) -> None:
        """Measures round trips: a burst at first, then every 1 to 3 s, at random times."""
        ping = self.request.driver.ping
        characteristic = None if ping is None else self._client.services.get_characteristic(ping.write)
        if ping is None or characteristic is None:
            return
        response = "write-without-response" not in characteristic.properties
        uniform = self.request.radio.random.uniform
        for number in range(1 << 32):
            sent_s = self.request.radio.clock.now_s()
            self.request.deliver(PingSent(self.request.segment, self.number, number, sent_s))
            await self._client.write_gatt_char(characteristic, ping.encode(number), response)
            await asyncio.sleep(uniform(0.02, 0.06) if number < _PING_BURST else uniform(1.0, 3.0))

    async def battery_percent(self) -> float | None:
        """Reads the battery level again, where the driver knows how."""
        driver = self.request.driver
        telling = [
            uuid for uuid in self.reads if driver.battery_percent({uuid: self.reads[uuid]}) is not None
        ]
        return driver.battery_percent(await self.read(telling))

    async def read(self, characteristics: Sequence[str]) -> dict[str, bytes]:
        """Reads those of the characteristics that the sensor has."""
        values: dict[str, bytes] = {}
        for uuid in characteristics:
            if self._client.services.get_characteristic(uuid) is not None:
                read = partial(self._client.read_gatt_char, uuid)
                values[uuid] = bytes(await self._with_pairing(read))
        return values

    async def write(self, writes: Sequence[Write]) -> None:
        """Performs the writes in turn."""
        for write in writes:
            send = partial(self._client.write_gatt_char, write.characteristic, write.payload, write.response)
            try:
                await self._with_pairing(send)
            except BleakError as error:
                if not write.optional:  # a link that broke makes the next write fail as well
                    if write.refusal:
                        error.add_note(write.refusal)
                    raise
                _log.info("%s refuses %s: %s", self.called, write.payload.hex(), error)
            if write.settle_s:
                await asyncio.sleep(write.settle_s)

    async def _with_pairing(self, request: Callable[[], Awaitable[T]]) -> T:
        """Performs a request; pairs once, and repeats it, where the sensor demands that."""
        try:
            return await request()
        except BleakError as error:
            if self._paired or not needs_pairing(error):
                raise
            self._paired = True
            _log.info("%s demands pairing: %s", self.called, error)
            try:
                await self._client.pair()
            except (BleakError, NotImplementedError):
                raise error from None
        return await request()

    def _receiver(self, uuid: str) -> Callable[[BleakGATTCharacteristic, bytearray], None]:
        """Takes the time and enqueues, nothing else: more would delay the other sensor's arrival times."""
        now_s, deliver = self.request.radio.clock.now_s, self.request.deliver
        segment, number = self.request.segment, self.number
        carries_samples = uuid == self.request.driver.notify[0]

        def receive(_: BleakGATTCharacteristic, payload: bytearray) -> None:
            arrival_s = now_s()
            if self._closed:  # some systems keep delivering after a disconnect
                return
            if carries_samples:
                self.last_arrival_s = arrival_s
                self.flowing.set()
            deliver(Notification(segment, number, uuid, arrival_s, bytes(payload)))

        return receive


class SilentSensorError(LinkError):
    """A sensor is connected but sends no samples.

    Attributes:
        segment: where it is worn.
        called: what messages call it.
    """

    def __init__(self, segment: Segment, called: str) -> None:
        super().__init__(
            f"{called} is connected but sends no samples.",
            "Switch it off and on; if that does not help, check its battery and firmware.",
        )
        self.segment, self.called = segment, called


async def connect(request: StreamRequest, device: DiscoveredDevice, attempts: int) -> Connection:
    """Connects to a sensor, with retries and growing pauses: radios and operating systems fail transiently.

    Args:
        request: what it is for.
        device: the device.
        attempts: how often to try.

    Raises:
        LinkError: it did not work; says what to do.
    """
    pause_s = _FIRST_BACKOFF_S
    while True:
        attempts -= 1
        connection = Connection(request, device)
        try:
            await connection.open()
        except BaseException as error:
            await connection.close()
            if not isinstance(error, _TRANSIENT):
                raise
            _log.info("%s: %s: %s", connection.called, type(error).__name__, error)
            if attempts <= 0 or isinstance(error, _FINAL):
                raise connection_error(connection.called, error) from error
        else:
            return connection
        await asyncio.sleep(pause_s)
        pause_s *= 2
        device = await look_again(request.radio, device)
