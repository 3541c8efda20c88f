"""Scanning: once for both sensors before they are connected, and again only for one that was lost."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from bleak import BleakAdapter, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from firmware_bridge.clock import Clock
from firmware_bridge.link.advice import bluetooth_error, is_busy
from firmware_bridge.link.discovery import (
    DiscoveredDevice,
    DiscoveredDevices,
    assign,
    candidates,
    is_hardware_address,
    namesakes,
)
from firmware_bridge.link.radio import Radio, SystemRadio
from firmware_bridge.link.target import Found, Target
from firmware_bridge.samples import Segment

# After sensors that were asked for by name were found: time for namesakes to show up. Some sensors advertise
# only every 1.3 s.
_GRACE_S = 1.5
_LOOK_AGAIN_S = 2.0
_BUSY_ATTEMPTS = 4
_BUSY_PAUSE_S = 0.5
_RESCAN_S = 5.0
_RESCAN_PAUSE_S = 0.05
_SLICE_S = 0.2

T = TypeVar("T")


def scan(radio: Radio | None = None, seconds: float = 5.0) -> tuple[Found, ...]:
    """Lists what is in range, the sensors that a driver knows first, then by signal.

    Args:
        radio: the Bluetooth to use; that of this computer by default.
        seconds: how long to listen.

    Raises:
        LinkError: Bluetooth does not work.
    """
    return tuple(device.found() for device in discover(radio, seconds))


def discover(radio: Radio | None = None, seconds: float = 5.0) -> tuple[DiscoveredDevice, ...]:
    """As `scan`, with everything that each device advertises."""
    used = radio or SystemRadio()

    async def listen() -> tuple[DiscoveredDevice, ...]:
        seen = DiscoveredDevices()
        async with used as entered:
            await watch(entered, seen, lambda: False, seconds)
        return seen.all()

    return in_own_loop(listen(), used.clock)


def in_own_loop(work: Coroutine[Any, Any, T], clock: Clock) -> T:
    """Runs a coroutine that uses bleak in its own thread and loop; Ctrl-C in the caller's thread cancels it.

    The caller may have an event loop already or, on Windows, a single-threaded apartment.

    Args:
        work: the coroutine.
        clock: that the coroutine waits on.
    """
    begun, ended = clock.signal(), clock.signal()
    cancel: list[Callable[[], object]] = []
    results: list[T] = []
    errors: list[BaseException] = []

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        cancel.append(lambda: loop.call_soon_threadsafe(task.cancel))
        begun.set()
        return await work

    def run() -> None:
        try:
            results.append(clock.run(cancellable()))
        except BaseException as error:
            errors.append(error)
        finally:
            begun.set()
            ended.set()

    thread = clock.worker(run, "bluetooth")
    thread.start()
    try:
        while not ended.wait(_SLICE_S):  # in slices, so that Ctrl-C gets through on Windows
            pass
    except BaseException:
        begun.wait()
        with suppress(RuntimeError):  # it ended just now
            cancel[0]()
        thread.join()
        raise
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


async def search(
    radio: Radio, targets: Mapping[Segment, Target], limit_s: float
) -> dict[Segment, DiscoveredDevice]:
    """Scans once for all the sensors that were asked for.

    Args:
        radio: entered.
        targets: what to look for.
        limit_s: longest time to scan.

    Raises:
        LinkError: Bluetooth does not work, or a sensor does not show up, or cannot be told from another.
    """
    seen = DiscoveredDevices()

    def complete() -> bool:
        devices = seen.all()
        found = {
            segment: [d.address for d in candidates(target, devices) if d.driver(target) is not None]
            for segment, target in targets.items()
        }
        # Two targets with one and the same candidate: a namesake may be about to show up.
        alone = [addresses[0] for addresses in found.values() if len(addresses) == 1]
        return all(found.values()) and len(set(alone)) == len(alone)

    if radio.scanner_backend is None and sys.platform == "linux":
        await _add_connected(seen)
    by_name = any(t.address is None and not is_hardware_address(t.identifier) for t in targets.values())
    await watch(radio, seen, complete, limit_s, _GRACE_S if by_name else 0.0)
    return assign(targets, seen.all())


class Rescan:
    """Looks for sensors that were lost. One scan serves all of them, and none runs while one connects.

    No device is ever given to two segments: every segment has a device of its own, and gets that one back.

    Args:
        radio: entered.
        lock: held by whoever scans or connects.
    """

    def __init__(self, radio: Radio, lock: asyncio.Lock) -> None:
        self._radio, self._lock = radio, lock
        self._owners: dict[str, Segment] = {}
        self._wanted: dict[Segment, _Wanted] = {}
        self._scanning: asyncio.Task[None] | None = None

    def own(self, segment: Segment, address: str) -> None:
        """This device is the one of this segment from now on."""
        self._owners = {a: s for a, s in self._owners.items() if s is not segment}
        self._owners[address] = segment

    async def find(
        self,
        segment: Segment,
        target: Target,
        rejected: Collection[str] = (),
        on_missing: Callable[[Sequence[DiscoveredDevice]], None] = lambda _: None,
    ) -> DiscoveredDevice:
        """Waits until the sensor advertises again, however long it takes.

        Args:
            segment: where it is worn.
            target: the sensor, by its address.
            rejected: addresses of devices that are known to be others.
            on_missing: called after every whole scan without it, with the devices that bear its name.

        Raises:
            LinkError: Bluetooth does not work.
        """
        future: asyncio.Future[DiscoveredDevice] = asyncio.get_running_loop().create_future()
        self._wanted[segment] = _Wanted(target, frozenset(rejected), on_missing, future)
        try:
            if self._scanning is None or self._scanning.done():
                self._scanning = asyncio.create_task(self._scan(), name="rescan")
            return await future
        finally:
            self._wanted.pop(segment, None)

    async def close(self) -> None:
        """Ends a scan that still runs."""
        if self._scanning is not None:
            self._scanning.cancel()
            await asyncio.gather(self._scanning, return_exceptions=True)

    async def _scan(self) -> None:
        while self._wanted:
            seen = DiscoveredDevices()
            try:
                async with self._lock:
                    ends_s = asyncio.get_running_loop().time() + _RESCAN_S
                    await watch(self._radio, seen, partial(self._deliver, seen), _RESCAN_S)
                    whole = asyncio.get_running_loop().time() >= ends_s
            except Exception as error:
                for wanted in self._wanted.values():
                    if not wanted.future.done():
                        wanted.future.set_exception(error)
                return
            for wanted in tuple(self._wanted.values()):
                if whole and not wanted.future.done():  # a scan ends early when another sensor is found
                    wanted.on_missing(namesakes(wanted.target, seen.all()))
            await asyncio.sleep(_RESCAN_PAUSE_S)

    def _deliver(self, seen: DiscoveredDevices) -> bool:
        """Completes the futures of the sensors that were found; returns whether any was."""
        delivered = False
        for segment, wanted in self._wanted.items():
            found = [
                device
                for device in candidates(wanted.target, seen.all())
                if self._owners.get(device.address, segment) is segment
                and device.address not in wanted.rejected
            ]
            if len(found) == 1 and not wanted.future.done():
                wanted.future.set_result(found[0])
            delivered |= wanted.future.done()
        return delivered


class _Wanted(NamedTuple):
    target: Target
    rejected: frozenset[str]
    on_missing: Callable[[Sequence[DiscoveredDevice]], None]
    future: asyncio.Future[DiscoveredDevice]


async def look_again(radio: Radio, device: DiscoveredDevice) -> DiscoveredDevice:
    """The device as it advertises now, or as it was known where it does not advertise.

    The operating system may have dropped what bleak connects to since the device was discovered.
    """
    seen = DiscoveredDevices()

    def again() -> DiscoveredDevice | None:
        return next((found for found in seen.all() if found.address == device.address), None)

    await watch(radio, seen, lambda: again() is not None, _LOOK_AGAIN_S)
    return again() or device


async def watch(
    radio: Radio, seen: DiscoveredDevices, enough: Callable[[], bool], limit_s: float, grace_s: float = 0.0
) -> None:
    """Scans until `enough` holds and `grace_s` more has passed, or until `limit_s`.

    A busy adapter is tried again.

    Raises:
        LinkError: Bluetooth does not work.
    """
    done = asyncio.Event()

    def on_advertisement(device: BLEDevice, data: AdvertisementData) -> None:
        seen.add(device, data)
        if enough():
            done.set()

    for attempt in range(_BUSY_ATTEMPTS):
        try:
            async with BleakScanner(on_advertisement, backend=radio.scanner_backend):
                with suppress(TimeoutError):
                    async with asyncio.timeout(limit_s):
                        if not enough():
                            await done.wait()
                        await asyncio.sleep(grace_s)
            return
        except (BleakError, OSError) as error:
            if not is_busy(error) or attempt == _BUSY_ATTEMPTS - 1:
                raise bluetooth_error(error) from error
        await asyncio.sleep(_BUSY_PAUSE_S)


async def _add_connected(seen: DiscoveredDevices) -> None:
    """Adds devices that a killed program left connected: they stay so in BlueZ, and do not advertise."""
    with suppress(NotImplementedError, BleakError, OSError):
        for device in await (await BleakAdapter.get()).get_connected_devices():
            services = list(device.details.get("props", {}).get("UUIDs", ()))
            seen.add(device, AdvertisementData(device.name, {}, {}, services, None, 0, ()))
