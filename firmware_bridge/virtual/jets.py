"""Quantities with their first two time derivatives, so that no signal is ever differentiated numerically.

A sensor measures second derivatives. Carrying them exactly through sums, products and rotations gives
specific force and angular rate to rounding error, at any instant, without a simulation grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from firmware_bridge.samples import Float
from firmware_bridge.vectors import cross


@dataclass(frozen=True, eq=False, slots=True)
class Jet:
    """A scalar over time: value, rate and acceleration, each (n,) or broadcastable to it."""

    value: Float
    rate: Float
    acceleration: Float

    @classmethod
    def constant(cls, value: float) -> Jet:
        """A scalar that never changes."""
        return cls(np.array([value]), np.zeros(1), np.zeros(1))

    def __add__(self, other: Jet) -> Jet:
        return Jet(self.value + other.value, self.rate + other.rate, self.acceleration + other.acceleration)

    def __neg__(self) -> Jet:
        return self.scaled(-1.0)

    def __mul__(self, other: Jet) -> Jet:
        return Jet(
            self.value * other.value,
            self.rate * other.value + self.value * other.rate,
            self.acceleration * other.value + 2.0 * self.rate * other.rate + self.value * other.acceleration,
        )

    def scaled(self, factor: float) -> Jet:
        """The same course times a constant."""
        return Jet(self.value * factor, self.rate * factor, self.acceleration * factor)

    def through(self, f: Float, df: Float, ddf: Float) -> Jet:
        """A function of this scalar, given the function and its two derivatives at `value`."""
        return Jet(f, df * self.rate, ddf * self.rate**2 + df * self.acceleration)


@lru_cache(64)
def _rodrigues(x: float, y: float, z: float) -> Float:
    """The three constant matrices of a rotation about a unit vector, as rows (3, 9)."""
    generator = cross(np.eye(3), np.array((x, y, z)))
    return np.stack([np.eye(3), generator, generator @ generator]).reshape(3, 9)


@dataclass(frozen=True, eq=False, slots=True)
class RotationJet:
    """A rotation `a_from_b` over time.

    Attributes:
        matrix: (n, 3, 3).
        rate: (n, 3) angular velocity of b seen from a, in coordinates of b, rad/s.
        acceleration: (n, 3) its derivative, rad/s^2.
    """

    matrix: Float
    rate: Float
    acceleration: Float

    @classmethod
    def constant(cls, matrix: ArrayLike) -> RotationJet:
        """A rotation that never changes."""
        return cls(np.asarray(matrix, dtype=float)[None], np.zeros((1, 3)), np.zeros((1, 3)))

    @classmethod
    def about(cls, axis: ArrayLike, angle_rad: Jet) -> RotationJet:
        """Rotation by a changing angle about a fixed axis (3,)."""
        unit = np.asarray(axis, dtype=float)
        # Rodrigues' formula is a sum of three constant matrices, here for all instants in one product.
        weights = np.ones((len(angle_rad.value), 3))
        np.sin(angle_rad.value, out=weights[:, 1])
        np.subtract(1.0, np.cos(angle_rad.value), out=weights[:, 2])
        matrix = (weights @ _rodrigues(*unit.tolist())).reshape(-1, 3, 3)
        return cls(matrix, angle_rad.rate[:, None] * unit, angle_rad.acceleration[:, None] * unit)

    def __matmul__(self, other: RotationJet) -> RotationJet:
        """`a_from_b @ b_from_c` is `a_from_c`."""
        carried_rate = np.einsum("nji,nj->ni", other.matrix, self.rate)
        carried_acceleration = np.einsum("nji,nj->ni", other.matrix, self.acceleration)
        return RotationJet(
            self.matrix @ other.matrix,
            carried_rate + other.rate,
            carried_acceleration - cross(other.rate, carried_rate) + other.acceleration,
        )


@dataclass(frozen=True, eq=False, slots=True)
class PointJet:
    """A point in the world: position (n, 3) in m, velocity in m/s, acceleration in m/s^2."""

    position: Float
    velocity: Float
    acceleration: Float

    def offset(self, world_from_body: RotationJet, lever_m: PointJet | ArrayLike) -> PointJet:
        """The point that sits at `lever_m` (body coordinates, may itself move) from this one."""
        lever = lever_m if isinstance(lever_m, PointJet) else PointJet.fixed(lever_m)
        w, dw = world_from_body.rate, world_from_body.acceleration
        sweep = cross(w, lever.position)
        velocity = lever.velocity + sweep
        acceleration = (
            lever.acceleration + 2.0 * cross(w, lever.velocity) + cross(dw, lever.position) + cross(w, sweep)
        )

        def turned(vectors: Float) -> Float:
            result: Float = np.einsum("nij,nj->ni", world_from_body.matrix, vectors)
            return result

        return PointJet(
            self.position + turned(np.broadcast_to(lever.position, sweep.shape)),
            self.velocity + turned(velocity),
            self.acceleration + turned(acceleration),
        )

    @classmethod
    def fixed(cls, position_m: ArrayLike) -> PointJet:
        """A point that never moves."""
        return cls(np.asarray(position_m, dtype=float)[None], np.zeros((1, 3)), np.zeros((1, 3)))

    @classmethod
    def from_axes(cls, x: Jet, y: Jet, z: Jet) -> PointJet:
        """A point from its three coordinates."""
        return cls(
            np.stack(np.broadcast_arrays(x.value, y.value, z.value), axis=-1),
            np.stack(np.broadcast_arrays(x.rate, y.rate, z.rate), axis=-1),
            np.stack(np.broadcast_arrays(x.acceleration, y.acceleration, z.acceleration), axis=-1),
        )
