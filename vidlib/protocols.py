"""What each kind of model does, as Protocols: engines implement them, tracking and the steps call them.

A picture is (height, width, 3) uint8 RGB. An engine that is opened satisfies its Protocol until its block ends.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vidlib.geometry import Detections
from vidlib.machine.devices import Device
from vidlib.media.audio import Samples
from vidlib.progress import Report, quiet
from vidlib.timeline import Segment, Turns, Word

EYE_CORNERS = (33, 263)
"""Indices of the landmarks at the outer corners of the right and of the left eye."""


class ShotScorer(Protocol):
    """Scores where shots begin, from small frames."""

    name: str
    device: Device
    size: tuple[int, int]
    """Width and height of the frames that it takes, in pixels."""

    def score(self, frames: Iterable[np.ndarray], n_frames: int) -> Iterator[tuple[float, float]]:
        """Two scores in [0, 1] for each frame of a video, in order.

        The first is that a shot begins with the frame, the second that the frame is part of a gradual transition.
        ``n_frames`` is the expected number of frames; every frame is scored, even if there are more or fewer. Only a
        window of frames is in memory at a time.
        """


class Detector(Protocol):
    """Finds faces or objects in whole pictures."""

    def detect(self, pictures: Sequence[np.ndarray]) -> list[Detections]:
        """What each picture shows, in pixels of that picture. All pictures have the same size.

        Faces have the label ``face`` and points, and two of them overlap by less than 0.3 (intersection over union).
        Objects have COCO names.
        """


class FaceDetector(Detector, Protocol):
    """Finds faces that score at least a threshold and have a minimum height; it may find lower ones."""

    name: str


@dataclass(frozen=True)
class FaceLandmarks:
    """One face: ``points`` (478, 2) float32, x and y in pixels of the picture; ``blendshapes`` (52,) float32 in [0, 1],
    in the order of `vidlib.tracking.blendshapes.BLENDSHAPES`.
    """

    points: np.ndarray
    blendshapes: np.ndarray

    @property
    def roll(self) -> float:
        """The roll angle of the head in radians: 0 where the eyes are level, positive where it leans to its left."""
        right, left = self.points[EYE_CORNERS, :]
        return float(np.arctan2(*(left - right)[::-1]))


class FaceLandmarker(Protocol):
    """Finds the landmarks of faces whose boxes are known."""

    name: str

    def find(
        self, pictures: Sequence[np.ndarray], boxes: Sequence[np.ndarray], rolls: Sequence[float] | None = None
    ) -> list[FaceLandmarks | None]:
        """The face in each box (4,) of the picture with the same index; the pictures may have any size.

        ``rolls`` are the expected roll angles, as `FaceLandmarks.roll`: the network then finds a tilted head at the
        first attempt. None stands for a box without a face whose centre lies in the box.
        """


class FaceEmbedder(Protocol):
    """Computes face embeddings, which are close to each other for one person."""

    def embed(self, pictures: Sequence[np.ndarray], points: Sequence[np.ndarray]) -> np.ndarray:
        """The embeddings (n, 128) float32 of the faces with ``points`` in the pictures.

        The points are landmarks (478, 2), or the five of `vidlib.geometry.Detections`, (5, 2), also in profile.

        Two embeddings of one person are mostly less than 0.6 apart (Euclidean distance), of two people more.
        """


class ActiveSpeakerModel(Protocol):
    """Compares the movement of a mouth with the sound.

    A mouth crop has ``side`` x ``side`` pixels. The model takes windows of at most ``window`` frames, with ``margin``
    frames of context before and after.
    """

    name: str
    side: int
    window: int
    margin: int

    def encode_mouth(self, crops: np.ndarray) -> Future[np.ndarray]:
        """Begin to encode mouth crops: (margin + n + margin, side, side) uint8 grey -> (n, features) float32."""

    def encode_sound(self, samples: np.ndarray) -> np.ndarray:
        """Encode mono sound at 16 kHz: (640 n,) float32 in [-1, 1] -> (n, features) float32, a row per frame."""

    def score(self, mouth: np.ndarray, sound: np.ndarray) -> np.ndarray:
        """Log-odds that the mouth makes the sound in each frame: two encodings (n, features) -> (n,) float32."""


@dataclass(frozen=True)
class Diarization:
    """Who speaks when, in seconds from the first sample; every list is in order of time.

    ``turns`` of different speakers may overlap; speakers are SPEAKER_00, SPEAKER_01, ... by first appearance.
    ``speech`` is the time in which anybody speaks: segments without overlap that cover every turn. ``words`` are
    those of an engine that also transcribes; it may give whole lines of text in their place. ``alike`` has pairs of
    speakers and the probability that both are one person, of an engine that knows it.
    """

    turns: Turns
    speech: list[Segment]
    words: tuple[Word, ...] = ()
    alike: tuple[tuple[str, str, float], ...] = ()


class Diarizer(Protocol):
    """Finds who speaks when in a sound."""

    name: str
    device: Device

    def diarize(
        self, waveform: Samples, *, min_speakers: int = 1, max_speakers: int | None = None, report: Report = quiet
    ) -> Diarization:
        """Diarize `Samples` at 16 kHz; the same samples, in memory or not, give the same result.

        There are never more than ``max_speakers`` speakers. There are at least ``min_speakers``, as far as the sound
        has as many. ``report`` receives seconds of sound. Raises GpuFailed where the GPU fails, and EngineUnavailable
        where a service does.
        """


@dataclass(frozen=True)
class Transcript:
    """The ``words`` of a sound, in order of time, and the ``language`` of most of them: a code such as ``fr``.

    Without words the language is "".
    """

    words: tuple[Word, ...]
    language: str


class Transcriber(Protocol):
    """Finds the words of speech."""

    def knows(self, language: str) -> bool:
        """Whether it can transcribe the language with this code, such as ``fr``."""

    def transcribe(
        self, waveform: Samples, speech: Sequence[Segment], *, language: str = "", report: Report = quiet
    ) -> Transcript:
        """The words, without speakers, within ``speech`` (and 0.3 s around it) of `Samples` at 16 kHz.

        Without a ``language`` it is detected. ``report`` receives seconds of speech.
        """
