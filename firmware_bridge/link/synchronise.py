"""Movella DOT: brings several sensors to one clock, before they stream. Never tried on hardware."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TypeVar

from bleak.exc import BleakError

from firmware_bridge.drivers import movella_sync
from firmware_bridge.drivers.movella_dot import (
    DEVICE_CONTROL,
    DEVICE_INFO,
    DeviceInfo,
    MovellaDot,
    encode_rate,
)
from firmware_bridge.drivers.seam import Write
from firmware_bridge.errors import DecodeError, LinkError
from firmware_bridge.link.advice import connection_error
from firmware_bridge.link.connection import Connection, Wearer, connect
from firmware_bridge.link.inbox import Message, Notification
from firmware_bridge.link.radio import Radio, SystemRadio
from firmware_bridge.link.search import in_own_loop, search
from firmware_bridge.link.target import Target
from firmware_bridge.samples import Segment

_ATTEMPTS = 4
_ANSWER_S = 3.0
_AGAIN = "Lay the sensors side by side, away from other Bluetooth devices, and run `kneeflex sync` again."

T = TypeVar("T")


def synchronise(
    targets: Mapping[Segment, str | Target],
    radio: Radio | None = None,
    *,
    rate_hz: float = 60.0,
    wait_s: float = movella_sync.WAIT_S,
    scan_s: float = 15.0,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Brings Movella DOT sensors to one common clock, until one of them is switched off.

    The sensors keep the rate that they are given here for as long as they are synchronised. A `Bridge`
    learns from the sensors themselves that they are. The procedure is that of the vendor's document
    (`firmware_bridge.drivers.movella_sync`); it has only ever run against simulated sensors.

    Args:
        targets: the sensors; the first one gives the time.
        radio: the Bluetooth to use; that of this computer by default.
        rate_hz: the sample rate wanted; they run at the nearest one above that they offer.
        wait_s: how long to leave them to themselves.
        scan_s: how long to look for the sensors.
        tell: called with a plain sentence at every step.

    Raises:
        LinkError: a sensor is missing, is no Movella DOT, or could not be synchronised; says why.
    """
    wanted = {s: Target(t) if isinstance(t, str) else t for s, t in targets.items()}
    used = radio or SystemRadio()
    in_own_loop(_run(used, wanted, rate_hz, wait_s, scan_s, tell), used.clock)


async def _run(
    radio: Radio,
    targets: Mapping[Segment, Target],
    rate_hz: float,
    wait_s: float,
    scan_s: float,
    tell: Callable[[str], None],
) -> None:
    async with radio as entered:
        tell("Looking for the sensors.")
        async with AsyncExitStack() as stack:
            dots = await _connect(entered, targets, rate_hz, scan_s, stack)
            for dot in dots:
                await dot.prepare()
            root = dots[0].address
            for dot in dots:
                await dot.write(movella_sync.CONTROL, bytes(movella_sync.start(root)))
        tell(f"The sensors synchronise among themselves; this takes {wait_s:.0f} s.")
        await asyncio.sleep(wait_s)
        tell("Asking the sensors how it went.")
        async with AsyncExitStack() as stack:
            for dot in await _connect(entered, targets, rate_hz, scan_s, stack):
                await dot.confirm()


async def _connect(
    radio: Radio, targets: Mapping[Segment, Target], rate_hz: float, scan_s: float, stack: AsyncExitStack
) -> list[_Dot]:
    sightings = await search(radio, targets, scan_s)
    for segment, sighting in sightings.items():
        if not isinstance(sighting.driver(targets[segment]), MovellaDot):
            raise LinkError(
                f"The {segment} sensor {sighting.name or sighting.address} is no Movella DOT.",
                "Other sensors cannot be synchronised; after recording, `kneeflex align` can help.",
            )
    dots = []
    for segment, sighting in sightings.items():
        inbox: asyncio.Queue[Message] = asyncio.Queue()
        wearer = Wearer(segment, MovellaDot(), rate_hz, radio, inbox.put_nowait)
        connection = await connect(wearer, sighting, _ATTEMPTS)
        stack.push_async_callback(connection.close)
        dots.append(_Dot(connection, inbox))
    return dots


class _Dot:
    """One connected sensor. Every method raises `LinkError` where the sensor does not do what it should."""

    def __init__(self, connection: Connection, inbox: asyncio.Queue[Message]) -> None:
        self._connection, self._inbox = connection, inbox

    @property
    def address(self) -> str:
        """Its true Bluetooth address, which macOS does not tell."""
        try:
            return DeviceInfo.from_bytes(self._connection.reads.get(DEVICE_INFO, b"")).address
        except DecodeError as error:
            raise self._failed("It does not tell its address.") from error

    async def prepare(self) -> None:
        """Ends an earlier synchronisation, and sets the rate, which cannot be changed afterwards."""
        if await self._ask(movella_sync.get_status(), movella_sync.is_synchronised) and not await self._ask(
            movella_sync.stop(), movella_sync.is_stopped
        ):
            raise self._failed("It does not end its earlier synchronisation.")
        await self.write(DEVICE_CONTROL, encode_rate(int(self._connection.rate_hz)))

    async def confirm(self) -> None:
        """Reads how the synchronisation went."""
        reads = await self._perform(self._connection.read([movella_sync.ACKNOWLEDGE]))
        try:
            problem = movella_sync.failure(reads.get(movella_sync.ACKNOWLEDGE, b""))
        except DecodeError as error:
            problem = error.problem
        if problem:
            raise self._failed(problem)

    async def write(self, characteristic: str, payload: bytes) -> None:
        """Writes, and waits until the sensor has taken it."""
        await self._perform(self._connection.write([Write(characteristic, payload)]))

    async def _ask(self, question: movella_sync.Message, answer: Callable[[bytes], T | None]) -> T:
        await self.write(movella_sync.CONTROL, bytes(question))

        async def listen() -> T:
            while True:
                message = await self._inbox.get()
                if isinstance(message, Notification) and message.characteristic == movella_sync.NOTIFICATION:
                    told = answer(message.payload)
                    if told is not None:
                        return told

        return await self._perform(listen())

    async def _perform(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await work
        except (BleakError, OSError, TimeoutError, DecodeError) as error:
            raise connection_error(self._connection.called, error) from error

    def _failed(self, reason: str) -> LinkError:
        return LinkError(f"{self._connection.called} could not be synchronised. {reason}", _AGAIN)
