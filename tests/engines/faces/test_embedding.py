"""Embeddings of drawn faces: which are of the same face, and how a face is aligned for the network."""

import cv2
import numpy as np
import pytest

from tests import drawn
from vidlib.engines.faces.embedding import DIMENSION, DlibEmbedder, align
from vidlib.engines.faces.landmarks import OpenVinoLandmarker
from vidlib.engines.runtime import openvino_cpu
from vidlib.tracking.identities import SAME_PERSON_DISTANCE

PICTURE = drawn.add_face(drawn.backdrop(320, 240), 160, 115, 40)
BOX = np.array([130, 78, 191, 156], np.float32)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def points():
    with OpenVinoLandmarker(threads=1) as landmarker:
        (face,) = landmarker.find([PICTURE], [BOX])
    return face.points


@pytest.fixture(scope="module")
def embedder():
    with DlibEmbedder(threads=2) as engine:
        yield engine


def moved(points: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    picture = cv2.warpAffine(PICTURE, matrix, (640, 480), borderMode=cv2.BORDER_REPLICATE)
    return picture, points @ matrix[:, :2].T + matrix[:, 2]


@pytest.mark.parametrize(("degrees", "times"), [(0, 1), (25, 1), (-40, 1.6), (180, 1.3)])
def test_a_face_has_one_embedding_at_any_place_size_and_angle(embedder, points, degrees, times):
    matrix = cv2.getRotationMatrix2D((160, 115), degrees, times) + np.array([[0, 0, 160], [0, 0, 100]])
    picture, there = moved(points, matrix)
    one, other = embedder.embed([PICTURE, picture], [points, there])
    assert one.shape == (DIMENSION,)
    assert np.linalg.norm(one - other) < 0.25


def test_another_face_has_another_embedding(embedder, points):
    bert = drawn.add_face(drawn.backdrop(320, 240), 160, 115, 40, looks=drawn.BERT)
    one, other = embedder.embed([PICTURE, bert], [points, points])
    assert np.linalg.norm(one - other) > SAME_PERSON_DISTANCE


def test_a_face_is_aligned_upright_with_its_eyes_in_one_place(points):
    picture, there = moved(points, cv2.getRotationMatrix2D((160, 115), 90, 1.0))
    aligned, turned = align(PICTURE, points), align(picture, there)
    assert aligned.shape == turned.shape == (150, 150, 3)
    assert np.abs(aligned[20:130, 20:130].astype(int) - turned[20:130, 20:130]).mean() < 5


def test_the_five_points_of_a_detector_give_the_embedding_of_the_landmarks(embedder, points):
    five = points[[468, 473, 1, 61, 291]]
    by_landmarks, by_points = embedder.embed([PICTURE, PICTURE], [points, five])
    assert np.linalg.norm(by_landmarks - by_points) < 0.35


def test_no_face_no_embedding(embedder):
    assert embedder.embed([], []).shape == (0, DIMENSION)


def test_embeddings_are_the_same_on_any_number_of_cores(embedder, points):
    with DlibEmbedder(threads=1) as alone:
        assert alone.embed([PICTURE], [points]).tobytes() == embedder.embed([PICTURE], [points]).tobytes()


def test_the_fastest_precision_gives_the_embeddings_of_float32(monkeypatch, embedder, points):
    if openvino_cpu.fastest_precision() == "f32":
        pytest.skip("this CPU has no instructions for bfloat16")
    monkeypatch.setattr(openvino_cpu, "fastest_precision", lambda: "f32")
    with DlibEmbedder(threads=1) as exact:
        assert np.linalg.norm(exact.embed([PICTURE], [points]) - embedder.embed([PICTURE], [points])) < 0.03
