"""A WitMotion WT901BLE, from the vendor's data sheet: it streams unasked, and registers are written unlocked.

The battery register and saved settings are left out.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from firmware_bridge.drivers import witmotion
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.wire import Board, Burst, Services

_UNLOCK, _READ, _RATE = bytes.fromhex("ffaa6988b5"), 0x27, 0x03


class WitMotionFirmware:
    """One sensor; a notification holds one frame."""

    services: ClassVar[Services] = {
        witmotion.SERVICE: {
            witmotion.DATA: ("notify",),
            witmotion.COMMAND: ("write", "write-without-response"),
        },
    }
    data: ClassVar = witmotion.DATA

    def advertisement(self, segment: Segment) -> Advertisement:
        """By the beginning of its name."""
        return Advertisement(f"WT901BLE{67 + list(Segment).index(segment)}")

    def samples_per_packet(self, mtu: int, rate_hz: float) -> int:
        """Always one."""
        return 1

    def read(self, board: Board, characteristic: str) -> bytes:
        """Nothing can be read."""
        return b""

    def write(self, board: Board, characteristic: str, payload: bytes) -> None:
        """Answers a question about its rate; ignores a rate that it does not have."""
        if len(payload) == 5 and payload[2] == _READ and payload[3] == _RATE:
            code = witmotion.RATE_CODES[board.rate_hz]
            board.notify(witmotion.DATA, bytes((0x55, 0x71, _RATE, 0, code, 0)) + bytes(14))

    def encode(self, burst: Burst) -> tuple[bytes, ...]:
        """One frame; the angles of the sensor's own filter read zero."""
        return (bytes(witmotion.Frame(burst.acc_m_s2[0], burst.gyr_rad_s[0], np.zeros(3))),)

    def battery(self, percent: int) -> tuple[str, bytes] | None:
        """Not among the frames."""
        return None

    def subscribed(self, board: Board, characteristic: str, enabled: bool) -> None:
        """Frames are sent to a subscriber at once."""
        (board.start if enabled else board.stop)()

    def disconnected(self) -> None:
        """No state to reset."""
