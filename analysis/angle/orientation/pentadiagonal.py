"""Symmetric positive definite systems of equations with two diagonals on either side, in bulk.

Pairs of unknowns make the matrix block tridiagonal. Cyclic reduction (Hockney 1965; Heller 1976) eliminates
every second pair, all of them at once, until few are left: Cholesky elimination in another order, and as
stable. `scipy.linalg.solveh_banded` does the same one row after another. It is as fast, but importing it
takes longer than every solution that an hour of samples needs; a test compares the two.
"""

from __future__ import annotations

import numpy as np

from firmware_bridge.samples import Float

# So few pairs are solved as one full matrix.
_FEW = 24


def solve(diagonal: Float, first: Float, second: Float, right: Float) -> Float:
    """The solution (k, m) of a system for k right-hand sides (k, m).

    Args:
        diagonal: (m,) of the matrix.
        first: (m - 1,) its first diagonal on either side.
        second: (m - 2,) its second one; empty where there is none.
        right: (k, m).
    """
    m = len(diagonal)
    if m % 2:  # one more unknown, which is zero
        diagonal, right = np.append(diagonal, 1.0), np.pad(right, ((0, 0), (0, 1)))
        first, second = np.append(first, 0.0), np.append(second, 0.0)
    second = second if m > 2 else np.zeros(0)
    own = np.array([[diagonal[::2], first[::2]], [first[::2], diagonal[1::2]]])
    next_ = np.array([[second[::2], np.zeros(len(second[::2]))], [first[1::2], second[1::2]]])
    found = _solve(own, next_, np.stack((right[:, ::2], right[:, 1::2])))
    return found.transpose(1, 2, 0).reshape(len(right), -1)[:, :m]


def _solve(own: Float, following: Float, right: Float) -> Float:
    """Pairs of unknowns (2, k, n).

    Args:
        own: (2, 2, n) blocks on the diagonal.
        following: (2, 2, n - 1) blocks beside them, from each pair to the next.
        right: (2, k, n).
    """
    n = own.shape[2]
    if n <= _FEW:
        return _solve_full(own, following, right)
    # Odd pairs, given the even ones before and after: x = inverse (right - back' x_before - ahead x_after).
    inverse = _inverse(own[:, :, 1::2])
    back, ahead = following[:, :, ::2], following[:, :, 1::2]
    gone, kept = right[:, :, 1::2], right[:, :, ::2].copy()
    own = own[:, :, ::2].copy()
    after, before = back.shape[2], ahead.shape[2]  # even pairs with an odd one after, and before them
    inward, outward = _times(back, inverse), _times(_turned(ahead), inverse[:, :, :before])
    own[:, :, :after] -= _times(inward, _turned(back))
    own[:, :, 1 : 1 + before] -= _times(outward, ahead)
    kept[:, :, :after] -= _times(inward, gone)
    kept[:, :, 1 : 1 + before] -= _times(outward, gone[:, :, :before])
    even = _solve(own, -_times(inward[:, :, :before], ahead), kept)
    rest = gone - _times(_turned(back), even[:, :, :after])
    rest[:, :, :before] -= _times(ahead, even[:, :, 1 : 1 + before])
    found = np.empty_like(right)
    found[:, :, ::2], found[:, :, 1::2] = even, _times(inverse, rest)
    return found


def _solve_full(own: Float, following: Float, right: Float) -> Float:
    n = own.shape[2]
    matrix, pair = np.zeros((n, 2, n, 2)), np.arange(n)
    matrix[pair, :, pair] = own.transpose(2, 0, 1)
    matrix[pair[:-1], :, pair[1:]] = following.transpose(2, 0, 1)
    matrix[pair[1:], :, pair[:-1]] = following.transpose(2, 1, 0)
    flat = right.transpose(2, 0, 1).reshape(2 * n, -1)
    return np.linalg.solve(matrix.reshape(2 * n, 2 * n), flat).reshape(n, 2, -1).transpose(1, 2, 0)


def _times(left: Float, right: Float) -> Float:
    """Products of matrices (2, 2, n) and (2, k, n)."""
    return np.asarray(left[:, 0, None] * right[0] + left[:, 1, None] * right[1])


def _turned(matrices: Float) -> Float:
    return matrices.swapaxes(0, 1)


def _inverse(matrices: Float) -> Float:
    """Of symmetric matrices (2, 2, n)."""
    (a, b), (_, d) = matrices
    return np.array([[d, -b], [-b, a]]) / (a * d - b * b)
