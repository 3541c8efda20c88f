"""Shapes of the live plot: the band, the gaps, the lane of a slow release."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analysis.live.frame import LiveFrame
from firmware_bridge.samples import Float


def lane(frame: LiveFrame) -> list[Float]:
    """The slow release as a ramp: where the angle should be, from the fastest to the slowest speed wanted."""
    prompt, motion = frame.prompt, frame.motion
    rates_deg_s = prompt.target_rate_deg_s if prompt else None
    if rates_deg_s is None or frame.hidden or not math.isfinite(motion.flexion_deg):
        return []
    start_s, from_deg = 0.0, motion.flexion_deg
    if motion.releasing:
        start_s, from_deg = motion.release_start_s - frame.now_s, motion.release_from_deg
    after_s = np.linspace(0.0, 30.0, 61)
    floor_deg = min(frame.straightest_deg, 15.0) if math.isfinite(frame.straightest_deg) else 15.0
    slow, fast = (np.maximum(from_deg - rate * after_s, floor_deg - 3.0) for rate in rates_deg_s)
    edge = np.column_stack((start_s + after_s, slow + 3.0))
    return [np.concatenate((edge, np.column_stack((start_s + after_s, fast - 3.0))[::-1]))]


def share(frame: LiveFrame) -> float:
    """How far the present part of the exercise is."""
    prompt, motion = frame.prompt, frame.motion
    if prompt is None:
        return 0.0
    if prompt.stage == "release" and motion.releasing:
        reach_deg = max(motion.release_from_deg - min(frame.straightest_deg, 20.0), 1.0)
        return (motion.release_from_deg - motion.flexion_deg) / reach_deg
    if prompt.countdown_s is not None and prompt.countdown_of_s:
        return 1.0 - prompt.countdown_s / prompt.countdown_of_s
    return 0.0


def ribbons(time_s: Float, middle: Float, sd: Float) -> list[Float]:
    """The band: one closed outline per unbroken stretch of the band."""
    known = np.isfinite(middle) & np.isfinite(sd)
    return [
        np.column_stack(
            (
                np.concatenate((time_s[a:b], time_s[a:b][::-1])),
                np.concatenate(((middle - sd)[a:b], (middle + sd)[a:b][::-1])),
            )
        )
        for a, b in _runs(known)
        if b - a > 1
    ]


def holes(time_s: Float, values: Float, limits: tuple[float, float]) -> list[Float]:
    """The gaps: one rectangle each, between the limits of the plot."""
    low, high = limits
    last = len(time_s) - 1
    spans = [(time_s[max(a - 1, 0)], time_s[min(b, last)]) for a, b in _runs(~np.isfinite(values))]
    return [np.array([(a, low), (a, high), (b, high), (b, low)]) for a, b in spans]


def _runs(mask: Any) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
