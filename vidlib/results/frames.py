"""The tables that analysts read, as Arrow tables made of the files that finished steps left.

`TABLES` is the one place that names their columns and units; docs/tables.md is made of it. Frames count from 0 and
``stop`` is not included, also where the file counts from 1.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vidlib.results.exports import people_json, rttm, shots_csv, shots_json, webvtt, words_table
from vidlib.results.review import ReviewItem, questions
from vidlib.timeline import Segment, Span, Turns, Word, nearest_frame, seconds
from vidlib.tracking.blendshapes import BLENDSHAPES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Column(NamedTuple):
    """A column: its Arrow ``type``, its ``unit`` (or range), what it says, and whether a value may be missing."""

    name: str
    type: str
    unit: str
    meaning: str
    nullable: bool = False


VIDEO = (
    Column("video", "string", "", "file name of the video as it arrived"),
    Column("sha256", "string", "", "SHA-256 of that file: what identifies the video in every table"),
)
"""The columns that come first in every table of a workspace."""

_SPAN = (
    Column("start", "int32", "frame", "first frame"),
    Column("stop", "int32", "frame", "frame after the last one"),
    Column("start_s", "float64", "s", "when it begins"),
    Column("stop_s", "float64", "s", "when it ends"),
)

TABLES: Mapping[str, tuple[Column, ...]] = {
    "videos": (
        Column("project", "string", "", "delivery that the video belongs to"),
        Column("path", "string", "", "where the file was last seen"),
        Column("frames", "int32", "frames", "length at 25 frames per second", nullable=True),
        Column("duration_s", "float64", "s", "length", nullable=True),
        Column("width", "int32", "px", "width of the converted video", nullable=True),
        Column("height", "int32", "px", "height of the converted video", nullable=True),
        Column("has_audio", "bool", "", "whether it has sound", nullable=True),
        Column("n_shots", "int32", "", "number of shots", nullable=True),
        Column("n_speakers", "int32", "", "number of speakers", nullable=True),
        Column("speech_s", "float64", "s", "time in which anybody speaks", nullable=True),
        Column("n_people", "int32", "", "number of people who are seen", nullable=True),
        Column("n_tracks", "int32", "", "number of tracks of faces and objects", nullable=True),
        Column("face_coverage", "float64", "0 to 1", "share of the frames that show a face", nullable=True),
        Column("run", "string", "", "run that the results belong to"),
        Column("finished_at", "timestamp[s, tz=UTC]", "UTC", "when the last of the results was finished"),
    ),
    "shots": (
        Column("shot", "int32", "from 1", "number of the shot, as in shot lists"),
        *_SPAN,
        Column("duration_s", "float64", "s", "length"),
        Column("boundary", "string", "", "how the shot begins: start, cut, dissolve or fade", nullable=True),
        Column("transition_frames", "int32", "frames", "length of a gradual transition; 0 for a cut", nullable=True),
        Column("confidence", "float64", "0 to 1", "confidence of the beginning", nullable=True),
    ),
    "turns": (
        *_SPAN,
        Column("duration_s", "float64", "s", "length"),
        Column("speaker", "string", "", "label of the speaker, unique within one video: SPEAKER_00"),
        Column("confidence", "float64", "0 to 1", "confidence of the speaker"),
    ),
    "words": (
        *_SPAN,
        Column("text", "string", "", "a word with its punctuation, or a line of captions if words have no times"),
        Column("speaker", "string", "", "speaker of the turn that the word lies in", nullable=True),
        Column("confidence", "float64", "0 to 1", "confidence of the text", nullable=True),
    ),
    "tracks": (
        Column("frame", "int32", "frame", "frame of this row: one row for each track in each frame"),
        Column("track_id", "int32", "", "track, unique within one video"),
        Column("source", "string", "", "what found it: face_landmarker or object_detector"),
        Column("label", "string", "", "face, or the COCO name of an object"),
        Column("confidence", "float32", "0 to 1", "confidence of the detection"),
        Column("centroid_x", "float32", "px", "centre of the box, from the left"),
        Column("centroid_y", "float32", "px", "centre of the box, from the top"),
        Column("bbox_xmin", "float32", "px", "left edge of the box"),
        Column("bbox_ymin", "float32", "px", "top edge of the box"),
        Column("bbox_width", "float32", "px", "width of the box"),
        Column("bbox_height", "float32", "px", "height of the box"),
        Column("is_speaking", "bool", "", "whether this face speaks in this frame"),
        Column("speaking_confidence", "float32", "0 to 1", "confidence that it speaks"),
        Column("speaker", "string", "", "speaker that this face belongs to", nullable=True),
        Column("shot", "int32", "from 1", "number of the shot"),
    ),
    "blendshapes": (
        Column("frame", "int32", "frame", "frame of this row"),
        Column("track_id", "int32", "", "track of the face"),
        *(Column(name, "float32", "0 to 1", "MediaPipe blendshape", nullable=True) for name in BLENDSHAPES),
    ),
    "people": (
        Column("person", "int32", "from 1", "number of the person, by first appearance"),
        Column("speaker", "string", "", "label of the person's voice in turns", nullable=True),
        Column("speaker_confidence", "float64", "0 to 1", "confidence of that label", nullable=True),
        Column("n_tracks", "int32", "", "number of tracks that show the person"),
        Column("seen_s", "float64", "s", "time in which the face is seen"),
        Column("speaking_s", "float64", "s", "time in which the face is seen speaking"),
        Column("track_ids", "list<item: int32>", "", "tracks that show the person"),
    ),
    "review": (
        Column("item", "int32", "from 1", "number in the list, what matters most first; alike rows share one"),
        Column("step", "string", "", "step that asks"),
        Column("frame", "int32", "frame", "where to look", nullable=True),
        Column("time_s", "float64", "s", "when that is", nullable=True),
        Column("confidence", "float64", "0 to 1", "confidence of the result in question"),
        Column("message", "string", "", "what a person should check"),
        Column("kind", "string", "", "kind of the question, as `evaluate --corrections` counts them", nullable=True),
        Column("frames", "int32", "frames", "how many a correction would change", nullable=True),
        Column("track_id", "int32", "", "face in question", nullable=True),
        Column("harm", "float64", "", "expected harm; rows of one item add up to what the list is sorted by"),
    ),
}
"""The columns of each table. In a workspace `VIDEO` come first, and ``tracks`` has those of ``blendshapes`` as well."""


def columns_of(name: str, *, workspace: bool = False) -> tuple[Column, ...]:
    """The columns of the table ``name``, of one video or of a ``workspace``."""
    columns = TABLES[name]
    if workspace:
        more = TABLES["blendshapes"][2:] if name == "tracks" else ()
        columns = (*VIDEO, *columns, *more)
    return columns


def schema(name: str, *, workspace: bool = False) -> "pa.Schema":
    """The Arrow schema of `columns_of`."""
    import pyarrow as pa

    fixed = {"timestamp[s, tz=UTC]": pa.timestamp("s", "UTC"), "list<item: int32>": pa.list_(pa.int32())}
    columns = columns_of(name, workspace=workspace)
    return pa.schema([pa.field(c.name, fixed.get(c.type) or pa.type_for_alias(c.type)) for c in columns])


def to_pandas(table: "pa.Table") -> "pd.DataFrame":
    """``table`` for analysts: whole numbers stay whole where some are missing (pandas' ``Int32``)."""
    import pyarrow as pa

    frame = table.to_pandas()
    missing = [f.name for f in table.schema if pa.types.is_integer(f.type) and table[f.name].null_count]
    return frame.astype(dict.fromkeys(missing, "Int32"))


def shots(path: Path) -> "pa.Table":
    """The shots in a ``shots.json``; raises BrokenOutput where it is no such file."""
    return _table(
        "shots",
        (
            {
                **_shot(number, shot.span),
                "boundary": shot.boundary,
                "transition_frames": len(shot.transition) if shot.transition else 0,
                "confidence": shot.confidence,
            }
            for number, shot in enumerate(shots_json.read(path), 1)
        ),
    )


def shots_of_list(path: Path) -> "pa.Table":
    """The shots in an editors' list, which does not hold how they begin; raises BrokenOutput where it is none."""
    return _table("shots", (_shot(number, span) for number, span in enumerate(shots_csv.read(path), 1)))


def _shot(number: int, span: Span) -> dict[str, float]:
    times = {"start_s": float(seconds(span.start)), "stop_s": float(seconds(span.stop))}
    return {"shot": number, "start": span.start, "stop": span.stop, **times, "duration_s": float(seconds(len(span)))}


def turns(path: Path) -> "pa.Table":
    """The turns in an RTTM file; raises BrokenOutput where a line is no turn."""
    return _table(
        "turns",
        (
            {
                **_period(turn.start_s, turn.stop_s),
                "duration_s": turn.duration_s,
                "speaker": turn.speaker,
                "confidence": turn.confidence,
            }
            for turn in rttm.read(path)
        ),
    )


def words(table: Path | None, captions: Path | None, turns: Turns) -> "pa.Table":
    """The words in a ``words.parquet``, with the speakers of ``turns``; no row without a file.

    Of earlier results, which have captions alone, the cues of the WebVTT file.
    """
    if table:
        rows = words_table.with_speakers(words_table.read(table), turns)
    else:
        cues = webvtt.read(captions) if captions else []
        rows = [Word(*cue, turns.dominant_speaker(Segment(*cue[:2]))) for cue in cues]
    return _table("words", ({**vars(word), **_period(word.start_s, word.stop_s)} for word in rows))


def people(path: Path) -> "pa.Table":
    """The people in a ``people.json``; raises BrokenOutput where it is no such file."""
    return _table(
        "people",
        (
            {
                "person": person.person,
                "speaker": person.voice,
                "speaker_confidence": person.voice_confidence,
                "n_tracks": len(person.tracks),
                "seen_s": float(seconds(person.frames)),
                "speaking_s": float(seconds(person.speaking_frames)),
                "track_ids": list(person.tracks),
            }
            for person in people_json.read(path)
        ),
    )


def tracks(path: Path, name: str = "tracks") -> "pa.Table":
    """The table ``tracks`` or ``blendshapes`` (faces only) of a ``tracking.parquet``."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = schema(name)
    faces = [("source", "==", "face_landmarker")] if name == "blendshapes" else None
    table = pq.read_table(path, columns=columns.names, filters=faces)
    return table.set_column(0, "frame", pc.subtract(table["frame"], 1)).cast(columns)


def review(doubts: Mapping[str, Iterable[Mapping[str, Any]]], n_frames: int = 1) -> "pa.Table":
    """What each step asks a person to check in a video of ``n_frames``, ``{step: its doubts}``; what matters first.

    Rows with the same number ask the same of the same thing; see `vidlib.results.review`.
    """
    asked = [(step, ReviewItem.model_validate(doubt)) for step, items in doubts.items() for doubt in items]
    return _table(
        "review",
        (
            {
                **item.model_dump(),
                "item": number,
                "step": step,
                "time_s": None if item.frame is None else float(seconds(item.frame)),
                "track_id": item.track,
                "harm": item.harm(n_frames),
            }
            for number, question in enumerate(questions(asked, n_frames), 1)
            for step, item in question.asked
        ),
    )


def _table(name: str, rows: Iterable[Mapping[str, Any]]) -> "pa.Table":
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema(name))


def _period(start_s: float, stop_s: float) -> dict[str, float]:
    return {"start": nearest_frame(start_s), "stop": nearest_frame(stop_s), "start_s": start_s, "stop_s": stop_s}
