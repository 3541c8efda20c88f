"""The solution agrees with scipy's, for every size and for weights and stiffnesses of many magnitudes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import solveh_banded

from analysis.angle.orientation import pentadiagonal


@pytest.mark.parametrize("m", [*range(1, 12), 47, 48, 49, 50, 51, 52, 97, 98, 999, 1000])
@pytest.mark.parametrize("stiffness", [1e-9, 1.0, 1e5])
def test_it_agrees_with_the_banded_solver_of_scipy(m: int, stiffness: float) -> None:
    rng = np.random.default_rng(m)
    weights, second = rng.uniform(1.0, 30.0, m), rng.uniform(0.5, 1.0, max(m - 2, 0)) * stiffness
    band = np.zeros((3, m))
    band[2] = weights
    if m > 2:
        band[2, :-2] += second
        band[2, 1:-1] += 4 * second
        band[2, 2:] += second
        band[1, 1:-1] -= 2 * second
        band[1, 2:] -= 2 * second
        band[0, 2:] += second
    right = rng.normal(size=(4, m))
    found = pentadiagonal.solve(band[2], band[1, 1:], band[0, 2:], right)
    expected = solveh_banded(band if m > 2 else band[2:], right.T).T
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14 * max(stiffness, 10.0))


def test_first_neighbours_alone_are_a_matrix_too() -> None:
    matrix = np.diag(np.full(6, 4.0)) + np.diag(np.arange(5.0) / 4, 1) + np.diag(np.arange(5.0) / 4, -1)
    right = np.arange(12.0).reshape(2, 6)
    found = pentadiagonal.solve(matrix.diagonal(), matrix.diagonal(1), np.zeros(4), right)
    np.testing.assert_allclose(found @ matrix, right, atol=1e-12)
