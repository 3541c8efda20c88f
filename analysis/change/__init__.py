"""Extension plateaus -> before and after, with an interval and a verdict."""

from analysis.change.as_json import to_json
from analysis.change.compare import compare_blocks
from analysis.change.reliability import Reliability
from analysis.change.result import Block, Comparison, Verdict
from analysis.change.sessions import Measured, compare_sessions

__all__ = [
    "Block",
    "Comparison",
    "Measured",
    "Reliability",
    "Verdict",
    "compare_blocks",
    "compare_sessions",
    "to_json",
]
