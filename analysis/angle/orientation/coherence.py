"""Whether the gyroscope and the accelerometer of one sensor belong together."""

from __future__ import annotations

import numpy as np

from analysis.angle.blocks import Blocks
from analysis.angle.orientation.attitude import Attitude
from firmware_bridge.constants import GRAVITY_M_S2
from firmware_bridge.errors import CannotAnswerError

_COHERENCE_S = 2.0
_COHERENT_SHARE = 0.85


def refuse_incoherent(thigh: Attitude, shank: Attitude, blocks: Blocks) -> None:
    """Raises CannotAnswerError where a gyro does not explain how gravity turns in its own sensor.

    In the frame of a correct gyro the force keeps its direction, and its mean over a few seconds its length.
    Wrong units or axes scatter it.
    """
    size = max(1, round(_COHERENCE_S * blocks.rate_hz / blocks.size))
    count = blocks.count // size
    for name, attitude in (("thigh", thigh), ("shin", shank)):
        force = attitude.strapdown.force[:, : count * size].reshape(3, count, size)
        whole = ~blocks.cut[: count * size].reshape(count, size).any(axis=1)
        if not whole.any():
            continue
        lengths = np.linalg.norm(force.mean(axis=2), axis=0)[whole]
        if float(np.percentile(lengths, 5)) < _COHERENT_SHARE * GRAVITY_M_S2:
            raise CannotAnswerError(
                f"Gyroscope and accelerometer of the {name} sensor do not tell of the same movement.",
                "Check the units, rad/s and m/s^2, and that both use the same axes.",
            )
