"""One video, shot after shot: its frames and sound are read once, and its tracks are finished shot by shot."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, groupby, islice, repeat
from pathlib import Path

import numpy as np

from vidlib.errors import BrokenOutput
from vidlib.machine.prefetch import prefetch
from vidlib.media.audio import SAMPLES_PER_FRAME, read_by_frame
from vidlib.media.frames import read_frames
from vidlib.media.probe import VideoInfo
from vidlib.progress import Report
from vidlib.protocols import ActiveSpeakerModel
from vidlib.results.exports import shots_json, speech_table
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.steps.tracking.keyframes import save_keyframes
from vidlib.steps.tracking.statistics import TrackedShot
from vidlib.timeline import Shot, Span, tiles
from vidlib.tracking.association import Track
from vidlib.tracking.face_views import mean_view
from vidlib.tracking.shot_tracker import Chunk, ShotTracker
from vidlib.tracking.sound_offset import SoundOffset
from vidlib.tracking.speaker_assignment import FaceEvidence, ShotEvidence
from vidlib.tracking.speaking import Mouth, Sound, speaking_log_odds

PREFETCHED_FRAMES = 20
"""Frames that are decoded while faces are detected in others: 125 MB at 1080p."""

PREFETCHED_CHUNKS = 2
"""Chunks in which faces are detected while another one is tracked. In one chunk, faces are detected in one or two
frames, too few for two cores."""

NO_SAMPLES = np.zeros(0, np.float32)


@dataclass(frozen=True)
class VideoTracker:
    """Tracks the faces and objects of a ``video`` of ``n_frames`` frames, whose ``info`` is known.

    ``shots`` is the JSON file of the scenes step, ``speech`` the Parquet table of the audio step. Key frames are saved
    in ``keyframes``. Each frame is seen with the sound of ``sound_offset`` frames later. `run` fills
    ``measured_offset``.
    """

    video: Path
    info: VideoInfo
    n_frames: int
    shots: Path
    speech: Path
    keyframes: Path
    tracker: ShotTracker
    report: Report
    sound_offset: int = 0
    measured_offset: SoundOffset = field(default_factory=SoundOffset)

    def run(self) -> Iterator[tuple[TrackedShot, ShotEvidence]]:
        """The tracks of each shot, and the evidence of who speaks in it.

        Raises BrokenOutput where the number of frames differs between the video, the shots and the speech.
        """
        shots = self._read_shots()
        spans, first_id = [shot.span for shot in shots], 1
        with closing(prefetch(self._chunks(spans), PREFETCHED_CHUNKS)) as chunks:
            by_shot = groupby(save_keyframes(self._reported(chunks), self.keyframes), key=lambda chunk: chunk.shot)
            every_shot = zip(by_shot, shots, [*shots[1:], None], self._sounds(spans), strict=True)
            for number, ((_, shot_chunks), shot, next_shot, sound) in enumerate(every_shot, 1):
                tracks = self.tracker.track(shot.span, shot_chunks, sound.possible_speech)
                transitions = [near.transition for near in (shot, next_shot) if near and near.transition]
                rows = [_rows(track, number, track_id) for track_id, track in enumerate(tracks, first_id)]
                tracked = TrackedShot(shot, rows, transitions)
                self.measured_offset.add_shot(
                    sound.samples, [Mouth.from_blendshapes(face.start, face.blendshapes) for face in tracked.faces]
                )
                yield tracked, shot_evidence(tracks, rows, sound, self.tracker.speaker_model)
                first_id += len(tracks)

    def _read_shots(self) -> list[Shot]:
        shots = shots_json.read(self.shots)
        if not tiles([shot.span for shot in shots], self.n_frames):
            raise BrokenOutput(f"{self.shots}: the shots do not cover the video's {self.n_frames} frames exactly once")
        return shots

    def _chunks(self, spans: Sequence[Span]) -> Generator[Chunk, None, None]:
        """The video in chunks, with the detected faces."""
        frames = read_frames(self.video, self.info.width, self.info.height)
        with closing(prefetch(frames, PREFETCHED_FRAMES)) as pictures:
            n_decoded = 0
            for chunk in self.tracker.detect_faces(spans, pictures):
                n_decoded += len(chunk.frames)
                yield chunk
            if n_decoded != self.n_frames:
                raise BrokenOutput(f"{self.video}: decoded {n_decoded} frames, expected {self.n_frames}")
            if next(pictures, None) is not None:
                raise BrokenOutput(f"{self.video} has more frames than the {self.n_frames} expected")

    def _reported(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The chunks; each is reported when the next one is asked for."""
        for chunk in chunks:
            yield chunk
            self.report(chunk.frames[-1][0] + 1, self.n_frames)

    def _sounds(self, spans: Iterable[Span]) -> Iterator[Sound]:
        """The sound of one shot after the other; where the video's sound does not reach, there is silence."""
        table = speech_table.read(self.speech)
        if len(table) != self.n_frames:
            raise BrokenOutput(f"{self.speech} has {len(table)} rows, expected one for each of {self.n_frames} frames")
        known: dict[tuple[str, ...], tuple[str, ...]] = {}  # each combination of speakers is in memory once
        late = self.sound_offset
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


def _rows(track: Track, shot: int, track_id: int) -> TrackRows:
    """The rows of one track; who speaks is added later."""
    frames = np.array(track.span)
    return TrackRows(
        track_id=track_id,
        source=track.source,
        label=track.label,
        speaker=None,
        shot=shot,
        start=track.span.start,
        boxes=track.boxes_at(frames),
        confidence=track.scores_at(frames),
        is_speaking=np.zeros(len(frames), bool),
        speaking_confidence=np.zeros(len(frames), np.float32),
        blendshapes=track.blendshapes_at(frames),
    )


def shot_evidence(
    tracks: Sequence[Track], rows: Sequence[TrackRows], sound: Sound, model: ActiveSpeakerModel | None
) -> ShotEvidence:
    """The evidence of one shot for who speaks; ``model`` scores the mouths that it has encoded."""
    faces = [
        (track, track_rows) for track, track_rows in zip(tracks, rows, strict=True) if track.source == "face_landmarker"
    ]
    encoded_sound = None
    if model and any(track.mouth is not None for track, _ in faces):
        encoded_sound = model.encode_sound(sound.samples.ravel())
    evidence = []
    for track, track_rows in faces:
        start, n_frames = track_rows.start, len(track_rows.boxes)
        model_log_odds = None
        if model and encoded_sound is not None and track.mouth is not None:
            model_log_odds = model.score(track.mouth, encoded_sound[start - sound.start :][:n_frames])
        mouth = Mouth.from_blendshapes(start, track_rows.blendshapes)
        log_odds = speaking_log_odds(mouth, sound, model_log_odds)
        evidence.append(FaceEvidence(track_rows.track_id, start, log_odds, mean_view(track.views.values())))
    return ShotEvidence(replace(sound, samples=NO_SAMPLES), evidence)
