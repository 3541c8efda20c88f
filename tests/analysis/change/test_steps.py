"""Slip from inside the blocks: both ends of the movement shift together."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.change import compare_blocks
from analysis.change.steps import find_step


def test_a_shared_step_is_found_with_its_size():
    rng = np.random.default_rng(0)
    slipped = np.where(np.arange(8) >= 5, -4.0, 0.0)
    step = find_step(12 + slipped + rng.normal(0, 0.5, 8), 90 + slipped + rng.normal(0, 0.8, 8))
    assert step.index == 5
    assert step.size_deg == pytest.approx(4, abs=0.8)


def test_learning_to_straighten_is_no_step():
    rng = np.random.default_rng(1)
    learned = np.where(np.arange(8) >= 5, -6.0, 0.0)
    assert find_step(12 + learned, 90 + rng.normal(0, 0.8, 8)) is None


def test_scatter_alone_is_rarely_a_step():
    rng = np.random.default_rng(2)
    found = sum(
        find_step(rng.normal(12, 2, n), rng.normal(90, 2, n)) is not None
        for n in (4, 6, 8)
        for _ in range(300)
    )
    assert found <= 0.02 * 900


def test_few_repetitions_show_no_step():
    assert find_step(np.array([12.0, 12, 5]), np.array([90.0, 90, 83])) is None


def test_a_step_is_said(block):
    after = block("after", [15, 15.5, 15, 10, 10.2, 9.8], peaks=[90, 90, 90.5, 85, 85, 85.5])
    (c,) = compare_blocks(
        block("before", [15, 15.2, 14.9]) + after, relative=False, pose_checks=((9e3, 0.0),)
    )
    assert any("From repetition 4 of the after block" in w and "5.1 deg straighter" in w for w in c.warnings)


def test_a_shifted_bent_end_gives_no_verdict_whatever_the_closing_reference_says(block):
    repetitions = block("before", [15, 15.5, 15], peaks=[90, 90.4, 90.2]) + block(
        "after", [9, 9.5, 9], peaks=[84, 84.2, 84.4]
    )

    def consequence(checks):
        (c,) = compare_blocks(repetitions, relative=False, pose_checks=checks)
        (found,) = (f for f in c.findings if f.kind == "both_ends_shifted")
        return found.consequence, c.verdict

    assert consequence(()) == ("no_verdict", "no detectable change")
    assert consequence(((9e3, -5.5),)) == ("no_verdict", "no detectable change")
    # It may have been pushed back before the closing pose.
    assert consequence(((9e3, 0.4),)) == ("no_verdict", "no detectable change")


def test_a_bent_end_that_shifts_less_is_a_note(block):
    repetitions = block("before", [15, 15.5, 15], peaks=[90, 90.4, 90.2]) + block(
        "after", [1, 1.5, 1], peaks=[84, 84.2, 84.4]
    )
    (c,) = compare_blocks(repetitions, relative=False)
    (found,) = (f for f in c.findings if f.kind == "both_ends_shifted")
    assert found.consequence == "tell"


def test_a_real_gain_leaves_the_bent_end_where_it_was(block):
    repetitions = block("before", [15, 15.5, 15], peaks=[90, 90.4, 90.2]) + block(
        "after", [9, 9.5, 9], peaks=[90.2, 89.8, 90.4]
    )
    (c,) = compare_blocks(repetitions, relative=False)
    assert not any("bent end" in w for w in c.warnings)
