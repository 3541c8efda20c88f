"""Adding to a session that is already closed. What was recorded stays as it is."""

from __future__ import annotations

import os
from pathlib import Path

from firmware_bridge.errors import SessionError
from firmware_bridge.session.codec import event_to_json
from firmware_bridge.session.model import Event
from firmware_bridge.session.reader import read_info
from firmware_bridge.session.writer import EVENTS_FILE


def add_event(folder: Path | str, event: Event) -> None:
    """Appends an event to a session on disk.

    A reference pose with the time of an earlier one takes its place when the session is read, and both
    stay in the file.

    Raises:
        SessionError: there is no session in the folder, or it cannot be written to.
    """
    folder = Path(folder)
    read_info(folder)
    line = event_to_json(event) + "\n"
    try:
        with (folder / EVENTS_FILE).open("ab+") as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                # A torn last line must not swallow what follows it.
                line = line if file.read(1) == b"\n" else "\n" + line
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SessionError(
            f"{folder / EVENTS_FILE} cannot be written: {error.strerror or error}.",
            "Check that you may write to this folder.",
        ) from error
