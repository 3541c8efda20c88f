"""The days of a person in the words of the command line's JSON contract."""

from __future__ import annotations

from datetime import date
from typing import Any

from analysis.days.gather import PersonTrend


def to_json(found: PersonTrend) -> dict[str, Any]:
    """The keys of `kneeflex trend --json`."""
    trend = found.trend
    names = (
        "total_change_deg", "total_change_ci95_deg", "gain_per_session_deg", "gain_per_session_ci95_deg",
        "kept_per_day_deg", "lost_overnight_deg", "level_now_deg", "level_now_sd_deg",
        "beyond_other_knee_deg", "beyond_other_knee_ci95_deg", "detectable_change_deg", "verdict", "sentence",
    )  # fmt: skip
    return {
        "client": found.client,
        "side": str(found.side),
        "test": found.test,
        "planned_days": trend.planned_days,
        "days": [
            {
                "date": date.fromordinal(round(d.day)).isoformat(),
                "session": str(next(iter(s.session for s in found.sessions_on(d)), "")),
                "before_deg": d.before_deg,
                "after_deg": d.after_deg,
                "gain_deg": d.gain_deg,
                "zero": d.zero,
                "used": d.used,
                "why_not": d.why_not or None,
                "other_knee_deg": d.other_knee_deg,
                "sessions": [str(s.session) for s in found.sessions_on(d)],
            }
            for d in trend.days
        ],
        **{name: getattr(trend, name) for name in names},
        "since_plan_deg": trend.since_plan_deg,
        "day_sd_deg": trend.day_sd_deg,
        "warnings": list(found.warnings),
    }
