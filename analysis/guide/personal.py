"""A protocol as one person does it today: reference pose known, no exercise on a baseline day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.guide.protocol import Protocol, ProtocolStep

if TYPE_CHECKING:
    from firmware_bridge.session.person import Pose

_EXERCISES = ("pandiculate", "press")


def personal(protocol: Protocol, *, pose: Pose | None = None, is_baseline: bool = False) -> Protocol:
    """The protocol with what is known of the person.

    Args:
        protocol: for anyone.
        pose: the reference pose that is the same every day; its angle is then not asked for.
        is_baseline: measure only: without the exercise, and without what is measured after it.
    """
    steps = [s for s in protocol.steps if not (is_baseline and _belongs_to_exercise(s))]
    if pose is not None:
        steps = [_posed(s, pose) if s.kind == "reference" else s for s in steps]
    return replace(protocol, steps=tuple(steps))


def _belongs_to_exercise(step: ProtocolStep) -> bool:
    return step.kind in _EXERCISES or (step.phase or "").startswith("after")


def _posed(step: ProtocolStep, pose: Pose) -> ProtocolStep:
    return replace(step, angle_deg=pose.flexion_deg, sd_deg=pose.sd_deg, method=pose.method)
