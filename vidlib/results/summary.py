"""The content of one video's report as one value: results, items to check, and steps.

Frames count from 0. Periods are ``(start, stop)`` in seconds. The result of a step that did not finish is None; a step
that found nothing leaves an empty list.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from vidlib.params import Frozen
from vidlib.results.transcript_html import Paragraph
from vidlib.timeline import FPS, Boundary, Shot, Span, Turn, Turns, seconds, spans_from_frames

if TYPE_CHECKING:
    import pandas as pd

FACE = "face"
GAP_FRAMES = 5
"""Gaps of a track below this many frames are closed: a viewer does not notice a fifth of a second."""

BLENDSHAPE = "jawOpen"
"""One of the 52 blendshape columns; null without landmarks."""

Status = Literal["done", "failed", "refused", "skipped", "cancelled", "broken"]
Period = tuple[float, float]

TRACK_COLUMNS = (
    "frame",
    "track_id",
    "label",
    "bbox_xmin",
    "bbox_ymin",
    "bbox_width",
    "bbox_height",
    "is_speaking",
    "speaker",
    BLENDSHAPE,
)
"""The columns of a tracking table that this module reads."""


def _sum_s(periods: Iterable[Period]) -> float:
    return sum(stop - start for start, stop in periods)


class ShotRow(Frozen):
    """One shot: its number from 1, its frames, its boundary with the confidence, and its still."""

    number: int
    start: int
    stop: int
    boundary: Boundary
    confidence: float
    still: str | None = None

    @property
    def frame(self) -> int:
        """The key frame of the shot."""
        return Span(self.start, self.stop).middle

    @property
    def length_s(self) -> float:
        return float(seconds(self.stop - self.start))


class SpeakerRow(Frozen):
    """One speaker and his or her turns."""

    speaker: str
    turns: tuple[Period, ...]

    @property
    def talk_s(self) -> float:
        return _sum_s(self.turns)

    @property
    def n_turns(self) -> int:
        return len(self.turns)


class FaceRow(Frozen):
    """One face track: the periods in which it is visible and in which it speaks, and its speaker."""

    track_id: int
    speaker: str | None
    first_frame: int
    seen: tuple[Period, ...]
    speaking: tuple[Period, ...]

    @property
    def seen_s(self) -> float:
        return _sum_s(self.seen)

    @property
    def speaking_s(self) -> float:
        return _sum_s(self.speaking)


class ObjectRow(Frozen):
    """One class of objects: the number of tracks, and the seconds in which at least one is visible."""

    label: str
    n_tracks: int
    seen_s: float


class TrackStill(Frozen):
    """A still with the boxes of all tracks in it."""

    frame: int
    still: str


class ReviewRow(Frozen):
    """An item to check: the step that reports it, its message, and a still."""

    step: str
    message: str
    frame: int | None = None
    confidence: float = 0.0
    still: str | None = None


class Share(Frozen):
    """A share of the video in [0, 1]."""

    name: str
    share: float
    meaning: str


class StepRow(Frozen):
    """One step: its status, engine, device and versions; ``notebook`` is relative to the report."""

    name: str
    status: Status
    cached: bool = False
    seconds: float | None = None
    engine: str = ""
    device: str = ""
    fallback: str | None = None
    tools: dict[str, str] = Field(default_factory=dict)
    weights: dict[str, str] = Field(default_factory=dict)
    notebook: str | None = None
    error: str | None = None
    remedy: str | None = None


class Summary(Frozen):
    """The report of one video."""

    video: str
    project: str
    run: str
    source: str
    sha256: str
    n_frames: int | None = None
    width: int | None = None
    height: int | None = None
    has_audio: bool | None = None
    shots: tuple[ShotRow, ...] | None = None
    voices: tuple[SpeakerRow, ...] | None = None
    speech_s: float | None = None
    said: tuple[Paragraph, ...] | None = None
    language: str = ""
    no_words: str | None = None
    faces: tuple[FaceRow, ...] | None = None
    face_coverage: float | None = None
    objects: tuple[ObjectRow, ...] | None = None
    track_stills: tuple[TrackStill, ...] = ()
    coverage: tuple[Share, ...] = ()
    doubts: tuple[ReviewRow, ...] = ()
    steps: tuple[StepRow, ...] = ()
    decisions: int = Field(0, exclude_if=lambda number: not number)
    """Corrections of people that the results have."""
    unfit: tuple[str, ...] = Field((), exclude_if=lambda reasons: not reasons)
    """Why other corrections do not fit, one text each."""

    @property
    def duration_s(self) -> float | None:
        return None if self.n_frames is None else float(seconds(self.n_frames))

    @property
    def problems(self) -> tuple[StepRow, ...]:
        """The steps without a usable result, in order."""
        return tuple(step for step in self.steps if step.status in ("failed", "refused", "broken", "cancelled"))

    @property
    def waiting(self) -> tuple[StepRow, ...]:
        """The steps that did not run."""
        return tuple(step for step in self.steps if step.status == "skipped")

    def without_stills(self, reason: str = "") -> "Summary":
        """The report without pictures. A ``reason`` becomes one more item to check."""
        item = (ReviewRow(step="report", message=f"Pictures are missing: {reason}"),) if reason else ()
        shots = self.shots and tuple(row.model_copy(update={"still": None}) for row in self.shots)
        doubts = tuple(row.model_copy(update={"still": None}) for row in self.doubts)
        return self.model_copy(update={"shots": shots, "track_stills": (), "doubts": (*item, *doubts)})

    @classmethod
    def read(cls, path: Path) -> "Summary":
        """Read the summary of the *report* step at ``path``."""
        return cls.model_validate_json(Path(path).read_bytes())


def shot_rows(shots: Iterable[Shot]) -> tuple[ShotRow, ...]:
    """A row for each shot, numbered from 1."""
    return tuple(
        ShotRow(
            number=number,
            start=shot.span.start,
            stop=shot.span.stop,
            boundary=shot.boundary,
            confidence=shot.confidence,
            still=f"stills/shot-{number:04}.jpg",
        )
        for number, shot in enumerate(shots, 1)
    )


def speaker_rows(turns: Iterable[Turn]) -> tuple[SpeakerRow, ...]:
    """A row for each speaker, by label; labels are in order of first appearance."""
    by_speaker = Turns(sorted(turns)).by_speaker()
    return tuple(SpeakerRow(speaker=name, turns=tuple(its.segments)) for name, its in by_speaker.items())


def face_rows(tracks: "pd.DataFrame") -> tuple[FaceRow, ...]:
    """A row for each face track of a tracking table (frames counted from 1), by first frame."""
    rows = [_face_row(track_id, rows) for track_id, rows in tracks[tracks.label == FACE].groupby("track_id")]
    return tuple(sorted(rows, key=lambda row: (row.first_frame, row.track_id)))


def _face_row(track_id: Any, rows: "pd.DataFrame") -> FaceRow:
    frames = rows.frame.to_numpy() - 1
    named = rows.speaker.dropna()
    return FaceRow(
        track_id=int(track_id),
        speaker=named.mode().iat[0] if len(named) else None,
        first_frame=int(frames.min()),
        seen=_periods(frames),
        speaking=_periods(frames[rows.is_speaking.to_numpy(bool)]),
    )


def object_rows(tracks: "pd.DataFrame") -> tuple[ObjectRow, ...]:
    """A row for each class of objects of a tracking table, the longest visible first."""
    rows = [
        ObjectRow(label=label, n_tracks=rows.track_id.nunique(), seen_s=rows.frame.nunique() / float(FPS))
        for label, rows in tracks[tracks.label != FACE].groupby("label")
    ]
    return tuple(sorted(rows, key=lambda row: (-row.seen_s, row.label)))


def _periods(frames: np.ndarray) -> tuple[Period, ...]:
    """The runs of ``frames``, in any order, in seconds; gaps shorter than `GAP_FRAMES` are closed.

    >>> _periods(np.array([0, 1, 2, 24, 23]))
    ((0.0, 0.12), (0.92, 1.0))
    """
    spans = spans_from_frames(frames.tolist(), GAP_FRAMES - 1)
    return tuple((span.segment[0], span.segment[1]) for span in spans)


def track_stills(tracks: "pd.DataFrame", most: int) -> tuple[TrackStill, ...]:
    """Up to ``most`` frames that together show as many tracks as possible, faces before objects, in order of time.

    Each frame is the middle of the speech of one track, or of the whole track if it never speaks.
    """
    by_length = (
        tracks.assign(is_face=tracks.label == FACE).groupby("track_id").agg({"is_face": "first", "frame": "size"})
    )
    unseen = list(by_length.sort_values(["is_face", "frame"], ascending=False).index)
    taken: list[int] = []
    while unseen and len(taken) < most:
        rows = tracks[tracks.track_id == unseen[0]]
        rows = rows[rows.is_speaking] if rows.is_speaking.any() else rows
        frame = int(rows.frame.iloc[len(rows) // 2])
        taken.append(frame - 1)
        shown = set(tracks.track_id[tracks.frame == frame])
        unseen = [track for track in unseen if track not in shown]
    return tuple(TrackStill(frame=frame, still=f"stills/tracks-{frame:06}.jpg") for frame in sorted(taken))


def shares(n_frames: int, speech: "pd.DataFrame | None", tracks: "pd.DataFrame | None") -> tuple[Share, ...]:
    """Coverage of speech, speakers and faces, from the frame table of *audio* and the tracking table, if they exist."""
    parts = []
    if speech is not None:
        heard = speech.is_speech.to_numpy(bool)
        named = speech.speakers.map(len).to_numpy() > 0
        parts.append(("Speech", heard.sum(), n_frames, "of the video has speech"))
        parts.append(("Known speakers", (heard & named).sum(), heard.sum(), "of the speech has a known speaker"))
    if tracks is not None:
        faces = tracks[tracks.label == FACE]
        parts.append(("Faces", faces.frame.nunique(), n_frames, "of the video shows at least one face"))
        parts.append(("Face movements", faces[BLENDSHAPE].notna().sum(), len(faces), "of the faces have blendshapes"))
    if speech is not None and tracks is not None:
        spoken = np.intersect1d(speech.frame[heard], faces.frame[faces.is_speaking.to_numpy(bool)])
        parts.append(("Speaker in view", len(spoken), heard.sum(), "of the speech shows the speaking face"))
    return tuple(Share(name=n, share=float(part / whole), meaning=m) for n, part, whole, m in parts if whole)
