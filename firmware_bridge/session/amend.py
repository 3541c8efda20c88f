"""Adding to a session that is already closed. What was recorded stays as it is."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from firmware_bridge.errors import CannotAnswerError, SessionError
from firmware_bridge.samples import Segment
from firmware_bridge.session.codec import event_to_json
from firmware_bridge.session.delays import sync_event
from firmware_bridge.session.files import append_line
from firmware_bridge.session.model import Event
from firmware_bridge.session.reader import delay_of, read_info, read_session
from firmware_bridge.session.writer import EVENTS_FILE
from firmware_bridge.timing.common_movement import SyncOffset, sync_offset

# Additional difference of two clock fits away from the movement.
_FIT_SD_S = 1e-4


def align_sensors(folder: Path | str, start_s: float, stop_s: float) -> SyncOffset:
    """Finds the constant offset between the sensors from a movement that both made as one, and keeps it.

    Args:
        folder: the session.
        start_s, stop_s: while both sensors were held together and shaken, on the session clock.

    Returns:
        The offset found; reading the session subtracts it from now on.

    Raises:
        SessionError: there is no session in the folder, or it cannot be written to.
        CannotAnswerError: the movement does not determine the offset, or less precisely than it is known.
    """
    recording = read_session(folder)
    sync = sync_offset(recording.thigh, recording.shank, start_s, stop_s)
    sync = replace(sync, uncertainty_s=math.hypot(sync.uncertainty_s, _FIT_SD_S))
    thigh, shank = (
        delay_of(segment, samples, recording.info, recording.events)
        for segment, samples in ((Segment.THIGH, recording.thigh), (Segment.SHANK, recording.shank))
    )
    if thigh is not None and shank is not None:
        known_s = math.hypot(thigh.uncertainty_s, shank.uncertainty_s)
        if known_s <= sync.uncertainty_s:
            raise CannotAnswerError(
                f"This movement tells the offset to ±{sync.uncertainty_s * 1000:.2f} ms; round trips told it "
                f"to ±{known_s * 1000:.2f} ms already. Nothing was changed."
            )
    add_event(folder, sync_event(sync, shank, stop_s))
    return sync


def add_event(folder: Path | str, event: Event) -> None:
    """Appends an event to a session on disk.

    A reference pose with the time of an earlier one takes its place when the session is read, and both
    stay in the file.

    Raises:
        SessionError: there is no session in the folder, or it cannot be written to.
    """
    folder = Path(folder)
    read_info(folder)
    line = event_to_json(event).encode("utf-8", "replace") + b"\n"
    try:
        append_line(folder / EVENTS_FILE, line)
    except OSError as error:
        raise SessionError(
            f"{folder / EVENTS_FILE} cannot be written: {error.strerror or error}.",
            "Check that you may write to this folder.",
        ) from error
