"""Keeps one sensor streaming: detects silence and loss, and reconnects it while the other one streams on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace

from bleak.exc import BleakError

from firmware_bridge.errors import KneeflexError, LinkError
from firmware_bridge.link.advice import connection_error
from firmware_bridge.link.connection import Connection, SilentSensorError, StreamRequest, connect
from firmware_bridge.link.discovery import DiscoveredDevice
from firmware_bridge.link.search import Rescan
from firmware_bridge.link.target import Target
from firmware_bridge.receiving.messages import LinkChange

STALLED_AFTER_S = 0.5
LOST_AFTER_S = 3.0
# A slow sensor is silent between its packets, too.
_STALLED_AFTER_SAMPLES = 10
_LOOK_EVERY_S = 0.05
# What rounding leaves of a wait must not be waited for again and again: on a coarse clock it never passes.
_SHORTEST_WAIT_S = 0.001
_READ_BATTERY_EVERY_S = 60.0
_FIRST_ATTEMPTS = 4
_LONGEST_BACKOFF_S = 1.0


class ConnectionSupervisor:
    """Connects one sensor, watches its stream, and reconnects it.

    Args:
        request: which sensor is wanted where.
        target: what the person asked for.
        lock: held by whoever scans or connects.
        rescan: looks for lost sensors.
    """

    def __init__(self, request: StreamRequest, target: Target, lock: asyncio.Lock, rescan: Rescan) -> None:
        self.request = request
        self._target, self._lock, self._rescan = target, lock, rescan
        self._connection: Connection | None = None
        self._rejected: set[str] = set()
        self._reported = ""

    async def open(self, device: DiscoveredDevice) -> None:
        """Connects for the first time.

        Raises:
            LinkError: it did not work; says what to do.
        """
        await self._connect(device, _FIRST_ATTEMPTS)

    async def start(self) -> None:
        """Starts the stream and waits for its first samples.

        Raises:
            LinkError: the sensor refused, or sent nothing.
        """
        connection = self._connection
        assert connection is not None
        try:
            await connection.start()
        except (BleakError, OSError, TimeoutError) as error:
            raise connection_error(connection.called, error) from error
        try:
            async with asyncio.timeout(max(LOST_AFTER_S, 2 * self.request.driver.quiet_s)):
                await connection.flowing.wait()
        except TimeoutError as error:
            raise connection.silence() from error

    async def supervise(self) -> None:
        """Runs until cancelled: watches the stream, reconnects, pings, and reads the battery."""
        while True:
            assert self._connection is not None
            background = asyncio.create_task(self._background(self._connection), name="background")
            try:
                why = await self._until_lost(self._connection)
            finally:
                background.cancel()
                await asyncio.gather(background, return_exceptions=True)
            since_s = self._connection.last_arrival_s
            self._report("lost", why=why)
            await self._connection.close(stop=False)
            await self._reconnect()
            self._report("recovered", after="lost", silent_s=self._now_s() - since_s)

    async def close(self) -> None:
        """Stops the stream and disconnects."""
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self, device: DiscoveredDevice, attempts: int) -> None:
        async with self._lock:
            self._connection = connection = await connect(self.request, device, attempts)
        self._check_identity(connection, device)
        self._rescan.own(self.request.segment, device.address)
        # From now on this very device is meant, and no other.
        self._target = replace(
            self._target,
            identifier=device.name or device.address,
            address=device.address,
            serial=connection.serial_number,
        )
        self._rejected.clear()
        self.request.deliver(connection.opened())

    def _check_identity(self, connection: Connection, device: DiscoveredDevice) -> None:
        """Refuses a device that is not the one that was asked for, before it streams.

        Raises:
            LinkError: another address, and not the serial number of the sensor.
        """
        wanted, serial = self._target, connection.serial_number
        if wanted.serial and serial and serial != wanted.serial:
            self._rejected.add(device.address)
            raise LinkError(
                f"{connection.called} is another sensor of the same name: its serial number is {serial}, "
                f"not {wanted.serial}.",
                "Switch the right one on; if the sensors were exchanged, run `kneeflex pair`.",
            )
        same_address = wanted.address is None or wanted.address.casefold() == device.address.casefold()
        if not same_address and serial != wanted.serial:
            self._rejected.add(device.address)
            raise LinkError(
                f"{connection.called} may be another sensor of the same name: its address is new, "
                "and it tells no serial number.",
                "Run `kneeflex pair` again.",
            )

    async def _until_lost(self, connection: Connection) -> str:
        """Waits until the sensor is lost, reporting stalls meanwhile; returns why it is lost."""
        quiet_s = max(_STALLED_AFTER_SAMPLES / connection.rate_hz, 1.5 * connection.request.driver.quiet_s)
        stalled_after_s = max(STALLED_AFTER_S, quiet_s)
        lost_after_s = max(LOST_AFTER_S, 2 * stalled_after_s)
        stalled_at_s: float | None = None
        while not connection.gone.is_set():
            silent_s = self._now_s() - connection.last_arrival_s
            if silent_s >= lost_after_s:
                return "silent"
            if stalled_at_s is None and silent_s >= stalled_after_s:
                stalled_at_s = connection.last_arrival_s
                self._report("stalled", silent_s=silent_s)
            elif stalled_at_s is not None and silent_s < stalled_after_s:
                self._report("recovered", after="stalled", silent_s=connection.last_arrival_s - stalled_at_s)
                stalled_at_s = None
            # Nothing changes before the next limit, unless a stalled stream goes on.
            next_s = stalled_after_s - silent_s if stalled_at_s is None else _LOOK_EVERY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(max(min(next_s, lost_after_s - silent_s), _SHORTEST_WAIT_S)):
                    await connection.gone.wait()
        return "disconnected"

    async def _reconnect(self) -> None:
        backoff_s = 0.1
        self._reported = ""
        while True:
            try:
                segment = self.request.segment
                device = await self._rescan.find(segment, self._target, self._rejected, self._report_missing)
                await self._connect(device, attempts=1)
                await self.start()
            except (KneeflexError, BleakError, OSError, TimeoutError) as error:
                if isinstance(error, KneeflexError) and not isinstance(error, SilentSensorError):
                    self._report_problem(str(error))
                await self.close()
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)
            else:
                return

    def _report_missing(self, others: Sequence[DiscoveredDevice]) -> None:
        """Reports that the sensor is missing, and that its namesakes in range are not used in its place."""
        name = f"The {self.request.segment} sensor {self._target.identifier}"
        text = f"{name} does not show up. Bring it near, and check that it is switched on."
        if others:
            listed = ", ".join(device.address for device in others)
            text = f"{text} Another sensor of this name is in range ({listed}); it is not used."
        self._report_problem(text)

    def _report_problem(self, text: str) -> None:
        if text != self._reported:
            self._reported = text
            self._report("problem", text=text)

    async def _background(self, connection: Connection) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_ignoring_link_errors(connection.ping()), name="ping")
            tasks.create_task(_ignoring_link_errors(self._watch_battery(connection)), name="battery")

    async def _watch_battery(self, connection: Connection) -> None:
        percent = self.request.driver.battery_percent(connection.reads)
        while percent is not None:
            self._report("battery", percent=percent)
            await asyncio.sleep(_READ_BATTERY_EVERY_S)
            percent = await connection.battery_percent()

    def _now_s(self) -> float:
        return self.request.radio.clock.now_s()

    def _report(self, state: str, **detail: float | str) -> None:
        self.request.deliver(LinkChange(self.request.segment, state, self._now_s(), detail))


async def _ignoring_link_errors(task: Coroutine[None, None, None]) -> None:
    """Ignores link errors in a background task; `_until_lost` detects the loss."""
    with suppress(BleakError, OSError, TimeoutError):
        await task
