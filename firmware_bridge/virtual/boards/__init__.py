"""Simulated boards, one file per sensor: they answer as the vendors' sources describe.

In come the host's reads, writes and subscriptions; out go answers and packets. None of them was compared with
the device itself; what a board leaves out, its file says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from firmware_bridge.drivers import DRIVERS
from firmware_bridge.drivers.seam import nearest_rate_hz
from firmware_bridge.errors import UsageError
from firmware_bridge.virtual.boards.kneeflex import KneeflexFirmware
from firmware_bridge.virtual.boards.metamotion import MetaMotionFirmware, MetaMotionSFirmware
from firmware_bridge.virtual.boards.movella_dot import MovellaDotFirmware
from firmware_bridge.virtual.boards.movesense import MovesenseFirmware
from firmware_bridge.virtual.boards.polar import PolarFirmware
from firmware_bridge.virtual.boards.thingy52 import Thingy52Firmware
from firmware_bridge.virtual.boards.witmotion import WitMotionFirmware
from firmware_bridge.virtual.wire import Firmware

# By the name of the driver; where two boards share a driver, by the name of the second board.
FIRMWARES: Final[Mapping[str, Callable[[], Firmware]]] = {
    "kneeflex": KneeflexFirmware,
    "movella-dot": MovellaDotFirmware,
    "metamotion": MetaMotionFirmware,
    "metamotion-s": MetaMotionSFirmware,
    "movesense": MovesenseFirmware,
    "polar-verity-sense": PolarFirmware,
    "thingy52": Thingy52Firmware,
    "witmotion": WitMotionFirmware,
}
DRIVER_OF: Final[Mapping[str, str]] = {"metamotion-s": "metamotion"}


def nearest_board_rate_hz(board: str, wanted_hz: float) -> float:
    """The rate nearest to the one wanted at which a kind of simulated sensor runs.

    Raises:
        UsageError: there is no such kind.
    """
    if board not in FIRMWARES:
        raise UsageError(
            f"There is no simulated sensor of the kind {board}.", f"Choose one of {', '.join(FIRMWARES)}."
        )
    return nearest_rate_hz(DRIVERS[DRIVER_OF.get(board, board)], wanted_hz)
