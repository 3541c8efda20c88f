"""Constants that several rooms of the analysis share, each with one value; gravity is the bridge's."""

from __future__ import annotations

from typing import Final

# Largest rate of a knee that is held still: the definition of a plateau.
STILL_DEG_S: Final = 3.0
# Rates of the slow, even release that the guide asks for and the figures show.
RELEASE_RATE_DEG_S: Final = (5.0, 15.0)
