"""How a person names a sensor, and the entry of a sensor in range."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_bridge.drivers import DRIVERS
from firmware_bridge.errors import UsageError


@dataclass(frozen=True, slots=True)
class Target:
    """The sensor a person means.

    Attributes:
        identifier: its advertised name, its address, or a part of the name such as a serial number.
        driver: name of its driver, where its advertisement is ambiguous.
        address: its address when this computer last saw it. With it, only this device is meant.
        serial: its serial number, where it was read: identifies it where the address may have changed.
    """

    identifier: str
    driver: str | None = None
    address: str | None = None
    serial: str = ""

    def __post_init__(self) -> None:
        if self.driver is not None and self.driver not in DRIVERS:
            raise UsageError(
                f"There is no driver named {self.driver}.", f"Choose one of {', '.join(DRIVERS)}."
            )


@dataclass(frozen=True, slots=True)
class Found:
    """A device in range; `driver` and `battery_percent` are None where they are not known."""

    name: str
    address: str
    driver: str | None
    rssi_dbm: int
    battery_percent: float | None = None
