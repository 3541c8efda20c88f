"""The interface below the link: the Bluetooth backend, the clock and the random numbers.

Everything above runs unchanged on the adapter of this computer and on simulated sensors.
"""

from __future__ import annotations

from random import Random, SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from firmware_bridge.clock import Clock, SystemClock

if TYPE_CHECKING:
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.scanner import BaseBleakScanner


class Radio(Protocol):
    """A Bluetooth backend. The link enters it inside its own event loop, before it scans.

    The backends go to bleak's `backend=` argument, `None` meaning the one of the operating system.
    A simulated radio hands out classes that are bound to its own devices.
    """

    @property
    def scanner_backend(self) -> type[BaseBleakScanner] | None:
        """The class that scans. Read after the radio was entered."""
        ...

    @property
    def client_backend(self) -> type[BaseBleakClient] | None:
        """The class that connects. Read after the radio was entered."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock of arrival times, on which everything that streams from this radio waits."""
        ...

    @property
    def random(self) -> Random:
        """Random numbers for the times of clock pings and the id of a session."""
        ...

    async def __aenter__(self) -> Self:
        """Powers the radio on, in the running event loop."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Powers the radio off; every connection is already closed."""
        ...


class SystemRadio:
    """The Bluetooth adapter of this computer.

    Args:
        clock: that of this computer by default.
    """

    scanner_backend: type[BaseBleakScanner] | None = None
    client_backend: type[BaseBleakClient] | None = None

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.random: Random = SystemRandom()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None
