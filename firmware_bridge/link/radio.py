"""The seam below the link: which Bluetooth bleak talks to, and what time it is on this computer.

Everything above runs unchanged on the adapter of this computer and on simulated sensors.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.scanner import BaseBleakScanner


class Radio(Protocol):
    """A Bluetooth world. The link enters it inside its own event loop, before it scans.

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

    def now_s(self) -> float:
        """The monotonic clock that stamps arrivals, in seconds from any origin; callable from any thread."""
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
    """The Bluetooth adapter of this computer."""

    scanner_backend: type[BaseBleakScanner] | None = None
    client_backend: type[BaseBleakClient] | None = None

    # Not time.monotonic: on Windows that advances in steps of 16 ms before Python 3.13.
    now_s = staticmethod(time.perf_counter)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None
