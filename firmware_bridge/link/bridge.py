"""The public side of the link, without async: two sensors stream timed samples."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

from firmware_bridge.errors import LinkError
from firmware_bridge.link.connection import SilentSensorError, StreamRequest
from firmware_bridge.link.radio import Radio, SystemRadio
from firmware_bridge.link.search import Rescan, search
from firmware_bridge.link.supervisor import ConnectionSupervisor
from firmware_bridge.link.target import Target
from firmware_bridge.receiving.dispatcher import Dispatcher, Listener, Sink
from firmware_bridge.receiving.status import LinkStatus
from firmware_bridge.samples import Segment
from firmware_bridge.session.model import SensorInfo

_SETTLE_LIMIT_S = 10.0
_SLICE_S = 0.2
# Longer than stopping and disconnecting may take, which a second cancellation would cut short.
_CANCEL_AGAIN_S = 7.0


class Bridge:
    """Streams from the sensors that a person wears, as a context manager.

    Entering scans once for all sensors, connects one after the other, starts them together, and returns
    when all of them stream. bleak runs in a thread and loop of its own whose callbacks only take the time and
    enqueue; decoding, timing and the sinks run in a second thread. So a slow sink or a blocked window loses
    no sample. A sensor that is lost comes back by itself while the others go on.

    `time_s` of the chunks is a causal estimate on a clock common to all sensors; its zero is when all were
    streaming. The raw clock columns are kept, so `firmware_bridge.timing.shared_clock.session_times`
    can fit the whole recording again.

    Example:
        >>> names = {Segment.THIGH: "knee-T", Segment.SHANK: "knee-S"}
        >>> with Bridge(names, sinks=[lambda segment, samples: print(segment, samples.gyr_rad_s)]):
        ...     time.sleep(10)

    Args:
        targets: which sensor is on which segment: name, address or serial number, or a `Target`.
        radio: the Bluetooth to use; that of this computer by default.
        rate_hz: the sample rate wanted; each sensor runs at the nearest one above that it offers.
        sinks: called as `sink(segment, samples)` with every chunk, in one thread.
        on_event: called with every `LinkEvent`, in the same thread.
        scan_s: how long to look for the sensors.
    """

    def __init__(
        self,
        targets: Mapping[Segment, str | Target],
        radio: Radio | None = None,
        *,
        rate_hz: float = 100.0,
        sinks: Sequence[Sink] = (),
        on_event: Listener | None = None,
        scan_s: float = 15.0,
    ) -> None:
        self._targets = {s: Target(t) if isinstance(t, str) else t for s, t in targets.items()}
        self._radio = radio or SystemRadio()
        self._rate_hz, self._scan_s = rate_hz, scan_s
        self._clock = self._radio.clock
        self._dispatcher = Dispatcher(self._targets, self._clock, sinks, on_event)
        self._opened = self._clock.signal()
        self._failure: Exception | None = None
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = self._clock.worker(self._run, "bluetooth")

    @property
    def status(self) -> Mapping[Segment, LinkStatus]:
        """How every link is doing, at any time and from any thread."""
        return self._dispatcher.status()

    @property
    def infos(self) -> Mapping[Segment, SensorInfo]:
        """The sensors as they were last connected."""
        return self._dispatcher.infos()

    @property
    def serial_numbers(self) -> Mapping[Segment, str]:
        """The serial numbers of the sensors, "" where a sensor reports none."""
        return self._dispatcher.serial_numbers()

    @property
    def session_t0(self) -> float:
        """Host time, on the radio's clock, of the session's zero.

        Raises:
            LinkError: the sensors are not streaming yet.
        """
        if self._dispatcher.zero_s is None:
            raise LinkError("The session has not begun: the sensors are not streaming yet.")
        return self._dispatcher.zero_s

    def now_s(self) -> float:
        """The time now on the session clock, for events that the person sets."""
        return self._clock.now_s() - self.session_t0

    def check(self) -> None:
        """Raises the first error of the link, of a sink or of `on_event`; the latter are not called again."""
        self._dispatcher.check()

    def __enter__(self) -> Self:
        """Scans, connects and starts.

        Raises:
            LinkError: says which sensor is missing or does not answer, and what to do.
        """
        self._dispatcher.start()
        self._thread.start()
        try:
            while not self._opened.wait(_SLICE_S):  # in slices, so that Ctrl-C gets through on Windows
                pass
            if self._failure is not None:
                raise self._with_reason(self._failure)
            if not self._dispatcher.ready.wait(_SETTLE_LIMIT_S):
                raise LinkError(
                    self._dispatcher.complaint()
                    or "The sensors are connected, but do not stream at the same time.",
                    "Switch both off and on and bring them near; if that is no help, check their firmware.",
                )
        except BaseException:
            self._shut_down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shut_down()
        if error is None:
            self.check()

    def _with_reason(self, failure: Exception) -> Exception:
        """The failure of the start, with the reason that the sensor itself gave."""
        if isinstance(failure, SilentSensorError):
            reason = self._dispatcher.complaint_of(failure.segment)
            if reason:
                return LinkError(f"{failure.called} does not start. {reason}", "Then start again.")
        return failure

    def _shut_down(self) -> None:
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._dispatcher.drain()

    def _run(self) -> None:
        try:
            self._clock.run(self._stream())
        except Exception as error:
            if self._opened.is_set():
                self._dispatcher.fail(error)
            else:
                self._failure = error
        finally:
            self._opened.set()

    async def _stream(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            radio = await stack.enter_async_context(self._radio)
            stopped = asyncio.create_task(self._stop.wait())
            streaming = asyncio.create_task(self._open_and_supervise(radio, stack))
            await asyncio.wait((stopped, streaming), return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            # Python 3.11 may lose a cancellation that meets the end of an `asyncio.wait_for` further down.
            while not streaming.done():
                streaming.cancel()
                await asyncio.wait((streaming,), timeout=_CANCEL_AGAIN_S)
            with suppress(asyncio.CancelledError):
                streaming.result()

    async def _open_and_supervise(self, radio: Radio, stack: AsyncExitStack) -> None:
        lock = asyncio.Lock()
        rescan = Rescan(radio, lock)
        stack.push_async_callback(rescan.close)
        supervisors: list[ConnectionSupervisor] = []
        stack.push_async_callback(_close, supervisors)
        devices = await search(radio, self._targets, self._scan_s)
        for segment, device in devices.items():
            target = self._targets[segment]
            driver = device.driver(target)
            assert driver is not None
            request = StreamRequest(segment, driver, self._rate_hz, radio, self._dispatcher.put)
            supervisors.append(ConnectionSupervisor(request, target, lock, rescan))
            await supervisors[-1].open(device)
        await asyncio.gather(*(supervisor.start() for supervisor in supervisors))
        self._opened.set()
        await asyncio.gather(*(supervisor.supervise() for supervisor in supervisors))


async def _close(supervisors: Sequence[ConnectionSupervisor]) -> None:
    """Disconnects all at once: BlueZ takes two seconds for each, in which the others would stream on."""
    results = await asyncio.gather(*(each.close() for each in supervisors), return_exceptions=True)
    for error in results:
        if error is not None:
            raise error
