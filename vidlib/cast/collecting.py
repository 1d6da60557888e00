"""Reads the faces and voices of the people in a finished video.

The steps keep no embedding, so the cast computes its own, from the delivered file and where *tracking* saw each face.
Results, fingerprints and the archive stay as they are.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np

from vidlib.cast.finished import FinishedVideo, heights
from vidlib.cast.records import Appearance, Embedding
from vidlib.cast.voices import VoiceReader
from vidlib.media.frames import read_stills
from vidlib.media.probe import probe_video
from vidlib.progress import Report, quiet
from vidlib.protocols import FaceEmbedder, FaceLandmarker
from vidlib.results.exports import speech_table
from vidlib.results.exports.people_json import Person
from vidlib.timeline import FPS

MIN_FACE_PX = 80
"""Height of a face, in pixels, from which it is compared. PhotoPrism clusters no smaller faces; small and blurred ones
gave most false matches in Frigate (its issue 23450)."""

MIN_SEEN_S = 4.0
"""Seconds for which a person has such a face, at least. Azure Video Indexer lists people from 4 s on."""

MAX_SAMPLES = 12
"""Faces of a person that are embedded, spread over all the time in which they are seen."""

MIN_SAMPLES = 3
"""Faces that a mean embedding needs."""

SAME_FACE_DISTANCE = 0.6
"""Distance of single embeddings below which dlib's author calls two faces the same. Of a person in a video, a face that
is farther from the middle one is left out: it is turned, blurred, or that of somebody else."""

FRONTAL = (0.2, 0.8)
"""Where the nose lies between the outer corners of the eyes, from 0 to 1, in a face that is frontal enough. A head that
is turned by more than about 35 degrees is outside."""

EYES, NOSE = (33, 263), 1
"""MediaPipe's landmarks of the outer corners of the eyes, and of the tip of the nose."""

PICTURE_PX = 160
"""Side of the picture of a face that is kept."""

PICTURE_MARGIN = 0.25
"""Margin of that picture around the face, as a share of it."""


@dataclass(frozen=True)
class Skipped:
    """A person who is not collected, and why."""

    person: int
    reason: str


@dataclass(frozen=True)
class Collected:
    """A person who is: what the cast keeps, and the picture of the face as JPEG."""

    appearance: Appearance
    picture: bytes


@dataclass(frozen=True)
class Sample:
    """A face in the ``box`` (4,) xmin, ymin, xmax, ymax, in pixels, of a ``frame``."""

    frame: int
    box: np.ndarray


def collect(
    source: FinishedVideo, people: Sequence[Person], at: datetime, report: Report = quiet
) -> Iterator[Collected | Skipped]:
    """The faces and voices of ``people`` in a video, in their order; ``report`` counts people.

    Raises MediaError where the video cannot be decoded, WeightError where a model is missing.
    """
    from vidlib.engines import faces

    wanted = [(person, large_faces(source, person)) for person in people]
    with ExitStack() as stack:
        voices, reader = VoiceReader(source.video, speech_table.read_tracks(source.speech)), None
        for done, (person, (seen_s, samples)) in enumerate(wanted):
            report(done, len(wanted))
            if seen_s < MIN_SEEN_S:
                yield Skipped(
                    person.person, f"seen for {seen_s:.2f} s at {MIN_FACE_PX} pixels or more; {MIN_SEEN_S:g} s needed"
                )
                continue
            if reader is None:
                engines = (stack.enter_context(faces.open_landmarker()), stack.enter_context(faces.open_embedder()))
                reader = FaceReader(source.video, *engines)
            if (face := reader.read(samples)) is None:
                yield Skipped(person.person, f"fewer than {MIN_SAMPLES} of {len(samples)} faces are frontal and alike")
                continue
            yield _collected(source, person, seen_s, samples, face, voices, at)
        report(len(wanted), len(wanted))


