"""The person's own repeats, and the study of strapping on anew."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.change import Reliability, repeats_of, retest_study
from analysis.change.reliability import noise_of_test
from firmware_bridge.errors import CannotAnswerError


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
    assert "400 days" in repeats.source


def test_a_shift_that_every_day_shares_counts_as_noise(session):
    days = [session(before=[10, 10, 10], before_again=[8, 8, 8]) for _ in range(6)]
    assert repeats_of(days).sem_deg == pytest.approx(2 / np.sqrt(2))


def test_days_without_both_blocks_are_not_repeats(session):
    days = [session(before=[10, 11], before_again=[9, 9])] * 2 + [session(before=[10, 11], after=[9, 9])] * 9
    repeats = repeats_of(days)
    assert repeats.df == 2
    assert "2 days" in repeats.source


def test_no_repeats_are_no_error(session):
    assert repeats_of([session(before=[10, 11], after=[9, 9])]) is None
    assert repeats_of([]) is None


def test_repeats_are_taken_from_their_own_test(session):
    own = Reliability(repeats_of([session(before=[10, 11], before_again=[9, 9])]))
    assert noise_of_test({"prone": own}, "prone") is own
    assert noise_of_test({"prone": own}, "standing") is None
    assert noise_of_test(own, "standing") is own


def test_retest_study_separates_strappings_from_repetitions(block):
    rng = np.random.default_rng(2)
    repetitions = []
    for strapping in range(300):
        values = rng.normal(rng.normal(10, 2.5), 1.0, 3)
        repetitions += block("warmup", [30.0, 30.0], strapping=strapping)
        repetitions += block("before", values, strapping=strapping)
    study = retest_study(repetitions)
    assert (study.strappings, study.repetitions, study.repeats.df) == (300, 900, 299)
    assert study.strapping_sd_deg == pytest.approx(2.5, rel=0.1)
    assert study.repetition_sd_deg == pytest.approx(1.0, rel=0.1)
    assert study.repeats.sem_deg == pytest.approx(np.sqrt(2.5**2 + 1 / 3), rel=0.1)


def test_retest_study_by_hand(block):
    repetitions = []
    for strapping, values in enumerate(([10, 12], [14, 16], [9, 11])):
        repetitions += block("before", values, strapping=strapping)
    study = retest_study(repetitions)
    # Means 11, 15, 10: variance 7; within every strapping variance 2.
    assert study.repeats.sem_deg == pytest.approx(np.sqrt(7))
    assert study.repetition_sd_deg == pytest.approx(np.sqrt(2))
    assert study.strapping_sd_deg == pytest.approx(np.sqrt(7 - 2 / 2))
    # Student's t on two degrees of freedom, not 1.96.
    assert study.detectable_deg == pytest.approx(4.3027 * np.sqrt(2 * 7), rel=1e-4)


def test_a_retest_study_needs_strappings_of_one_test(block):
    two = block("before", [10, 11]) + block("before", [10, 11], strapping=1)
    with pytest.raises(CannotAnswerError, match="at least 3 strappings"):
        retest_study(two)
    mixed = two + block("before", [10, 11], strapping=2, test="standing")
    with pytest.raises(CannotAnswerError, match="one test"):
        retest_study(mixed)
