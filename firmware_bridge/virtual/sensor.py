"""A simulated sensor: a bumble peripheral on which a board's firmware streams one playback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bumble.att import ATT_Error, ErrorCode
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink

from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.errors import DecodeError
from firmware_bridge.virtual.host_time import HostTime
from firmware_bridge.virtual.playback import BoardClock, Playback
from firmware_bridge.virtual.wire import Access, Burst, Firmware

_ADVERTISE_EVERY_MS = 50
_MTU = 247
_PROPERTIES: dict[Access, Characteristic.Properties] = {
    "read": Characteristic.Properties.READ,
    "write": Characteristic.Properties.WRITE,
    "write-without-response": Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
    "notify": Characteristic.Properties.NOTIFY,
}


class Sensor:
    """One board, switched on by `power_on`. Everything happens in the event loop of that call.

    Args:
        link: the air.
        address: its Bluetooth address.
        advertisement: what it shows of itself.
        firmware: how it speaks.
        playback: what it measures.
        clock: of the board.
        rate_hz: its nominal rate.
        first_sequence: the number of the first sample after a start.
        host: the time of the host.
        on_start: called when the stream is started.

    Attributes:
        sent: samples of the script that were sent.
        finished: whether the script has ended.
    """

    def __init__(
        self,
        link: LocalLink,
        address: str,
        advertisement: Advertisement,
        firmware: Firmware,
        playback: Playback,
        clock: BoardClock,
        rate_hz: float,
        first_sequence: int,
        host: HostTime,
        on_start: Callable[[Sensor], None],
    ) -> None:
        self.address, self.rate_hz = address, rate_hz
        self.playback, self.clock = playback, clock
        self.sent = 0
        self.finished = False
        self._advertisement, self._firmware = advertisement, firmware
        self._first_sequence, self._host, self._on_start = first_sequence, host, on_start
        self._streaming: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        radio = Host()
        radio.controller = Controller(advertisement.name, link=link)
        self._device = Device(name=advertisement.name, address=Address(address), host=radio)
        self._device.gatt_server.max_mtu = _MTU
        self._characteristics: dict[str, Characteristic[bytes]] = {}
        for service, members in firmware.services.items():
            made = {uuid: self._characteristic(uuid, access) for uuid, access in members.items()}
            self._device.add_service(Service(service, list(made.values())))
            self._characteristics |= made
        self._device.on(Device.EVENT_CONNECTION, self._connected)

    @property
    def streaming(self) -> bool:
        """Whether the stream is switched on."""
        return self._streaming is not None

    @property
    def battery_percent(self) -> int:
        """The charge left."""
        return 90

    def clock_us(self) -> int:
        """The board's clock now."""
        return self.clock.ticks(self._host.now_s())

    async def power_on(self) -> None:
        """Switches on and advertises."""
        await self._device.power_on()
        await self._advertise()

    async def power_off(self) -> None:
        """Falls silent."""
        self.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._device.stop_advertising()
        await self._device.power_off()

    def start(self) -> None:
        """Starts the stream; the sample counter begins again."""
        self.stop()
        self._on_start(self)
        self._streaming = asyncio.create_task(self._stream(), name=f"{self._advertisement.name} streams")

    def stop(self) -> None:
        """Stops the stream."""
        if self._streaming is not None:
            self._streaming.cancel()
            self._streaming = None

    def notify(self, characteristic: str, payload: bytes) -> None:
        """Sends a notification to whoever subscribed."""
        self._spawn(self._device.notify_subscribers(self._characteristics[characteristic], payload))

    async def _stream(self) -> None:
        first = number = self.playback.next(self._host.now_s())
        assert self._connection is not None
        at_once = self._firmware.samples_per_packet(self._connection.att_mtu, self.rate_hz)
        data = self._characteristics[self._firmware.data]
        while self.playback.stop is None or number < self.playback.stop:
            # A packet leaves when its last sample is measured; absolute times, so nothing adds up.
            await self._host.until(self.playback.host_s(number + at_once - 1))
            stop = min(number + at_once, self.playback.stop or number + at_once)
            burst = self._burst(first, number, stop)
            await self._device.notify_subscribers(data, self._firmware.encode(burst))
            self.sent += self.playback.script_count(stop) - self.playback.script_count(number)
            number = stop
        self.finished = True

    def _burst(self, first: int, start: int, stop: int) -> Burst:
        return Burst(
            self._first_sequence + start - first,
            self.clock.ticks(self.playback.host_s(start)),
            self.playback.period_s * self.clock.clock_rate * 1e6,
            *self.playback.read(start, stop),
        )

    async def _advertise(self) -> None:
        await self._device.start_advertising(
            advertising_data=_advertising_data(self._advertisement),
            advertising_interval_min=_ADVERTISE_EVERY_MS,
            advertising_interval_max=_ADVERTISE_EVERY_MS,
        )

    def _connected(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self._disconnected)

    def _disconnected(self, _: int) -> None:
        self._connection = None
        self.stop()
        self._spawn(self._advertise())

    def _characteristic(self, uuid: str, access: tuple[Access, ...]) -> Characteristic[bytes]:
        def read(_: Connection) -> bytes:
            return self._firmware.read(self, uuid)

        def write(_: Connection, payload: bytes) -> None:
            try:
                self._firmware.write(self, uuid, bytes(payload))
            except DecodeError as error:
                raise ATT_Error(ErrorCode.VALUE_NOT_ALLOWED) from error

        properties = Characteristic.Properties(0)
        for way in access:
            properties |= _PROPERTIES[way]
        permissions = Characteristic.Permissions.READABLE | Characteristic.Permissions.WRITEABLE
        return Characteristic(uuid, properties, permissions, CharacteristicValue(read, write))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _advertising_data(advertisement: Advertisement) -> bytes:
    """All of it in the primary advertisement: not every scanner sees the scan response."""
    general_discoverable_le_only = 0x06
    parts = [(AdvertisingData.FLAGS, bytes([general_discoverable_le_only]))]
    if advertisement.service_uuids:
        uuids = b"".join(bytes(UUID(uuid)) for uuid in advertisement.service_uuids)
        parts.append((AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, uuids))
    parts += [
        (AdvertisingData.MANUFACTURER_SPECIFIC_DATA, company.to_bytes(2, "little"))
        for company in advertisement.manufacturer_ids
    ]
    parts.append((AdvertisingData.COMPLETE_LOCAL_NAME, advertisement.name.encode()))
    data = bytes(AdvertisingData(parts))
    if len(data) > 31:
        raise ValueError(f"{len(data)} bytes do not fit into an advertisement")
    return data
