"""No line is believed that has not as many fields as the header, wherever its separators went."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.session.delimited import read_columns

NAMES = ("time_s", "a", "b", "c")
_cell = st.one_of(st.integers(-99, 99).map(str), st.just(""), st.just("x"))
_line = st.lists(_cell, min_size=1, max_size=6).map(",".join)


@given(st.lists(_line, min_size=1, max_size=8), st.booleans(), st.sampled_from([NAMES, NAMES[:2]]))
def test_lines_of_another_number_of_fields_are_left_out(
    lines: list[str], ended: bool, wanted: tuple[str, ...]
) -> None:
    # Lines that hold nothing are none: they are neither read nor counted.
    said = [line for line in lines if line.strip(",") or "," not in line]
    rows = [line.split(",") for line in said if line.count(",") == 3]
    text = "\n".join(lines) + ("\n" if ended else "")
    found, damaged = read_columns(text.encode(), NAMES, wanted)
    whole = all(line.count(",") == 3 or not line for line in lines)
    if whole:  # then also a line of empty cells is a row
        rows = [line.split(",") for line in lines if line]
    expected = [[_number(row[NAMES.index(name)]) for row in rows] for name in wanted]
    if not text.strip() or not rows:
        return
    assert damaged == (0 if whole else len([line for line in said if line]) - len(rows))
    for name, values in zip(wanted, expected, strict=True):
        np.testing.assert_array_equal(found[name], values)


def _number(cell: str) -> float:
    return float(cell) if cell.lstrip("-").isdigit() else float("nan")


@pytest.mark.parametrize("moved", [0, 3, 5])
def test_a_separator_too_many_is_not_made_up_for_by_one_too_few(moved: int) -> None:
    """In all there are as many fields as the lines need; each number would stand in another column."""
    lines = [f"{k},1,2,3" for k in range(8)]
    lines[moved] = f"{moved},1,2,2,3"
    lines[7] = "7,1,3"
    found, damaged = read_columns("\n".join(lines).encode(), NAMES, NAMES)
    assert damaged == 2
    assert found["time_s"].tolist() == [k for k in range(7) if k != moved]
    assert set(found["b"]) == {2.0}
