"""What is measured where: the two segments and the leg. Without numpy, so that commands name them quickly."""

from __future__ import annotations

from enum import StrEnum


class Segment(StrEnum):
    """The two body segments that carry a sensor ("shin" in words for the person)."""

    THIGH = "thigh"
    SHANK = "shank"


class Side(StrEnum):
    """The leg that is measured."""

    LEFT = "left"
    RIGHT = "right"
