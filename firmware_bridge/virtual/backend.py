"""bleak on a simulated adapter: its documented backend seam, served by one bumble device.

What bleak calls is real HCI, L2CAP, ATT and GATT, in process and without a radio.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble.att import ATT_Error
from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy, DescriptorProxy
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink

from firmware_bridge.virtual.peripheral import controller

_MTU = 247
_PROPERTY_NAMES: tuple[CharacteristicPropertyName, ...] = (
    "broadcast", "read", "write-without-response", "write", "notify", "indicate",
    "authenticated-signed-writes", "extended-properties",
)  # fmt: skip


class Adapter:
    """The Bluetooth adapter of the simulated computer."""

    def __init__(self, link: LocalLink, address: str) -> None:
        self._controller = controller("adapter", link)
        host = Host()
        host.controller = self._controller
        self.device = Device(name="adapter", address=Address(address), host=host)
        self.scanners = 0
        self._connecting = asyncio.Lock()

    async def connect(self, address: str, limit_s: float) -> Connection:
        """Connects to an advertising device; bumble tries one at a time.

        Raises:
            TimeoutError: it did not show up within `limit_s`.
        """
        async with self._connecting:
            try:
                async with asyncio.timeout(limit_s):
                    return await self.device.connect(address, timeout=None)
            except BaseException:
                # Otherwise the simulated controller would keep trying and connect later.
                self._controller.pending_le_connection = None
                raise


class SimulatedScanner(BaseBleakScanner):
    """Scans with `adapter`, which a subclass sets."""

    adapter: ClassVar[Adapter]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        """Starts scanning."""
        self.seen_devices = {}
        device = self.adapter.device
        device.on(Device.EVENT_ADVERTISEMENT, self._heard)
        self.adapter.scanners += 1
        if self.adapter.scanners == 1:
            await device.start_scanning(filter_duplicates=False)

    async def stop(self) -> None:
        """Stops scanning."""
        device = self.adapter.device
        device.remove_listener(Device.EVENT_ADVERTISEMENT, self._heard)
        self.adapter.scanners -= 1
        if self.adapter.scanners == 0:
            await device.stop_scanning()

    def _heard(self, advertisement: Advertisement) -> None:
        address = str(advertisement.address)
        data = _advertisement_data(advertisement)
        device = self.create_or_update_device(address, address, data.local_name, advertisement.address, data)
        if self.is_allowed_uuid(data.service_uuids):
            self.call_detection_callbacks(device, data)


class SimulatedClient(BaseBleakClient):
    """Connects with `adapter`, which a subclass sets."""

    adapter: ClassVar[Adapter]

    def __init__(self, address_or_ble_device: BLEDevice | str, **options: Any) -> None:
        super().__init__(address_or_ble_device, **options)
        self._name = getattr(address_or_ble_device, "name", None) or self.address
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._receivers: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """The name that the device advertised."""
        return self._name

    @property
    def mtu_size(self) -> int:
        """The ATT MTU that both sides agreed on."""
        return 23 if self._connection is None else int(self._connection.att_mtu)

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:
        """Connects, agrees on the MTU, and discovers everything."""
        try:
            connection = await self.adapter.connect(self.address, self._timeout)
        except BaseBumbleError as error:
            raise BleakDeviceNotFoundError(self.address) from error
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self._lost)
        self._peer = Peer(connection)
        with _bleak_errors():
            await self._peer.request_mtu(_MTU)
            self.services = await _discover(self._peer, lambda: self.mtu_size - 3)

    async def disconnect(self) -> None:
        """Disconnects, if it is connected."""
        if self._connection is not None:
            with _bleak_errors():
                await self._connection.disconnect()

    async def pair(self, *_: Any, **__: Any) -> None:
        """Does nothing: the simulated sensors need no pairing."""

    async def unpair(self) -> None:
        """Does nothing: the simulated sensors need no pairing."""

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_: Any
    ) -> bytearray:
        """Reads a characteristic from the device."""
        with _bleak_errors():
            return bytearray(await self._gatt().gatt_client.read_value(characteristic.handle))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_: Any
    ) -> bytearray:
        """Reads a descriptor from the device."""
        with _bleak_errors():
            return bytearray(await self._gatt().gatt_client.read_value(descriptor.handle))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Writes a characteristic."""
        with _bleak_errors():
            await self._gatt().gatt_client.write_value(characteristic.handle, bytes(data), response)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Writes a descriptor."""
        with _bleak_errors():
            await self._gatt().gatt_client.write_value(descriptor.handle, bytes(data), True)

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: Callable[[bytearray], None], **_: Any
    ) -> None:
        """Subscribes to a characteristic."""

        def receive(payload: bytes) -> None:
            callback(bytearray(payload))

        with _bleak_errors():
            await self._gatt().gatt_client.subscribe(_proxy(characteristic), receive)
        self._receivers[characteristic.handle] = receive

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Ends a subscription."""
        receive = self._receivers.pop(characteristic.handle)
        with _bleak_errors():
            await self._gatt().gatt_client.unsubscribe(_proxy(characteristic), receive)

    def _gatt(self) -> Peer:
        if self._peer is None:
            raise BleakError("Not connected")
        return self._peer

    def _lost(self, _: int) -> None:
        self._connection = self._peer = None
        if self._disconnected_callback is not None:
            self._disconnected_callback()


