"""The table of many people -> what it says of them. statsmodels and scipy compute; here is the tidy table.

In comes the file of `kneeflex batch`, with columns of the user's own joined; out goes a `Cohort`: one value
a person, never a session, with intervals; repeatability, agreement, attrition, and findings on everything
that was left out or is in doubt.
"""

from analysis.cohort.answer import cohort_of
from analysis.cohort.as_json import to_json
from analysis.cohort.result import Cohort, TestAnswer
from analysis.cohort.table.joining import join_columns
from analysis.cohort.table.reading import read_table

__all__ = ["Cohort", "TestAnswer", "cohort_of", "join_columns", "read_table", "to_json"]
