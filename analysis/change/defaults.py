"""What is assumed of noise until the person's own repeats are known, each figure with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from firmware_bridge.session.model import TestName

# SD of a block's level around the person's own, within one strapping. The standard error published for knee
# extension in 92 people is 0.7 to 1.95 deg (doi:10.1055/a-2321-0516), for active knee extension 2.6 to 2.9
# (102 people, Neto 2015, doi:10.1123/jsr.2014-0220). The value within the range, the weight and the degrees
# of freedom were chosen by simulation: at most 5 % false verdicts up to a block SD of 2 deg, whatever the
# number of own days, with the most changes found (docs/verdict.md).
BLOCK_SD_DEG: Final = 1.8
BLOCK_SD_OF_TEST_DEG: Final[Mapping[TestName | None, float]] = MappingProxyType({"ake": 2.6})
BLOCK_SD_SOURCE: Final[Mapping[TestName | None, str]] = MappingProxyType(
    {"ake": "published errors of active knee extension (doi:10.1123/jsr.2014-0220)"}
)
KNEE_EXTENSION_SOURCE: Final = "published errors of knee extension (doi:10.1055/a-2321-0516)"
# As many of the person's own days as the assumed figure counts for, and its degrees of freedom.
ASSUMED_WEIGHT: Final = 2.0
ASSUMED_DF: Final = 7.0

# Neighbouring repetitions of a block resemble each other; a correlation of 0.3 is allowed for.
REPETITION_CORRELATION: Final = 0.3

# SD of the slip that the exercise causes, and of holding the same reference pose again (MAE 1.6 deg for
# pose and entry together, doi:10.3390/jfmk6030060). The first is a convention, above what was seen.
SLIP_SD_DEG: Final = 2.0
POSE_SD_DEG: Final = 1.0

# SD of taking the sensors off, strapping them on and setting the zero again. 2.5 deg is the published worst
# case with an experienced operator (Outwalk, doi:10.1007/s11517-009-0545-x); people who strap on alone have
# not been studied, and 3.4 deg keeps the promise for them up to 4 deg.
STRAPPING_SD_DEG: Final = 3.4
STRAPPING_SOURCE: Final = "the published error of a new calibration, widened (doi:10.1007/s11517-009-0545-x)"
# SD of the knee itself from day to day; no study of repeated strapping on one day can show it.
DAY_SD_DEG: Final = 2.0

# Level at which, one-sided, the net change has to be above zero where there was a rest block. By itself it
# would be weak; together with the interval of the change it is not (docs/verdict.md).
NET_LEVEL: Final = 0.8

# Repeating the test straightens the knee by itself, by 6.5 deg in all, levelling off after 3 to 4
# repetitions (Lim, active knee extension, n = 19); the exponential is a model of that.
WARMUP_GAIN_DEG: Final = 6.5
WARMUP_REPETITIONS: Final = 1.5
