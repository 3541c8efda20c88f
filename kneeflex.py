"""kneeflex for Python: what most programs need, in one import.

    from kneeflex import answer, read_session

    for comparison in answer(read_session("monday")).comparisons:
        print(comparison.test, comparison.change_deg, comparison.verdict)

Names load when they are first used. The rest of the library is in the packages `firmware_bridge` (sensor to
recording) and `analysis` (recording to answer).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.angle import LiveAngle, estimate_angle
    from analysis.answer import answer
    from analysis.change import trend_of_days
    from firmware_bridge.samples import ImuSamples
    from firmware_bridge.session.reader import read_session

__all__ = ["ImuSamples", "LiveAngle", "answer", "estimate_angle", "read_session", "trend_of_days"]

_PLACES = {
    "ImuSamples": "firmware_bridge.samples",
    "LiveAngle": "analysis.angle",
    "answer": "analysis.answer",
    "estimate_angle": "analysis.angle",
    "read_session": "firmware_bridge.session.reader",
    "trend_of_days": "analysis.change",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"kneeflex has no {name!r}; it holds {', '.join(__all__)}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__


def main() -> None:
    """The command `kneeflex`."""
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
    run()
