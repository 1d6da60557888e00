"""The content of one video's report as one value: results, items to check, and steps.

Frames count from 0. Periods are ``(start, stop)`` in seconds. The result of a step that did not finish is None; a step
that found nothing leaves an empty list.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from vidlib.localization import gettext_noop as _
from vidlib.params import Frozen
from vidlib.results.exports.people_json import Person
from vidlib.results.transcript_html import Paragraph
from vidlib.setting_types import Language
from vidlib.timeline import FPS, Boundary, Shot, Span, Turn, Turns, seconds, spans_from_frames

if TYPE_CHECKING:
    import pandas as pd

FACE = "face"
GAP_FRAMES = 5
"""Gaps of a track below this many frames are closed: a viewer does not notice a fifth of a second."""

MIN_FRAMES = 3
"""People and objects that are visible in fewer frames stay out of the page, and have no picture; the data has them."""

FACE_SQUARE = 1.5
"""Side of the picture of a face, relative to the longer side of its box: hair and chin are in it."""

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


class FaceStill(Frozen):
    """A picture of a face: its frame, its file, and the square (left, top, side) in pixels of the video."""

    frame: int
    still: str
    square: tuple[float, float, float]


class PersonRow(Frozen):
    """One person: the periods in which he or she is visible and speaks visibly, the speaker label, and the face.

    ``person`` is the number in ``people.json``, and ``n_frames`` counts the frames that show the person.
    """

    person: int
    speaker: str | None
    n_tracks: int
    n_frames: int
    first_frame: int
    seen: tuple[Period, ...]
    speaking: tuple[Period, ...]
    face: FaceStill | None = None

    @property
    def seen_s(self) -> float:
        return float(seconds(self.n_frames))


class ObjectRow(Frozen):
    """One class of objects: the number of tracks, and of the frames in which at least one is visible."""

    label: str
    n_tracks: int
    n_frames: int

    @property
    def seen_s(self) -> float:
        return float(seconds(self.n_frames))


class TrackStill(Frozen):
    """A still with the boxes of all tracks in it."""

    frame: int
    still: str


class ReviewRow(Frozen):
    """An item to check: the step that reports it, its message, and a still.

    ``frames`` are those in question, 0 if unknown. ``alike`` counts the items that ask the same of the same thing, and
    ``also`` are their frames.
    """

    step: str
    message: str
    frame: int | None = None
    confidence: float = 0.0
    still: str | None = None
    frames: int = 0
    alike: int = 0
    also: tuple[int, ...] = ()

    @property
    def length_s(self) -> float:
        return float(seconds(self.frames))


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
    """The report of one video. ``start`` is the time code of its first frame, in frames since 00:00:00:00.

    ``talk_s`` are the seconds with speech. ``names`` maps speaker labels to the names that people gave. ``n_doubts``
    counts all items to check, of which ``doubts`` are the first.
    """

    video: str
    project: str
    run: str
    source: str
    sha256: str
    language: Language = "en"
    start: int = 0
    n_frames: int | None = None
    width: int | None = None
    height: int | None = None
    has_audio: bool | None = None
    shots: tuple[ShotRow, ...] | None = None
    voices: tuple[SpeakerRow, ...] | None = None
    names: dict[str, str] = Field(default_factory=dict)
    talk_s: float | None = None
    transcript: tuple[Paragraph, ...] | None = None
    spoken: str = ""
    no_words: str | None = None
    people: tuple[PersonRow, ...] | None = None
    face_coverage: float | None = None
    objects: tuple[ObjectRow, ...] | None = None
    track_stills: tuple[TrackStill, ...] = ()
    coverage: tuple[Share, ...] = ()
    doubts: tuple[ReviewRow, ...] = ()
    n_doubts: int = 0
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
        item = (ReviewRow(step="report", message=f"pictures are missing: {reason}"),) if reason else ()
        without = {
            "shots": self.shots and tuple(row.model_copy(update={"still": None}) for row in self.shots),
            "people": self.people and tuple(row.model_copy(update={"face": None}) for row in self.people),
            "track_stills": (),
            "doubts": (*item, *(row.model_copy(update={"still": None}) for row in self.doubts)),
            "n_doubts": self.n_doubts + len(item),
        }
        return self.model_copy(update=without)

    def stills(self) -> dict[str, int]:
        """The pictures that the report shows: ``{file: frame}``."""
        rows: list[ShotRow | TrackStill | ReviewRow | FaceStill] = [*(self.shots or ()), *self.track_stills]
        rows += [*self.doubts, *(person.face for person in self.people or () if person.face)]
        return {row.still: row.frame for row in rows if row.still and row.frame is not None}

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


def person_rows(people: Iterable[Person], tracks: "pd.DataFrame") -> tuple[PersonRow, ...]:
    """A row for each person of ``people.json`` with rows in the tracking table, in order of first appearance."""
    owner = {track: person.person for person in people for track in person.tracks}
    faces = tracks[tracks.label == FACE]
    by_person = dict(list(faces.groupby(faces.track_id.map(owner))))
    return tuple(_person_row(person, by_person[person.person]) for person in people if person.person in by_person)


def _person_row(person: Person, rows: "pd.DataFrame") -> PersonRow:
    frames = rows.frame.to_numpy() - 1
    return PersonRow(
        person=person.person,
        speaker=person.voice,
        n_tracks=rows.track_id.nunique(),
        n_frames=len(np.unique(frames)),
        first_frame=int(frames.min()),
        seen=_periods(frames),
        speaking=_periods(frames[rows.is_speaking.to_numpy(bool)]),
        face=_face_still(person.person, rows) if len(rows) >= MIN_FRAMES else None,
    )


def _face_still(person: int, rows: "pd.DataFrame") -> FaceStill:
    """The middle of the track that shows the face largest; a second of it counts more than a glimpse."""
    tracks = rows.groupby("track_id").bbox_height.agg(["mean", "size"])
    best = rows[rows.track_id == (tracks["mean"] * np.minimum(1, tracks["size"] / float(FPS))).idxmax()]
    box = best.iloc[len(best) // 2]
    side = FACE_SQUARE * max(box.bbox_width, box.bbox_height)
    left, top = box.bbox_xmin + (box.bbox_width - side) / 2, box.bbox_ymin + (box.bbox_height - side) / 2
    square = (round(float(left), 1), round(float(top), 1), round(float(side), 1))
    return FaceStill(frame=int(box.frame) - 1, still=f"stills/person-{person:04}.jpg", square=square)


def object_rows(tracks: "pd.DataFrame") -> tuple[ObjectRow, ...]:
    """A row for each class of objects of a tracking table, the longest visible first."""
    rows = [
        ObjectRow(label=label, n_tracks=rows.track_id.nunique(), n_frames=rows.frame.nunique())
        for label, rows in tracks[tracks.label != FACE].groupby("label")
    ]
    return tuple(sorted(rows, key=lambda row: (-row.n_frames, row.label)))


def _periods(frames: np.ndarray) -> tuple[Period, ...]:
    """The runs of ``frames``, in any order, in seconds; gaps shorter than `GAP_FRAMES` are closed.

    >>> _periods(np.array([0, 1, 2, 24, 23]))
    ((0.0, 0.12), (0.92, 1.0))
    """
    spans = spans_from_frames(frames.tolist(), GAP_FRAMES - 1)
    return tuple((span.segment[0], span.segment[1]) for span in spans)


def track_stills(tracks: "pd.DataFrame", people: Iterable[Person], most: int) -> tuple[TrackStill, ...]:
    """Up to ``most`` frames that together show as many people and kinds of objects as possible, in order of time.

    People come before objects, and the longest visible first. Each frame is the middle of the speech of one of them, or
    of the time in view of one who never speaks.
    """
    owner = {track: person.person for person in people for track in person.tracks}
    subjects = tracks.track_id.map(owner).astype(object).where(tracks.label == FACE, tracks.label)
    by_length = tracks.assign(is_face=tracks.label == FACE).groupby(subjects).agg({"is_face": "first", "frame": "size"})
    unseen = list(by_length.sort_values(["is_face", "frame"], ascending=False, kind="stable").index)
    taken: list[int] = []
    while unseen and len(taken) < most:
        rows = tracks[subjects == unseen[0]]
        rows = rows[rows.is_speaking] if rows.is_speaking.any() else rows
        frame = int(rows.frame.iloc[len(rows) // 2])
        taken.append(frame - 1)
        shown = set(subjects[tracks.frame == frame])
        unseen = [subject for subject in unseen if subject not in shown]
    return tuple(TrackStill(frame=frame, still=f"stills/tracks-{frame:06}.jpg") for frame in sorted(taken))


def talk_s(speech: "pd.DataFrame") -> float:
    """The seconds with speech in the frame table of *audio*."""
    return float(seconds(int(speech.is_speech.sum())))


def shares(n_frames: int, speech: "pd.DataFrame | None", tracks: "pd.DataFrame | None") -> tuple[Share, ...]:
    """Coverage of speech, speakers and faces, from the frame table of *audio* and the tracking table, if they exist."""
    parts = []
    if speech is not None:
        heard = speech.is_speech.to_numpy(bool)
        named = speech.speakers.map(len).to_numpy() > 0
        parts.append((_("Talk time"), heard.sum(), n_frames, _("of the video has speech")))
        parts.append((_("Known speakers"), (heard & named).sum(), heard.sum(), _("of the speech has a known speaker")))
    if tracks is not None:
        faces = tracks[tracks.label == FACE]
        movements = faces[BLENDSHAPE].notna().sum(), len(faces)
        parts.append((_("Faces"), faces.frame.nunique(), n_frames, _("of the video shows at least one face")))
        parts.append((_("Face movements"), *movements, _("of the faces have blendshapes")))
    if speech is not None and tracks is not None:
        spoken = np.intersect1d(speech.frame[heard], faces.frame[faces.is_speaking.to_numpy(bool)])
        parts.append((_("Speaker in view"), len(spoken), heard.sum(), _("of the speech shows the speaking face")))
    return tuple(Share(name=n, share=float(part / whole), meaning=m) for n, part, whole, m in parts if whole)
