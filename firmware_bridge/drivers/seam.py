"""What a sensor driver is: a pure codec between packet bytes and samples, with start and stop commands.

A driver does no I/O and imports no bleak. The link performs what it says: subscribes to `notify`,
reads `reads` once after connecting, sends the `start` writes, feeds every notification to a decoder of
its own, and sends the `stop` writes at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from firmware_bridge.samples import Float, Int
from firmware_bridge.session.model import SensorInfo


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a sensor shows before anyone connects. UUIDs are full-length and lower case."""

    name: str = ""
    service_uuids: tuple[str, ...] = ()
    manufacturer_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Write:
    """One GATT write."""

    characteristic: str
    payload: bytes
    response: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """What one notification carried: k samples in the order of measurement, k may be 0.

    Attributes:
        acc_m_s2, gyr_rad_s: (k, 3).
        mag_ut: (k, 3) or None.
        device_ticks: (k,) raw device clock of every sample, wraps included, or None.
        sequence: (k,) raw sample counter, wraps included, or None.
        battery_percent: a battery report, where the notification held one.
    """

    acc_m_s2: Float
    gyr_rad_s: Float
    mag_ut: Float | None = None
    device_ticks: Int | None = None
    sequence: Int | None = None
    battery_percent: float | None = None


class Decoder(Protocol):
    """Decodes the notifications of one connected sensor; holds the state that its protocol needs."""

    def decode(self, characteristic: str, payload: bytes) -> Decoded:
        """Turns one notification into samples; raises `DecodeError` for bytes that make no sense."""
        ...


@dataclass(frozen=True, slots=True)
class Ping:
    """A round trip that reads the device clock: write `encode(token)`, the notification echoes it.

    `decode` returns (token, device ticks) for a reply, or None for any other notification.
    """

    write: str
    notify: str
    encode: Callable[[int], bytes]
    decode: Callable[[bytes], tuple[int, int] | None]


class Driver(Protocol):
    """One kind of sensor. Stateless: every method is a pure function of its arguments."""

    @property
    def name(self) -> str:
        """The name in session.json and in messages, for example "movella-dot"."""
        ...

    @property
    def notify(self) -> tuple[str, ...]:
        """Characteristics to subscribe to, in order, before the start writes."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """Characteristics to read once after connecting; what is absent on the device is skipped."""
        ...

    @property
    def ping(self) -> Ping | None:
        """The clock round trip, where the sensor offers one."""
        ...

    def recognises(self, advertisement: Advertisement) -> bool:
        """Whether this driver speaks to the device that advertises so."""
        ...

    def info(self, name: str, reads: Mapping[str, bytes], rate_hz: float) -> SensorInfo:
        """Describes the sensor from what was read of it, at the rate that `start` will set."""
        ...

    def battery_percent(self, reads: Mapping[str, bytes]) -> float | None:
        """The battery level from the values read at connection, where the sensor tells it."""
        ...

    def rates_hz(self) -> tuple[float, ...]:
        """The sample rates that the sensor offers, ascending."""
        ...

    def start(self, rate_hz: float) -> tuple[Write, ...]:
        """The writes that configure the sensor and start the stream."""
        ...

    def stop(self) -> tuple[Write, ...]:
        """The writes that stop the stream."""
        ...

    def decoder(self, reads: Mapping[str, bytes], rate_hz: float) -> Decoder:
        """A fresh decoder for one connection."""
        ...
