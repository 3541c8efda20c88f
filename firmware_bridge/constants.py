"""Units that several rooms convert from."""

from __future__ import annotations

import math
from typing import Final

# The unit "g" of sensors: standard gravity (CGPM 1901). Gravity at a place differs by up to 0.3 %.
G_M_S2: Final = 9.80665
DEG_RAD: Final = math.pi / 180.0
