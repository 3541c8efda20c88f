"""The page of many people and its pictures."""

from analysis.views.cohort.page import render_cohort

__all__ = ["render_cohort"]
