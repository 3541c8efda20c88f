"""Long tables are written as `%` would write them, digit by digit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.decimals import decimal_lines

VALUES = st.one_of(
    st.floats(-1000, 1000),
    st.integers(-(10**8), 10**8).map(lambda k: k / 10**4 + 0.00005),  # the middle between two decimals
    st.floats(allow_infinity=True, allow_nan=True),
    st.sampled_from([0.0, -0.0, -1e-12, 0.5, 1.5, 2.5, 0.00005, 429496.72945, 1e300, math.nan]),
)


@given(
    rows=st.lists(st.tuples(VALUES, VALUES), max_size=30),
    places=st.tuples(st.integers(0, 6), st.integers(0, 6)),
)
def test_every_field_is_what_the_percent_sign_gives(
    rows: list[tuple[float, float]], places: tuple[int, int]
) -> None:
    def field(value: float, digits: int) -> str:
        return "" if math.isnan(value) else f"{value:.{digits}f}"

    expected = "".join(",".join(map(field, row, places)) + "\n" for row in rows)
    columns = [np.array([row[k] for row in rows], dtype=np.float64) for k in range(2)]
    assert decimal_lines(columns, places) == expected


@pytest.mark.parametrize("n", [0, 1, 4096, 4097, 10_000])
def test_no_row_is_lost_between_the_pieces(n: int) -> None:
    column = np.arange(n) / 8
    assert decimal_lines([column], [3]) == "".join(f"{value:.3f}\n" for value in column.tolist())
