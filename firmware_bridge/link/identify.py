"""Finds out which sensor is worn where, by moving one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from firmware_bridge.errors import LinkError, UsageError
from firmware_bridge.link.bridge import Bridge
from firmware_bridge.link.discovery import candidates
from firmware_bridge.link.pairing import which_moved, worn
from firmware_bridge.link.radio import Radio, SystemRadio
from firmware_bridge.link.search import scan
from firmware_bridge.link.target import Found, Target
from firmware_bridge.samples import ImuSamples, Segment

_LOOK_EVERY_S = 0.05


def identify(
    names: Sequence[str] = (),
    radio: Radio | None = None,
    *,
    scan_s: float = 5.0,
    shake_s: float = 4.0,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[Segment, Target]:
    """Streams from two sensors while the person moves the thigh sensor alone.

    Args:
        names: name, address or serial number of the two; none for the only two in range.
        radio: the Bluetooth to use; that of this computer by default.
        scan_s: how long to look for sensors.
        shake_s: how long the person has.
        tell: called with a plain sentence when something is to be done.

    Returns:
        The sensors by segment, each with its driver and its address.

    Raises:
        UsageError: neither none nor two sensors are named.
        LinkError: it is not clear which two are meant or which was moved, or a sensor cannot be reached.
    """
    used = radio or SystemRadio()
    tell("Looking for the sensors.")
    one, other = _the_two(names, scan(used, scan_s))
    streamed = {Segment.THIGH: one, Segment.SHANK: other}
    chunks: dict[Segment, list[ImuSamples]] = {segment: [] for segment in Segment}
    with Bridge(streamed, used, sinks=[lambda segment, samples: chunks[segment].append(samples)]) as bridge:
        tell(f"Move the THIGH sensor now, and keep the other one still ({shake_s:g} s).")
        start_s = bridge.now_s()
        while bridge.now_s() < start_s + shake_s:
            used.clock.sleep(_LOOK_EVERY_S)
            bridge.check()
        serials = bridge.serial_numbers
    streams = {s: ImuSamples.concatenate(parts) for s, parts in chunks.items() if parts}
    moved = which_moved({s: samples[samples.time_s >= start_s] for s, samples in streams.items()})
    if moved is None or len(streams) < len(Segment):
        raise LinkError(
            "It is not clear which sensor was moved.",
            "Lay both down, then shake only the thigh sensor, firmly.",
        )
    identified = {segment: replace(target, serial=serials[segment]) for segment, target in streamed.items()}
    return worn(identified, moved, meant=Segment.THIGH)


def _the_two(names: Sequence[str], found: Sequence[Found]) -> tuple[Target, Target]:
    if names and len(names) != len(Segment):
        raise UsageError("Two sensors are needed.", "Name both, or none if only they are switched on.")
    if names and names[0] == names[1]:
        same = candidates(Target(names[0]), found)
        if len(same) != len(Segment):
            listed = ", ".join(device.address for device in same) or "none"
            raise LinkError(
                f"Exactly two sensors named {names[0]} should be in range; there are {len(same)} ({listed}).",
                "Switch both on and bring them near, or name the two by their addresses.",
            )
        one, other = (_as_target(device) for device in same)
        return one, other
    if names:
        one, other = (_target(name, found) for name in names)
        return one, other
    known = [device for device in found if device.driver is not None]
    if len(known) != len(Segment):
        listed = ", ".join(device.name or device.address for device in known) or "none"
        raise LinkError(
            f"Exactly two sensors should be in range; there are {len(known)} ({listed}).",
            "Switch both on and bring them near, or name the two: `kneeflex pair SENSOR SENSOR`.",
        )
    one, other = (_as_target(device) for device in known)
    return one, other


def _target(name: str, found: Sequence[Found]) -> Target:
    """The device that is meant; where that is ambiguous, the name alone, which `Bridge` refuses."""
    meant = candidates(Target(name), found)
    return _as_target(meant[0]) if len(meant) == 1 else Target(name)


def _as_target(device: Found) -> Target:
    return Target(device.name or device.address, device.driver, device.address)
