"""Unit quaternions in bulk: a running product without a Python loop over samples.

A quaternion (w, x, y, z) is kept as the complex pair a = w + z k, b = x + y k (the Cayley-Klein
parameters), q = a + b i, for which (a + b i)(c + d i) = (a c - b conj(d)) + (a d + b conj(c)) i: four
complex products instead of sixteen real ones. A turn by s about z multiplies both parts by exp(k s / 2)
from the left. Vectors are (3, n), one contiguous row per axis.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float

Complex = NDArray[np.complex128]
Pair = tuple[Complex, Complex]

# Long recordings are worked on in pieces of so many samples, whose intermediate results stay in the cache of
# one core. From main memory they cost twice as much, and more on a machine whose memory is busy.
_PIECE = 8192


def pieces(n: int, size: int = _PIECE) -> Iterator[slice]:
    """Consecutive parts of n samples, for what is elementwise (see `_PIECE`)."""
    return (slice(start, start + size) for start in range(0, n, size))


def multiply(left: Pair, right: Pair) -> Pair:
    """The Hamilton product of two pairs, elementwise."""
    a, b = left
    c, d = right
    return a * c - b * d.conj(), a * d + b * c.conj()


def from_rotation_vectors(rotation_rad: Float) -> Pair:
    """Quaternions of rotation vectors (3, n) in radians."""
    n = rotation_rad.shape[1]
    a, b = np.empty(n, np.complex128), np.empty(n, np.complex128)
    for rows in pieces(n):
        x, y, z = rotation_rad[:, rows]
        half = 0.5 * np.sqrt(x * x + y * y + z * z)
        scale = 0.5 * np.sinc(half / np.pi)
        a.real[rows], a.imag[rows] = np.cos(half), scale * z
        b.real[rows], b.imag[rows] = scale * x, scale * y
    return a, b


def shortest(source: Float, target: Float) -> Pair:
    """The smallest rotations that take unit vectors (3, n) onto others."""
    x, y, z = source
    u, v, w = target
    real = 1.0 + x * u + y * v + z * w
    cross = y * w - z * v, z * u - x * w, x * v - y * u
    norm = np.sqrt(real**2 + cross[0] ** 2 + cross[1] ** 2 + cross[2] ** 2)
    norm = np.maximum(norm, 1e-12)
    return (real + 1j * cross[2]) / norm, (cross[0] + 1j * cross[1]) / norm


def from_matrix(rotation: Float) -> Pair:
    """The quaternion of one rotation matrix (3, 3), as arrays of length 1."""
    # The symmetric matrix whose largest eigenvector is the quaternion (Bar-Itzhack 2000).
    m = rotation
    key = np.array(
        [
            [m[0, 0] + m[1, 1] + m[2, 2], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 0] - m[1, 1] - m[2, 2], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]],
            [m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], m[1, 1] - m[0, 0] - m[2, 2], m[1, 2] + m[2, 1]],
            [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], m[2, 2] - m[0, 0] - m[1, 1]],
        ]
    )
    w, x, y, z = np.linalg.eigh(key)[1][:, 3]
    return np.array([w + 1j * z]), np.array([x + 1j * y])


def take(q: Pair, rows: slice | NDArray[np.int64]) -> Pair:
    """Some of the quaternions."""
    return q[0][rows], q[1][rows]


def running_product(steps: Pair) -> Pair:
    """Inclusive prefix products q_k = s_0 s_1 ... s_k of n quaternions.

    The samples are cut into about 1.5 sqrt(n) chunks; the loop runs along the chunks' length, vectorised
    over the chunks, then the chunk totals are prefixed by doubling (Hillis and Steele 1986).
    """
    n = steps[0].size
    chunks = max(1, int(1.5 * np.sqrt(n)))
    length = -(-n // chunks)
    a, b = _chunked(steps[0], chunks, length, 1.0), _chunked(steps[1], chunks, length, 0.0)
    for k in range(1, length):
        a[k], b[k] = multiply((a[k - 1], b[k - 1]), (a[k], b[k]))
    before = _exclusive_prefix((a[-1], b[-1]))
    whole = np.empty((chunks, length), np.complex128), np.empty((chunks, length), np.complex128)
    for rows in pieces(length, max(1, _PIECE // chunks)):
        c, d = multiply(before, (a[rows], b[rows]))
        norm = np.sqrt(c.real**2 + c.imag**2 + d.real**2 + d.imag**2)
        whole[0][:, rows], whole[1][:, rows] = (c / norm).T, (d / norm).T
    return whole[0].reshape(-1)[:n], whole[1].reshape(-1)[:n]


def _chunked(values: Complex, chunks: int, length: int, fill: float) -> Complex:
    padded = np.full(chunks * length, fill, dtype=np.complex128)
    padded[: values.size] = values
    return np.ascontiguousarray(padded.reshape(chunks, length).T)


def _exclusive_prefix(totals: Pair) -> Pair:
    a, b = totals[0].copy(), totals[1].copy()
    step = 1
    while step < a.size:
        a[step:], b[step:] = multiply((a[:-step], b[:-step]), (a[step:], b[step:]))
        step *= 2
    return np.concatenate(([1.0 + 0.0j], a[:-1])), np.concatenate(([0.0j], b[:-1]))


def rotate(q: Pair, v: Float) -> Float:
    """Turns vectors (3, n) by quaternions."""
    turned = np.empty_like(v)
    for rows in pieces(v.shape[1]):
        a, b = take(q, rows)
        w, x, y, z = a.real, b.real, b.imag, a.imag
        vx, vy, vz = v[:, rows]
        tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
        turned[0, rows] = vx + w * tx + (y * tz - z * ty)
        turned[1, rows] = vy + w * ty + (z * tx - x * tz)
        turned[2, rows] = vz + w * tz + (x * ty - y * tx)
    return turned


def matrices(q: Pair) -> Float:
    """Rotation matrices (3, 3, n) of quaternions."""
    a, b = q
    w, x, y, z = a.real, b.real, b.imag, a.imag
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
