"""The evidence of who speaks: what the pictures tell of each face, and the sound that is heard with it.

The pictures are looked at once. Where the sound turns out to be late or early, only the evidence is computed again.
"""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice, repeat
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from vidlib.errors import BrokenOutput
from vidlib.media.audio import SAMPLES_PER_FRAME, read_by_frame
from vidlib.protocols import ActiveSpeakerModel
from vidlib.results.exports import speech_table
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.timeline import Span
from vidlib.tracking.association import Track
from vidlib.tracking.face_views import FaceView, mean_view
from vidlib.tracking.mouth_crops import with_speech
from vidlib.tracking.sound_offset import MAX_OFFSET
from vidlib.tracking.speaker_assignment import FaceEvidence, ShotEvidence
from vidlib.tracking.speaking import SPEECH_MARGIN_FRAMES, Mouth, Sound, moving_mean, speaking_log_odds

NO_SAMPLES = np.zeros(0, np.float32)


class SeenFace(NamedTuple):
    """What the pictures tell of one track of a face, whatever is heard.

    ``encoded`` (n, features) float32 is the mouth in each frame as the active speaker model encodes it, or None.
    ``view`` is the mean of the clear views.
    """

    track_id: int
    mouth: Mouth
    encoded: np.ndarray | None
    view: FaceView | None


class VideoSound(NamedTuple):
    """The sound of a ``video`` of ``n_frames`` frames; ``speech`` is the Parquet table of the audio step."""

    video: Path
    speech: Path
    n_frames: int

    def by_shot(self, spans: Iterable[Span], late: int = 0) -> Iterator[Sound]:
        """The sound of one shot after the other; each frame gets the sound of ``late`` frames later.

        Where the video's sound does not reach, there is silence. Raises BrokenOutput where the table has another number
        of frames.
        """
        table = speech_table.read(self.speech)
        if len(table) != self.n_frames:
            raise BrokenOutput(f"{self.speech} has {len(table)} rows, expected one for each of {self.n_frames} frames")
        known: dict[tuple[str, ...], tuple[str, ...]] = {}  # each combination of speakers is in memory once
        with closing(read_by_frame(self.video, speech_table.read_tracks(self.speech))) as decoded:
            sound = chain(repeat(NO_SAMPLES, max(0, -late)), islice(decoded, max(0, late), None))
            for span in spans:
                first, stop = (min(max(0, frame + late), self.n_frames) for frame in (span.start, span.stop))
                rows, missing = table.slice(first, stop - first), len(span) - (stop - first)
                silence = (missing, 0) if first == 0 else (0, missing)
                labels = [known.setdefault(labels, labels) for labels in map(tuple, rows["speakers"].to_pylist())]
                samples = np.zeros((len(span), SAMPLES_PER_FRAME), np.float32)
                for frame in samples:
                    values = next(sound, NO_SAMPLES)
                    frame[: len(values)] = values
                speakers = [*repeat((), silence[0]), *labels, *repeat((), silence[1])]
                yield Sound(span.start, np.pad(rows["is_speech"].to_numpy(), silence), speakers, samples)

    def possible_speech(self) -> np.ndarray:
        """The frames in which somebody may speak, by whatever offset the sound is late or early: (n_frames,) bool."""
        heard = speech_table.read(self.speech)["is_speech"].to_numpy()
        return moving_mean(heard, 2 * (SPEECH_MARGIN_FRAMES + MAX_OFFSET) + 1) > 0


def seen_faces(tracks: Sequence[Track], rows: Sequence[TrackRows]) -> list[SeenFace]:
    """The faces of one shot, by their ``tracks`` and the ``rows`` of these."""
    return [
        SeenFace(
            own.track_id,
            Mouth.from_blendshapes(own.start, own.blendshapes),
            track.mouth,
            mean_view(track.views.values()),
        )
        for track, own in zip(tracks, rows, strict=True)
        if track.source == "face_landmarker"
    ]


def evidence_of(faces: Sequence[SeenFace], sound: Sound, model: ActiveSpeakerModel | None) -> ShotEvidence:
    """The evidence of one shot for who speaks; ``model`` scores the mouths that it has encoded."""
    heard = None
    if model and any(face.encoded is not None for face in faces):
        heard = model.encode_sound(sound.samples.ravel())
    evidence = []
    for face in faces:
        start, n_frames = face.mouth.start, len(face.mouth.shapes)
        model_log_odds = None
        if model and heard is not None and face.encoded is not None:
            frames = slice(start - sound.start, start - sound.start + n_frames)
            spoken = with_speech(sound.possible_speech[frames], model.window)
            if spoken.any():
                model_log_odds = model.score(face.encoded * spoken[:, np.newaxis], heard[frames])
        log_odds = speaking_log_odds(face.mouth, sound, model_log_odds)
        evidence.append(FaceEvidence(face.track_id, start, log_odds, face.view))
    return ShotEvidence(replace(sound, samples=NO_SAMPLES), evidence)


def evidence_with(sounds: Iterable[Sound], file: IO[bytes], model: ActiveSpeakerModel | None) -> Iterator[ShotEvidence]:
    """The evidence of each shot with other ``sounds``; ``file`` holds the faces that `keep_faces` wrote."""
    for sound in sounds:
        yield evidence_of(pickle.load(file), sound, model)


def keep_faces(faces: Sequence[SeenFace], file: IO[bytes]) -> None:
    """Append the faces of one shot to a temporary file: in memory, an hour of them takes 100 MB."""
    pickle.dump(faces, file)
