"""The readings of one person's days -> how much straighter over the days, and whether that can be told."""

from analysis.change.days.result import Change, TrendDay, TrendOfDays
from analysis.change.days.trend import trend_of_days

__all__ = ["Change", "TrendDay", "TrendOfDays", "trend_of_days"]
