"""SEM, MDC95 and ICC against published pairs and an independent analysis of variance."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.change import redon_study, repeats_of
from analysis.change.defaults import PUBLISHED, REDON_SEM_DEG
from analysis.change.reliability import icc, mdc95, sem_from_icc
from firmware_bridge.errors import CannotAnswerError


@pytest.mark.parametrize(
    ("sem_deg", "mdc_deg"), [(1, 2.8), (1.5, 4.2), (2, 5.5), (2.6, 7.2), (3, 8.3), (5.3, 14.7)]
)
def test_mdc_of_the_published_pairs(sem_deg, mdc_deg):
    assert mdc95(sem_deg) == pytest.approx(mdc_deg, abs=0.05)


def test_published_figures_are_consistent():
    for entry in PUBLISHED:
        for sem_deg, mdc_deg in zip(entry.sem_deg, entry.mdc95_deg, strict=True):
            assert mdc95(sem_deg) == pytest.approx(mdc_deg, abs=0.35)
        assert entry.source
    assert mdc95(REDON_SEM_DEG) == pytest.approx(6.9, abs=0.05)


def test_sem_from_icc():
    assert sem_from_icc(10.0, 0.91) == pytest.approx(3.0)


def test_icc_of_shrout_and_fleiss():
    """The worked example of Shrout and Fleiss (1979): ICC(2,1) = 0.29."""
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    assert icc(ratings) == pytest.approx(0.29, abs=0.005)


def test_own_repeats_recover_the_sem(session):
    rng = np.random.default_rng(1)
    days = []
    for _ in range(400):
        first, second = rng.normal(12, 1.2, 2)
        days.append(
            session(before=rng.normal(first, 1.5, 5), before_again=rng.normal(second, 1.5, 5), after=[5.0])
        )
    repeats = repeats_of(days)
    assert repeats.df == 400
    assert repeats.repetitions == pytest.approx(5)
    assert repeats.sem_deg == pytest.approx(np.sqrt(1.2**2 + 1.5**2 / 5), rel=0.08)
    assert "400 sessions" in repeats.source


def test_a_shift_that_every_day_shares_counts_as_noise(session):
    days = [session(before=[10, 10, 10], before_again=[8, 8, 8]) for _ in range(6)]
    assert repeats_of(days).sem_deg == pytest.approx(2 / np.sqrt(2))


def test_days_without_both_blocks_are_not_repeats(session):
    days = [session(before=[10, 11], before_again=[9, 9])] * 4 + [session(before=[10, 11], after=[9, 9])] * 9
    with pytest.raises(CannotAnswerError, match=r"Only 4 sessions.*at least 5"):
        repeats_of(days)


def test_redon_study_separates_strappings_from_repetitions(block):
    rng = np.random.default_rng(2)
    repetitions = []
    for strapping in range(300):
        values = rng.normal(rng.normal(10, 2.5), 1.0, 3)
        repetitions += block("warmup", [30.0, 30.0], strapping=strapping)
        repetitions += block("before", values, strapping=strapping)
    study = redon_study(repetitions)
    assert (study.strappings, study.repetitions, study.repeats.df) == (300, 900, 299)
    assert study.sem_redon_deg == pytest.approx(2.5, rel=0.1)
    assert study.sem_repetition_deg == pytest.approx(1.0, rel=0.1)
    assert study.repeats.sem_deg == pytest.approx(np.sqrt(2.5**2 + 1 / 3), rel=0.1)
    assert study.mdc95_deg == pytest.approx(mdc95(study.repeats.sem_deg))
    assert study.icc == pytest.approx(2.5**2 / (2.5**2 + 1), abs=0.05)


def test_redon_study_by_hand(block):
    repetitions = []
    for strapping, values in enumerate(([10, 12], [14, 16], [9, 11])):
        repetitions += block("before", values, strapping=strapping)
    study = redon_study(repetitions)
    # Means 11, 15, 10: variance 7; within every strapping variance 2.
    assert study.repeats.sem_deg == pytest.approx(np.sqrt(7))
    assert study.sem_repetition_deg == pytest.approx(np.sqrt(2))
    assert study.sem_redon_deg == pytest.approx(np.sqrt(7 - 2 / 2))


def test_a_redon_study_needs_strappings_of_one_test(block):
    two = block("before", [10, 11]) + block("before", [10, 11], strapping=1)
    with pytest.raises(CannotAnswerError, match="at least 3 strappings"):
        redon_study(two)
    mixed = two + block("before", [10, 11], strapping=2, test="standing")
    with pytest.raises(CannotAnswerError, match="one test"):
        redon_study(mixed)
