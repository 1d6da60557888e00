"""``<stem>_audio.json``: the speakers of each frame, for After Effects."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from pydantic import BaseModel

from vidlib.errors import BrokenOutput
from vidlib.results.exports import frames_json
from vidlib.timeline import Turn, Turns

SPEECH = re.compile(
    rb'\n\{"frame":(\d+),"audio_info":\{"is_speech_present":true,"active_speaker_labels":\[(.*?)\],"timecode_sec":'
)
"""The line of a frame with speech, as `write` writes it, with its labels."""


class AudioInfo(BaseModel):
    """Speech in one frame, without labels for unknown speakers; the frame begins at ``timecode_sec`` seconds."""

    is_speech_present: bool
    active_speaker_labels: tuple[str, ...]
    timecode_sec: float


class AudioFrame(frames_json.NumberedFrame):
    """The sound of one frame."""

    audio_info: AudioInfo


class SpeakerStats(BaseModel):
    """One speaker: speaking time in seconds, share of the time of all speakers in [0, 1], number of turns."""

    total_sec: float
    share: float
    turns: int


class AudioFile(BaseModel):
    """A whole file; older ones lack ``fps``, ``total_frames`` and ``speaker_stats``."""

    fps: float | None = None
    total_frames: int | None = None
    frames_analysis: tuple[AudioFrame, ...]
    speaker_stats: dict[str, SpeakerStats] = {}


def speaker_stats(turns: Sequence[Turn]) -> dict[str, SpeakerStats]:
    """The statistics of each speaker, by label; seconds have three digits, shares four.

    >>> speaker_stats([Turn(0, 3, "SPEAKER_00"), Turn(3, 4, "SPEAKER_01")])["SPEAKER_00"]
    SpeakerStats(total_sec=3.0, share=0.75, turns=1)
    """
    by_speaker = Turns(turns).by_speaker()
    total_s = sum(its_turns.duration_s for its_turns in by_speaker.values())
    return {
        speaker: SpeakerStats(
            total_sec=round(its_turns.duration_s, 3),
            share=round(its_turns.duration_s / total_s, 4) if total_s else 0,
            turns=len(its_turns),
        )
        for speaker, its_turns in by_speaker.items()
    }


def write(path: Path, frames: Iterable[AudioFrame], total_frames: int, turns: Sequence[Turn]) -> Path:
    """Write the frames of a video, from 1 to ``total_frames``, one at a time, then the statistics of the speakers."""
    stats = {speaker: stats.model_dump() for speaker, stats in speaker_stats(turns).items()}
    return frames_json.write(path, frames, total_frames, speaker_stats=stats)


def stream(path: Path) -> Iterator[AudioFrame]:
    """The frames of a file by `write`, one at a time; raises BrokenOutput for a damaged file."""
    return frames_json.stream(path, AudioFrame)


def read(path: Path) -> AudioFile:
    """A whole file, also an older one; raises BrokenOutput for a file of another form."""
    return frames_json.read(path, AudioFile)


def spoken_frames(path: Path) -> dict[tuple[str, ...], list[int]]:
    """The frames with speech (from 1), by the labels of their speakers, in any layout, also of an older file.

    This is faster than `read`. Raises BrokenOutput for a damaged file.
    """
    data = path.read_bytes()
    spoken: dict[tuple[str, ...], list[int]] = {}
    try:
        for labels, frames in _from_lines(data) if _has_lines(data) else _from_json(data):
            spoken.setdefault(labels, []).extend(frames)
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenOutput(f"{path} is truncated or damaged: {error!r}") from error
    return spoken


def _has_lines(data: bytes) -> bool:
    """Whether `write` wrote the file, and none of its lines is missing."""
    if not data.startswith(b'{"fps":') or not data.endswith(b"}\n"):
        return False
    total = json.loads(data[: data.index(b"\n")] + b"]}").get("total_frames")
    return data.count(b'\n{"frame":') == total


def _from_lines(data: bytes) -> Iterator[tuple[tuple[str, ...], list[int]]]:
    for info, lines in groupby(SPEECH.findall(data), key=itemgetter(1)):
        yield tuple(json.loads(b"[" + info + b"]")), [int(frame) for frame, _ in lines]


def _from_json(data: bytes) -> Iterator[tuple[tuple[str, ...], list[int]]]:
    for row in json.loads(data)["frames_analysis"]:
        if row["audio_info"]["is_speech_present"]:
            yield tuple(row["audio_info"]["active_speaker_labels"]), [row["frame"]]
