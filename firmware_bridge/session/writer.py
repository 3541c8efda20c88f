"""Writes a session folder while it is recorded, so that a crash loses at most the last half second."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware_bridge.clock import Clock, SystemClock
from firmware_bridge.errors import SessionError
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session import table
from firmware_bridge.session.codec import event_to_json, info_to_json
from firmware_bridge.session.files import (
    AppendOnlyFile,
    make_private_folder,
    replace_file,
    sync_folder,
    whole_folder,
)
from firmware_bridge.session.model import Event, Recording, SensorInfo, SessionInfo

INFO_FILE = "session.json"
EVENTS_FILE = "events.jsonl"
SAMPLE_FILES: Mapping[Segment, str] = {segment: f"{segment.value}.csv" for segment in Segment}

_SYNC_EVERY_S = 0.25  # half of what the contract allows, so that a slow disk still keeps it
_LOOK_AT_DISK_EVERY = 40  # syncs, about 10 s
_BULK_ROWS = 20_000  # bounds the memory that formatting takes


class SessionWriter:
    """A session that is being recorded. A context manager; safe to use from many threads.

    Samples are with the operating system when `append` returns, on the disk at most 0.5 s later; events
    are on the disk when `event` returns. A disk that is full does not stop the recording: what does not
    fit is counted, `on_warning` is told once, earlier data stay untouched, and `close` raises.

    Attributes:
        folder: the session folder.
        warnings: plain sentences so far about the disk.
    """

    def __init__(
        self,
        folder: Path | str,
        info: SessionInfo,
        *,
        on_warning: Callable[[str], None] | None = None,
        low_disk_bytes: int = 200_000_000,
        clock: Clock | None = None,
    ) -> None:
        """Creates the folder if need be, and the session in it.

        Args:
            folder: new or empty of any session.
            info: what is known at the start; its status is set to "recording".
            on_warning: called with every new warning, from whichever thread found it.
            low_disk_bytes: free space below which a warning is given once.
            clock: on which syncing waits; that of this computer by default.

        Raises:
            SessionError: there is a session in the folder already, or it cannot be written to.
        """
        self.folder = Path(folder)
        self.warnings: list[str] = []
        self._info = replace(info, status="recording")
        self._on_warning = on_warning
        self._low_disk_bytes = low_disk_bytes
        self._lock = threading.Lock()  # the state; held while appending, never while waiting for the disk
        self._info_lock = threading.Lock()
        self._columns: dict[Segment, tuple[str, ...]] = {}
        self._files: dict[Segment, AppendOnlyFile] = {}
        self._lost_rows = dict.fromkeys(Segment, 0)
        self._lost_events = 0
        self._failure: str | None = None
        self._closed = False
        self._low = False
        try:
            _claim(self.folder)
            # Exclusive creation: of two programs that begin at the same moment, one is refused here.
            self._events = AppendOnlyFile(self.folder / EVENTS_FILE)
            try:
                self._write_info(self._info)
            except OSError:
                self._events.close()
                (self.folder / EVENTS_FILE).unlink()
                raise
        except OSError as error:
            raise _cannot_write(self.folder, error) from error
        clock = clock or SystemClock()
        self._stop = clock.signal()
        self._syncing = clock.worker(self._keep_synced, "session sync")
        self._syncing.start()

    @property
    def info(self) -> SessionInfo:
        """The session as it stands in session.json."""
        return self._info

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except SessionError as own:
            if error is None:
                raise
            error.add_note(str(own))

    def append(self, segment: Segment, samples: ImuSamples) -> None:
        """Adds samples of one sensor. The first ones decide the columns: later ones may have no others.

        Raises:
            SessionError: the session is closed.
        """
        if not len(samples):
            return
        try:
            with self._lock:
                self._refuse_if_closed()
                file, columns = self._file_for(segment, samples)
                file.append(table.rows(samples, columns))
        except OSError as error:
            self._lost_rows[segment] += len(samples)
            self._fail(error, float(samples.time_s[0]))

    def event(self, event: Event) -> None:
        """Adds an event; it is on the disk when this returns.

        Raises:
            SessionError: the session is closed, or a number in the event is not finite.
        """
        line = event_to_json(event) + "\n"
        try:
            with self._lock:
                self._refuse_if_closed()
                self._events.append(line.encode("utf-8", "replace"))
            self._events.sync()
        except OSError as error:
            self._lost_events += 1
            self._fail(error, event.time_s)

    def update_sensors(self, sensors: Mapping[Segment, SensorInfo]) -> None:
        """Replaces what is known of these sensors (after a reconnect with new firmware, say)."""
        with self._info_lock:
            self._update(replace(self._info, sensors={**self._info.sensors, **sensors}))

    def close(self) -> None:
        """Ends the session. Calling it again does nothing.

        Raises:
            SessionError: the disk did not take everything; says since when and what is missing.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._stop.set()
        self._syncing.join()
        for file in (*self._files.values(), self._events):
            try:
                file.close()
            except OSError as error:
                self._fail(error, None)
        with self._info_lock:
            info = replace(self._info, status="closed")
            if self._failure is not None:
                notes = f"{self._info.notes}\n{self._loss()}".strip()
                info = replace(info, status="recovered", notes=notes)
            try:
                self._write_info(info)
            except OSError as error:
                self._fail(error, None)
        if self._failure is not None:
            raise SessionError(
                f"The recording in {self.folder} is not complete: {self._loss()}",
                "What was recorded before that is safe. Free some space on this disk before going on.",
            )

    def _file_for(self, segment: Segment, samples: ImuSamples) -> tuple[AppendOnlyFile, tuple[str, ...]]:
        if segment not in self._files:
            columns = table.columns_of(samples)
            path = self.folder / SAMPLE_FILES[segment]
            path.unlink(missing_ok=True)  # an earlier attempt on a full disk
            file = AppendOnlyFile(path)
            try:
                file.append(table.header(columns))
            except OSError:
                file.close()
                raise
            sync_folder(self.folder)
            self._files[segment], self._columns[segment] = file, columns
        return self._files[segment], self._columns[segment]

    def _keep_synced(self) -> None:
        turn = 0
        while True:
            if turn % _LOOK_AT_DISK_EVERY == 0:
                self._look_at_disk()
            if self._stop.wait(_SYNC_EVERY_S):
                return
            turn += 1
            for file in tuple(self._files.values()):
                try:
                    file.sync()
                except OSError as error:
                    self._fail(error, None)

    def _look_at_disk(self) -> None:
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError:
            return
        if free < self._low_disk_bytes and not self._low:
            self._low = True
            self._warn(f"Only {free / 1e6:.0f} MB are left on the disk of {self.folder}. Free some space.")

    def _update(self, info: SessionInfo) -> None:
        self._refuse_if_closed()
        self._info = info
        try:
            self._write_info(info)
        except OSError as error:
            self._fail(error, None)

    def _write_info(self, info: SessionInfo) -> None:
        replace_file(self.folder / INFO_FILE, info_to_json(info).encode("utf-8", "replace"))
        self._info = info

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise SessionError(f"The session in {self.folder} is closed.", "Begin a new one.")

    def _fail(self, error: OSError, time_s: float | None) -> None:
        if self._failure is not None:
            return
        when = "" if time_s is None else f" from {time_s:.1f} s on"
        self._failure = f"it could not be written{when} ({error.strerror or error})."
        self._warn(f"The recording in {self.folder} has a problem: {self._failure} Free some space now.")

    def _loss(self) -> str:
        counts = {f"samples of the {s.value}": n for s, n in self._lost_rows.items()}
        counts["events"] = self._lost_events
        lost = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"{self._failure} Missing: {lost or 'nothing that is known of'}."

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        if self._on_warning is not None:
            # A listener that fails must end neither the recording nor the syncing.
            with suppress(Exception):
                self._on_warning(text)


