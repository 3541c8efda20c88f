"""Units of acceleration, angular rate and time: how they are written, what they are worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

from firmware_bridge.constants import G_M_S2

ISO = "iso"  # the stamps are written as dates or times of day

ACC: Mapping[str, float] = {
    "m/s2": 1.0,
    "g": G_M_S2,
    "mg": G_M_S2 / 1000,
}
GYR: Mapping[str, float] = {
    "rad/s": 1.0,
    "deg/s": math.pi / 180,
    "mdeg/s": math.pi / 180_000,
}
TIME: Mapping[str, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}

_WRITTEN = {
    "acc": {
        "m/s2": "m/s2 m/s^2 m/s² m/s/s m/s**2 m_s2 mps2 ms2 m.s-2 m·s⁻² ms-2 ms^-2 m/sec^2",
        "g": "g gs g0 gee",
        "mg": "mg milli-g millig",
    },
    "gyr": {
        "rad/s": "rad/s rads rad_s rad.s-1 rad/sec radps",
        "deg/s": "deg/s °/s º/s dps degs deg_s deg/sec degree/s degrees/s �/s ��/s deg.s-1",
        "mdeg/s": "mdeg/s mdps m°/s",
    },
    "time": {
        "s": "s sec secs second seconds",
        "ms": "ms msec millis milliseconds",
        "us": "us µs μs usec micros microsec microseconds",
        "ns": "ns nsec nanos nanoseconds",
        ISO: "iso datetime",
    },
}


@cache
def spellings(key: str) -> Mapping[str, str]:
    """Every way of writing the units of "acc", "gyr" or "time", with the unit it means."""
    return {word: unit for unit, words in _WRITTEN[key].items() for word in words.split()}


def unit_of(text: str, key: str) -> str:
    """The unit that a text means, or "" for one that is not known."""
    return spellings(key).get("".join(text.lower().split()).strip("()[]"), "")
