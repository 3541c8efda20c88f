"""Constants that several rooms share, each with one value."""

from __future__ import annotations

import math
from typing import Final

# The unit "g" of sensors: standard gravity (CGPM 1901). Gravity at a place differs by up to 0.3 %.
G_M_S2: Final = 9.80665
# Gravity where nobody knows the place: it is 9.78 to 9.83 m/s^2 on Earth, and no check here is finer.
GRAVITY_M_S2: Final = 9.81
DEG_RAD: Final = math.pi / 180.0
