"""How much a view of a face tells, by its detection score and sharpness."""

import cv2
import numpy as np

from vidlib.tracking.face_views import FULL_SHARPNESS, FaceView, mean_view, sharpness, view_quality


def test_a_view_with_a_low_detection_score_tells_nothing():
    assert [view_quality(score, FULL_SHARPNESS) for score in (0.4, 0.5, 0.85, 1.0)] == [0, 0, 1, 1]


def test_blurred_small_and_dark_faces_are_less_sharp():
    random = np.random.default_rng(1)
    picture = cv2.GaussianBlur(random.integers(0, 255, (200, 200, 3), np.uint8), (0, 0), 2)
    box = np.array([20, 20, 180, 180.0])
    small = cv2.resize(picture, (40, 40), interpolation=cv2.INTER_AREA)
    worse = [cv2.GaussianBlur(picture, (0, 0), 4), picture // 4]
    assert max(sharpness(one, box) for one in worse) < 0.7 * sharpness(picture, box)
    assert sharpness(small, box / 5) < 0.7 * sharpness(picture, box)
    assert view_quality(0.9, FULL_SHARPNESS / 2) == 0.5


def test_a_box_at_the_edge_of_the_picture_has_a_sharpness():
    assert sharpness(np.zeros((10, 10, 3), np.uint8), np.array([10, 0, 10, 5.0])) == 0


def test_the_clearest_views_decide_who_it_is():
    clear, turned = np.zeros(128), np.ones(128)
    mean = mean_view([FaceView(clear, 0.9), FaceView(turned, 0.1)])
    assert np.allclose(mean.embedding, 0.1)
    assert mean.quality == 0.9
    assert mean_view([]) is None
