"""Constants that several rooms share, each with one value."""

from __future__ import annotations

from typing import Final

# Conversion from g, by definition (CGPM 1901): for sensors and files that report in g.
STANDARD_GRAVITY_M_S2: Final = 9.80665
# Gravity where nobody knows the place: it is 9.78 to 9.83 m/s^2 on Earth, and no check here is finer.
GRAVITY_M_S2: Final = 9.81
