import pickle

import cv2
import numpy as np
import pytest

from tests import drawn
from vidlib import vault
from vidlib.engines import faces
from vidlib.engines.faces import landmarks
from vidlib.engines.faces.centerface import OnnxCenterFace, OpenVinoCenterFace, detect_twice
from vidlib.engines.faces.landmarks import OpenVinoLandmarker
from vidlib.engines.objects import open_objects
from vidlib.engines.objects.mediapipe import MediaPipeObjects
from vidlib.engines.runtime import mediapipe_tasks
from vidlib.errors import EngineUnavailable, UnknownName
from vidlib.geometry import Detections, overlaps
from vidlib.machine import devices
from vidlib.tracking.blendshapes import BLENDSHAPES

pytestmark = pytest.mark.slow

EMPTY = drawn.backdrop(320, 240)
FACE = drawn.add_face(EMPTY, 160, 115, 40)
FACE_BOX = np.array([130, 78, 191, 156], np.float32)
TWO = drawn.add_face(drawn.add_face(EMPTY, 80, 115, 40), 240, 115, 40)


needs_yunet = pytest.mark.skipif(not vault.has("yunet"), reason="the weights of YuNet are not here")
DETECTORS = {
    "centerface": lambda: faces.open_detector("centerface", "cpu", 0.3, 24),
    "centerface in onnxruntime": lambda: OnnxCenterFace(0.3, 24, ["CPUExecutionProvider"]),
    "yunet": lambda: faces.open_detector("yunet", "cpu", 0.3, 24),
    "mediapipe": lambda: faces.open_detector("mediapipe", "cpu", 0.3, 24),
}


@pytest.fixture(params=[pytest.param(name, marks=needs_yunet if name == "yunet" else ()) for name in DETECTORS])
def detector(request):
    with DETECTORS[request.param]() as engine:
        yield engine


@pytest.fixture(scope="module")
def landmarker():
    with OpenVinoLandmarker(threads=2) as engine:
        yield engine


def test_each_picture_has_its_own_faces_in_its_own_pixels(detector):
    none, one, two = detector.detect([EMPTY, FACE, TWO])
    assert (len(none), len(one), len(two)) == (0, 1, 2)
    assert overlaps(one.boxes, FACE_BOX[None]).item() > 0.6
    assert one.labels == ("face",)
    assert one.boxes.dtype == one.scores.dtype == np.float32


def test_the_points_of_a_face_are_eyes_nose_and_corners_of_the_mouth(detector, landmarker):
    (found,) = detector.detect([FACE])
    (landmarks,) = landmarker.find([FACE], [FACE_BOX])
    expected = landmarks.points[[468, 473, 1, 61, 291]]
    assert found.points.dtype == np.float32
    assert np.abs(found.points[0] - expected).max() < 0.15 * (FACE_BOX[3] - FACE_BOX[1])