@contextmanager
def _bleak_errors() -> Iterator[None]:
    """Translates the errors of bumble into those of bleak."""
    try:
        yield
    except asyncio.CancelledError as error:
        # bumble cancels what it waits for when the link is lost; that does not cancel this task.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BleakError("The link was lost") from error
    except ATT_Error as error:
        raise BleakGATTProtocolError(error.error_code) from error
    except BaseBumbleError as error:
        raise BleakError(str(error)) from error


def _proxy(characteristic: BleakGATTCharacteristic) -> CharacteristicProxy[bytes]:
    proxy: CharacteristicProxy[bytes] = characteristic.obj
    return proxy


def _uuid(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-").lower())


async def _discover(peer: Peer, write_size: Callable[[], int]) -> BleakGATTServiceCollection:
    collection = BleakGATTServiceCollection()
    for service in await peer.discover_services():
        ours = BleakGATTService(service, service.handle, _uuid(service.uuid))
        collection.add_service(ours)
        for characteristic in await service.discover_characteristics():
            proxy = _characteristic(characteristic, write_size, ours)
            collection.add_characteristic(proxy)
            for descriptor in await characteristic.discover_descriptors():
                collection.add_descriptor(_descriptor(descriptor, proxy))
    return collection


def _characteristic(
    characteristic: CharacteristicProxy[bytes], write_size: Callable[[], int], service: BleakGATTService
) -> BleakGATTCharacteristic:
    bits = int(characteristic.properties)
    properties = [name for bit, name in enumerate(_PROPERTY_NAMES) if bits >> bit & 1]
    uuid = _uuid(characteristic.uuid)
    return BleakGATTCharacteristic(
        characteristic, characteristic.handle, uuid, properties, write_size, service
    )


def _descriptor(descriptor: DescriptorProxy, characteristic: BleakGATTCharacteristic) -> BleakGATTDescriptor:
    return BleakGATTDescriptor(descriptor, descriptor.handle, _uuid(descriptor.type), characteristic)


def _advertisement_data(advertisement: Advertisement) -> AdvertisementData:
    data = advertisement.data
    name = data.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME)
    uuids: list[UUID] = data.get(AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS) or []
    manufacturers = data.get_all(AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA)
    return AdvertisementData(
        local_name=None if name is None else str(name),
        manufacturer_data=dict(manufacturers),
        service_data={},
        service_uuids=[_uuid(uuid) for uuid in uuids],
        tx_power=None,
        rssi=advertisement.rssi,
        platform_data=(advertisement,),
    )
