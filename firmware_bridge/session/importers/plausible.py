"""Whether numbers can be what their column says: a file in other units must not become an angle."""

from __future__ import annotations

import numpy as np

from firmware_bridge.errors import SessionError
from firmware_bridge.plausible import LARGEST_RATE_RAD_S, is_gravity, median_force_m_s2
from firmware_bridge.samples import ImuSamples, Segment


def refuse_other_units(samples: ImuSamples, segment: Segment) -> None:
    """Checks the median acceleration against gravity and the fastest rates against any sensor's range.

    Raises:
        SessionError: they are impossible in m/s2 and rad/s; says which units the file seems to be in.
    """
    median_m_s2 = median_force_m_s2(samples.acc_m_s2)
    if not is_gravity(median_m_s2):
        raise SessionError(
            f"The acceleration of the {segment} is {median_m_s2:.3g} m/s2 most of the time, not near 9.8.",
            "Is the file in g, or without gravity? Convert it to m/s2, gravity included.",
        )
    fast_rad_s = float(np.quantile(np.linalg.norm(samples.gyr_rad_s, axis=1), 0.999))
    if fast_rad_s > LARGEST_RATE_RAD_S:
        raise SessionError(
            f"The angular rate of the {segment} reaches {fast_rad_s:.3g} rad/s, which no sensor measures.",
            "Is the file in deg/s? Convert it to rad/s.",
        )
