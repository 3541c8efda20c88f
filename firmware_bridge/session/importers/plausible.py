"""Whether numbers can be what their column says: a file in other units must not become an angle."""

from __future__ import annotations

import numpy as np

from firmware_bridge.errors import SessionError
from firmware_bridge.samples import ImuSamples, Segment

# Over a whole recording a leg feels about gravity; no sensor for people measures 4000 deg/s.
_ACC_RANGE_M_S2 = (5.0, 20.0)
_LARGEST_RATE_RAD_S = 70.0


def refuse_other_units(samples: ImuSamples, segment: Segment) -> None:
    """Checks the median acceleration against gravity and the fastest rates against any sensor's range.

    Raises:
        SessionError: they are impossible in m/s2 and rad/s; says which units the file seems to be in.
    """
    median_m_s2 = float(np.median(np.linalg.norm(samples.acc_m_s2, axis=1)))
    low, high = _ACC_RANGE_M_S2
    if not low < median_m_s2 < high:
        raise SessionError(
            f"The acceleration of the {segment} is {median_m_s2:.3g} m/s2 most of the time, not near 9.8.",
            "Is the file in g, or without gravity? Convert it to m/s2, gravity included.",
        )
    fast_rad_s = float(np.quantile(np.linalg.norm(samples.gyr_rad_s, axis=1), 0.999))
    if fast_rad_s > _LARGEST_RATE_RAD_S:
        raise SessionError(
            f"The angular rate of the {segment} reaches {fast_rad_s:.3g} rad/s, which no sensor measures.",
            "Is the file in deg/s? Convert it to rad/s.",
        )
