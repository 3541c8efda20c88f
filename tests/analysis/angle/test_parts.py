"""The single links of the chain, each against a truth of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from analysis.angle.blocks import Blocks
from analysis.angle.causal.sensor import Lowpass, RestBias
from analysis.angle.grid import Grid, Motion, common_grid
from analysis.angle.knee.direction import Evidence, judge
from analysis.angle.knee.heading import smooth_heading
from analysis.angle.knee.hinge import HingeData, find_hinge, tangents
from analysis.angle.orientation import bias
from analysis.angle.orientation.attitude import find_attitude
from analysis.angle.orientation.gravity import find_up, level_from_inertial
from analysis.angle.orientation.quaternion import rotate
from analysis.angle.orientation.strapdown import integrate
from analysis.angle.parameters import DEFAULTS

RATE_HZ = 100.0


def tumbling(duration_s: float, seed: int = 0, bias_deg_s: float = 0.0) -> tuple[Grid, np.ndarray]:
    """One sensor that tumbles in place (both sensors the same), and up in its coordinates (3, n)."""
    rng = np.random.default_rng(seed)
    n = int(duration_s * RATE_HZ)
    time_s = np.arange(n) / RATE_HZ
    angles = np.stack(
        [np.sin(f * time_s + p) for f, p in zip((1.1, 0.7, 1.7), rng.uniform(0, 6, 3), strict=True)]
    )
    world_from_sensor = Rotation.from_euler("zyx", (0.8 * angles).T)
    step = world_from_sensor[:-1].inv() * world_from_sensor[1:]
    between = step.as_rotvec() * RATE_HZ
    gyr = np.vstack((between[:1], (between[1:] + between[:-1]) / 2, between[-1:]))
    up = world_from_sensor.inv().apply([0, 0, 1])
    motion = Motion((9.81 * up).T.copy(), gyr.T + np.radians(bias_deg_s))
    yes = np.ones(n, dtype=bool)
    return Grid(time_s, RATE_HZ, yes, yes, motion, motion), up.T


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((a * b).sum(axis=0), -1, 1)))


def test_attitude_finds_up_to_both_ends_despite_a_bias() -> None:
    grid, up = tumbling(60.0, bias_deg_s=0.5)
    blocks = Blocks.of(grid.carried, RATE_HZ, DEFAULTS.block_s)
    attitude = find_attitude(grid.thigh, grid, blocks, DEFAULTS)
    error = degrees_between(attitude.up_in_sensor, up[:, blocks.middle])
    assert error.max() < 0.2, "no transient at either end"
    assert np.degrees(attitude.bias_rad_s) == pytest.approx([0.5, 0.5, 0.5], abs=0.05)


def test_bias_at_rest_is_found_and_slow_turning_is_not_taken_for_it() -> None:
    rng = np.random.default_rng(0)
    n = 3000
    gyr = np.radians([[0.4], [-0.2], [0.1]]) + rng.normal(0, np.radians(0.1), (3, n))
    acc = np.array([[0.0], [0.0], [9.81]]) + rng.normal(0, 0.05, (3, n))
    still = bias.at_rest(Motion(acc, gyr), np.ones(n, dtype=bool), RATE_HZ)
    _, found, _ = bias.solve(still, 30.0)
    assert np.degrees(found[:, 0]) == pytest.approx([0.4, -0.2, 0.1], abs=0.02)
    tilt = np.radians(1.0) * np.arange(n) / RATE_HZ
    turning = Motion(
        9.81 * np.stack((np.sin(tilt), 0 * tilt, np.cos(tilt))), gyr + np.radians([[0], [1], [0]])
    )
    assert len(bias.at_rest(turning, np.ones(n, dtype=bool), RATE_HZ).value) == 0


def test_a_trembling_limb_tells_the_bias_too_but_less() -> None:
    rng = np.random.default_rng(0)
    n = 600
    shake = np.radians(1.2) * np.sin(2 * np.pi * 5.0 * np.arange(n) / RATE_HZ)
    gyr = np.radians([[0.4], [-0.2], [0.1]]) + shake + rng.normal(0, np.radians(0.1), (3, n))
    acc = np.array([[0.0], [0.0], [9.81]]) + rng.normal(0, 0.05, (3, n))
    known = np.ones(n, dtype=bool)
    held = bias.at_rest(Motion(acc, gyr), known, RATE_HZ)
    resting = bias.at_rest(Motion(acc, gyr - shake), known, RATE_HZ)
    assert held.sd.min() > 5 * resting.sd.max()
    found, covariance = bias.solve(held, 6.0)[1:]
    assert np.degrees(found[:, -1]) == pytest.approx([0.4, -0.2, 0.1], abs=0.1)
    assert (np.degrees(np.sqrt(covariance[-1].diagonal())) > 0.1).all()


def test_the_bias_step_by_step_is_that_of_the_whole_rest() -> None:
    rng = np.random.default_rng(0)
    n, true = 3000, [0.4, -0.2, 0.1]
    gyr = np.radians(true)[:, None] + rng.normal(0, np.radians(0.1), (3, n))
    acc = np.array([[0.0], [0.0], [9.81]]) + rng.normal(0, 0.05, (3, n))
    rest = RestBias(RATE_HZ, np.radians([1.0, 1.0, 1.0]), np.radians(0.6) ** 2 * np.eye(3))
    for g, a in zip(gyr.T.tolist(), acc.T.tolist(), strict=True):
        found = rest.step((g[0], g[1], g[2]), (a[0], a[1], a[2]))
    assert np.degrees(found) == pytest.approx(true, abs=0.02)
    sure = RestBias(RATE_HZ, np.radians([1.0, 1.0, 1.0]), np.zeros((3, 3)))
    for g, a in zip(gyr.T[:600].tolist(), acc.T[:600].tolist(), strict=True):
        found = sure.step((g[0], g[1], g[2]), (a[0], a[1], a[2]))
    assert np.degrees(found) == pytest.approx([1.0, 1.0, 1.0], abs=0.15), "what is known is not given up"


def test_gravity_is_smoothed_like_the_filter_forward_and_backward() -> None:
    from scipy.signal import butter, sosfiltfilt

    rng = np.random.default_rng(1)
    n, size, tau_s = 12_000, 5, 2.0
    blocks = Blocks.of(np.ones(n, dtype=bool), RATE_HZ, 0.05)
    force = np.array([[0.3], [0.1], [9.8]]) + rng.normal(0, 1.0, (3, blocks.count))
    up = find_up(force, blocks, RATE_HZ, tau_s)
    sos = butter(2, np.sqrt(2) / (2 * np.pi * tau_s), fs=RATE_HZ / size, output="sos")
    expected = sosfiltfilt(sos, force)
    expected /= np.linalg.norm(expected, axis=0)
    middle = slice(400, -400)
    assert degrees_between(up, expected)[middle].max() < 0.02


def test_a_gap_separates_what_lies_before_and_after() -> None:
    carried = np.ones(4000, dtype=bool)
    carried[2000:2050] = False
    blocks = Blocks.of(carried, RATE_HZ, 0.05)
    force = np.zeros((3, blocks.count))
    force[2, : blocks.count // 2], force[0, blocks.count // 2 :] = 9.81, 9.81
    up = find_up(force, blocks, RATE_HZ, 2.0)
    good = ~blocks.cut
    first = good & (np.arange(blocks.count) < blocks.count // 2)
    assert np.allclose(up[:, first], [[0], [0], [1]], atol=1e-6)
    assert np.allclose(up[:, good & ~first], [[1], [0], [0]], atol=1e-6)


def test_levelling_takes_up_to_z_without_turning_the_heading() -> None:
    angle = np.linspace(0, 0.3, 50)
    up = np.stack((np.sin(angle), 0 * angle, np.cos(angle)))
    level = level_from_inertial(up)
    assert np.allclose(rotate(level, up), [[0], [0], [1]])
    assert np.allclose(rotate(level, np.tile([[0.0], [1], [0]], 50)), [[0], [1], [0]])


def test_the_lever_gain_is_the_acceleration_of_a_lever() -> None:
    grid, _ = tumbling(20.0)
    blocks = Blocks.of(grid.carried, RATE_HZ, DEFAULTS.block_s)
    lever = np.array([0.1, -0.2, 0.05])
    still = integrate(grid.thigh, np.zeros((3, 1)), blocks, RATE_HZ)
    gyr = grid.thigh.gyr_rad_s
    turning = np.gradient(gyr, 1 / RATE_HZ, axis=1)
    moved = np.cross(gyr.T, np.cross(gyr.T, lever)) + np.cross(turning.T, lever)
    swinging = Motion(grid.thigh.acc_m_s2 + moved.T, gyr)
    felt = integrate(swinging, np.zeros((3, 1)), blocks, RATE_HZ)
    assert np.abs(felt.knee_force(lever) - still.force)[:, 2:-2].max() < 0.03


def turning_about(axis1: np.ndarray, axis2: np.ndarray, seed: int = 0) -> HingeData:
    """A perfect hinge whose segments tumble freely."""
    rng = np.random.default_rng(seed)
    m = 800
    time_s = np.arange(m) / 20
    flexion, rate = 0.8 * np.sin(2 * time_s), 1.6 * np.cos(2 * time_s)
    hinge_from_world = Rotation.from_euler("xyz", 0.5 * np.sin(np.outer(time_s, (0.9, 1.3, 0.6))))
    spin = rng.normal(0, 0.4, (3, 1)) * np.sin(time_s * 1.1 + rng.uniform(0, 6, (3, 1)))
    up = hinge_from_world.apply([0, 0, 1]).T
    back = Rotation.from_rotvec(np.outer(flexion, [0, 0, -1]))
    up2 = back.apply(up.T).T
    spin2 = back.apply(spin.T).T + np.outer([0, 0, 1], rate)
    frames = [np.concatenate((tangents(a), a[None])).T for a in (axis1, axis2)]
    zeros = np.zeros(m)
    return HingeData(frames[0] @ spin, frames[1] @ spin2, frames[0] @ up, frames[1] @ up2, zeros)


@pytest.mark.parametrize("seed", range(5))
def test_a_perfect_hinge_is_found_with_its_pairing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis1, axis2 = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
    best = find_hinge(turning_about(axis1, axis2, seed), DEFAULTS)[0]
    sign = np.sign(best.thigh @ axis1)
    assert best.thigh == pytest.approx(sign * axis1, abs=2e-3)
    assert best.shank == pytest.approx(sign * axis2, abs=2e-3)


def test_the_heading_is_carried_through_times_without_sight() -> None:
    n = 12_000
    blocks = Blocks.of(np.ones(n, dtype=bool), RATE_HZ, 0.05)
    time_s = blocks.middle / RATE_HZ
    truth = 0.001 * time_s
    blind = (time_s > 40) & (time_s < 80)
    information = np.where(blind, 0.0, 100.0)
    heading = smooth_heading(np.exp(1j * np.where(blind, 2.0, truth)), information, 0.01, blocks, RATE_HZ)
    assert np.abs(heading.heading_rad - truth).max() < 0.05
    assert heading.sd_rad[blind].max() > 1.5 * heading.sd_rad[~blind].min()


@pytest.mark.parametrize("sign", [1, -1])
def test_the_sign_comes_from_what_a_knee_can_do(sign: int) -> None:
    angle = sign * np.linspace(5, 110, 200) + 40
    certain = judge(angle, [Evidence(40.0, 40.0, 15.0)])
    assert certain.sign == sign
    assert certain.log_likelihood_ratio > 3
    assert judge(angle, []).log_likelihood_ratio == 0


def test_the_lowpass_is_the_one_of_scipy() -> None:
    from scipy.signal import butter

    mine = Lowpass.design(0.1, 100.0)
    b, a = butter(2, 0.1, fs=100.0)
    assert [mine.b0, 2 * mine.b0, mine.b0] == pytest.approx(b, rel=1e-6)
    assert [1, mine.a1, mine.a2] == pytest.approx(a)


@pytest.mark.parametrize("which", ["thigh", "shank"])
def test_up_agrees_with_vqf(simulated: Callable, which: str) -> None:
    vqf = pytest.importorskip("vqf")
    case = simulated("standing")
    grid = common_grid(case.thigh, case.shank, DEFAULTS)
    motion = grid.thigh if which == "thigh" else grid.shank
    blocks = Blocks.of(grid.carried, grid.rate_hz, DEFAULTS.block_s)
    up = find_attitude(motion, grid, blocks, replace(DEFAULTS, gravity_tau_s=3.0)).up_in_sensor
    gyr, acc = (np.ascontiguousarray(v.T) for v in (motion.gyr_rad_s, motion.acc_m_s2))
    world_from_sensor = Rotation.from_quat(
        vqf.offlineVQF(gyr, acc, None, 1 / grid.rate_hz)["quat6D"], scalar_first=True
    )
    seen = world_from_sensor.inv().apply([0, 0, 1])
    # It holds every rate for a whole step, so its attitudes are half a step ahead.
    expected = (seen[blocks.middle] + seen[blocks.middle - 1]).T / 2
    assert np.sqrt(np.mean(degrees_between(up, expected) ** 2)) < 0.3
