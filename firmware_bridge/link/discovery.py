"""Discovered devices: what they advertise, and which of them a target means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from firmware_bridge.drivers import DRIVERS, driver_for
from firmware_bridge.drivers.seam import Advertisement, Driver
from firmware_bridge.drivers.standard import BATTERY_SERVICE
from firmware_bridge.errors import LinkError
from firmware_bridge.link.target import Found, Target
from firmware_bridge.samples import Segment

_SHORTEST_PART = 3
_HARDWARE_ADDRESS = re.compile(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")


@dataclass(frozen=True, eq=False, slots=True)
class DiscoveredDevice:
    """A device as it last advertised.

    Attributes:
        ble_device: what bleak connects to; given an address alone, bleak would scan again.
        advertisement: what it advertises.
        rssi_dbm: signal strength.
        battery_percent: the level that it advertises, if it does.
    """

    ble_device: BLEDevice
    advertisement: Advertisement
    rssi_dbm: int = 0
    battery_percent: float | None = None

    @property
    def name(self) -> str:
        """The advertised name, or ""."""
        return self.advertisement.name

    @property
    def address(self) -> str:
        """The address; on macOS an identifier that this computer made up."""
        return self.ble_device.address

    def driver(self, target: Target | None = None) -> Driver | None:
        """The driver that the target names, else the one that knows the advertisement."""
        if target is not None and target.driver is not None:
            return DRIVERS[target.driver]
        return driver_for(self.advertisement)

    def found(self) -> Found:
        """The entry of a scan's list."""
        driver = self.driver()
        return Found(
            self.name,
            self.address,
            None if driver is None else driver.name,
            self.rssi_dbm,
            self.battery_percent,
        )


class DiscoveredDevices:
    """The devices that a scan has seen so far, one entry per address."""

    def __init__(self) -> None:
        self._by_address: dict[str, DiscoveredDevice] = {}

    def add(self, device: BLEDevice, data: AdvertisementData) -> None:
        """Adds one advertisement. Not every packet carries every field, so earlier fields are kept."""
        before = self._by_address.get(device.address)
        known = Advertisement() if before is None else before.advertisement
        level = data.service_data.get(BATTERY_SERVICE, b"")
        battery = float(level[0]) if len(level) == 1 else None if before is None else before.battery_percent
        self._by_address[device.address] = DiscoveredDevice(
            device,
            Advertisement(
                data.local_name or known.name or device.name or "",
                tuple({*known.service_uuids, *(uuid.lower() for uuid in data.service_uuids)}),
                tuple({*known.manufacturer_ids, *data.manufacturer_data}),
            ),
            data.rssi,
            battery,
        )

    def all(self) -> tuple[DiscoveredDevice, ...]:
        """Everything seen, the known sensors first, then by signal."""
        return tuple(
            sorted(self._by_address.values(), key=lambda seen: (seen.driver() is None, -seen.rssi_dbm))
        )


class Named(Protocol):
    """A device in range, as far as a person can name it."""

    @property
    def name(self) -> str:
        """The advertised name, or ""."""
        ...

    @property
    def address(self) -> str:
        """The address."""
        ...


Device = TypeVar("Device", bound=Named)


def candidates(target: Target, devices: Iterable[Device]) -> tuple[Device, ...]:
    """The devices that a target may mean: one if all is well, several if they share a name.

    A target with an address means the device with this address and no other. Where the address is an
    identifier that the operating system made up (macOS), it may change, and a namesake is a candidate if the
    serial number is known: whoever connects must compare it.

    Args:
        target: what the person asked for.
        devices: what is in range.
    """
    seen = tuple(devices)
    wanted, address = target.identifier.casefold(), (target.address or target.identifier).casefold()
    same_address = tuple(s for s in seen if s.address.casefold() == address)
    same_name = tuple(s for s in seen if s.name.casefold() == wanted)
    if same_address:
        return same_address
    if target.address is not None:
        return same_name if target.serial and not is_hardware_address(target.address) else ()
    if same_name or len(wanted) < _SHORTEST_PART:
        return same_name
    return tuple(s for s in seen if wanted in s.name.casefold())


def namesakes(target: Target, devices: Iterable[Device]) -> tuple[Device, ...]:
    """Other devices that advertise the name of a target."""
    name, address = target.identifier.casefold(), (target.address or "").casefold()
    return tuple(d for d in devices if d.name.casefold() == name and d.address.casefold() != address)


def is_hardware_address(address: str) -> bool:
    """Whether it is the address of the device itself, and not one that the operating system made up."""
    return _HARDWARE_ADDRESS.fullmatch(address) is not None


def assign(
    targets: Mapping[Segment, Target], devices: Sequence[DiscoveredDevice]
) -> dict[Segment, DiscoveredDevice]:
    """Finds for every segment the one device that is meant.

    Args:
        targets: what the person asked for.
        devices: what is in range.

    Raises:
        LinkError: one is missing, several are meant, no driver knows it, or both segments mean one device.
    """
    chosen: dict[Segment, DiscoveredDevice] = {}
    for segment, target in targets.items():
        found = candidates(target, devices)
        if not found:
            raise _missing(segment, target, devices)
        if len(found) > 1:
            addresses = ", ".join(s.address for s in found)
            raise LinkError(
                f"{len(found)} devices may be the {segment} sensor {target.identifier}: {addresses}.",
                "Give the address instead of the name, or run `kneeflex pair` once.",
            )
        if found[0].driver(target) is None:
            raise LinkError(
                f"{_called(found[0])} is in range, but no driver knows it.",
                f"Name its driver if it is one of these: {', '.join(DRIVERS)}.",
            )
        same = next((other for other, device in chosen.items() if device.address == found[0].address), None)
        if same is not None:
            raise _one_for_both(segment, target, same, targets[same], found[0])
        chosen[segment] = found[0]
    return chosen


def _one_for_both(
    segment: Segment, target: Target, other: Segment, other_target: Target, device: DiscoveredDevice
) -> LinkError:
    if target == other_target or device.address.casefold() in (
        target.identifier.casefold(),
        other_target.identifier.casefold(),
    ):
        return LinkError(
            "The same device was asked for on both segments.",
            f"Name one sensor for the {other}, another for the {segment}.",
        )
    return LinkError(
        f"Only one sensor named {_called(device)} shows up, and it may be the one of either segment.",
        "Switch the other one on and bring it near, or run `kneeflex pair` once with both.",
    )


def _called(device: DiscoveredDevice) -> str:
    return device.name or device.address


def _missing(segment: Segment, target: Target, devices: Sequence[DiscoveredDevice]) -> LinkError:
    known = [device for device in devices if device.driver() is not None]
    same = [device.address for device in namesakes(target, known)] if target.address else []
    if same:
        return LinkError(
            f"The {segment} sensor {target.identifier} ({target.address}) does not show up. "
            f"Another sensor of this name is in range ({', '.join(same)}); it is not used.",
            "Switch the right one on and bring it near. If the sensors were exchanged, run `kneeflex pair`.",
        )
    listed = ", ".join(_called(device) for device in known)
    in_range = f"In range: {listed}." if known else "No sensor at all is in range."
    return LinkError(
        f"The {segment} sensor {target.identifier} does not show up. {in_range}",
        "Switch it on, bring it near, and disconnect any phone or other program that may hold it.",
    )
