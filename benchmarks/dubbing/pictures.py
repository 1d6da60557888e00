"""The faces of a video as *tracking* finds them, with every mouth encoded: any sound can be compared with them."""

import hashlib
import pickle
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pandas as pd

from dubbing.truths import KnownVideo
from vidlib.engines.active_speaker import NO_WEIGHTS, choose
from vidlib.errors import UsageError
from vidlib.evaluation.matching import COLUMNS, FACES
from vidlib.media.probe import probe_video
from vidlib.progress import quiet
from vidlib.protocols import ActiveSpeakerModel
from vidlib.results.exports import shots_json, speech_table
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.steps import tracking
from vidlib.steps.tracking import video_tracker
from vidlib.timeline import Span, Turn, seconds
from vidlib.tracking.association import Track
from vidlib.tracking.blendshapes import BLENDSHAPES
from vidlib.tracking.speaker_assignment import FaceEvidence, ShotEvidence
from vidlib.tracking.speaking import Sound


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

    def table(self) -> pd.DataFrame:
        """The rows of all faces, as in a tracking table; nobody speaks."""
        tables = [_table(face.rows) for shown in self.faces for face in shown]
        return pd.concat(tables) if tables else pd.DataFrame(columns=[*COLUMNS, "source"])


def look(known: KnownVideo, cache: Path) -> Pictures:
    """The pictures of a video; the folder ``cache`` keeps them. Raises UsageError without the weights of LR-ASD."""
    if choose("auto") is None:
        raise UsageError(NO_WEIGHTS)
    content = known.video.read_bytes() + known.truth.read_bytes() + str(tracking.VERSION).encode()
    kept = cache / f"{known.video.stem}-{hashlib.sha256(content).hexdigest()[:12]}.pickle"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(_track(known)))
    return pickle.loads(kept.read_bytes())


def _track(known: KnownVideo) -> Pictures:
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
        shots, n_frames = known.shots, known.n_frames
        everywhere = [Turn(0, float(seconds(n_frames)), "anybody")]  # so that mouths are encoded in all frames
        tracker = video_tracker.VideoTracker(
            known.video,
            probe_video(known.video),
            n_frames,
            shots_json.write(folder / "shots.json", shots, engine="truth"),
            speech_table.write(folder / "speech.parquet", n_frames, [], everywhere),
            folder / "key_frames",
            tracking.shot_tracker(params, "cpu", stack),
            quiet,
        )
        with patch.object(video_tracker, "shot_evidence", keep):
            for _ in tracker.run():
                pass
    return Pictures([shot.span for shot in shots], shown, np.concatenate(samples))


def _table(rows: TrackRows) -> pd.DataFrame:
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
            "is_speaking": False,
            "speaking_confidence": 0.0,
            "speaker": None,
            "jawOpen": rows.blendshapes[:, BLENDSHAPES.index("jawOpen")],
        }
    )
