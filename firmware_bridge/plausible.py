"""What numbers an accelerometer and a gyroscope can give at all: one place for import, live and checks."""

from __future__ import annotations

import numpy as np

from firmware_bridge.samples import Float

# The median over a whole recording; running adds some, other units are off by a factor of ten.
MEDIAN_FORCE_M_S2 = (6.0, 16.0)
# At rest. Consumer accelerometers are off by up to 0.5 m/s^2; more tilts the vertical by over three degrees.
REST_ERROR_M_S2 = 0.55
# No sensor for people measures 4000 deg/s.
LARGEST_RATE_RAD_S = 70.0
# A channel whose value changes in fewer of its samples is dead.
_CHANGES_SHARE = 0.01


def median_force_m_s2(acc_m_s2: Float) -> float:
    """Median length of acceleration vectors (n, 3)."""
    return float(np.median(np.linalg.norm(acc_m_s2, axis=1)))


def is_gravity(force_m_s2: float) -> bool:
    """Whether a recording's median force can be gravity in m/s^2."""
    low, high = MEDIAN_FORCE_M_S2
    return low < force_m_s2 < high


def is_dead(values: Float) -> bool:
    """Whether all three channels of a sensor (n, 3) repeat themselves."""
    changes = np.count_nonzero(np.diff(values, axis=0), axis=0)
    return bool((changes < _CHANGES_SHARE * len(values)).all())
