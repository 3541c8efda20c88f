from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from firmware_bridge.vectors import cross

SHAPES = st.sampled_from(
    [((3,), (3,)), ((5, 3), (3,)), ((3,), (4, 3)), ((1, 3), (4, 3)), ((2, 4, 3), (4, 3))]
)


@given(st.data(), SHAPES)
def test_the_cross_product_is_that_of_numpy(data, shapes) -> None:
    a, b = (data.draw(arrays(float, shape, elements=st.floats(-1e3, 1e3))) for shape in shapes)
    np.testing.assert_array_equal(cross(a, b), np.cross(a, b))
