"""From a search over the past to the stream: what the causal form goes on with."""

from __future__ import annotations

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.causal.reading import KnownKnee, Underway
from analysis.angle.causal.sensor import Spinor
from analysis.angle.grid import Grid
from analysis.angle.knee.drift import follow_drift
from analysis.angle.knee.hinge import tangents
from analysis.angle.orientation.attitude import Attitude
from analysis.angle.orientation.quaternion import Pair, multiply, take
from analysis.angle.parameters import AngleParameters
from analysis.angle.strapping import Strapping


def known_knee(found: Strapping, parameters: AngleParameters) -> KnownKnee:
    """What the causal form needs of a strapping."""
    knee, zero = found.knee, found.zero_blocks
    up = knee.thigh.up_in_sensor[:, zero].mean(axis=1)
    frame = np.concatenate((tangents(knee.fit.thigh), knee.fit.thigh[None]))
    pose_deg = 0.0 if found.zero.pose is None else found.zero.pose.flexion_deg
    return KnownKnee(
        axes=knee.axes,
        covariance_rad2=knee.fit.covariance_rad2,
        levers_m=(knee.centre.thigh_m, knee.centre.shank_m),
        biases_rad_s=(knee.thigh.bias_rad_s, knee.shank.bias_rad_s),
        bias_covariances=(knee.thigh.bias_covariance[-1], knee.shank.bias_covariance[-1]),
        hinge_misalignment_rad=found.hinge_misalignment_rad,
        middle_deg=found.middle_deg,
        zero_slope=found.zero_slope,
        zero_lost=found.zero_lost,
        zero_angle_deg=found.zero.zero_deg + pose_deg,
        zero_up=frame @ up / np.linalg.norm(up),
    )


def underway(
    found: Strapping, grid: Grid, back_s: float, parameters: AngleParameters
) -> tuple[int, Underway]:
    """Where the stream stood some seconds before the end of what was searched.

    Its heading rests on the whole past, more than any warm-up shows.

    Returns:
        The sample, and the state at it.
    """
    knee, rate_hz = found.knee, grid.rate_hz
    blocks = Blocks.of(grid.carried, rate_hz, parameters.block_s)
    one, two = (a @ s.seen_from_above()[1] for a, s in zip(knee.axes, (knee.thigh, knee.shank), strict=True))
    inclination = (knee.fit.thigh @ knee.thigh.up_in_sensor + knee.fit.shank @ knee.shank.up_in_sensor) / 2
    history = follow_drift(
        one * two.conj(), inclination, knee.hinge_bias_rad2_s2, blocks, rate_hz, parameters
    )
    wanted = (len(grid.time_s) - back_s * rate_hz) / blocks.size
    step = max(int(np.searchsorted(history.first, wanted)) - 1, 0)
    block = history.first[step : step + 1]
    zero = int(np.searchsorted(history.first, np.median(found.zero_blocks), side="right")) - 1

    def level_from_sensor(sensor: Attitude) -> Spinor:
        rows = block * blocks.size
        pair: Pair = multiply(
            take(sensor.level_from_inertial, block), take(sensor.strapdown.inertial_from_sensor, rows)
        )
        return complex(pair[0][0]), complex(pair[1][0])

    state = Underway(
        level_from_sensor(knee.thigh),
        level_from_sensor(knee.shank),
        history.expected[step],
        history.anchor(zero, step),
    )
    return int(block[0]) * blocks.size, state
