"""Face embeddings of people who are 0.7 apart, as faces are, with some noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.tracking.association import FaceView, Track
from vidlib.tracking.identities import (
    UNKNOWN_CONFIDENCE,
    identify,
    identity_confidence,
    mean_embedding,
    split_by_person,
    view_quality,
)


def embeddings_of(people: list[int], noise: float = 0.2) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [0.5 * np.eye(128)[person] + noise / 16 * random.standard_normal(128) for person in people]


def consecutive_spans(n: int) -> list[range]:
    return [range(10 * index, 10 * index + 10) for index in range(n)]


@given(st.lists(st.integers(0, 5), max_size=30))
def test_tracks_of_one_person_are_joined_by_the_face_and_numbered_by_first_appearance(people):
    numbers: dict[int, int] = {}
    expected = [numbers.setdefault(person, len(numbers)) for person in people]
    assert identify(embeddings_of(people), consecutive_spans(len(people))) == expected


def test_two_faces_that_are_visible_at_once_are_two_people_however_similar():
    assert identify(embeddings_of([0, 0, 0]), [range(10), range(5, 15), range(20, 30)])[:2] == [0, 1]


def test_a_face_without_an_embedding_is_a_person_of_its_own():
    one, other = embeddings_of([0, 0])
    assert identify([one, None, other, None], consecutive_spans(4)) == [0, 1, 0, 2]


@given(st.lists(st.integers(0, 5), max_size=20))
def test_faces_that_differ_clearly_have_a_high_confidence(people):
    assert all(0.98 < confidence <= 1 for confidence in identity_confidence(embeddings_of(people), people))


def test_a_face_between_two_people_has_the_lowest_confidence():
    one, other = embeddings_of([0, 1], noise=0)
    embeddings = [one, one, other, 0.45 * one + 0.55 * other, None]
    confidence = identity_confidence(embeddings, [0, 0, 1, 1, 2])
    assert min(confidence[:4]) == confidence[3] < 0.8 < confidence[0]
    assert confidence[4] == UNKNOWN_CONFIDENCE


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


FRONTAL = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80.0]])


@pytest.mark.parametrize("degrees", [0, 40, 180])
def test_a_view_tells_less_the_more_the_face_is_turned_and_as_much_if_the_head_leans(degrees):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    noses = [FRONTAL + np.array([[0, 0]] * 2 + [[x, 0]] + [[0, 0]] * 2) for x in (0, 10, -20, 40)]
    assert [view_quality(0.9, points @ turn.T) for points in noses] == pytest.approx([1, 0.75, 0.5, 0])


def test_a_view_with_a_low_detection_score_tells_nothing():
    assert [view_quality(score, FRONTAL) for score in (0.4, 0.5, 0.85, 1.0)] == [0, 0, 1, 1]
    assert view_quality(0.9, np.zeros((5, 2))) in (0, 1)


def test_the_clearest_views_decide_who_it_is():
    clear, turned = embeddings_of([0, 1], noise=0)
    mean = mean_embedding([FaceView(clear, 0.9), FaceView(turned, 0.1)])
    assert np.allclose(mean, 0.9 * clear + 0.1 * turned)
    assert mean_embedding([]) is None
