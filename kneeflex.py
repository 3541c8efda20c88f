"""kneeflex for Python: what most programs need, in one import.

    from kneeflex import answer, read_session

    for comparison in answer(read_session("monday")).comparisons:
        print(comparison.test, comparison.change_deg, comparison.verdict)

Names load when they are first used. These names, and what they take and return, are the public library;
docs/reference/library.md has an example of each. Everything else in the packages `firmware_bridge` (sensor to
recording) and `analysis` (recording to answer) is internal and may change with any version.
"""

from __future__ import annotations

import gc
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.angle import LiveAngle, estimate_angle
    from analysis.answer import answer
    from analysis.change import trend_of_days
    from firmware_bridge.drivers import DRIVERS
    from firmware_bridge.errors import KneeflexError
    from firmware_bridge.link.bridge import Bridge
    from firmware_bridge.samples import ImuSamples, Segment
    from firmware_bridge.session.importers import import_session
    from firmware_bridge.session.model import PhaseSpan, ReferencePose
    from firmware_bridge.session.reader import read_session
    from firmware_bridge.session.writer import write_session
    from firmware_bridge.virtual.radio import VirtualRadio
    from firmware_bridge.virtual.sessions import condensed_session
    from firmware_bridge.virtual.simulated_clock import SimulatedClock
    from firmware_bridge.virtual.simulation import simulate_session

__all__ = [
    "DRIVERS",
    "Bridge",
    "ImuSamples",
    "KneeflexError",
    "LiveAngle",
    "PhaseSpan",
    "ReferencePose",
    "Segment",
    "SimulatedClock",
    "VirtualRadio",
    "answer",
    "condensed_session",
    "estimate_angle",
    "import_session",
    "read_session",
    "simulate_session",
    "trend_of_days",
    "write_session",
]

_PLACES = {
    "DRIVERS": "firmware_bridge.drivers",
    "Bridge": "firmware_bridge.link.bridge",
    "ImuSamples": "firmware_bridge.samples",
    "KneeflexError": "firmware_bridge.errors",
    "LiveAngle": "analysis.angle",
    "PhaseSpan": "firmware_bridge.session.model",
    "ReferencePose": "firmware_bridge.session.model",
    "Segment": "firmware_bridge.samples",
    "SimulatedClock": "firmware_bridge.virtual.simulated_clock",
    "VirtualRadio": "firmware_bridge.virtual.radio",
    "answer": "analysis.answer",
    "condensed_session": "firmware_bridge.virtual.sessions",
    "estimate_angle": "analysis.angle",
    "import_session": "firmware_bridge.session.importers",
    "read_session": "firmware_bridge.session.reader",
    "simulate_session": "firmware_bridge.virtual.simulation",
    "trend_of_days": "analysis.change",
    "write_session": "firmware_bridge.session.writer",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"kneeflex has no {name!r}; it holds {', '.join(__all__)}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__


def main() -> None:
    """The command `kneeflex`."""
    _one_thread_for_algebra()
    gc.disable()  # nothing that is loaded becomes garbage; `analysis.cli.app` decides what follows
    try:
        from analysis.cli import main as run
    except ImportError as error:
        other = import_module("analysis")
        if error.name is None or not error.name.startswith("analysis"):
            raise
        raise SystemExit(
            f"Error: another package named analysis stands in front of kneeflex's own: {other.__path__[0]}. "
            "Rename it, or start kneeflex from another folder."
        ) from error
    try:
        run()
    finally:
        gc.freeze()  # the end of the program collects nothing more, which would take as long as `--help`


def _one_thread_for_algebra() -> None:
    """Keeps numpy's OpenBLAS from starting a thread a core, unless the user has asked for a number of them.

    The matrices here are small: more threads wait for one another, for a fifth more processor time and no
    less time on the clock. OpenBLAS reads this once, when numpy is imported: hence the command, not the
    library.
    """
    if "OMP_NUM_THREADS" not in os.environ:  # which OpenBLAS reads as well, but second
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
