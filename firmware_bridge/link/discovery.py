"""Discovered devices: what they advertise, and which of them a target means."""

from __future__ import annotations

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

    Args:
        target: what the person asked for.
        devices: what is in range.
    """
    seen = tuple(devices)
    wanted, address = target.identifier.casefold(), (target.address or target.identifier).casefold()
    same_address = tuple(s for s in seen if s.address.casefold() == address)
    if same_address:
        return same_address
    same_name = tuple(s for s in seen if s.name.casefold() == wanted)
    if same_name or len(wanted) < _SHORTEST_PART:
        return same_name
    return tuple(s for s in seen if wanted in s.name.casefold())


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
        chosen[segment] = found[0]
    addresses_chosen = [device.address for device in chosen.values()]
    if len(set(addresses_chosen)) < len(addresses_chosen):
        raise LinkError(
            "The same device was asked for on both segments.",
            "Name one sensor for the thigh, another for the shank.",
        )
    return chosen


def _called(device: DiscoveredDevice) -> str:
    return device.name or device.address


def _missing(segment: Segment, target: Target, devices: Sequence[DiscoveredDevice]) -> LinkError:
    sensors = [_called(s) for s in devices if s.driver() is not None]
    in_range = f"In range: {', '.join(sensors)}." if sensors else "No sensor at all is in range."
    return LinkError(
        f"The {segment} sensor {target.identifier} does not show up. {in_range}",
        "Switch it on, bring it near, and disconnect any phone or other program that may hold it.",
    )
