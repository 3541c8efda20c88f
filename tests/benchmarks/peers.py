"""Other ways to a knee angle, for comparison: each from two raw streams on one grid, offline.

They are only as good as their axes' sign pairing; where a peer leaves the direction of flexion open, the
benchmark takes the better sign for it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from itertools import product

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from firmware_bridge.samples import Float, ImuSamples

Estimate = tuple[Float, Float, Float]
Peer = Callable[[ImuSamples, ImuSamples, float], Estimate]


def peers() -> dict[str, Peer]:
    """Name -> (angle in degrees (n,), axes (3,) of thigh and shank), of what is installed."""
    from complementary import complementary

    found: dict[str, Peer] = {"complementary filter": complementary}
    try:
        import vqf  # noqa: F401

        found["vqf + robust axes + phasor"] = vqf_prototype
        found["vqf + gyro PCA"] = vqf_with_pca_axes
    except ImportError:
        pass
    try:
        import qmt  # noqa: F401

        found["qmt"] = qmt_pipeline
    except ImportError:
        pass
    return found


def offline_vqf(samples: ImuSamples, rate_hz: float) -> Rotation:
    """Six-axis orientation of one sensor."""
    from vqf import offlineVQF

    gyr, acc = (np.ascontiguousarray(v) for v in (samples.gyr_rad_s, samples.acc_m_s2))
    return Rotation.from_quat(offlineVQF(gyr, acc, None, 1 / rate_hz)["quat6D"], scalar_first=True)


def vqf_prototype(thigh: ImuSamples, shank: ImuSamples, rate_hz: float) -> Estimate:
    """Offline VQF, axes by robust least squares on gyro and acceleration, heading from the hinge's phasor."""
    axes = robust_axes(thigh, shank)
    return hinge_projection(offline_vqf(thigh, rate_hz), offline_vqf(shank, rate_hz), *axes), *axes


def vqf_with_pca_axes(thigh: ImuSamples, shank: ImuSamples, rate_hz: float) -> Estimate:
    """The same with the first principal component of each gyro as axis (McGrath et al. 2018)."""
    one, two = (np.linalg.eigh(s.gyr_rad_s.T @ s.gyr_rad_s)[1][:, 2] for s in (thigh, shank))
    if (thigh.gyr_rad_s @ one) @ (shank.gyr_rad_s @ two) < 0:
        two = -two
    return hinge_projection(offline_vqf(thigh, rate_hz), offline_vqf(shank, rate_hz), one, two), one, two


def qmt_pipeline(thigh: ImuSamples, shank: ImuSamples, rate_hz: float) -> Estimate:
    """qmt: offlineVQF, Olsson axes from all samples, euler_1d heading correction, projection."""
    import qmt

    g1, a1, g2, a2 = (np.array(v) for v in (thigh.gyr_rad_s, thigh.acc_m_s2, shank.gyr_rad_s, shank.acc_m_s2))
    with redirect_stdout(StringIO()):
        axes = [np.asarray(j).ravel() for j in qmt.jointAxisEstHingeOlsson(a1, a2, g1, g2)]
    frames = [Rotation.from_matrix(frame(j)) for j in axes]
    quats = [
        (Rotation.from_quat(qmt.oriEstOfflineVQF(g, a, params={"Ts": 1 / rate_hz}), scalar_first=True) * f)
        for g, a, f in ((g1, a1, frames[0]), (g2, a2, frames[1]))
    ]
    corrected = qmt.headingCorrection(
        frames[0].inv().apply(g1),
        frames[1].inv().apply(g2),
        quats[0].as_quat(scalar_first=True),
        quats[1].as_quat(scalar_first=True),
        np.arange(len(g1)) / rate_hz,
        np.array([0.0, 0.0, 1.0]),
        {},
        {"constraint": "euler_1d"},
    )[0]
    return twist_about_z(quats[0].inv() * Rotation.from_quat(corrected, scalar_first=True)), *axes


def frame(axis: Float) -> Float:
    """A rotation matrix (3, 3) whose third column is the axis."""
    x = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    x /= np.linalg.norm(x)
    return np.stack((x, np.cross(axis, x), axis), axis=1)


def hinge_projection(thigh: Rotation, shank: Rotation, axis1: Float, axis2: Float) -> Float:
    """Heading from the momentary direction of the hinge, then the twist about it, in degrees."""
    v1, v2 = thigh.apply(axis1), shank.apply(axis2)
    heading = np.angle((v1[:, 0] + 1j * v1[:, 1]) * np.conj(v2[:, 0] + 1j * v2[:, 1]))
    common = Rotation.from_rotvec(np.outer(heading, [0.0, 0.0, 1.0])) * shank
    frames = [Rotation.from_matrix(frame(j)) for j in (axis1, axis2)]
    return twist_about_z(frames[0].inv() * thigh.inv() * common * frames[1])


def twist_about_z(rotation: Rotation) -> Float:
    """The part of rotations about z, in degrees, unwrapped."""
    m = rotation.as_matrix()
    angle = np.unwrap(np.arctan2(m[:, 1, 0] - m[:, 0, 1], m[:, 0, 0] + m[:, 1, 1]))
    return np.asarray(np.degrees(angle))


def robust_axes(thigh: ImuSamples, shank: ImuSamples) -> tuple[Float, Float]:
    """Both residuals of Olsson et al. 2020 with a robust loss, acceleration weighted where it is quiet."""
    rows = slice(None, None, max(1, len(thigh) // 3000))
    g1, g2, a1, a2 = (v[rows] for v in (thigh.gyr_rad_s, shank.gyr_rad_s, thigh.acc_m_s2, shank.acc_m_s2))
    loud = sum(np.abs(np.linalg.norm(a, axis=1) - 9.81) for a in (a1, a2))

    def unit(p: Float) -> Float:
        return np.array([np.cos(p[0]) * np.cos(p[1]), np.cos(p[0]) * np.sin(p[1]), np.sin(p[0])])

    def residuals(p: Float) -> Float:
        j1, j2 = unit(p[:2]), unit(p[2:])
        gyro = np.linalg.norm(np.cross(g1, j1), axis=1) - np.linalg.norm(np.cross(g2, j2), axis=1)
        return np.concatenate((gyro / 0.3, (a1 @ j1 - a2 @ j2) / (0.5 + loud)))

    starts = product((0.1, 1.4), (0.1, 1.6), (0.1, -0.1, 1.4), (0.1, 1.6, -1.5))
    fits = [least_squares(residuals, s, loss="soft_l1", max_nfev=60) for s in starts]
    best = min(fits, key=lambda fit: fit.cost)
    return unit(best.x[:2]), unit(best.x[2:])
