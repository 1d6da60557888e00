"""The choice of the streams that a player would show and play, in a file with several pictures or programmes.

A file may hold stills, thumbnails, a proxy, or a stream without data before its video; and a broadcast (MPEG-TS) holds
several programmes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidlib.errors import CommandFailed, MediaError
from vidlib.media import ffmpeg, ffprobe

Stream = dict[str, Any]
"""One stream in ffprobe's words."""

MIN_FRAMES_SHARE, MIN_AREA_SHARE = 1 / 4, 1 / 2
"""A picture with fewer frames or pixels than this share of the best is no match for it: a still, or a proxy."""

DECODE_TIMEOUT_S = 600


@dataclass(frozen=True)
class Picture:
    """One candidate: its stream, and the number of its packets, which are frames that may be decodable."""

    stream: Stream
    n_frames: int

    @property
    def index(self) -> int:
        """The index of its stream within the file."""
        return self.stream["index"]

    @property
    def area(self) -> int:
        """Pixels of one frame; 0 where nothing tells the size."""
        return int(self.stream.get("width", 0)) * int(self.stream.get("height", 0))

    @property
    def is_default(self) -> bool:
        """Whether the file marks the stream as the one to show."""
        return bool(self.stream["disposition"].get("default"))

    def __str__(self) -> str:
        size = f"{self.stream.get('width')} x {self.stream.get('height')}"
        if not self.n_frames or not self.area:
            return f"stream {self.index} (no frame of it can be decoded)"
        return f"stream {self.index} ({size}, {self.n_frames} {'frame' if self.n_frames == 1 else 'frames'})"


@dataclass(frozen=True)
class Choice:
    """The ``picture`` and the ``sounds`` of a file, as streams; ``notes`` say in sentences what else it holds.

    ``is_first`` says whether the file has no other picture before it, so that any program takes the same.
    """

    picture: Stream
    sounds: tuple[Stream, ...]
    notes: tuple[str, ...]
    is_first: bool


def choose(path: Path, description: ffprobe.Description) -> Choice:
    """Choose as a player would: what decodes, moves and is large, then the default stream, then the first.

    Sounds are those of the picture's programme. Raises MediaError if there is no picture.
    """
    streams = description.get("streams", [])
    shown = [s for s in streams if s.get("codec_type") == "video" and not s["disposition"].get("attached_pic")]
    candidates = [stream for stream in shown if not stream["disposition"].get("still_image")] or shown
    if not candidates:
        types = ", ".join(sorted({str(s.get("codec_type")) for s in streams})) or "nothing"
        raise MediaError(f"{path.name!r} holds no moving picture, but {types}; expected a video file")
    picture, notes = _choose_picture(path, candidates)
    sounds, sound_notes = _choose_sounds(picture, description)
    before = [s for s in streams if s.get("codec_type") == "video" and s["index"] < picture["index"]]
    is_first = all(stream["disposition"].get("attached_pic") for stream in before)
    return Choice(picture, sounds, (*notes, *sound_notes), is_first)


def _choose_picture(path: Path, candidates: Sequence[Stream]) -> tuple[Stream, list[str]]:
    if len(candidates) == 1:
        return candidates[0], []
    pictures = [Picture(stream, _count_frames(path, stream)) for stream in candidates]
    ranked = _rank([picture for picture in pictures if picture.n_frames and picture.area])
    chosen = next((picture for picture in ranked if _decodes(path, picture)), None)
    if chosen is None:
        return candidates[0], []
    rivals = _rivals(ranked)
    if chosen is pictures[0] and rivals == [chosen]:
        return chosen.stream, []  # what is left out are stills, proxies and streams without data
    others = ", ".join(str(picture) for picture in pictures if picture is not chosen)
    return chosen.stream, [f"the file has {len(pictures)} pictures: {chosen} was taken as the video, not {others}"]


def _count_frames(path: Path, stream: Stream) -> int:
    """The number of frames in the file's index, else that of the stream's packets."""
    count = str(stream.get("nb_frames", ""))
    if count.isdigit():
        return int(count)
    packets = ffprobe.packets(path).get(stream["index"])
    return packets.number if packets else 0


def _rivals(pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures that may be the video: without stills and proxies."""
    most = max((picture.n_frames for picture in pictures), default=0)
    moving = [picture for picture in pictures if picture.n_frames >= MIN_FRAMES_SHARE * most]
    largest = max((picture.area for picture in moving), default=0)
    return [picture for picture in moving if picture.area >= MIN_AREA_SHARE * largest]


def _rank(pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures in order of preference."""
    rivals = _rivals(pictures)

    def order(picture: Picture) -> tuple[bool, bool, int, int, int]:
        return (picture not in rivals, not picture.is_default, -picture.area, -picture.n_frames, picture.index)

    return sorted(pictures, key=order)


def _decodes(path: Path, picture: Picture) -> bool:
    """Whether at least one frame can be decoded."""
    one = ["-map", f"0:{picture.index}", "-frames:v", "1", "-f", "null", "-"]
    try:
        return ffmpeg.run_counted(ffmpeg.command(*ffmpeg.input_args(path), *one), timeout_s=DECODE_TIMEOUT_S).frames > 0
    except CommandFailed:
        return False


def _choose_sounds(picture: Stream, description: ffprobe.Description) -> tuple[tuple[Stream, ...], list[str]]:
    sounds = [stream for stream in description.get("streams", []) if stream.get("codec_type") == "audio"]
    live = [stream for stream in sounds if _has_sound(stream)]
    programmes = [{s["index"] for s in p.get("streams", [])} for p in description.get("programs", [])]
    own = set().union(*(indices for indices in programmes if picture["index"] in indices))
    foreign = set().union(*programmes) - own
    chosen = [stream for stream in live if stream["index"] not in foreign] or live
    notes = []
    if others := [stream["index"] for stream in live if stream not in chosen]:
        notes.append(f"sound of other programmes was left out: {_streams(others)}")
    if dead := [s["index"] for s in sounds if s not in live and s["index"] not in foreign]:
        notes.append(f"sound without any data was left out: {_streams(dead)}")
    return tuple(chosen), notes


def _streams(indices: Sequence[int]) -> str:
    return f"stream{'s' if len(indices) > 1 else ''} {', '.join(map(str, indices))}"


def _has_sound(stream: Stream) -> bool:
    """Whether rate and channels are known; they are for every stream with data. An unknown codec has neither."""
    return "codec_name" not in stream or (int(stream.get("sample_rate", 0)) > 0 and stream.get("channels", 0) > 0)
