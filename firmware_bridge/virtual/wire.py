"""Firmware of simulated boards: the wire formats of real sensors from the sensor's side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.samples import Float, Segment

Access = Literal["read", "write", "write-without-response", "notify"]
Services = Mapping[str, Mapping[str, tuple[Access, ...]]]


class Board(Protocol):
    """The board that a firmware runs on."""

    @property
    def address(self) -> str:
        """Its Bluetooth address."""
        ...

    @property
    def rate_hz(self) -> float:
        """Its one sample rate."""
        ...

    @property
    def streaming(self) -> bool:
        """Whether the stream is switched on."""
        ...

    @property
    def battery_percent(self) -> int:
        """The charge left."""
        ...

    @property
    def synchronised(self) -> bool:
        """Whether its clock is shared with other boards."""
        ...

    def clock_us(self) -> int:
        """The microsecond clock now, without wraps."""
        ...

    def start(self) -> None:
        """Starts the stream, anew if it runs."""
        ...

    def stop(self) -> None:
        """Stops the stream."""
        ...

    def notify(self, characteristic: str, payload: bytes) -> None:
        """Sends a notification at once."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Burst:
    """Consecutive samples that go into one packet.

    Attributes:
        sequence: number of the first one.
        clock_us: the board's clock at the first one, without wraps.
        period_us: from one sample to the next, by the board's clock.
        acc_m_s2, gyr_rad_s: (k, 3).
    """

    sequence: int
    clock_us: int
    period_us: float
    acc_m_s2: Float
    gyr_rad_s: Float


class Firmware(Protocol):
    """The firmware of one sensor. `write` raises `DecodeError` for what the sensor refuses."""

    services: ClassVar[Services]
    data: ClassVar[str]

    def advertisement(self, segment: Segment) -> Advertisement:
        """What the sensor that is to be worn there advertises."""
        ...

    def samples_per_packet(self, mtu: int, rate_hz: float) -> int:
        """How many samples go into one notification."""
        ...

    def read(self, board: Board, characteristic: str) -> bytes:
        """Answers a read."""
        ...

    def write(self, board: Board, characteristic: str, payload: bytes) -> None:
        """Handles a write."""
        ...

    def encode(self, burst: Burst) -> tuple[bytes, ...]:
        """The notifications of `data` that carry the samples, in order."""
        ...

    def subscribed(self, board: Board, characteristic: str, enabled: bool) -> None:
        """The host has subscribed to a characteristic, or has ended the subscription."""
        ...

    def disconnected(self) -> None:
        """The host has disconnected; settings of the connection are forgotten."""
        ...

    def battery(self, percent: int) -> tuple[str, bytes] | None:
        """The notification that reports the charge, characteristic and payload; None where there is none."""
        ...
