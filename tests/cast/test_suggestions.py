import numpy as np
import pytest

from tests.cast.invented import appearance
from tests.cast.test_operations import log
from vidlib.cast.operations import Add, Merge, NotSame, fold
from vidlib.cast.suggestions import MAX_DISTANCE, MIN_MARGIN, suggest

ANNA, BERT = 1, 2


def cast_of(*more):
    """Anna is P1 by A1, Bert is P2 by A2."""
    return fold(log(Add(appearance=1), Add(appearance=2), *more))


def known(**others):
    """Anna and Bert in the video of the cast, and others: ``{A<number>: appearance}``."""
    first = {1: appearance(ANNA, "first", heard=ANNA), 2: appearance(BERT, "first", heard=BERT, number=2)}
    return first | {int(name[1:]): one for name, one in others.items()}


def test_a_near_face_of_the_same_project_is_suggested_with_its_reasons():
    (found,) = suggest(cast_of(), known(A3=appearance(ANNA, "second", aside=0.2)))
    assert (found.appearance, found.person, found.voice, found.same_project) == (3, 1, None, True)
    assert found.distance == pytest.approx(0.2, abs=0.001)
    assert found.margin is not None
    assert found.margin > MIN_MARGIN


def test_in_another_project_the_voice_has_to_agree():
    elsewhere = {"aside": 0.2, "project": "Autumn"}
    assert suggest(cast_of(), known(A3=appearance(ANNA, "second", **elsewhere))) == []
    assert suggest(cast_of(), known(A3=appearance(ANNA, "second", heard=BERT, **elsewhere))) == []
    (found,) = suggest(cast_of(), known(A3=appearance(ANNA, "second", heard=ANNA, **elsewhere)))
    assert found.voice == pytest.approx(1)
    assert not found.same_project


def test_a_face_that_is_too_far_is_not_suggested():
    assert suggest(cast_of(), known(A3=appearance(ANNA, "second", aside=MAX_DISTANCE + 0.02))) == []


def test_a_face_between_two_people_is_not_suggested():
    between = appearance(ANNA, "second", aside=0.2)
    twin = appearance(ANNA, "first", aside=0.2, number=2)
    middle = between.model_copy(update={"face": twin.face.model_copy()})
    cast = fold(log(Add(appearance=1), Add(appearance=2)))
    assert suggest(cast, {1: appearance(ANNA, "first"), 2: appearance(ANNA, "first", aside=0.05), 3: middle}) == []


def test_not_the_same_is_never_suggested_again_and_draws_the_circle_closer():
    wrong, other = appearance(ANNA, "second", aside=0.2), appearance(ANNA, "third", aside=0.25)
    cast = cast_of(NotSame(first="A3", second="P1"))
    assert [one.appearance for one in suggest(cast_of(), known(A3=wrong, A4=other))] == [3, 4]
    assert suggest(cast, known(A3=wrong, A4=other)) == []
    nearer = appearance(ANNA, "third", aside=0.1)
    assert [one.appearance for one in suggest(cast, known(A3=wrong, A4=nearer))] == [4]


def test_a_person_is_compared_by_the_mean_of_all_appearances():
    cast = cast_of(Add(appearance=3), Merge(person=1, other=3))
    both = known(A3=appearance(ANNA, "second", aside=0.3), A4=appearance(ANNA, "third", aside=0.1))
    (found,) = suggest(cast, both)
    mean = (both[1].face.vector + both[3].face.vector) / 2
    assert found.distance == pytest.approx(np.linalg.norm(both[4].face.vector - mean), abs=0.001)


def test_an_empty_cast_suggests_nothing():
    assert suggest(fold([]), known()) == []
