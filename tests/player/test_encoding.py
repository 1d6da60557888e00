"""Columns and boxes survive their way to the browser."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.player.decoding import decode, decode_boxes
from vidlib.player.encoding import PIXELS, columns, encode_boxes

CORNERS = arrays.arrays(float, st.tuples(st.integers(0, 40), st.just(4)), elements=st.floats(-40_000, 40_000))


@given(CORNERS)
def test_boxes_come_back_within_half_a_pixel_as_far_as_a_picture_reaches(corners):
    error = np.abs(decode_boxes(encode_boxes(corners)) - np.clip(corners, PIXELS.min, PIXELS.max))
    assert error.shape == corners.shape
    assert (error <= 0.5).all()


def test_boxes_of_an_hour_take_two_bytes_each():
    steps = np.random.default_rng(7).normal(0, 1.5, (90_000, 4))
    corners = 300 + np.cumsum(steps, axis=0)
    assert len(encode_boxes(corners)) < 2 * len(corners)


@given(st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_columns_are_integers_of_four_bytes(numbers):
    assert decode(columns({"start": numbers})["start"]).tolist() == numbers
