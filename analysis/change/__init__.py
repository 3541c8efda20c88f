"""Extension plateaus -> before and after, with an interval and a verdict."""

from analysis.change.as_json import to_json
from analysis.change.compare import compare_blocks
from analysis.change.reliability import Reliability, Repeats, redon_study, repeats_of
from analysis.change.result import Block, Comparison, Verdict
from analysis.change.sensitivity import Sensitivity, sensitivity_of
from analysis.change.sessions import Measured, compare_sessions
from analysis.change.sides import SideDifference, side_differences

__all__ = [
    "Block",
    "Comparison",
    "Measured",
    "Reliability",
    "Repeats",
    "Sensitivity",
    "SideDifference",
    "Verdict",
    "compare_blocks",
    "compare_sessions",
    "redon_study",
    "repeats_of",
    "sensitivity_of",
    "side_differences",
    "to_json",
]
