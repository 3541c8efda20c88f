"""A Nordic Thingy:52, from the vendor's firmware: subscribing to the raw motion data starts the stream.

The magnetometer reads zero; all other services are left out.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from firmware_bridge.drivers import thingy52
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.drivers.standard import BATTERY_LEVEL, BATTERY_SERVICE
from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.wire import Board, Burst, Services


class Thingy52Firmware:
    """One box with firmware 2.2.0."""

    services: ClassVar[Services] = {
        thingy52.CONFIGURATION_SERVICE: {thingy52.FIRMWARE: ("read",)},
        thingy52.MOTION_SERVICE: {
            thingy52.MOTION_CONFIGURATION: ("read", "write"),
            thingy52.RAW: ("notify",),
        },
        BATTERY_SERVICE: {BATTERY_LEVEL: ("read", "notify")},
    }
    data: ClassVar = thingy52.RAW

    def advertisement(self, segment: Segment) -> Advertisement:
        """By its configuration service; the owner has named the two."""
        return Advertisement(f"T-{segment}", (thingy52.CONFIGURATION_SERVICE,))

    def samples_per_packet(self, mtu: int, rate_hz: float) -> int:
        """Always one."""
        return 1

    def read(self, board: Board, characteristic: str) -> bytes:
        """The battery level, the firmware version, or the motion configuration."""
        if characteristic == BATTERY_LEVEL:
            return bytes([board.battery_percent])
        if characteristic == thingy52.FIRMWARE:
            return bytes((2, 2, 0))
        return bytes(thingy52.MotionConfiguration(int(board.rate_hz)))

    def write(self, board: Board, characteristic: str, payload: bytes) -> None:
        """Takes a motion configuration of its one rate."""
        if thingy52.MotionConfiguration.from_bytes(payload).rate_hz != board.rate_hz:
            raise DecodeError("The simulated box has one rate.")

    def encode(self, burst: Burst) -> tuple[bytes, ...]:
        """One raw packet, with the sign of the acceleration that the firmware gives it."""
        return (bytes(thingy52.RawMotion(burst.acc_m_s2[0], burst.gyr_rad_s[0], np.zeros(3))),)

    def battery(self, percent: int) -> tuple[str, bytes] | None:
        """The standard Battery Level."""
        return BATTERY_LEVEL, bytes([percent])

    def subscribed(self, board: Board, characteristic: str, enabled: bool) -> None:
        """Starts or stops the stream."""
        if characteristic == thingy52.RAW:
            (board.start if enabled else board.stop)()

    def disconnected(self) -> None:
        """No state to reset."""
