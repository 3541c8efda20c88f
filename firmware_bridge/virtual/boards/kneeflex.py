"""A board with the project's own profile."""

from __future__ import annotations

from typing import ClassVar

from firmware_bridge.drivers import kneeflex
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.drivers.standard import BATTERY_LEVEL, BATTERY_SERVICE
from firmware_bridge.errors import DecodeError
from firmware_bridge.samples import Segment
from firmware_bridge.virtual.wire import Board, Burst, Services

# The live angle must not lag: no sample waits longer than this for its packet to fill.
_PACKET_S = 0.04


class KneeflexFirmware:
    """A board with the project's own profile, +-16 g and +-2000 deg/s, one sample rate."""

    services: ClassVar[Services] = {
        kneeflex.SERVICE: {
            kneeflex.DATA: ("notify",),
            kneeflex.CONFIGURATION: ("read",),
            kneeflex.CONTROL: ("write",),
            kneeflex.PING: ("write", "write-without-response", "notify"),
        },
        BATTERY_SERVICE: {BATTERY_LEVEL: ("read", "notify")},
    }
    data: ClassVar = kneeflex.DATA
    _SCALE: ClassVar = kneeflex.Scale()

    def advertisement(self, segment: Segment) -> Advertisement:
        """Beside flags and service UUID, 31 bytes leave 8 for the name."""
        return Advertisement(f"KF-{segment}", (kneeflex.SERVICE,))

    def samples_per_packet(self, mtu: int, rate_hz: float) -> int:
        """As many as the profile's 40 ms and the MTU allow."""
        return max(min(int(_PACKET_S * rate_hz), kneeflex.Packet.samples_fitting(mtu)), 1)

    def read(self, board: Board, characteristic: str) -> bytes:
        """The configuration or the battery level."""
        if characteristic == BATTERY_LEVEL:
            return self.battery(board.battery_percent)[1]
        running_hz = board.rate_hz if board.streaming else 0.0
        return bytes(kneeflex.Configuration((1, 0, 0), self._SCALE, running_hz, (board.rate_hz,)))

    def write(self, board: Board, characteristic: str, payload: bytes) -> None:
        """Starts at the one rate that there is, stops, or echoes a ping."""
        if characteristic == kneeflex.PING:
            if len(payload) != 4:
                raise DecodeError(f"A ping of {len(payload)} bytes is unknown.")
            echo = kneeflex.Echo(int.from_bytes(payload, "little"), board.clock_us())
            board.notify(kneeflex.PING, bytes(echo))
        elif kneeflex.Command.from_bytes(payload).rate_hz is None:
            board.stop()
        else:
            board.start()

    def encode(self, burst: Burst) -> tuple[bytes, ...]:
        """One packet; the numbers wrap as the profile says."""
        packet = kneeflex.Packet(
            burst.sequence,
            burst.clock_us,
            round(burst.period_us),
            burst.acc_m_s2,
            burst.gyr_rad_s,
            self._SCALE,
        )
        return (bytes(packet),)

    def battery(self, percent: int) -> tuple[str, bytes]:
        """The standard Battery Level."""
        return BATTERY_LEVEL, bytes([percent])

    def subscribed(self, board: Board, characteristic: str, enabled: bool) -> None:
        """Nothing: the stream is started by a command."""

    def disconnected(self) -> None:
        """No state to reset."""
