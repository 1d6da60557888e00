"""What the player shows of a video, and its form for the browser."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from vidlib.localization import Localization
from vidlib.player import bundle
from vidlib.player.encoding import Columns, columns, encode_boxes
from vidlib.results.exports.people_json import Person
from vidlib.results.reframing.framing import Framing
from vidlib.setting_types import Language
from vidlib.timeline import FPS, Boundary, Shot, Turn, nearest_frame

if TYPE_CHECKING:
    import pyarrow as pa

KINDS: tuple[str, ...] = get_args(Boundary)
"""How a shot begins; the browser gets the index."""

NOBODY = -1
"""Index of a speaker or person that is not known."""

TRACK_COLUMNS = (
    *("frame", "track_id", "label", "speaker", "is_speaking"),
    *("bbox_xmin", "bbox_ymin", "bbox_width", "bbox_height"),
)
"""The columns of the table ``tracks`` that the player needs."""


@dataclass(frozen=True)
class Material:
    """Everything that is shown of one video. Frames count from 0 and ``stop`` is not included.

    ``tracks``, ``words`` and ``review`` are the tables of `vidlib.results.frames`; of tracks, `TRACK_COLUMNS` suffice.
    ``names`` are those that people gave to speakers, and ``decisions`` counts what people corrected. The player speaks
    ``language``.
    """

    name: str
    frames: int
    width: int
    height: int
    shots: Sequence[Shot]
    turns: Sequence[Turn]
    tracks: "pa.Table"
    people: Sequence[Person]
    words: "pa.Table"
    review: "pa.Table"
    names: Mapping[str, str] = field(default_factory=dict)
    decisions: int = 0
    language: Language = "en"

    def state(self) -> dict[str, Any]:
        """The traits of the widget, by name: columns, and what is text in ``info``."""
        boxes, speech = self._faces()
        return {
            "info": self._info(),
            "shots": self._shots(),
            "turns": self._turns(),
            "faces": boxes,
            "speaking": speech,
            "boxes": self._boxes,
            "words": self._words(),
            "review": self._review(),
        }

    def _info(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "frames": self.frames,
            "width": self.width,
            "height": self.height,
            "fps": int(FPS),
            "kinds": KINDS,
            "speakers": self._speakers,
            "names": dict(self.names),
            "people": [{"person": person.person, "speaker": person.voice} for person in self.people],
            "labels": self._labels,
            "words": self.words["text"].to_pylist(),
            "messages": [self._sentence(message) for message in self.review["message"].to_pylist()],
            "steps": self.review["step"].to_pylist(),
            "decisions": self.decisions,
            "language": self.language,
            "catalogue": catalogue(self.language),
        }

    def _sentence(self, message: str) -> str:
        return Localization(self.language).sentence(message)

    @cached_property
    def _speakers(self) -> list[str]:
        """All labels of speakers: those of turns, people and tracks."""
        of_tracks = self.tracks["speaker"].unique().to_pylist()
        labels = {turn.speaker for turn in self.turns} | {person.voice for person in self.people} | set(of_tracks)
        return sorted(label for label in labels if label)

    @cached_property
    def _labels(self) -> list[str]:
        """The labels of tracks, ``face`` first."""
        return sorted(self.tracks["label"].unique().to_pylist(), key=lambda label: (label != "face", label))

    def _shots(self) -> Columns:
        return columns(
            {
                "start": [shot.span.start for shot in self.shots],
                "stop": [shot.span.stop for shot in self.shots],
                "kind": [KINDS.index(shot.boundary) for shot in self.shots],
                "from": [shot.transition.start if shot.transition else shot.span.start for shot in self.shots],
                "to": [shot.transition.stop if shot.transition else shot.span.start for shot in self.shots],
                "percent": [round(100 * shot.confidence) for shot in self.shots],
            }
        )

    def _turns(self) -> Columns:
        turns = sorted(self.turns)
        return columns(
            {
                "start": [nearest_frame(turn.start_s) for turn in turns],
                "stop": [nearest_frame(turn.stop_s) for turn in turns],
                "speaker": [self._speakers.index(turn.speaker) for turn in turns],
                "percent": [round(100 * turn.confidence) for turn in turns],
            }
        )

    def _words(self) -> Columns:
        index = {label: number for number, label in enumerate(self._speakers)}
        times = {name: self.words[name].to_pylist() for name in ("start", "stop")}
        return columns(times | {"speaker": [index.get(label, NOBODY) for label in self.words["speaker"].to_pylist()]})

    def _review(self) -> Columns:
        frames = [NOBODY if frame is None else frame for frame in self.review["frame"].to_pylist()]
        percent = [round(100 * confidence) for confidence in self.review["confidence"].to_pylist()]
        _, number = np.unique(self.review["item"].to_numpy(), return_inverse=True)  # some may be answered
        return columns({"frame": frames, "percent": percent, "number": number + 1})

    def _faces(self) -> tuple[Columns, Columns]:
        """A row for each track, or part of one without a gap, by start; and the spans in which one speaks.

        A row of the second has the number of a row of the first as ``face``.
        """
        runs = self._runs
        person_of = {track: person.person for person in self.people for track in person.tracks}
        speakers = self.tracks["speaker"].to_pylist()
        labels = self.tracks["label"].to_pylist()
        first_rows = [run.rows[0] for run in runs]
        faces = {
            "start": [run.start for run in runs],
            "stop": [run.start + len(run.rows) for run in runs],
            "track": [run.track for run in runs],
            "person": [person_of.get(run.track, NOBODY) for run in runs],
            "label": [self._labels.index(labels[row]) for row in first_rows],
            "speaker": [self._speakers.index(speakers[row]) if speakers[row] else NOBODY for row in first_rows],
        }
        return columns(faces), columns(self._speech())

    def _speech(self) -> dict[str, list[int]]:
        is_speaking = self.tracks["is_speaking"].to_numpy()
        spans: dict[str, list[int]] = {"start": [], "stop": [], "face": []}
        for number, run in enumerate(self._runs):
            edges = np.flatnonzero(np.diff(is_speaking[run.rows].astype(np.int8), prepend=0, append=0)) + run.start
            spans["start"] += edges[::2].tolist()
            spans["stop"] += edges[1::2].tolist()
            spans["face"] += [number] * (len(edges) // 2)
        return spans

    @cached_property
    def _boxes(self) -> bytes:
        left, top, width, height = (self.tracks[name].to_numpy() for name in TRACK_COLUMNS[5:])
        corners = np.stack([left, top, left + width, top + height], axis=1)
        return encode_boxes(corners[np.concatenate([run.rows for run in self._runs] or [np.arange(0)])])

    @cached_property
    def _runs(self) -> "list[Run]":
        return runs_of(self.tracks["track_id"].to_numpy(), self.tracks["frame"].to_numpy())


@cache
def catalogue(language: Language) -> dict[str, str | list[str]]:
    """The translations of the player, by English text; see `Localization.catalogue`."""
    script = bundle.script()
    texts = Localization(language).catalogue().items()
    return {message: text for message, text in texts if message in KINDS or f'"{message}"' in script}


def framing_columns(framings: Iterable[Framing]) -> Columns:
    """What a window of another shape shows, a row for each of its keys: from ``frame`` on the part from ``left`` on.

    ``glides`` is 1 where the window moves to the place of the next row, else 0: it stays.
    """
    rows: dict[str, list[int]] = {"frame": [], "left": [], "width": [], "glides": []}
    for framing in framings:
        shown, first = framing.areas(), framing.segments[0].start
        for segment in framing.segments:
            for number, (frame, _) in enumerate(segment.keys):
                area = shown[frame - first]
                rows["frame"].append(frame)
                rows["left"].append(area.left)
                rows["width"].append(area.width)
                rows["glides"].append(int(number + 1 < len(segment.keys)))
    return columns(rows)


@dataclass(frozen=True)
class Run:
    """A track in consecutive frames from ``start`` on; ``rows`` (n,) are its rows in the table, in order of frame."""

    track: int
    start: int
    rows: np.ndarray


def runs_of(track_ids: np.ndarray, frames: np.ndarray) -> list[Run]:
    """The runs of consecutive frames of each track, by start, then track; a track with a gap has several."""
    if not len(frames):
        return []
    order = np.lexsort((frames, track_ids))
    breaks = (np.diff(track_ids[order]) != 0) | (np.diff(frames[order]) != 1)
    parts = np.split(order, np.flatnonzero(breaks) + 1)
    runs = [Run(int(track_ids[rows[0]]), int(frames[rows[0]]), rows) for rows in parts]
    return sorted(runs, key=lambda run: (run.start, run.track))
