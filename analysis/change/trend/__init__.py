"""The readings of one person's days -> how much straighter over the days, and whether that can be told."""

from analysis.change.trend.of_days import trend_of_days
from analysis.change.trend.outcome import Change, TrendDay, TrendOfDays

__all__ = ["Change", "TrendDay", "TrendOfDays", "trend_of_days"]
