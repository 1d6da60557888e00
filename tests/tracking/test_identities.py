"""Face prints of people who differ by 0.7, as faces do, with some noise."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vidlib.tracking.association import Track
from vidlib.tracking.identities import by_person, people, sureness


def prints_of(whose: list[int], noise: float = 0.2) -> list[np.ndarray]:
    lot = np.random.default_rng(3)
    return [0.5 * np.eye(128)[one] + noise / 16 * lot.standard_normal(128) for one in whose]


def one_after_the_other(n: int) -> list[range]:
    return [range(10 * place, 10 * place + 10) for place in range(n)]


@given(st.lists(st.integers(0, 5), max_size=30))
def test_tracks_of_one_person_are_found_by_the_face_and_numbered_as_they_appear(whose):
    numbers: dict[int, int] = {}
    expected = [numbers.setdefault(one, len(numbers)) for one in whose]
    assert people(prints_of(whose), one_after_the_other(len(whose))) == expected


def test_two_who_are_seen_at_once_are_two_however_alike():
    assert people(prints_of([0, 0, 0]), [range(10), range(5, 15), range(20, 30)])[:2] == [0, 1]


def test_a_face_that_was_not_seen_well_is_nobody_who_is_known():
    one, other = prints_of([0, 0])
    assert people([one, None, other, None], one_after_the_other(4)) == [0, 1, 0, 2]


@given(st.lists(st.integers(0, 5), max_size=20))
def test_faces_that_differ_clearly_are_known_for_sure(whose):
    assert all(0.98 < sure <= 1 for sure in sureness(prints_of(whose), whose))


def test_a_face_between_two_people_is_less_sure_than_the_others():
    one, other = prints_of([0, 1], noise=0)
    prints = [one, one, other, 0.45 * one + 0.55 * other, None]
    sure = sureness(prints, [0, 0, 1, 1, 2])
    assert min(sure) == sure[3] < 0.8 < sure[0]
    assert sure[4] == 1


def track_of(whose: list[int], change: int | None = None, every: int = 20) -> Track:
    """A still face that is looked at every 20 frames; its expression changes once, where it becomes another's."""
    track = Track("face_landmarker")
    for place, one in enumerate(prints_of(whose, noise=0.1)):
        track.add(every * place, np.array([10, 20, 50, 80.0]), 0.9, "face")
        track.prints[every * place] = one
    for frame in track.span:
        track.blendshapes[frame] = np.full(52, float(change is not None and frame >= change), np.float32)
    return track


@given(st.integers(21, 39))
def test_a_track_that_becomes_somebody_else_is_parted_in_the_very_frame(change):
    first, second = by_person(track_of([0, 0, 1, 1], change))
    assert (first.span, second.span) == (range(change), range(change, 61))
    assert (sorted(first.prints), sorted(second.prints)) == ([0, 20], [40, 60])
    assert sorted(first.blendshapes | second.blendshapes) == list(range(61))
    assert np.allclose(second.boxes_at(np.array([change, 60])), [10, 20, 50, 80])


def test_each_of_three_people_of_one_track_gets_a_track():
    assert [one.span for one in by_person(track_of([0, 0, 1, 1, 2, 2]))] == [range(21), range(21, 61), range(61, 101)]


@given(st.lists(st.just(0), min_size=1, max_size=8), st.integers(0, 8))
def test_one_person_stays_one_track_also_where_one_print_is_of_a_turned_face(whose, turned):
    track = track_of([3 if place == turned else one for place, one in enumerate(whose)])
    assert by_person(track) == [track]


def test_what_mouths_do_is_parted_as_well():
    track = track_of([0, 0, 1, 1], 30)
    track.mouth = np.arange(61.0)[:, None]
    first, second = by_person(track)
    assert (len(first.mouth), second.mouth[0, 0]) == (30, 30)
