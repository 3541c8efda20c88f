"""What is assumed until the person's own repeats are known, each with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_bridge.session.model import TestName


@dataclass(frozen=True, slots=True)
class Published:
    """One published reliability figure. `sem_deg` and `mdc95_deg` are (lowest, highest)."""

    what: str
    sem_deg: tuple[float, float]
    mdc95_deg: tuple[float, float]
    source: str
    test: TestName | None = None


PUBLISHED = (
    Published(
        "active knee extension, one rater, 102 people",
        (2.6, 2.9),
        (7.0, 8.0),
        "Neto 2015, doi:10.1123/jsr.2014-0220",
        "ake",
    ),
    Published(
        "active knee extension, two raters, 50 people",
        (5.3, 5.3),
        (15.0, 15.0),
        "Reurink 2013, doi:10.1177/0363546513490650",
        "ake",
    ),
    Published("knee extension, one rater, 92 people", (0.7, 1.3), (2.0, 3.5), "doi:10.1055/a-2321-0516"),
    Published(
        "knee extension, test and retest, 92 people", (0.9, 1.95), (2.6, 5.4), "doi:10.1055/a-2321-0516"
    ),
    Published(
        "knee angle after a new calibration with an entered angle",
        (2.0, 2.5),
        (5.5, 6.9),
        "Outwalk, doi:10.1007/s11517-009-0545-x",
    ),
)

# SD of a block's true level around the person's own, within one strapping: from the best (0.7) to the
# worst (1.95) standard error published for knee extension in 92 people, and somewhat below, since nobody
# reads a goniometer here.
BLOCK_SD_RANGE_DEG = (0.5, 2.0)
BLOCK_SD_SOURCE = (
    "published test-retest errors of knee extension, standard error at most 2 deg (doi:10.1055/a-2321-0516)"
)
# Level of the detectable change. Stricter than the 95 % that the verdict promises, as a margin for what
# the model leaves out: the error of the published figure itself, scatter that is not normal.
DETECTABLE_LEVEL = 0.97
# Standard error of taking the sensors off, strapping them on and entering the reference angle again.
REDON_SEM_DEG = 2.5
REDON_SOURCE = "the published worst-case error of a new calibration, 2.5 deg (doi:10.1007/s11517-009-0545-x)"
# Repeating the test straightens the knee by itself, by 6.5 deg in all, levelling off after 3 to 4
# repetitions (Lim, active knee extension, n = 19); the exponential is a model of that.
WARMUP_GAIN_DEG = 6.5
WARMUP_REPETITIONS = 1.5
# A convention (the class width of the IKDC form is 3 to 5 deg), not evidence.
SMALLEST_OF_INTEREST_DEG = 5.0
