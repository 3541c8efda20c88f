"""A comparison in the words of the command line's JSON contract."""

from __future__ import annotations

from math import isfinite
from typing import Any

from analysis.change.result import Block, Comparison


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The keys of `kneeflex compare --json`; what is unknown or withheld is None, never NaN."""
    return {
        "test": comparison.test,
        "before": _block(comparison.before, comparison.relative),
        "after": _block(comparison.after, comparison.relative),
        "change_deg": comparison.change_deg,
        "change_ci95_deg": _pair(comparison.change_ci95_deg),
        "control_change_deg": comparison.control_change_deg,
        "net_change_deg": comparison.net_change_deg,
        "net_change_ci95_deg": _pair(comparison.net_change_ci95_deg),
        "detectable_change_deg": comparison.detectable_change_deg,
        "slip_deg": comparison.slip_deg,
        "verdict": comparison.verdict,
        "warnings": list(comparison.warnings),
    }


def _block(block: Block | None, relative: bool) -> dict[str, Any]:
    if block is None:
        return {"extension_deg": None, "sd_deg": None, "n": 0}
    return {
        "extension_deg": None if relative else block.extension_deg,
        "sd_deg": block.sd_deg if isfinite(block.sd_deg) else None,
        "n": block.n,
    }


def _pair(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
