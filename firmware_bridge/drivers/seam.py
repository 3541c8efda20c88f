"""The interface of a sensor driver: a pure codec between packet bytes and samples, with its commands.

A driver does no I/O and imports no bleak. The link reads `reads` once after
connecting, makes a `decoder`, subscribes to `notify`, sends the `start` writes, feeds every notification
to the decoder, performs the `replies` that it returns, and sends the `stop` writes at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import UsageError
from firmware_bridge.samples import Float, Int
from firmware_bridge.session.model import SensorInfo


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a sensor advertises. UUIDs are full-length and lower case."""

    name: str = ""
    service_uuids: tuple[str, ...] = ()
    manufacturer_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Write:
    """One GATT write.

    Attributes:
        characteristic: where to.
        payload: what.
        response: whether the sensor confirms it.
        settle_s: the time that the sensor needs before the next write.
        optional: the sensor may refuse it, or lack the characteristic; the next one is sent all the same.
        refusal: what a refusal means, and what to do, in a sentence; "" where nothing is known.
    """

    characteristic: str
    payload: bytes
    response: bool = True
    settle_s: float = 0.0
    optional: bool = False
    refusal: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """What one notification carried: k samples in the order of measurement, k may be 0.

    Attributes:
        acc_m_s2, gyr_rad_s: (k, 3).
        mag_ut: (k, 3) or None.
        device_ticks: (k,) raw device clock of every sample, wraps included, or None.
        sequence: (k,) raw sample counter, wraps included, or None.
        battery_percent: a battery report, where the notification held one.
        replies: writes that the sensor waits for after this notification, in order (sensors that are
            configured by question and answer).
        problem: a plain sentence the person must see, such as a refused start; empty if all is well.
        shared_clock: whether the device clock is that of other sensors too, where the notification says so.
        rate_hz: the sample rate at which the sensor runs, where the notification says so.
    """

    acc_m_s2: Float
    gyr_rad_s: Float
    mag_ut: Float | None = None
    device_ticks: Int | None = None
    sequence: Int | None = None
    battery_percent: float | None = None
    replies: tuple[Write, ...] = ()
    problem: str = ""
    shared_clock: bool | None = None
    rate_hz: float | None = None

    def __len__(self) -> int:
        return len(self.acc_m_s2)

    def rows(self, mask: NDArray[np.bool_]) -> Decoded:
        """The samples of a boolean mask, and what else the notification held."""
        columns: dict[str, Any] = {
            name: None if (values := getattr(self, name)) is None else values[mask]
            for name in ("acc_m_s2", "gyr_rad_s", "mag_ut", "device_ticks", "sequence")
        }
        return replace(self, **columns)

    @classmethod
    def nothing(
        cls,
        *,
        battery_percent: float | None = None,
        replies: tuple[Write, ...] = (),
        problem: str = "",
        shared_clock: bool | None = None,
        rate_hz: float | None = None,
    ) -> Decoded:
        """A notification without samples."""
        none = np.empty((0, 3))
        return cls(
            none,
            none,
            battery_percent=battery_percent,
            replies=replies,
            problem=problem,
            shared_clock=shared_clock,
            rate_hz=rate_hz,
        )


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
        """Characteristics to subscribe to, in order, before the start writes; includes `ping.notify`.

        The first one carries the samples; others that the device does not have are skipped.
        """
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """Characteristics to read once after connecting; what is absent on the device is skipped."""
        ...

    @property
    def ping(self) -> Ping | None:
        """The clock round trip, where the sensor offers one."""
        ...

    @property
    def quiet_s(self) -> float:
        """Longest normal interval between notifications, where it exceeds a few sample periods, else 0."""
        ...

    def recognises(self, advertisement: Advertisement) -> bool:
        """Whether this driver handles a device with this advertisement."""
        ...

    def info(self, name: str, reads: Mapping[str, bytes], rate_hz: float) -> SensorInfo:
        """Describes the sensor from what was read of it, at the rate that `start` will set."""
        ...

    def battery_percent(self, reads: Mapping[str, bytes]) -> float | None:
        """The battery level from the values read at connection, where the sensor reports it."""
        ...

    def serial_number(self, reads: Mapping[str, bytes]) -> str:
        """A unique identifier of this device, from the values read at connection, or ""."""
        ...

    def rates_hz(self) -> tuple[float, ...]:
        """The sample rates that `start` takes, ascending."""
        ...

    def start(self, rate_hz: float) -> tuple[Write, ...]:
        """The writes that configure the sensor and start the stream; `UsageError` for another rate."""
        ...

    def stop(self) -> tuple[Write, ...]:
        """The writes that stop the stream."""
        ...

    def decoder(self, reads: Mapping[str, bytes], rate_hz: float) -> Decoder:
        """A fresh decoder for one connection."""
        ...


def nearest_rate_hz(driver: Driver, wanted_hz: float) -> float:
    """The lowest offered rate that is not below the wanted one, else the highest offered."""
    return next((rate for rate in driver.rates_hz() if rate >= wanted_hz), driver.rates_hz()[-1])


def require_rate(driver: Driver, rate_hz: float) -> None:
    """Raises `UsageError` unless the driver offers exactly this rate."""
    if rate_hz not in driver.rates_hz():
        offered = ", ".join(f"{rate:g}" for rate in driver.rates_hz())
        raise UsageError(f"{driver.name} cannot run at {rate_hz:g} Hz.", f"Choose one of {offered} Hz.")
