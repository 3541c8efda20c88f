"""Where this program keeps what it remembers of its user, and where recordings go by default."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from firmware_bridge.errors import SessionError
from firmware_bridge.session.files import make_private_folder, replace_file

ROOT_VARIABLE = "KNEEFLEX_SESSIONS"
_FORMAT = "kneeflex-settings"


def settings_folder() -> Path:
    """The usual place for settings on this system."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA", home / "AppData" / "Roaming"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME", home / ".config"))
    return base / "kneeflex"


def sessions_root() -> Path:
    """The folder below which every person has a folder: the environment, what was remembered, ./sessions."""
    if named := os.environ.get(ROOT_VARIABLE):
        return Path(named)
    try:
        content = json.loads((settings_folder() / "settings.json").read_text(encoding="utf-8"))
        return Path(content["sessions"])
    except FileNotFoundError:
        return Path("sessions")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SessionError(
            f"The settings in {settings_folder()} cannot be read.", "Give --root DIR once to write them anew."
        ) from error


def remember_sessions_root(root: Path) -> Path:
    """Remembers the folder below which every person has a folder; returns it as an absolute path.

    Raises:
        SessionError: it cannot be remembered.
    """
    root = root.absolute()
    file = settings_folder() / "settings.json"
    text = json.dumps({"format": _FORMAT, "version": 1, "sessions": str(root)}) + "\n"
    try:
        make_private_folder(file.parent)
        replace_file(file, text.encode("utf-8", "replace"))
    except OSError as error:
        raise SessionError(f"The folder {root} cannot be remembered in {file}: {error.strerror}.") from error
    return root
