"""What works on this machine, and what to do about what does not."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from firmware_bridge.errors import KneeflexError

_CORE = ("bleak", "numpy", "scipy", "matplotlib", "pandas", "typer", "rich", "jinja2")
_EXTRAS = {
    "bumble": "simulated sensors, kneeflex demo: pip install 'kneeflex[sim]'",
    "PySide6-Essentials": "a window where Tk is missing: pip install 'kneeflex[gui]'",
    "pyarrow": "Parquet tables: pip install 'kneeflex[parquet]'",
    "statsmodels": "many people, kneeflex cohort: pip install 'kneeflex[cohort]'",
    "distributed": "batch on a cluster: pip install 'kneeflex[cluster]'",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """Result of one check. `works` is None if a missing part is not a fault."""

    what: str
    works: bool | None
    detail: str


def examine() -> Iterator[Probe]:
    """Checks Python, packages, Bluetooth and the screen, one after the other."""
    yield Probe(
        "Python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.platform()}"
    )
    yield own_packages()
    for package in _CORE:
        yield Probe(package, *_installed(package, "missing: pip install kneeflex"))
    for package, purpose in _EXTRAS.items():
        found, detail = _installed(package, f"not installed ({purpose})")
        yield Probe(package, found or None, detail)
    yield _sound()
    yield voice()
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


def own_packages() -> Probe:
    """Whether a script started here would import kneeflex's packages, or others of the same name."""
    for name in ("analysis", "firmware_bridge", "kneeflex"):
        own = getattr(importlib.import_module(name), "__file__", None)
        for place in ("", *sys.path):
            found = PathFinder.find_spec(name, [place or str(Path.cwd())])
            if found is None or found.origin is None:
                continue
            if own is None or not Path(found.origin).samefile(own):
                return Probe(
                    "Own packages",
                    False,
                    f"{found.origin} stands in front of kneeflex's own {name} in scripts and notebooks "
                    "started here: rename it, or start them in another folder.",
                )
            break
    return Probe("Own packages", True, "no other package named analysis or firmware_bridge is in front")


def _sound() -> Probe:
    try:
        device = importlib.import_module("sounddevice").query_devices(kind="output")
    except ModuleNotFoundError:
        return Probe("Sound", None, "no tones: pip install sounddevice")
    except Exception as error:
        advice = "sudo apt install libportaudio2" if sys.platform == "linux" else "connect a loudspeaker"
        return Probe("Sound", None, f"no tones ({error}): {advice}")
    return Probe("Sound", True, str(device["name"]))


def voice() -> Probe:
    """Whether this computer can speak."""
    from analysis.views.voice import find_speech, speech_advice

    command = find_speech()
    return Probe("Voice", None, speech_advice()) if command is None else Probe("Voice", True, command[0])


def _bluetooth() -> Probe:
    from firmware_bridge.link.search import scan

    try:
        found = scan(seconds=2.0)
    except KneeflexError as error:
        return Probe("Bluetooth", False, str(error))
    sensors = [f.name or f.address for f in found if f.driver]
    return Probe("Bluetooth", True, f"{len(found)} devices in range, sensors: {', '.join(sensors) or 'none'}")


def _screen() -> Probe:
    from analysis.views.window import find_backend

    try:
        backend = find_backend()
    except KneeflexError as error:
        return Probe("Window", False, str(error))
    if not has_screen():
        return Probe("Window", False, f"{backend}, but there is no screen: use --headless or --terminal")
    return Probe("Window", True, backend)
