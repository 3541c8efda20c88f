"""Extension plateaus -> before and after, with an interval and a verdict."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from analysis.change.as_json import to_json
from analysis.change.compare import compare_blocks
from analysis.change.reliability import OwnNoise, Reliability, Repeats, repeats_of, retest_study
from analysis.change.result import Block, Comparison, Verdict
from analysis.change.sensitivity import Sensitivity, sensitivity_of
from analysis.change.sessions import Measured, compare_sessions
from analysis.change.sides import SideDifference, side_differences

if TYPE_CHECKING:
    from analysis.change.trend import TrendDay, TrendOfDays, trend_of_days

__all__ = [
    "Block",
    "Comparison",
    "Measured",
    "OwnNoise",
    "Reliability",
    "Repeats",
    "Sensitivity",
    "SideDifference",
    "TrendDay",
    "TrendOfDays",
    "Verdict",
    "compare_blocks",
    "compare_sessions",
    "repeats_of",
    "retest_study",
    "sensitivity_of",
    "side_differences",
    "to_json",
    "trend_of_days",
]


def __getattr__(name: str) -> Any:
    if name in ("TrendDay", "TrendOfDays", "trend_of_days"):  # loaded when they are used: by several sessions
        return getattr(import_module("analysis.change.trend"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
