from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from analysis.angle.orientation.quaternion import (
    Pair,
    from_matrix,
    from_rotation_vectors,
    matrices,
    multiply,
    rotate,
    running_product,
    shortest,
)


def as_scipy(q: Pair) -> Rotation:
    a, b = q
    return Rotation.from_quat(np.stack((a.real, b.real, b.imag, a.imag), axis=-1), scalar_first=True)


def random_vectors(seed: int, n: int, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, n)) * scale


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e-3, 1.0, np.pi, 10.0])
def test_rotation_vectors_agree_with_scipy(scale: float) -> None:
    vectors = random_vectors(0, 50, scale)
    difference = as_scipy(from_rotation_vectors(vectors)).inv() * Rotation.from_rotvec(vectors.T)
    assert difference.magnitude().max() < 1e-12


def test_product_and_rotation_agree_with_scipy() -> None:
    left, right = (from_rotation_vectors(random_vectors(k, 50)) for k in (1, 2))
    both = multiply(left, right)
    assert ((as_scipy(left) * as_scipy(right)).inv() * as_scipy(both)).magnitude().max() < 1e-12
    vectors = random_vectors(3, 50)
    assert np.allclose(rotate(both, vectors), as_scipy(both).apply(vectors.T).T)
    assert np.allclose(matrices(both), np.moveaxis(as_scipy(both).as_matrix(), 0, -1))


@settings(max_examples=30)
@given(n=st.integers(1, 400), seed=st.integers(0, 100))
def test_the_running_product_is_the_loop(n: int, seed: int) -> None:
    steps = from_rotation_vectors(random_vectors(seed, n, 0.3))
    total = as_scipy(running_product(steps))
    expected = Rotation.identity()
    for k in range(n):
        expected = expected * as_scipy((steps[0][k : k + 1], steps[1][k : k + 1]))[0]
        assert (expected.inv() * total[k]).magnitude() < 1e-9


def test_quaternions_stay_unit_over_an_hour() -> None:
    a, b = running_product(from_rotation_vectors(random_vectors(4, 360_000, 0.02)))
    assert np.abs(np.abs(a) ** 2 + np.abs(b) ** 2 - 1).max() < 1e-12


def test_shortest_rotation_takes_one_direction_onto_another() -> None:
    source, target = (v / np.linalg.norm(v, axis=0) for v in (random_vectors(5, 50), random_vectors(6, 50)))
    q = shortest(source, target)
    assert np.allclose(rotate(q, source), target)
    angle = np.arccos(np.clip((source * target).sum(axis=0), -1, 1))
    assert np.allclose(as_scipy(q).magnitude(), angle, atol=1e-7)


@pytest.mark.parametrize("vector", [(0, 0, 0), (np.pi, 0, 0), (0, np.pi, 0), (0, 0, np.pi), (1, -2, 0.5)])
def test_a_matrix_becomes_its_quaternion(vector: tuple[float, float, float]) -> None:
    rotation = Rotation.from_rotvec(vector)
    assert (as_scipy(from_matrix(rotation.as_matrix()))[0].inv() * rotation).magnitude() < 1e-7