@pytest.mark.parametrize("size", [(320, 240), (641, 361), (240, 426)])
def test_pictures_of_any_size_are_taken(detector, size):
    picture = drawn.add_face(drawn.backdrop(*size), size[0] // 2, size[1] // 2, 50)
    (found,) = detector.detect([picture])
    middle = (found.boxes[0, :2] + found.boxes[0, 2:]) / 2
    assert np.abs(middle - np.array(size) / 2).max() < 20


def test_no_picture_no_faces(detector):
    assert detector.detect([]) == []


def test_an_unknown_detector_lists_the_known_ones():
    with pytest.raises(UnknownName, match=r"known: centerface, mediapipe, yunet"):
        faces.open_detector("haar", "cpu", 0.5, 24)


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (1920, 1080)])
def test_the_lowest_face_is_detected_in_pictures_of_any_size(size):
    width, height = size
    picture = drawn.add_face(drawn.backdrop(width, height), width // 3, height // 2, 16)
    with faces.open_detector("centerface", "cpu", 0.3, 24) as centerface:
        (found,) = centerface.detect([picture])
    assert len(found) == 1
    assert 20 < found.boxes[0, 3] - found.boxes[0, 1] < 40


@pytest.mark.parametrize(
    ("fine_score", "coarse_score", "side", "expected"),
    [
        (0.4, 0.6, 300, 0.6),
        (0.55, 0.8, 300, 0.55),
        (0.4, 0.8, 100, 0.4),
        (None, 0.8, 300, 0.8),
        (None, 0.6, 300, None),
        (None, 0.8, 100, None),
    ],
    ids=["doubted", "sure", "small", "missed", "hardly a face", "small and missed"],
)
def test_a_coarse_search_finds_large_faces_that_the_fine_one_misses_or_doubts(fine_score, coarse_score, side, expected):
    def search(pictures, size):
        score = coarse_score if max(size) == 320 else fine_score
        faces_there = [] if score is None else [score]
        box, points = np.array([[0, 0, side, side]], np.float32), np.zeros((1, 5, 2), np.float32)
        n = len(faces_there)
        return [Detections(box[:n], np.array(faces_there, np.float32), ("face",) * n, points[:n])]

    (found,) = detect_twice(search, [np.zeros((720, 1280, 3), np.uint8)], 24)
    assert found.scores.tolist() == pytest.approx([] if expected is None else [expected])


def test_centerface_is_the_same_in_openvino_and_onnxruntime():
    with OpenVinoCenterFace(0.3) as one, OnnxCenterFace(0.3, 24, ["CPUExecutionProvider"]) as other:
        (a,), (b,) = one.detect([TWO]), other.detect([TWO])
    order_a, order_b = a.boxes[:, 0].argsort(), b.boxes[:, 0].argsort()
    assert np.abs(a.boxes[order_a] - b.boxes[order_b]).max() < 0.05
    assert np.abs(a.scores[order_a] - b.scores[order_b]).max() < 0.001


@pytest.mark.skipif(faces.cuda_problem() is None, reason="faces can be detected on a GPU here")
def test_cuda_is_refused_where_there_is_none():
    with pytest.raises(EngineUnavailable, match="cuda"):
        devices.choose("cuda", faces.cuda_problem)
    with pytest.raises(EngineUnavailable, match="CUDAExecutionProvider") as caught:
        faces.open_detector("centerface", "cuda", 0.5, 24).__enter__()
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_face_has_blendshapes_and_points_on_it(landmarker):
    (found,) = landmarker.find([FACE], [FACE_BOX])
    assert found.blendshapes.shape == (len(BLENDSHAPES),) == (52,)
    assert found.points.shape == (478, 2)
    assert (found.points.mean(0) > FACE_BOX[:2]).all() and (found.points.mean(0) < FACE_BOX[2:]).all()


def test_the_blendshape_called_jaw_open_is_the_one_of_an_open_mouth(landmarker):
    wide_open = drawn.add_face(EMPTY, 160, 115, 40, mouth=1)
    shut, opened = landmarker.find([FACE, wide_open], [FACE_BOX, FACE_BOX])
    jaw = BLENDSHAPES.index("jawOpen")
    assert opened.blendshapes[jaw] > 0.2 > shut.blendshapes[jaw]


def by_mediapipe(picture: np.ndarray) -> np.ndarray:
    """The points that MediaPipe's own graph finds."""
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(BaseOptions(model_asset_path=str(vault.path("face_landmarker"))))
    with vision.FaceLandmarker.create_from_options(options) as task:
        (face,) = mediapipe_tasks.detect(task, picture).face_landmarks
    return np.array([(point.x, point.y) for point in face]) * picture.shape[1::-1]


def test_points_agree_with_those_of_mediapipe(landmarker):
    (found,) = landmarker.find([FACE], [FACE_BOX])
    assert np.abs(found.points - by_mediapipe(FACE)).max() < 0.06 * (FACE_BOX[3] - FACE_BOX[1])


@pytest.mark.parametrize("degrees", [-40, 25])
def test_a_tilted_head_has_the_same_landmarks(landmarker, degrees):
    turn = cv2.getRotationMatrix2D((160, 115), degrees, 1)
    tilted = cv2.warpAffine(FACE, turn, (320, 240), borderMode=cv2.BORDER_REPLICATE)
    upright, rolled = landmarker.find([FACE, tilted], [FACE_BOX, FACE_BOX])
    expected = upright.points @ turn[:, :2].T + turn[:, 2]
    assert np.abs(rolled.points - expected).mean() < 0.03 * (FACE_BOX[3] - FACE_BOX[1])
    assert np.abs(rolled.blendshapes - upright.blendshapes).mean() < 0.03


@pytest.mark.parametrize("degrees", [-40, 25])
def test_a_head_with_the_expected_roll_angle_takes_one_inference(landmarker, degrees, monkeypatch):
    turn = cv2.getRotationMatrix2D((160, 115), degrees, 1)
    tilted = cv2.warpAffine(FACE, turn, (320, 240), borderMode=cv2.BORDER_REPLICATE)
    (searched,) = landmarker.find([tilted], [FACE_BOX])
    calls, infer = [], landmarks._infer
    monkeypatch.setattr(landmarks, "_infer", lambda *view: calls.append(view) or infer(*view))
    (found,) = landmarker.find([tilted], [FACE_BOX], [searched.roll])
    assert len(calls) == 1
    assert found.roll == pytest.approx(np.radians(-degrees), abs=np.radians(10))
    assert np.abs(found.points - searched.points).mean() < 0.03 * (FACE_BOX[3] - FACE_BOX[1])
    assert np.abs(found.blendshapes - searched.blendshapes).mean() < 0.03


def test_a_box_without_a_face_gives_none_even_beside_one(landmarker):
    beside = np.add(FACE_BOX, (70, 0, 70, 0))
    assert landmarker.find([EMPTY, FACE], [FACE_BOX, beside]) == [None, None]


LARGER = drawn.add_face(drawn.backdrop(640, 360), 320, 170, 60)

ENGINES = {
    "centerface": (DETECTORS["centerface"], lambda engine, pictures: engine.detect(pictures)),
    "yunet": (DETECTORS["yunet"], lambda engine, pictures: engine.detect(pictures)),
    "mediapipe": (DETECTORS["mediapipe"], lambda engine, pictures: engine.detect(pictures)),
    "landmarker": (
        faces.open_landmarker,
        lambda engine, pictures: engine.find(pictures, [FACE_BOX] * len(pictures)),
    ),
    "objects": (open_objects, lambda engine, pictures: engine.detect(pictures)),
}
every_engine = pytest.mark.parametrize(
    ("opened", "use"),
    [pytest.param(*engine, id=name, marks=needs_yunet if name == "yunet" else ()) for name, engine in ENGINES.items()],
)


def as_bytes(found: list) -> bytes:
    return pickle.dumps([vars(one) if one is not None else None for one in found])


@every_engine
def test_a_used_model_detects_the_same_as_a_fresh_one(opened, use, warm):
    pictures = [drawn.add_face(EMPTY, 160, 115, 40, mouth=n / 3) for n in range(3)]
    inputs = (pictures, [LARGER])
    assert warm.same_each_time(opened, lambda engine, given: as_bytes(use(engine, given)), inputs)


@every_engine
def test_any_number_of_cores_gives_the_same_bytes(opened, use, on_cores):
    pictures = [drawn.add_face(EMPTY, 160, 115, 40, mouth=n / 6) for n in range(6)]

    def found() -> bytes:
        with opened() as engine:
            return as_bytes(use(engine, pictures))

    assert on_cores(1, found) == on_cores(3, found)


def test_opencv_keeps_its_number_of_threads(landmarker):
    before = cv2.getNumThreads()
    with OpenVinoCenterFace() as detector:
        detector.detect([FACE])
    landmarker.find([FACE], [FACE_BOX])
    assert cv2.getNumThreads() == before


def test_a_detector_holds_the_network_for_one_size_only():
    with OpenVinoCenterFace() as detector:
        (one,) = detector.detect([FACE])
        first = set(detector._pools)
        detector.detect([LARGER])
        assert max(detector._pools) not in first
        assert len(detector._pools) == 2
        (again,) = detector.detect([FACE])
    assert as_bytes([one]) == as_bytes([again])


def test_start_up_prints_nothing(capfd):
    with DETECTORS["mediapipe"]() as engine:
        engine.detect([FACE])
    assert capfd.readouterr() == ("", "")


def test_an_empty_picture_has_no_objects():
    with MediaPipeObjects(threads=1) as engine:
        (found,) = engine.detect([EMPTY])
    assert (len(found), found.boxes.shape) == (0, (0, 4))
