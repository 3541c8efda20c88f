"""From the estimate over the past to the stream: the state with which the causal form continues."""

from __future__ import annotations

import numpy as np

from analysis.angle.causal.reading import CausalState
from analysis.angle.causal.sensor import Spinor
from analysis.angle.orientation.attitude import Attitude
from analysis.angle.orientation.quaternion import multiply, take
from analysis.angle.strapping_estimate import StrappingEstimate


def state_before_end(found: StrappingEstimate, back_s: float) -> tuple[int, CausalState]:
    """The state of the causal form some seconds before the end of what was searched.

    Its heading rests on the whole past, and is therefore better than that of any warm-up.

    Returns:
        The sample, and the state at it.
    """
    knee, blocks, history = found.knee, found.blocks, found.heading.history
    wanted = (len(blocks.of_sample) - back_s * blocks.rate_hz) / blocks.size
    step = max(int(np.searchsorted(history.first, wanted)) - 1, 0)
    block = history.first[step : step + 1]
    row = block * blocks.size
    zero = int(np.searchsorted(history.first, np.median(found.zero_blocks), side="right")) - 1

    def level_from_sensor(sensor: Attitude) -> Spinor:
        a, b = multiply(
            take(sensor.level_from_inertial, block), take(sensor.strapdown.inertial_from_sensor, row)
        )
        return complex(a[0]), complex(b[0])

    state = CausalState(
        level_from_sensor(knee.thigh),
        level_from_sensor(knee.shank),
        history.predicted[step],
        history.fixed_point(zero, step),
    )
    return int(row[0]), state
