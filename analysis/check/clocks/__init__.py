"""Do the two sensors keep one clock? In: both streams of one strapping. Out: findings, and corrected times.

`agreement` uses the force at the knee, `tissue` the soft tissue of a resting thigh, `source` what reading and
import found out about the clocks; `course` is how one clock runs against the other.
"""

from analysis.check.clocks.agreement import LAG_SD_S, UNSYNCHRONISED_SD_S, Clocks, check_clocks
from analysis.check.clocks.source import clocks_are_untied, unchecked

__all__ = ["LAG_SD_S", "UNSYNCHRONISED_SD_S", "Clocks", "check_clocks", "clocks_are_untied", "unchecked"]
