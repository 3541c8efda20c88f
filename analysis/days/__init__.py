"""The session folders of one person -> the days, and what they say."""

from analysis.days.as_json import to_json
from analysis.days.gather import PersonTrend, person_trend
from analysis.days.session import SessionOfDay

__all__ = ["PersonTrend", "SessionOfDay", "person_trend", "to_json"]