def write_session(folder: Path | str, recording: Recording) -> None:
    """Writes a whole recording at once, with the status that its info has, or nothing at all.

    Raises:
        SessionError: there is a session in the folder already, or the disk does not take it.
    """
    folder = Path(folder)
    lines = "".join(event_to_json(event) + "\n" for event in recording.events)
    try:
        _claim(folder)
        with whole_folder(folder) as place:
            _write_whole(place / EVENTS_FILE, [lines.encode("utf-8", "replace")])
            for segment, samples in ((Segment.THIGH, recording.thigh), (Segment.SHANK, recording.shank)):
                _write_whole(place / SAMPLE_FILES[segment], _pieces(samples))
            replace_file(place / INFO_FILE, info_to_json(recording.info).encode("utf-8", "replace"))
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    file = AppendOnlyFile(path)
    try:
        for piece in pieces:
            file.append(piece)
    finally:
        file.close()


def _pieces(samples: ImuSamples) -> Iterator[bytes]:
    columns = table.columns_of(samples)
    yield table.header(columns)
    for start in range(0, len(samples), _BULK_ROWS):
        yield table.rows(samples[start : start + _BULK_ROWS], columns)


def _claim(folder: Path) -> None:
    make_private_folder(folder)
    for name in (INFO_FILE, *SAMPLE_FILES.values(), EVENTS_FILE):
        if (folder / name).exists():
            raise SessionError(
                f"There is a session in {folder} already ({name}); it is not overwritten.",
                "Choose a new folder.",
            )


def _cannot_write(folder: Path, error: OSError) -> SessionError:
    return SessionError(
        f"The session folder {folder} cannot be written: {error.strerror or error}.",
        "Choose a folder that you may write to, on a disk with free space.",
    )
