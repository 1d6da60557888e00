"""The faces of a video as *tracking* finds them, with every mouth encoded: any sound can be compared with them."""

import hashlib
import pickle
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pandas as pd

from vidlib.engines.active_speaker import NO_WEIGHTS, choose
from vidlib.errors import UsageError
from vidlib.evaluation import ground_truth
from vidlib.evaluation.matching import COLUMNS, FACES
from vidlib.media.probe import probe_video
from vidlib.progress import quiet
from vidlib.protocols import ActiveSpeakerModel
from vidlib.results.exports import shots_json, speech_table
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.steps import tracking
from vidlib.steps.tracking import video_tracker
from vidlib.timeline import Shot, Span, Turn, seconds
from vidlib.tracking.association import Track
from vidlib.tracking.blendshapes import BLENDSHAPES
from vidlib.tracking.speaker_assignment import FaceEvidence, ShotEvidence, assign_speakers
from vidlib.tracking.speaking import Mouth, Sound, speaking_log_odds


@dataclass(frozen=True)
class Face:
    """One track: its rows, the encoded mouth in each frame (n, features), and its evidence with the video's sound."""

    rows: TrackRows
    mouth: np.ndarray
    evidence: FaceEvidence


@dataclass(frozen=True)
class Pictures:
    """The true shots of a video, the faces in each, and the video's own sound, (frames, 640) float32."""

    shots: Sequence[Span]
    faces: Sequence[Sequence[Face]]
    samples: np.ndarray

    def with_sound(self, sound: Sound, model: ActiveSpeakerModel | None) -> pd.DataFrame:
        """The rows of all faces, with who speaks where ``sound`` is heard in the place of the video's own."""
        shots = []
        for span, shown in zip(self.shots, self.faces, strict=True):
            part = sound.crop(span.start, len(span))
            encoded = model.encode_sound(part.samples.ravel()) if model else None
            shots.append(ShotEvidence(part, [_evidence(face, part, model, encoded) for face in shown]))
        shown = [face for faces_of_shot in self.faces for face in faces_of_shot]
        assigned = [assignment for of_shot in assign_speakers(shots) for assignment in of_shot]
        tables = [
            _table(face.rows, assignment.confidence, assignment.is_speaking)
            for face, assignment in zip(shown, assigned, strict=True)
        ]
        return pd.concat(tables) if tables else pd.DataFrame(columns=[*COLUMNS, "source"])


def look(video: Path, truth_file: Path, cache: Path) -> Pictures:
    """The pictures of a video; the folder ``cache`` keeps them. Raises UsageError without the weights of LR-ASD."""
    if choose("auto") is None:
        raise UsageError(NO_WEIGHTS)
    content = video.read_bytes() + truth_file.read_bytes() + str(tracking.VERSION).encode()
    kept = cache / f"{video.stem}-{hashlib.sha256(content).hexdigest()[:12]}.pickle"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(_track(video, ground_truth.read(truth_file))))
    return pickle.loads(kept.read_bytes())


def _track(video: Path, truth: ground_truth.Truth) -> Pictures:
    shown: list[list[Face]] = []
    samples: list[np.ndarray] = []

    def keep(
        tracks: Sequence[Track], rows: Sequence[TrackRows], sound: Sound, model: ActiveSpeakerModel | None
    ) -> ShotEvidence:
        evidence = compute(tracks, rows, sound, model)
        of_faces = [(track, own) for track, own in zip(tracks, rows, strict=True) if track.source == FACES]
        shown.append([Face(own, track.mouth, one) for (track, own), one in zip(of_faces, evidence.faces, strict=True)])
        samples.append(sound.samples)
        return evidence

    compute = video_tracker.shot_evidence
    params = tracking.Params(objects="never", speaking="lr_asd")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        shots = [Shot(span, shot.boundary) for span, shot in zip(truth.spans(), truth.shots, strict=True)]
        everywhere = [Turn(0, float(seconds(truth.frames)), "anybody")]  # so that mouths are encoded in all frames
        tracker = video_tracker.VideoTracker(
            video,
            probe_video(video),
            truth.frames,
            shots_json.write(folder / "shots.json", shots, engine="truth"),
            speech_table.write(folder / "speech.parquet", truth.frames, [], everywhere),
            folder / "key_frames",
            tracking.shot_tracker(params, "cpu", stack),
            quiet,
        )
        with patch.object(video_tracker, "shot_evidence", keep):
            for _ in tracker.run():
                pass
    return Pictures([shot.span for shot in shots], shown, np.concatenate(samples))


def _evidence(face: Face, sound: Sound, model: ActiveSpeakerModel | None, encoded: np.ndarray | None) -> FaceEvidence:
    start = face.rows.start
    judged = None
    if model is not None and encoded is not None:
        judged = model.score(face.mouth, encoded[start - sound.start :][: len(face.mouth)])
    log_odds = speaking_log_odds(Mouth.from_blendshapes(start, face.rows.blendshapes), sound, judged)
    return replace(face.evidence, log_odds=log_odds)


def _table(rows: TrackRows, confidence: np.ndarray, is_speaking: np.ndarray) -> pd.DataFrame:
    left, top, right, bottom = rows.boxes.T
    return pd.DataFrame(
        {
            "frame": rows.start + 1 + np.arange(len(rows.boxes)),
            "track_id": rows.track_id,
            "source": FACES,
            "centroid_x": (left + right) / 2,
            "centroid_y": (top + bottom) / 2,
            "bbox_width": right - left,
            "bbox_height": bottom - top,
            "is_speaking": is_speaking,
            "speaking_confidence": confidence,
            "speaker": None,
            "jawOpen": rows.blendshapes[:, BLENDSHAPES.index("jawOpen")],
        }
    )
