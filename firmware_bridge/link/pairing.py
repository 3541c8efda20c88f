"""Which sensor is on which segment, found by moving one, and the file that remembers it."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from firmware_bridge.errors import SessionError
from firmware_bridge.link.target import Target
from firmware_bridge.samples import ImuSamples, Segment
from firmware_bridge.session.files import make_private_folder, replace_file
from firmware_bridge.settings import settings_folder

Key = TypeVar("Key", bound=Hashable)

# A deliberate shake is ten times this; breathing and small movements of a person stay below.
_MOVED_RAD_S = 1.0
_CLEARLY_MORE = 3.0
_FORMAT = "kneeflex-sensors"


def motion_rad_s(samples: ImuSamples) -> float:
    """How much a sensor was turned: RMS of its angular rate about its mean, which removes the bias.

    Args:
        samples: a few seconds; 0 without samples.
    """
    if not len(samples):
        return 0.0
    return float(np.sqrt(np.mean(np.sum((samples.gyr_rad_s - samples.gyr_rad_s.mean(axis=0)) ** 2, axis=1))))


def which_moved(streams: Mapping[Key, ImuSamples]) -> Key | None:
    """The one sensor that was moved while the others lay still, or None where that is not clear.

    Args:
        streams: the same few seconds of every sensor.
    """
    motions = sorted(((motion_rad_s(samples), key) for key, samples in streams.items()), key=lambda m: m[0])
    if not motions:
        return None
    most, key = motions[-1]
    others = max((motion for motion, _ in motions[:-1]), default=0.0)
    return key if most >= _MOVED_RAD_S and most >= _CLEARLY_MORE * others else None


def worn(targets: Mapping[Segment, Target], moved: Segment, meant: Segment) -> dict[Segment, Target]:
    """Which sensor is where, after one was moved on purpose.

    Args:
        targets: the two sensors as they were streamed, on whichever segments.
        moved: the segment under which the moved sensor was streamed.
        meant: the segment that the person moved.
    """
    (other,) = targets.keys() - {moved}
    (rest,) = targets.keys() - {meant}
    return {meant: targets[moved], rest: targets[other]}


def remembered_path() -> Path:
    """Where this person's sensors are remembered: the usual place for settings on this system."""
    return settings_folder() / "sensors.json"


def remember(targets: Mapping[Segment, Target], path: Path | None = None) -> Path:
    """Remembers which sensor is worn where, in place of what was remembered before.

    Args:
        targets: the sensors.
        path: the file; `remembered_path()` by default.

    Returns:
        The file.

    Raises:
        SessionError: it cannot be written.
    """
    path = path or remembered_path()
    sensors = {
        str(segment): {"name": t.identifier, "driver": t.driver, "address": t.address, "serial": t.serial}
        for segment, t in targets.items()
    }
    text = json.dumps({"format": _FORMAT, "version": 1, "sensors": sensors}, indent=2, ensure_ascii=False)
    try:
        make_private_folder(path.parent)
        replace_file(path, f"{text}\n".encode("utf-8", "replace"))
    except OSError as error:
        raise SessionError(f"The sensors cannot be remembered in {path}: {error.strerror}.") from error
    return path


def remembered(path: Path | None = None) -> dict[Segment, Target]:
    """Which sensor is worn where, as it was remembered last; empty where nothing was.

    Args:
        path: the file; `remembered_path()` by default.

    Raises:
        SessionError: the file makes no sense.
    """
    path = path or remembered_path()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(content["format"])
        return {
            Segment(segment): Target(
                sensor["name"], sensor["driver"], sensor["address"], sensor.get("serial", "")
            )
            for segment, sensor in content["sensors"].items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SessionError(
            f"The file {path} with your sensors cannot be read.", "Run `kneeflex pair` again."
        ) from error
