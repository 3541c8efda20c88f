"""The radio side of the test: the controller that the kernel drives, and what is within its reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from bumble import hci
from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink
from bumble.snoop import BtSnooper, Snooper
from bumble.transport import open_transport
from bumble.transport.common import Transport

from firmware_bridge.virtual.radio import VirtualRadio

_ADDRESS = "F0:0D:00:00:00:FE"


class Link(LocalLink):
    """A link that delivers data as from the address with which the connection was made.

    bumble takes the sender's random address instead. The kernel connects with its public address, and sets
    another random address with every scan.
    """

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Hands data to the controller at the other end."""
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection is not None and receiver is not None:
            asyncio.get_running_loop().call_soon(
                receiver.on_link_acl_data, connection.self_address, transport, data
            )


class KernelController(Controller):
    """A controller that also ends an attempt to connect, which bumble's does not, and logs its packets.

    Args:
        transport: to the kernel.
        link: the simulated radio link.
        log: file for what the kernel and the controller exchange, in the format of btmon.
    """

    le_acl_data_packet_length = 251
    # With either of these features the kernel waits for the enhanced event of a connection, and for the whole
    # of its time limit; bumble sends the plain one.
    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
    )

    def __init__(self, transport: Transport, link: LocalLink, log: Path) -> None:
        super().__init__("kernel", transport.source, transport.sink, link, _ADDRESS)
        self._snooper = BtSnooper(log.open("wb", buffering=0))

    def on_packet(self, packet: bytes) -> None:
        """Takes a packet of the kernel."""
        self._snooper.snoop(packet, Snooper.Direction.HOST_TO_CONTROLLER)
        super().on_packet(packet)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Sends a packet to the kernel."""
        self._snooper.snoop(bytes(packet), Snooper.Direction.CONTROLLER_TO_HOST)
        super().send_hci_packet(packet)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Ends the attempt and reports it as unsuccessful (Core specification, volume 4, part E, 7.8.13)."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            ),
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


class KernelRadio:
    """The kernel's controller, and the link on which boards are within its reach."""

    def __init__(self, link: Link) -> None:
        self._link, self._own = link, set(link.controllers)

    @classmethod
    async def switched_on(cls, log: Path) -> Self:
        """Gives the kernel a controller and waits until BlueZ has switched it on.

        Args:
            log: file for the HCI packets.
        """
        link = Link()  # type: ignore[no-untyped-call]
        KernelController(await open_transport("vhci"), link, log)
        for _ in range(60):
            if "Powered: yes" in (output := await bluetoothctl("show")):
                return cls(link)
            await asyncio.sleep(1.0)
        raise SystemExit(f"BlueZ did not switch the virtual controller on:\n{output}")

    @asynccontextmanager
    async def within_reach(self, radio: VirtualRadio) -> AsyncIterator[None]:
        """Brings two boards within reach; at the end BlueZ forgets them, for others have their addresses."""
        await radio.switch_on(self._link)
        try:
            yield
        finally:
            await radio.switch_off()
            for controller in self._link.controllers - self._own:
                self._link.remove_controller(controller)
            for address in radio.addresses.values():
                await bluetoothctl("remove", address)


async def bluetoothctl(*words: str) -> str:
    """Runs BlueZ's own client and returns what it wrote."""
    process = await asyncio.create_subprocess_exec(
        "bluetoothctl", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return output.decode()
