"""Keeps one sensor streaming: notices silence and loss, and brings it back while the other goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace

from bleak.exc import BleakError

from firmware_bridge.errors import KneeflexError
from firmware_bridge.link.connection import Connection, Wearer, connect
from firmware_bridge.link.discovery import Sighting
from firmware_bridge.link.inbox import Happened, Opened
from firmware_bridge.link.search import Rescan
from firmware_bridge.link.target import Target

STALLED_AFTER_S = 0.5
LOST_AFTER_S = 3.0
# A slow sensor is silent between its packets, too.
_STALLED_AFTER_SAMPLES = 10
_LOOK_EVERY_S = 0.05
_READ_BATTERY_EVERY_S = 60.0
_FIRST_ATTEMPTS = 4
_LONGEST_BACKOFF_S = 1.0


class Keeper:
    """The life of one sensor on the link.

    Args:
        wearer: who wants it.
        target: what the person asked for.
        lock: held by whoever scans or connects.
        rescan: looks for lost sensors.
    """

    def __init__(self, wearer: Wearer, target: Target, lock: asyncio.Lock, rescan: Rescan) -> None:
        self.wearer = wearer
        self._target, self._lock, self._rescan = target, lock, rescan
        self._connection: Connection | None = None

    async def open(self, sighting: Sighting) -> None:
        """Connects for the first time.

        Raises:
            LinkError: it did not work; says what to do.
        """
        # From now on this very device is meant, if need be under another address by its name.
        name = sighting.name or sighting.address
        self._target = replace(self._target, identifier=name, address=sighting.address)
        await self._connect(sighting, _FIRST_ATTEMPTS)

    async def start(self) -> None:
        """Starts the stream and waits for its first samples.

        Raises:
            LinkError: there were none.
        """
        assert self._connection is not None
        try:
            await self._connection.start()
            async with asyncio.timeout(max(LOST_AFTER_S, 2 * self.wearer.driver.quiet_s)):
                await self._connection.flowing.wait()
        except (BleakError, OSError, TimeoutError) as error:
            raise self._connection.silence() from error

    async def keep(self) -> None:
        """Runs until cancelled: watches the stream, reconnects, pings, and looks at the battery."""
        while True:
            assert self._connection is not None
            chores = asyncio.create_task(self._chores(self._connection), name="chores")
            try:
                why = await self._until_lost(self._connection)
            finally:
                chores.cancel()
                await asyncio.gather(chores, return_exceptions=True)
            since_s = self._connection.last_arrival_s
            self._tell("lost", why=why)
            await self._connection.close(stop=False)
            await self._reconnect()
            self._tell("recovered", after="lost", silent_s=self._now_s() - since_s)

    async def close(self) -> None:
        """Stops the stream and disconnects."""
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self, sighting: Sighting, attempts: int) -> None:
        async with self._lock:
            self._connection = await connect(self.wearer, sighting, attempts)
        self.wearer.deliver(Opened(self._connection))

    async def _until_lost(self, connection: Connection) -> str:
        """Returns why the sensor is lost; tells of stalls in between."""
        quiet_s = max(_STALLED_AFTER_SAMPLES / connection.rate_hz, 1.5 * connection.wearer.driver.quiet_s)
        stalled_after_s = max(STALLED_AFTER_S, quiet_s)
        lost_after_s = max(LOST_AFTER_S, 2 * stalled_after_s)
        stalled_at_s: float | None = None
        while not connection.gone.is_set():
            silent_s = self._now_s() - connection.last_arrival_s
            if silent_s >= lost_after_s:
                return "silent"
            if stalled_at_s is None and silent_s >= stalled_after_s:
                stalled_at_s = connection.last_arrival_s
                self._tell("stalled", silent_s=silent_s)
            elif stalled_at_s is not None and silent_s < stalled_after_s:
                self._tell("recovered", after="stalled", silent_s=connection.last_arrival_s - stalled_at_s)
                stalled_at_s = None
            # Nothing can be new before the next limit, except that a stalled stream goes on.
            news_s = stalled_after_s - silent_s if stalled_at_s is None else _LOOK_EVERY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(min(news_s, lost_after_s - silent_s)):
                    await connection.gone.wait()
        return "disconnected"

    async def _reconnect(self) -> None:
        backoff_s = 0.1
        while True:
            try:
                await self._connect(await self._rescan.find(self._target), attempts=1)
                await self.start()
            except (KneeflexError, BleakError, OSError, TimeoutError):
                await self.close()
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)
            else:
                return

    async def _chores(self, connection: Connection) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_unless_broken(connection.ping()), name="ping")
            tasks.create_task(_unless_broken(self._watch_battery(connection)), name="battery")

    async def _watch_battery(self, connection: Connection) -> None:
        percent = self.wearer.driver.battery_percent(connection.reads)
        while percent is not None:
            self._tell("battery", percent=percent)
            await asyncio.sleep(_READ_BATTERY_EVERY_S)
            percent = await connection.battery_percent()

    def _now_s(self) -> float:
        return self.wearer.radio.clock.now_s()

    def _tell(self, state: str, **detail: float | str) -> None:
        self.wearer.deliver(Happened(self.wearer.segment, state, self._now_s(), detail))


async def _unless_broken(chore: Coroutine[None, None, None]) -> None:
    """A chore fails when the link breaks, and that is noticed where it matters."""
    with suppress(BleakError, OSError, TimeoutError):
        await chore
