"""Loads protocols: bundled ones by name, all others by file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from analysis.guide.protocol import Protocol, parse_protocol
from firmware_bridge.errors import UsageError

DEFAULT: Final = "pandiculation"


def protocol_names() -> tuple[str, ...]:
    """The names of the protocols that come with the program."""
    folder = files("analysis.guide") / "protocols"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def load_protocol(name: str | Path = DEFAULT) -> Protocol:
    """Loads a protocol.

    Args:
        name: a name of `protocol_names`, or a TOML file.

    Raises:
        UsageError: there is no such protocol, or it cannot be read.
    """
    if isinstance(name, str) and name in protocol_names():
        text = (files("analysis.guide") / "protocols" / f"{name}.toml").read_text(encoding="utf-8")
        return parse_protocol(text, name)
    file = Path(name)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"There is no protocol {name}.",
            f"Give a TOML file, or one of these names: {', '.join(protocol_names())}.",
        ) from error
    return parse_protocol(text, str(file))
