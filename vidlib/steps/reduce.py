"""Reduce: writes the two small JSON files that After Effects loads, and the transcript with the final speakers."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from pydantic import model_validator

from vidlib.errors import BrokenOutput
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.results.exports import audio_json, rttm, tracking_json, tracking_table, transcript, words_table
from vidlib.results.exports.audio_json import AudioFrame, AudioInfo
from vidlib.results.exports.tracking_json import TrackedFrame, TrackedObject
from vidlib.steps.base import OutFile, StepOutputs, archived, from_step, location, published, with_manifest
from vidlib.timeline import Turns, seconds

NAME = "reduce"
VERSION = 1
NOTEBOOK = "07_reduce.ipynb"
TOOLS = ()

BATCH_ROWS = 1024
"""Rows of a table in memory at once."""

TRACKING_COLUMNS = (
    "frame",
    "track_id",
    "source",
    "label",
    "confidence",
    "centroid_x",
    "bbox_width",
    "bbox_height",
    "is_speaking",
    "speaker",
)


class Inputs(Frozen):
    """Inputs of the step, and its output folder."""

    frames: int = from_step(
        "convert", "frames", "number of frames of the video; 0: the number of rows of ``speech``", default=0
    )
    tracks: Path = from_step("tracking", "tracks", "Parquet, a row per frame and track")
    speech: Path = from_step("tracking", "speech", "Parquet, a row per frame: is_speech, speakers")
    turns: Path = from_step("tracking", "turns", "RTTM: who speaks from when to when")
    words: Path | None = from_step("audio", "words", "Parquet, a row per word", default=None, added=True)
    out_dir: Path = location("output folder of the step")

    @model_validator(mode="before")
    @classmethod
    def _count_frames(cls, values: dict[str, Any]) -> dict[str, Any]:
        import pyarrow.parquet as pq

        if values.get("frames") or "speech" not in values:
            return values
        return values | {"frames": pq.read_metadata(values["speech"]).num_rows}


class Params(Frozen):
    """No choices."""


class Outputs(StepOutputs):
    """Results of the step."""

    tracking_json: OutFile = published("tracking_json", "JSON for After Effects: where each face and object is")
    audio_json: OutFile = published("audio_json", "JSON for After Effects: who speaks when")
    captions: OutFile | None = published("captions", "WebVTT: the transcript with its speakers", default=None)
    subtitles: OutFile | None = published("subtitles", "SubRip: the same", default=None)
    words: OutFile | None = archived("words", "Parquet, a row per word: times, text, speaker", default=None)


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Write both files, frame by frame, and the text with the speakers of ``turns``."""
    n, total = inputs.frames, 2 * inputs.frames
    tracked = _reporting(_tracked_frames(inputs.tracks, n), report, 0, total)
    heard = _reporting(_heard_frames(inputs.speech), report, n, total)
    turns = rttm.read(inputs.turns)
    return Outputs(
        **_write_text(inputs, turns),
        tracking_json=tracking_json.write(inputs.out_dir / "tracking.json", tracked, n),
        audio_json=audio_json.write(inputs.out_dir / "audio.json", heard, n, turns),
    )


def _write_text(inputs: Inputs, turns: Turns) -> dict[str, Path]:
    if inputs.words is None:
        return {}
    words = words_table.with_speakers(words_table.read(inputs.words), turns)
    return transcript.write(inputs.out_dir, words, words_table.read_language(inputs.words))


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Raise BrokenOutput unless both files have every frame once, and the objects and speech of the tables."""
    n_rows = sum(table.num_rows for table in tracking_table.read_shots(inputs.tracks, ["frame"]))
    n_speech = sum(row["is_speech"] for row in _rows(inputs.speech, "is_speech"))
    seen = (len(frame.tracked_objects) for frame in tracking_json.stream(outputs.tracking_json))
    heard = (frame.audio_info.is_speech_present for frame in audio_json.stream(outputs.audio_json))
    _check_counts(outputs.tracking_json, seen, inputs.frames, n_rows)
    _check_counts(outputs.audio_json, heard, inputs.frames, n_speech)


def _check_counts(path: Path, findings: Iterator[int], n_frames: int, n_findings: int) -> None:
    frames = total = 0
    for frames, more in enumerate(findings, 1):  # noqa: B007  (the last number counts)
        total += more
    if (frames, total) != (n_frames, n_findings):
        raise BrokenOutput(
            f"{path} has {frames} frames with {total} findings, expected {n_frames} frames with {n_findings}"
        )


def _tracked_frames(tracks: Path, n_frames: int) -> Iterator[TrackedFrame]:
    """The objects of each frame from 1 to ``n_frames``; some frames have none."""
    rows = (
        row
        for shot in tracking_table.read_shots(tracks, TRACKING_COLUMNS)
        for batch in shot.to_batches(BATCH_ROWS)
        for row in batch.to_pylist()
    )
    by_frame = groupby(rows, itemgetter("frame"))
    filled, seen = next(by_frame, (None, ()))
    for number in range(1, n_frames + 1):
        if number == filled:
            yield TrackedFrame(frame=number, tracked_objects=tuple(map(_tracked_object, seen)))
            filled, seen = next(by_frame, (None, ()))
        else:
            yield TrackedFrame(frame=number, tracked_objects=())
    if filled is not None:
        raise BrokenOutput(f"{tracks}: frame {filled} is out of order, or past the video's {n_frames} frames")


def _tracked_object(row: dict[str, Any]) -> TrackedObject:
    return TrackedObject(
        id=row["track_id"],
        centroid_x=round(row["centroid_x"]),
        source=row["source"],
        label=row["label"],
        confidence=round(row["confidence"], 3),
        active_speakers=(row["speaker"],) if row["is_speaking"] and row["speaker"] else (),
        bbox_width=round(row["bbox_width"]),
        bbox_height=round(row["bbox_height"]),
    )


def _heard_frames(speech: Path) -> Iterator[AudioFrame]:
    """The speech of each frame, from 1 on."""
    for row in _rows(speech, "frame", "is_speech", "speakers"):
        info = AudioInfo(
            is_speech_present=row["is_speech"],
            active_speaker_labels=row["speakers"],
            timecode_sec=float(seconds(row["frame"] - 1)),
        )
        yield AudioFrame(frame=row["frame"], audio_info=info)


def _rows(path: Path, *columns: str) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=list(columns)):
            yield from batch.to_pylist()


def _reporting(frames: Iterator[Any], report: Report, done: int, total: int) -> Iterator[Any]:
    for frame in frames:
        yield frame
        done += 1
        report(done, total)
