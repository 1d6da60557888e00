"""Face embeddings of people who are 0.7 apart, as faces are, with some noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.tracking.association import Track
from vidlib.tracking.face_views import FaceView
from vidlib.tracking.identities import UNKNOWN_CONFIDENCE, Identity, identify, split_by_person


def embeddings_of(people: list[int], noise: float = 0.2) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [0.5 * np.eye(128)[person] + noise / 16 * random.standard_normal(128) for person in people]


def consecutive_spans(n: int) -> list[range]:
    return [range(10 * index, 10 * index + 10) for index in range(n)]


def views_of(people: list[int], noise: float = 0.2, quality: float = 1.0) -> list[FaceView]:
    return [FaceView(embedding, quality) for embedding in embeddings_of(people, noise)]


def persons(identities: list[Identity]) -> list[int]:
    return [identity.person for identity in identities]


@given(st.lists(st.integers(0, 5), max_size=30))
def test_tracks_of_one_person_are_joined_by_the_face_and_numbered_by_first_appearance(people):
    numbers: dict[int, int] = {}
    expected = [numbers.setdefault(person, len(numbers)) for person in people]
    identities = identify(views_of(people), consecutive_spans(len(people)))
    assert persons(identities) == expected
    assert all(0.9 < identity.confidence <= 1 for identity in identities)


def test_two_faces_that_are_visible_at_once_are_two_people_however_similar():
    assert persons(identify(views_of([0, 0, 0]), [range(10), range(5, 15), range(20, 30)]))[:2] == [0, 1]


def test_a_face_without_a_view_is_a_person_of_its_own_and_nobody_knows_who():
    one, other = views_of([0, 0])
    identities = identify([one, None, other, None], consecutive_spans(4))
    assert persons(identities) == [0, 1, 0, 2]
    assert [identities[index].confidence for index in (1, 3)] == [UNKNOWN_CONFIDENCE] * 2


def between(share: float) -> FaceView:
    """A face between two people who are 0.71 apart: ``share`` of the way from the first to the second."""
    one, other = embeddings_of([0, 1], noise=0)
    return FaceView((1 - share) * one + share * other, 1.0)


def test_a_face_between_two_people_is_doubted():
    (one, other), nearly = views_of([0, 1], noise=0), between(0.55)
    identities = identify([one, one, other, other, nearly], consecutive_spans(5))
    assert persons(identities) == [0, 0, 1, 1, 1]
    assert min(identities[:4], key=lambda identity: identity.confidence).confidence > 0.98
    assert 0.8 < identities[4].confidence < 0.95


@pytest.mark.parametrize(
    ("share", "person", "least", "most"), [(0.3, 0, 0.99, 1), (0.72, 0, 0.65, 0.75), (0.84, 1, 0.7, 0.9)]
)
def test_the_nearer_two_distances_are_to_the_threshold_the_less_sure_is_the_person(share, person, least, most):
    identities = identify([between(0), between(share)], consecutive_spans(2))
    assert identities[1].person == person
    assert least < identities[1].confidence < most


def test_unclear_faces_must_be_nearer_than_clear_ones_to_be_one_person():
    def one_person(quality: float) -> bool:
        first, second = between(0), between(0.71)._replace(quality=quality)
        return persons(identify([first, second], consecutive_spans(2))) == [0, 0]

    assert (one_person(1.0), one_person(0.2)) == (True, False)


def test_an_unclear_face_that_resembles_nobody_is_no_sure_person_of_its_own():
    (one, other), unclear = views_of([0, 0]), views_of([3], quality=0.1)[0]
    confidence = identify([one, other, unclear], consecutive_spans(3))[2].confidence
    assert UNKNOWN_CONFIDENCE <= confidence < 0.6


def track_of(people: list[int], change: int | None = None, every: int = 20) -> Track:
    """A still face that is detected every 20 frames. Its expression changes once, where another person follows."""
    track = Track("face_landmarker")
    for index, embedding in enumerate(embeddings_of(people, noise=0.1)):
        track.add(every * index, np.array([10, 20, 50, 80.0]), 0.9, "face")
        track.views[every * index] = FaceView(embedding, 1.0)
    for frame in track.span:
        track.blendshapes[frame] = np.full(52, float(change is not None and frame >= change), np.float32)
    return track


@given(st.integers(21, 39))
def test_a_track_of_two_people_is_split_in_the_very_frame(change):
    first, second = split_by_person(track_of([0, 0, 1, 1], change))
    assert (first.span, second.span) == (range(change), range(change, 61))
    assert (sorted(first.views), sorted(second.views)) == ([0, 20], [40, 60])
    assert sorted(first.blendshapes | second.blendshapes) == list(range(61))
    assert np.allclose(second.boxes_at(np.array([change, 60])), [10, 20, 50, 80])


def test_each_of_three_people_in_one_track_gets_a_track():
    parts = split_by_person(track_of([0, 0, 1, 1, 2, 2]))
    assert [part.span for part in parts] == [range(21), range(21, 61), range(61, 101)]


@given(st.lists(st.just(0), min_size=1, max_size=8), st.integers(0, 8))
def test_one_person_stays_one_track_also_if_one_embedding_is_of_a_turned_face(people, turned):
    track = track_of([3 if index == turned else person for index, person in enumerate(people)])
    assert split_by_person(track) == [track]


def test_a_face_that_turns_stays_one_track_where_both_views_are_one_person():
    track = track_of([0, 0, 0, 0])
    for frame in (40, 60):
        track.views[frame] = between(0.73)
    assert split_by_person(track) == [track]


def test_encoded_mouths_are_split_too():
    track = track_of([0, 0, 1, 1], 30)
    track.mouth = np.arange(61.0)[:, None]
    first, second = split_by_person(track)
    assert (len(first.mouth), second.mouth[0, 0]) == (30, 30)


def test_somebody_who_turns_away_stays_one_track():
    track = track_of([0, 0, 1, 1])
    for frame in (40, 60):
        track.views[frame] = track.views[frame]._replace(quality=0.3)
    assert split_by_person(track) == [track]
