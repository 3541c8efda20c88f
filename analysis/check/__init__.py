"""A recording -> findings, before anything is believed.

What comes in: the samples of both sensors, phases, poses and what import knew. What goes out: samples in
which nothing is known to be wrong, and a finding for everything that was. Pure: no files, no clocks.
"""

from analysis.check.stage import Checked, check_recording, check_result, no_verdict_of, refuse_wrong

__all__ = ["Checked", "check_recording", "check_result", "no_verdict_of", "refuse_wrong"]
