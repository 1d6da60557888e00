"""``<stem>_audio.json``: whether somebody speaks in each frame, and who, for After Effects."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel

from vidlib.results.exports import frames_json
from vidlib.timeline import Turn


class AudioInfo(BaseModel):
    """Speech in one frame; speech of nobody known has no labels; ``timecode_sec`` is when the frame begins."""

    is_speech_present: bool
    active_speaker_labels: tuple[str, ...]
    timecode_sec: float


class AudioFrame(BaseModel):
    """What is heard in one frame, counted from 1."""

    frame: int
    audio_info: AudioInfo


class SpeakerStats(BaseModel):
    """How much one speaker says: seconds, share of what all say (0 to 1), number of turns."""

    total_sec: float
    share: float
    turns: int


class AudioFile(BaseModel):
    """A whole file; ``fps``, ``total_frames`` and ``speaker_stats`` are missing in older ones."""

    fps: float | None = None
    total_frames: int | None = None
    frames_analysis: tuple[AudioFrame, ...]
    speaker_stats: dict[str, SpeakerStats] = {}


def speaker_stats(turns: Sequence[Turn]) -> dict[str, SpeakerStats]:
    """How much each speaker says, by label; seconds to three digits, shares to four.

    >>> speaker_stats([Turn(0, 3, "SPEAKER_00"), Turn(3, 4, "SPEAKER_01")])["SPEAKER_00"]
    SpeakerStats(total_sec=3.0, share=0.75, turns=1)
    """
    said = {speaker: [t.stop_s - t.start_s for t in turns if t.speaker == speaker] for speaker in _speakers(turns)}
    whole = sum(map(sum, said.values()))
    return {
        speaker: SpeakerStats(
            total_sec=round(sum(lengths), 3), share=round(sum(lengths) / whole, 4) if whole else 0, turns=len(lengths)
        )
        for speaker, lengths in said.items()
    }


def write(path: Path, frames: Iterable[AudioFrame], total_frames: int, turns: Sequence[Turn]) -> Path:
    """Write every frame of a video, from 1 to ``total_frames``, as they come, then how much each speaker says."""
    stats = {speaker: stats.model_dump() for speaker, stats in speaker_stats(turns).items()}
    return frames_json.write(path, frames, total_frames, speaker_stats=stats)


def stream(path: Path) -> Iterator[AudioFrame]:
    """The frames of a file that `write` left, one at a time; raises BrokenOutput where it is damaged."""
    return frames_json.stream(path, AudioFrame)


def read(path: Path) -> AudioFile:
    """A whole file, also an older one; raises BrokenOutput where it is none."""
    return frames_json.read(path, AudioFile)


def _speakers(turns: Iterable[Turn]) -> list[str]:
    return sorted({turn.speaker for turn in turns})
