"""Extension plateaus -> before and after, with an interval and a verdict."""

from analysis.change.as_json import to_json
from analysis.change.compare import compare_blocks
from analysis.change.reliability import OwnNoise, Reliability, Repeats, repeats_of, retest_study
from analysis.change.result import Block, Comparison, Verdict
from analysis.change.sensitivity import Sensitivity, sensitivity_of
from analysis.change.sessions import Measured, compare_sessions
from analysis.change.sides import SideDifference, side_differences
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
