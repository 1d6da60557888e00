"""Samples on disk are read as an array is."""

from tempfile import TemporaryFile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.media.audio import StoredSamples, parts

SOUND = np.random.default_rng(0).normal(0, 0.1, 1000).astype(np.float32)


@pytest.fixture(scope="module")
def stored():
    with TemporaryFile() as file:
        file.write(SOUND.tobytes())
        yield StoredSamples(file, len(SOUND))


@given(start=st.none() | st.integers(-1100, 1100), stop=st.none() | st.integers(-1100, 1100))
def test_a_slice_is_that_of_the_array(stored, start, stop):
    piece = stored[start:stop]
    np.testing.assert_array_equal(piece, SOUND[start:stop])
    assert piece.dtype == np.float32
    assert piece.flags.writeable


def test_no_more_is_read_than_there_is_said_to_be(stored):
    assert len(StoredSamples(stored._file, 10)[5:20]) == 5


@given(n_samples=st.integers(1, 1100))
def test_the_parts_are_the_whole(stored, n_samples):
    np.testing.assert_array_equal(np.concatenate(list(parts(stored, n_samples))), SOUND)
