"""Whether anything but the movement ties the two sensors' clocks to one another."""

from __future__ import annotations

from firmware_bridge.findings import Finding
from firmware_bridge.session.model import Recording

# Findings of reading and import where nothing, or nothing reliable, ties the clocks.
_DOUBTS = ("not_synchronised", "clock_supposed", "clock_by_arrival", "clock_not_shared", "clock_error")
_SIMULATED = "simulated"


def clocks_are_untied(recording: Recording) -> bool:
    """Whether only the movement can show that both sensors keep one clock.

    The recorder keeps the arrivals and fits the sensors' own clocks to them; an import that found a common
    clock has no doubts about it.
    """
    if any(f.kind in _DOUBTS for f in recording.findings):
        return True
    if recording.info.status == "imported":
        return False
    if any(sensor.driver == _SIMULATED for sensor in recording.info.sensors.values()):
        return False
    return any(samples.arrival_s is None for samples in (recording.thigh, recording.shank))


def unchecked() -> Finding:
    """The finding where the movement does not show it either."""
    text = (
        "Nothing ties the clocks of the two sensors to one another, and the movement does not show whether "
        "they agree: the angle is less certain while the knee moves. Held positions and the change do not "
        "suffer. Begin the next recording with a few steps or small squats."
    )
    return Finding("clock_unchecked", None, None, text, "widen")
