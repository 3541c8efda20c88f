"""Records two streaming sensors into a session folder, and passes the samples on to other sinks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware_bridge.errors import SessionError
from firmware_bridge.link.bridge import Bridge
from firmware_bridge.link.radio import Radio, SystemRadio
from firmware_bridge.link.target import Target
from firmware_bridge.receiving.dispatcher import Sink
from firmware_bridge.receiving.status import LinkStatus
from firmware_bridge.samples import ImuSamples, Segment, Side
from firmware_bridge.session.model import Event
from firmware_bridge.session.provenance import new_session
from firmware_bridge.session.writer import INFO_FILE, SessionWriter


class Capture:
    """Records a session from two sensors, as a context manager.

    The session folder is made when the first samples arrive, so a sensor that cannot be found leaves
    nothing behind. On leaving, however that comes about, the sensors are stopped, then the session is closed.

    Args:
        targets: which sensor is on which segment.
        folder: the session folder to make; None streams without recording.
        client: a code for the person, never a name.
        side: the leg.
        radio: the Bluetooth to use; that of this computer by default.
        rate_hz: the sample rate wanted.
        sinks: called with every chunk after it was written.
        on_warning: called with plain sentences about the disk.
    """

    def __init__(
        self,
        targets: Mapping[Segment, str | Target],
        folder: Path | None,
        *,
        client: str = "",
        side: Side = Side.RIGHT,
        radio: Radio | None = None,
        rate_hz: float = 100.0,
        sinks: Sequence[Sink] = (),
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        if folder is not None and (folder / INFO_FILE).exists():
            raise SessionError(f"There is a session in {folder} already.", "Choose a new folder.")
        self._folder = folder
        self._client, self._side = client, side
        self._on_warning = on_warning
        self._writer: SessionWriter | None = None
        self._writer_lock = threading.Lock()
        self._radio = radio or SystemRadio()
        self._bridge = Bridge(
            targets, self._radio, rate_hz=rate_hz, sinks=(self._write, *sinks), on_event=self.event
        )

    def __enter__(self) -> Self:
        try:
            self._bridge.__enter__()
        except BaseException as error:  # the first samples may have come already
            self._close(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._bridge.__exit__(kind, error, trace)
        finally:
            self._close(kind, error, trace)

    @property
    def status(self) -> Mapping[Segment, LinkStatus]:
        """How every link is doing."""
        return self._bridge.status

    @property
    def session_t0(self) -> float:
        """Host time, on the radio's clock, of the session's zero."""
        return self._bridge.session_t0

    def now_s(self) -> float:
        """The time now on the session clock."""
        return self._bridge.now_s()

    def check(self) -> None:
        """Raises what went wrong in the link or with the disk since the last call."""
        self._bridge.check()

    def event(self, event: Event) -> None:
        """Puts an event on disk at once."""
        writer = self._open_writer()
        if writer is not None:
            writer.event(event)

    def _write(self, segment: Segment, samples: ImuSamples) -> None:
        writer = self._open_writer()
        if writer is not None:
            writer.append(segment, samples)

    def _close(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.update_sensors(self._bridge.infos)
            self._writer.__exit__(kind, error, trace)

    def _open_writer(self) -> SessionWriter | None:
        with self._writer_lock:
            if self._writer is None and self._folder is not None:
                clock = self._radio.clock
                info = new_session(
                    self._client,
                    self._side,
                    self._bridge.infos,
                    started_at=clock.utc(),
                    random=self._radio.random,
                )
                self._writer = SessionWriter(self._folder, info, on_warning=self._on_warning, clock=clock)
            return self._writer
