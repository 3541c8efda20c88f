"""A GATT peripheral on the simulated radio link, made with bumble: advertises, answers, notifies."""

from __future__ import annotations

from typing import Protocol

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
from firmware_bridge.virtual.wire import Access, Services

_ADVERTISE_EVERY_MS = 50
_SMALLEST_MTU = 23
_ACL_PACKET_BYTES = 251
_PROPERTIES: dict[Access, Characteristic.Properties] = {
    "read": Characteristic.Properties.READ,
    "write": Characteristic.Properties.WRITE,
    "write-without-response": Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
    "notify": Characteristic.Properties.NOTIFY,
}


def controller(name: str, link: LocalLink) -> Controller:
    """A simulated controller with the long packets of Bluetooth 4.2: a notification is one packet."""
    made = Controller(name, link=link)
    made.le_acl_data_packet_length = _ACL_PACKET_BYTES
    return made


class Owner(Protocol):
    """The sensor behind a peripheral. `write` raises `DecodeError` for what it refuses."""

    async def read(self, characteristic: str) -> bytes:
        """Answers a read."""
        ...

    async def write(self, characteristic: str, payload: bytes) -> None:
        """Handles a write."""
        ...

    def subscribed(self, characteristic: str, enabled: bool) -> None:
        """The host has subscribed, or has ended the subscription."""
        ...

    def connected(self) -> None:
        """A host has connected; the peripheral has stopped advertising."""
        ...

    def disconnected(self) -> None:
        """The host has disconnected."""
        ...


class Peripheral:
    """One device on the simulated link; serves one host at a time.

    Args:
        link: the simulated radio link.
        address: its Bluetooth address.
        advertisement: what it advertises.
        services: what it offers.
        mtu: the largest ATT MTU that it agrees to.
        owner: who answers.
    """

    def __init__(
        self,
        link: LocalLink,
        address: str,
        advertisement: Advertisement,
        services: Services,
        mtu: int,
        owner: Owner,
    ) -> None:
        self._advertisement, self._owner = advertisement, owner
        self._connection: Connection | None = None
        host = Host()
        host.controller = controller(advertisement.name, link)
        self._device = Device(name=advertisement.name, address=Address(address), host=host)
        self._device.gatt_server.max_mtu = mtu
        self._characteristics: dict[str, Characteristic[bytes]] = {}
        for service, members in services.items():
            made = {uuid: self._characteristic(uuid, access) for uuid, access in members.items()}
            self._device.add_service(Service(service, list(made.values())))
            self._characteristics |= made
        self._device.on(Device.EVENT_CONNECTION, self._connected)

    @property
    def mtu(self) -> int:
        """The ATT MTU that both sides agreed on."""
        return _SMALLEST_MTU if self._connection is None else int(self._connection.att_mtu)

    async def power_on(self) -> None:
        """Switches the radio on; it does not advertise yet."""
        await self._device.power_on()

    async def power_off(self) -> None:
        """Switches the radio off."""
        await self._device.stop_advertising()
        await self._device.power_off()

    async def advertise(self) -> None:
        """Advertises until a host connects."""
        await self._device.start_advertising(
            advertising_data=_advertising_data(self._advertisement),
            advertising_interval_min=_ADVERTISE_EVERY_MS,
            advertising_interval_max=_ADVERTISE_EVERY_MS,
        )

    async def notify(self, characteristic: str, payload: bytes) -> None:
        """Sends a notification, if the host has subscribed; what exceeds the MTU is cut off."""
        await self._device.notify_subscribers(self._characteristics[characteristic], payload)

    async def disconnect(self) -> None:
        """Breaks the link off, if there is one."""
        if self._connection is not None:
            await self._connection.disconnect()

    def _connected(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self._disconnected)
        self._owner.connected()

    def _disconnected(self, _: int) -> None:
        self._connection = None
        self._owner.disconnected()

    def _characteristic(self, uuid: str, access: tuple[Access, ...]) -> Characteristic[bytes]:
        async def read(_: Connection) -> bytes:
            return await self._owner.read(uuid)

        async def write(_: Connection, payload: bytes) -> None:
            try:
                await self._owner.write(uuid, bytes(payload))
            except DecodeError as error:
                raise ATT_Error(ErrorCode.VALUE_NOT_ALLOWED) from error

        properties = Characteristic.Properties(0)
        for way in access:
            properties |= _PROPERTIES[way]
        permissions = Characteristic.Permissions.READABLE | Characteristic.Permissions.WRITEABLE
        made: Characteristic[bytes] = Characteristic(
            uuid, properties, permissions, CharacteristicValue(read, write)
        )
        made.on(
            Characteristic.EVENT_SUBSCRIPTION,
            lambda _, notify, indicate: self._owner.subscribed(uuid, bool(notify or indicate)),
        )
        return made


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
