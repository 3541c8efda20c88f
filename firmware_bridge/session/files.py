"""Files that outlive a crash: append-only streams, and small files that are replaced as a whole."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
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
        self._file = open(path, "xb", buffering=0, opener=_private)  # noqa: SIM115
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


def replace_file(path: Path, content: bytes | memoryview, *, durable: bool = True) -> None:
    """Writes a file so that at any moment either the old or the new content is there, never a part.

    A new file is for its owner alone; one that is there keeps its permissions. What is no file, such as a
    terminal, is written to as it is. `durable`: see `replace_files`.
    """
    replace_files({path: content}, durable=durable)


def replace_files(
    contents: Mapping[Path, bytes | memoryview],
    then: Callable[[], None] | None = None,
    *,
    durable: bool = True,
) -> None:
    """Replaces several files: first all are written beside, then `then` is done, then each takes its place.

    So a disk that is full, or a step between that fails, leaves everything as it was.

    Args:
        contents: the files.
        then: is done in between.
        durable: waits until the disk holds them. Only for what is checked when it is read, and can be made
            again, that is waste: without it, a loss of power may leave a file torn.

    Raises:
        OSError: a file cannot be written; none was replaced, and `then` was not called.
    """
    written: list[tuple[Path, Path]] = []
    devices: list[tuple[Path, bytes | memoryview]] = []
    try:
        for path, content in contents.items():
            real = Path(os.path.realpath(path))
            if real.exists() and not real.is_file() and not real.is_dir():
                devices.append((real, content))
                continue
            temporary = real.with_name(f".{real.name}.{os.getpid()}.tmp")
            written.append((temporary, real))
            _write_beside(temporary, content, like=real, durable=durable)
        if then is not None:
            then()
        for device, content in devices:
            device.write_bytes(content)
        while written:
            written[0][0].replace(written[0][1])
            folder = written.pop(0)[1].parent
            if durable:
                sync_folder(folder)
    except BaseException:
        for temporary, _ in written:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise


def append_line(path: Path, line: bytes) -> None:
    """Adds a line to a file in one piece, on the disk when this returns, or leaves the file as it was.

    A torn last line of an earlier accident does not swallow it.
    """
    with open(path, "ab+", buffering=0, opener=_private) as file:
        length = file.seek(0, os.SEEK_END)
        if length > 0:
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else b"\n" + line
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            _sync(file.fileno())
        except BaseException:
            file.truncate(length)
            raise


def _write_beside(temporary: Path, content: bytes | memoryview, *, like: Path, durable: bool) -> None:
    with open(temporary, "wb", opener=_private) as file:
        with suppress(OSError):
            os.chmod(file.fileno(), like.stat().st_mode & 0o777)  # noqa: PTH101
        file.write(content)
        file.flush()
        if durable:
            _sync(file.fileno())


def _private(path: str, flags: int) -> int:
    """Opens a file that only its owner may read: recordings say much of a person."""
    return os.open(path, flags, 0o600)


def make_private_folder(folder: Path) -> None:
    """Makes a folder, and those above it that are missing, for the owner alone. One that is there stays."""
    missing = [folder, *folder.parents]
    while missing and missing[-1].exists():
        missing.pop()
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
    if not folder.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A place to write files that appear in a folder all at once when the block ends, or not at all.

    Where the folder holds something already, they appear one after the other, in the order of their names.
    What a process that was killed had left half is removed by the next one.
    """
    folder = Path(os.path.realpath(folder))
    place = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(place, ignore_errors=True)
    make_private_folder(place)
    try:
        yield place
        sync_folder(place)
        if folder.exists() and any(folder.iterdir()):
            for file in sorted(place.iterdir(), key=lambda one: (one.suffix == ".json", one.name)):
                file.replace(folder / file.name)
            place.rmdir()
        else:
            if os.name == "nt" and folder.exists():
                folder.rmdir()
            place.replace(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


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
