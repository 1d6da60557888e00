"""Boundaries: which found one is which true one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import evaluated
from vidlib.evaluation import shots
from vidlib.timeline import Shot, Span

TRUE = evaluated.TRUTH.shots[1:]  # a cut at 60, a dissolve 130-140, out of black 170-180 with as much fade-out before


def at(*frames: int) -> list[Shot]:
    return [Shot(Span(frame, frame + 1)) for frame in frames]


@pytest.mark.parametrize(
    ("frame", "true"),
    [
        (57, None),
        (58, 0),
        (62, 0),
        (63, None),
        (129, None),
        (130, 1),
        (140, 1),
        (141, None),
        (160, 2),
        (180, 2),
        (181, None),
    ],
)
def test_a_cut_has_two_frames_of_tolerance_and_a_gradual_boundary_its_span(frame, true):
    assert shots.match_boundaries(TRUE, at(frame)) == ({} if true is None else {true: 0})


def test_a_boundary_is_found_once_by_the_nearest():
    assert shots.match_boundaries(TRUE, at(58, 60, 132, 136)) == {0: 1, 1: 3}


def test_a_pair_is_not_given_up_for_a_nearer_one():
    """Cuts at 60 and 63, boundaries at 61 and 58: the nearest pair, 60 with 61, would leave 63 without one."""
    true = [TRUE[0], TRUE[0].model_copy(update={"start": 63, "full": 63})]
    assert shots.match_boundaries(true, at(58, 61)) == {0: 0, 1: 1}


def test_without_boundaries_nothing_is_matched():
    assert shots.match_boundaries(TRUE, []) == shots.match_boundaries([], at(60)) == {}


@given(st.lists(st.integers(1, 199), unique=True))
def test_each_boundary_is_matched_once_and_only_inside_its_window(frames):
    pairs = shots.match_boundaries(TRUE, at(*frames))
    assert len(set(pairs.values())) == len(pairs)
    for true, found in pairs.items():
        first, last = shots.window(TRUE[true])
        assert first <= frames[found] <= last
