"""What works on this machine, and what to do about what does not."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from firmware_bridge.errors import KneeflexError

_CORE = ("bleak", "numpy", "scipy", "matplotlib", "pandas", "typer", "rich", "jinja2")
_EXTRAS = {
    "bumble": "simulated sensors, kneeflex demo: pip install 'kneeflex[sim]'",
    "PySide6-Essentials": "a window where Tk is missing: pip install 'kneeflex[gui]'",
    "pyarrow": "Parquet tables: pip install 'kneeflex[parquet]'",
    "distributed": "batch on a cluster: pip install 'kneeflex[cluster]'",
}


@dataclass(frozen=True, slots=True)
class Ability:
    """One thing that was looked at. `works` is None where its absence is no fault."""

    what: str
    works: bool | None
    detail: str


def examine() -> Iterator[Ability]:
    """Looks at Python, packages, Bluetooth and the screen, one after the other."""
    yield Ability(
        "Python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.platform()}"
    )
    for package in _CORE:
        yield Ability(package, *_installed(package, "missing: pip install kneeflex"))
    for package, purpose in _EXTRAS.items():
        found, detail = _installed(package, f"not installed ({purpose})")
        yield Ability(package, found or None, detail)
    yield _bluetooth()
    yield _screen()


def has_screen() -> bool:
    """Whether a window could be shown: on Linux, whether there is an X or Wayland display."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _installed(package: str, otherwise: str) -> tuple[bool, str]:
    try:
        return True, version(package)
    except PackageNotFoundError:
        return False, otherwise


def _bluetooth() -> Ability:
    from firmware_bridge.link.search import scan

    try:
        found = scan(seconds=2.0)
    except KneeflexError as error:
        return Ability("Bluetooth", False, str(error))
    sensors = [f.name or f.address for f in found if f.driver]
    return Ability(
        "Bluetooth", True, f"{len(found)} devices in range, sensors: {', '.join(sensors) or 'none'}"
    )


def _screen() -> Ability:
    from analysis.views.live import find_backend

    try:
        backend = find_backend()
    except KneeflexError as error:
        return Ability("Window", False, str(error))
    if not has_screen():
        return Ability("Window", False, f"{backend}, but there is no screen: use --headless or --terminal")
    return Ability("Window", True, backend)
