"""Unit quaternions in bulk: a running product without a Python loop over samples.

A quaternion (w, x, y, z) is kept as the complex pair a + b j with a = w + x i and b = y + z i, for which
(a + b j)(c + d j) = (a c - b conj(d)) + (a d + b conj(c)) j: four complex products instead of sixteen
real ones. Vectors are (3, n), one contiguous row per axis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.samples import Float

Complex = NDArray[np.complex128]
Pair = tuple[Complex, Complex]


def multiply(left: Pair, right: Pair) -> Pair:
    """The Hamilton product of two complex pairs, elementwise."""
    a, b = left
    c, d = right
    return a * c - b * d.conj(), a * d + b * c.conj()


def from_rotation_vectors(rotation_rad: Float) -> Pair:
    """Quaternions of rotation vectors (3, n) in radians."""
    x, y, z = rotation_rad
    half = 0.5 * np.sqrt(x * x + y * y + z * z)
    scale = 0.5 * np.sinc(half / np.pi)
    return np.cos(half) + 1j * (scale * x), scale * y + 1j * (scale * z)


def running_product(steps: Pair) -> Pair:
    """Inclusive prefix products q_k = s_0 s_1 ... s_k of n quaternions.

    The samples are cut into about 1.5 sqrt(n) chunks; the loop runs along the chunks' length, vectorised
    over the chunks, then the chunk totals are prefixed by doubling (Hillis and Steele 1986).
    """
    n = steps[0].size
    chunks = max(1, int(1.5 * np.sqrt(n)))
    length = -(-n // chunks)
    a, b = (_chunked(part, chunks, length, fill) for part, fill in zip(steps, (1.0, 0.0), strict=True))
    for k in range(1, length):
        a[k], b[k] = multiply((a[k - 1], b[k - 1]), (a[k], b[k]))
    before = _exclusive_prefix((a[-1], b[-1]))
    a, b = multiply(before, (a, b))
    a, b = a.T.reshape(-1)[:n], b.T.reshape(-1)[:n]
    norm = np.sqrt(a.real**2 + a.imag**2 + b.real**2 + b.imag**2)
    return a / norm, b / norm


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


def rotate(q: Pair, v: Float, *, inverse: bool = False) -> Float:
    """Turns vectors (3, n) by quaternions, or by their inverses."""
    a, b = q
    w = -a.real if inverse else a.real
    qx, qy, qz = a.imag, b.real, b.imag
    vx, vy, vz = v
    tx, ty, tz = 2 * (qy * vz - qz * vy), 2 * (qz * vx - qx * vz), 2 * (qx * vy - qy * vx)
    return np.stack(
        (
            vx + w * tx + (qy * tz - qz * ty),
            vy + w * ty + (qz * tx - qx * tz),
            vz + w * tz + (qx * ty - qy * tx),
        )
    )
