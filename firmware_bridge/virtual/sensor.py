"""A simulated sensor: a board whose firmware streams one playback over its peripheral."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firmware_bridge.clock import Clock
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.virtual.faults import Air, Faults
from firmware_bridge.virtual.peripheral import Peripheral
from firmware_bridge.virtual.playback import BoardClock, Playback
from firmware_bridge.virtual.wire import Burst, Firmware

if TYPE_CHECKING:
    from bumble.link import LocalLink


# Tells the packets of one instant apart where a sensor sends several.
_NEVER_SO_MANY_SAMPLES = 1 << 32


@dataclass(frozen=True, slots=True)
class Identity:
    """Which sensor it is.

    Attributes:
        address: its Bluetooth address.
        advertisement: what it advertises.
        rate_hz: its nominal sample rate.
        first_sequence: the number of the first sample after a start.
    """

    address: str
    advertisement: Advertisement
    rate_hz: float
    first_sequence: int


class Sensor:
    """One board, switched on by `power_on`. Everything happens in the event loop of that call.

    Args:
        link: the simulated radio link.
        identity: which sensor it is.
        firmware: its protocol.
        playback: what it measures.
        clock: of the board.
        faults: of the sensor and its link.
        air: simulates the radio link.
        host: the clock of the host, on which its event loop waits.
        on_start: called when the stream is started.

    Attributes:
        sent: samples of the script that were sent.
        clock: of the board.
    """

    def __init__(
        self,
        link: LocalLink,
        identity: Identity,
        firmware: Firmware,
        playback: Playback,
        clock: BoardClock,
        faults: Faults,
        air: Air,
        host: Clock,
        on_start: Callable[[Sensor], None],
    ) -> None:
        self.playback, self.clock = playback, clock
        self.sent = 0
        self._all_arrived = self._dead = False
        self._identity, self._firmware, self._faults, self._air = identity, firmware, faults, air
        self._host, self._on_start = host, on_start
        self._script_start_s: float | None = None
        self._streaming: asyncio.Task[None] | None = None
        self._outbox: asyncio.Queue[tuple[float, str, bytes]] = asyncio.Queue()
        self._delivery: asyncio.Task[None] | None = None
        self._told_battery = faults.battery_at(0.0)
        self._away_until_s = 0.0
        self._refusals = faults.refusals
        self._tasks: set[asyncio.Task[None]] = set()
        self._peripheral = Peripheral(
            link, identity.address, identity.advertisement, firmware.services, faults.mtu, self
        )

    @property
    def address(self) -> str:
        """Its Bluetooth address."""
        return self._identity.address

    @property
    def rate_hz(self) -> float:
        """Its nominal sample rate."""
        return self._identity.rate_hz

    @property
    def streaming(self) -> bool:
        """Whether the stream is switched on."""
        return self._streaming is not None

    @property
    def finished(self) -> bool:
        """Whether nothing of the script is to come any more."""
        if self._all_arrived or self._dead:
            return True
        end = self.playback.stop
        return end is not None and not self.streaming and self._host.now_s() > self.playback.host_s(end)

    @property
    def battery_percent(self) -> int:
        """The charge left."""
        start_s = self._script_start_s
        return self._faults.battery_at(0.0 if start_s is None else self._host.now_s() - start_s)

    @property
    def synchronised(self) -> bool:
        """Whether other boards run by the same clock."""
        return self.clock.synchronised

    def clock_us(self) -> int:
        """The board's clock now."""
        return self.clock.ticks(self._host.now_s())

    async def power_on(self) -> None:
        """Switches on and advertises."""
        await self._peripheral.power_on()
        if not self._faults.absent:
            await self._peripheral.advertise()

    async def power_off(self) -> None:
        """Switches everything off."""
        tasks = [task for task in (self._streaming, self._delivery, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._peripheral.power_off()

    def begin_script(self, script_start_s: float) -> None:
        """The script begins at this host time; faults at given times are scheduled."""
        self._script_start_s = script_start_s
        self.playback.settle(script_start_s)
        for mishap, times in (
            (self._disconnect, self._faults.disconnects),
            (self._reboot, self._faults.reboots),
            (self._die, () if self._faults.dies_s is None else (self._faults.dies_s,)),
        ):
            for time_s in times:
                self._spawn(self._at(script_start_s + time_s, mishap))

    def start(self) -> None:
        """Starts the stream; the sample counter begins again."""
        self.stop()
        self._on_start(self)
        self._streaming = asyncio.create_task(self._stream(), name=f"stream of {self.address}")

    def stop(self) -> None:
        """Stops the stream."""
        if self._streaming is not None:
            self._streaming.cancel()
            self._streaming = None

    def notify(self, characteristic: str, payload: bytes) -> None:
        """Sends a notification to the subscriber; it arrives when the simulated link delivers it."""
        arrival_s = self._air.arrival_s(self._host.now_s(), self._script_start_s)
        self._outbox.put_nowait((arrival_s, characteristic, payload))

    async def read(self, characteristic: str) -> bytes:
        """Answers the host."""
        await self._reached()
        return self._firmware.read(self, characteristic)

    async def write(self, characteristic: str, payload: bytes) -> None:
        """Handles a write of the host."""
        await self._reached()
        self._firmware.write(self, characteristic, payload)

    def subscribed(self, characteristic: str, enabled: bool) -> None:
        """The host has subscribed, or has ended the subscription."""
        if not self._dead:
            self._firmware.subscribed(self, characteristic, enabled)

    def connected(self) -> None:
        """A host has connected; packets of the connection before are dropped."""
        self._air.clear()
        self._outbox = asyncio.Queue()
        self._delivery = asyncio.create_task(self._deliver(), name=f"air of {self.address}")
        if self._refusals:
            self._refusals -= 1
            self._spawn(self._peripheral.disconnect())

    def disconnected(self) -> None:
        """The host has disconnected: the stream stops, and the board advertises again."""
        self.stop()
        self._firmware.disconnected()
        if self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None
        if not self._dead:
            self._spawn(self._at(self._away_until_s, self._peripheral.advertise))

    async def _reached(self) -> None:
        """Waits for the next connection event, at which a request arrives; a dead board never answers."""
        await self._until(self._air.next_event_s(self._host.now_s()))
        if self._dead:
            await asyncio.get_running_loop().create_future()

    async def _stream(self) -> None:
        """Measures and sends: a packet leaves when its last sample is measured."""
        first = number = self.playback.next(self._host.now_s())
        at_once = self._firmware.samples_per_packet(self._peripheral.mtu, self.rate_hz)
        while self.playback.stop is None or number < self.playback.stop:
            await self._until(self.playback.host_s(number + at_once - 1))
            stop = self._packet_end(number, at_once)
            packets = self._firmware.encode(self._burst(first, number, stop))
            self.sent += self.playback.script_count(stop) - self.playback.script_count(number)
            for place, packet in enumerate(packets):
                for payload in self._befallen(packet, number, place):
                    self.notify(self._firmware.data, payload)
            self._tell_battery()
            number = stop
        for payload in self._air.flush():
            self.notify(self._firmware.data, payload)
        await self._outbox.join()
        self._all_arrived = True

    def _packet_end(self, start: int, at_once: int) -> int:
        """A new packet begins with the script, so that faults do not depend on when the script began."""
        zero, end = self.playback.script_zero, self.playback.stop
        if zero is not None and end is not None:
            return min(start + at_once, zero if start < zero else end)
        return start + at_once

    def _befallen(self, packet: bytes, number: int, place: int) -> tuple[bytes, ...]:
        zero = self.playback.script_zero
        if zero is None or number < zero:
            return (packet,)
        return tuple(self._air.fate(packet, number - zero + place * _NEVER_SO_MANY_SAMPLES))

    def _burst(self, first: int, start: int, stop: int) -> Burst:
        return Burst(
            self._identity.first_sequence + start - first,
            self.clock.ticks(self.playback.host_s(start)),
            self.playback.period_s * self.clock.clock_rate * 1e6,
            *self.playback.read(start, stop),
        )

    def _tell_battery(self) -> None:
        if self.battery_percent != self._told_battery:
            self._told_battery = self.battery_percent
            report = self._firmware.battery(self._told_battery)
            if report is not None:
                self.notify(*report)

    async def _deliver(self) -> None:
        """Lets notifications arrive in turn, each at its time."""
        while True:
            arrival_s, characteristic, payload = await self._outbox.get()
            if arrival_s > self._host.now_s():
                await self._until(arrival_s)
            if not self._dead:
                await self._peripheral.notify(characteristic, payload)
            self._outbox.task_done()

    async def _at(self, host_s: float, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await self._until(host_s)
        await action()

    async def _until(self, host_s: float) -> None:
        """Waits until then; lets others run in any case."""
        await asyncio.sleep(max(host_s - self._host.now_s(), 0.0))

    async def _disconnect(self) -> None:
        self._away_until_s = self._host.now_s() + self._faults.away_s
        await self._peripheral.disconnect()

    async def _reboot(self) -> None:
        self.clock = BoardClock(self._host.now_s(), 0, self.clock.clock_rate)
        await self._disconnect()

    async def _die(self) -> None:
        self._dead = True
        self.stop()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
