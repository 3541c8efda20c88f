"""Files that outlive a crash: append-only streams, and small files that are replaced as a whole."""

from __future__ import annotations

import os
import threading
from pathlib import Path

try:
    from fcntl import F_FULLFSYNC, fcntl  # type: ignore[attr-defined]
except ImportError:
    F_FULLFSYNC = None


class AppendOnlyFile:
    """A new file to which whole pieces are appended; every piece is in the file completely or not at all.

    Nothing is kept in memory: once `append` returns, the bytes are with the operating system and survive
    the end of this process; after `sync` they survive the loss of power. Safe to use from many threads.

    Raises:
        OSError: from every method, as the operating system says it. FileExistsError for a file that exists.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)
        self._appending = threading.Lock()
        self._syncing = threading.Lock()
        self._length = 0
        self._synced_length = 0

    def append(self, piece: bytes) -> None:
        """Adds the piece; if it does not fit on the disk, what was written of it is taken back."""
        with self._appending:
            try:
                rest = memoryview(piece)
                while rest:
                    rest = rest[self._file.write(rest) :]
            except BaseException:  # also when Ctrl-C comes amid it
                self._file.seek(self._length)
                self._file.truncate()
                raise
            self._length += len(piece)

    def sync(self) -> None:
        """Waits until everything appended so far is on the disk; does nothing after `close`."""
        with self._syncing:
            length = self._length
            if length != self._synced_length and not self._file.closed:
                _sync(self._file.fileno())
                self._synced_length = length

    def close(self) -> None:
        """Syncs and closes."""
        try:
            self.sync()
        finally:
            with self._appending, self._syncing:
                self._file.close()


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file so that at any moment either the old or the new content is there, never a part."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            _sync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes new names in a folder survive the loss of power, where the system can (not on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    # macOS: a plain fsync leaves the data in the memory of the drive.
    if F_FULLFSYNC is None:
        os.fsync(descriptor)
    else:
        fcntl(descriptor, F_FULLFSYNC)