def _collected(
    source: FinishedVideo,
    person: Person,
    seen_s: float,
    samples: Sequence[Sample],
    face: tuple[np.ndarray, bytes],
    voices: VoiceReader,
    at: datetime,
) -> Collected:
    embeddings, picture = face
    heard_s, voice = voices.read(source.turns, person.voice)
    tracks, speaker_at = source.anchors(person)
    appearance = Appearance(
        video=source.sha256,
        name=source.name,
        project=source.project,
        analysis=source.analysis,
        person=person.person,
        speaker=person.voice,
        tracks=tracks,
        speaker_at=speaker_at,
        seen_s=round(seen_s, 2),
        heard_s=round(heard_s, 2),
        face_px=int(max(sample.box[3] - sample.box[1] for sample in samples)),
        face=Embedding.mean_of(embeddings),
        voice=None if voice is None else Embedding.mean_of(voice),
        collected_at=at,
    )
    return Collected(appearance, picture)


def large_faces(source: FinishedVideo, person: Person) -> tuple[float, list[Sample]]:
    """Seconds with a face that is large enough, and `MAX_SAMPLES` of these faces, spread over them, by frame."""
    large: dict[int, np.ndarray] = {}
    for track in source.tracks_of(person):
        rows = heights(track) >= MIN_FACE_PX
        large.update(zip(track.frames[rows].tolist(), track.boxes[rows], strict=True))
    frames = sorted(large)
    places = np.linspace(0, max(0, len(frames) - 1), MAX_SAMPLES + 2).round().astype(int)[1:-1].tolist()
    chosen = [frames[place] for place in dict.fromkeys(places) if frames]
    return len(frames) / float(FPS), [Sample(frame, large[frame]) for frame in chosen]


@dataclass(frozen=True)
class FaceReader:
    """Embeds faces of one ``video``."""

    video: Path
    landmarker: FaceLandmarker
    embedder: FaceEmbedder

    def read(self, samples: Sequence[Sample]) -> tuple[np.ndarray, bytes] | None:
        """The embeddings (n, 128) of faces that are frontal and alike, and the picture of the middle one."""
        size = probe_video(self.video).display_size
        pictures = read_stills(self.video, [sample.frame for sample in samples], *size)
        found = self.landmarker.find(pictures, [sample.box for sample in samples])
        known = [(index, face) for index, face in enumerate(found) if face is not None and is_frontal(face.points)]
        if len(known) < MIN_SAMPLES:
            return None
        points = [face.points for _, face in known]
        embeddings = self.embedder.embed([pictures[index] for index, _ in known], points)
        distances = np.linalg.norm(embeddings[:, None] - embeddings[None], axis=2)
        middle = int(distances.sum(axis=1).argmin())
        alike = embeddings[distances[middle] < SAME_FACE_DISTANCE]
        index = known[middle][0]
        return (alike, _cut(pictures[index], samples[index].box)) if len(alike) >= MIN_SAMPLES else None


def is_frontal(points: np.ndarray) -> bool:
    """Whether a face with these landmarks (478, 2) looks into the camera, more or less.

    >>> points = np.zeros((478, 2))
    >>> points[EYES[1]], points[NOSE] = (100, 0), (55, 40)
    >>> is_frontal(points)
    True
    """
    right, left = points[list(EYES)]
    between = left - right
    place = float((points[NOSE] - right) @ between / max(float(between @ between), 1e-9))
    return FRONTAL[0] <= place <= FRONTAL[1]


def _cut(picture: np.ndarray, box: np.ndarray) -> bytes:
    """The face in ``box`` as JPEG, with a margin, square where the picture has room."""
    from PIL import Image

    side = max(box[2] - box[0], box[3] - box[1]) * (1 + 2 * PICTURE_MARGIN)
    x, y = (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2
    left, top = max(0, round(x)), max(0, round(y))
    part = picture[top : round(y + side), left : round(x + side)]
    image = Image.fromarray(part)
    image.thumbnail((PICTURE_PX, PICTURE_PX))
    file = BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()
