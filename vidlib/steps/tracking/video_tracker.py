"""One video, shot after shot: its frames and sound are read once, and its tracks are finished shot by shot."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import IO

import numpy as np

from vidlib.errors import BrokenOutput
from vidlib.machine import devices
from vidlib.machine.prefetch import prefetch
from vidlib.media.frames import read_frames
from vidlib.media.probe import VideoInfo
from vidlib.progress import Report
from vidlib.protocols import ActiveSpeakerModel
from vidlib.results.exports import shots_json
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.steps.tracking.evidence import VideoSound, evidence_of, keep_faces, seen_faces
from vidlib.steps.tracking.keyframes import save_keyframes
from vidlib.steps.tracking.statistics import TrackedShot
from vidlib.timeline import Shot, Span, tiles
from vidlib.tracking.association import Track
from vidlib.tracking.shot_tracker import Chunk, ShotTracker
from vidlib.tracking.sound_offset import SoundOffset
from vidlib.tracking.speaker_assignment import ShotEvidence
from vidlib.tracking.speaking import Sound

PREFETCHED_FRAMES = 20
"""Frames that are decoded while faces are detected in others: 125 MB at 1080p."""

PREFETCHED_CHUNKS = 2
"""Chunks in which faces are detected while another one is tracked. In one chunk, faces are detected in one or two
frames, too few for two cores."""


@dataclass(frozen=True)
class VideoTracker:
    """Tracks the faces and objects of a ``video`` of ``n_frames`` frames, whose ``info`` is known.

    ``shots`` is the JSON file of the scenes step, ``speech`` the Parquet table of the audio step. Key frames are saved
    in ``keyframes``. `run` fills ``measured_offset``, and keeps the faces of each shot in ``faces_file``, for
    `vidlib.steps.tracking.evidence.evidence_with`.
    """

    video: Path
    info: VideoInfo
    n_frames: int
    shots: Path
    speech: Path
    keyframes: Path
    tracker: ShotTracker
    report: Report
    faces_file: IO[bytes] | None = None
    measured_offset: SoundOffset = field(default_factory=SoundOffset)

    def run(self) -> Iterator[tuple[TrackedShot, ShotEvidence]]:
        """The tracks of each shot, and the evidence of who speaks in it.

        Raises BrokenOutput where the number of frames differs between the video, the shots and the speech.
        """
        shots = self._read_shots()
        spans, first_id = [shot.span for shot in shots], 1
        sound_of_video = VideoSound(self.video, self.speech, self.n_frames)
        possible_speech = sound_of_video.possible_speech()
        with closing(prefetch(self._chunks(spans), PREFETCHED_CHUNKS)) as chunks:
            by_shot = groupby(save_keyframes(self._reported(chunks), self.keyframes), key=lambda chunk: chunk.shot)
            every_shot = zip(by_shot, shots, [*shots[1:], None], sound_of_video.by_shot(spans), strict=True)
            for number, ((_, shot_chunks), shot, next_shot, sound) in enumerate(every_shot, 1):
                tracks = self.tracker.track(shot.span, shot_chunks, possible_speech[shot.span.start : shot.span.stop])
                transitions = [near.transition for near in (shot, next_shot) if near and near.transition]
                rows = [_rows(track, number, track_id) for track_id, track in enumerate(tracks, first_id)]
                tracked = TrackedShot(shot, rows, transitions)
                faces = seen_faces(tracks, rows)
                self.measured_offset.add_shot(sound.samples, [face.mouth for face in faces])
                if self.faces_file:
                    keep_faces(faces, self.faces_file)
                yield tracked, shot_evidence(tracks, rows, sound, self.tracker.speaker_model)
                first_id += len(tracks)

    def _read_shots(self) -> list[Shot]:
        shots = shots_json.read(self.shots)
        if not tiles([shot.span for shot in shots], self.n_frames):
            raise BrokenOutput(f"{self.shots}: the shots do not cover the video's {self.n_frames} frames exactly once")
        return shots

    def _chunks(self, spans: Sequence[Span]) -> Generator[Chunk, None, None]:
        """The video in chunks, with the detected faces."""
        # with FFmpeg's own number of threads, decoding takes a tenth more CPU time, and need not be faster
        threads = max(1, devices.cores() // 2)
        frames = read_frames(self.video, self.info.width, self.info.height, threads=threads)
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
    return evidence_of(seen_faces(tracks, rows), sound, model)
