"""One file per sensor: packet bytes <-> samples. No I/O, no bleak. To add a sensor, add one line below."""

from __future__ import annotations

from typing import Final

from firmware_bridge.drivers.kneeflex import Kneeflex
from firmware_bridge.drivers.metamotion import MetaMotion
from firmware_bridge.drivers.movella_dot import MovellaDot
from firmware_bridge.drivers.movesense import Movesense
from firmware_bridge.drivers.polar import PolarVeritySense
from firmware_bridge.drivers.seam import Advertisement, Driver
from firmware_bridge.drivers.thingy52 import Thingy52
from firmware_bridge.drivers.witmotion import WitMotion

_ALL: Final[tuple[Driver, ...]] = (
    Kneeflex(),
    MovellaDot(),
    MetaMotion(),
    Movesense(),
    PolarVeritySense(),
    Thingy52(),
    WitMotion(),
)
DRIVERS: Final[dict[str, Driver]] = {driver.name: driver for driver in _ALL}


def driver_for(advertisement: Advertisement) -> Driver | None:
    """The driver of a device with this advertisement, or None."""
    return next((driver for driver in DRIVERS.values() if driver.recognises(advertisement)), None)
