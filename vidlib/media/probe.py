"""What ffprobe reports about a media file."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidlib.errors import MediaError
from vidlib.media import durations, ffprobe, pictures
from vidlib.timeline import relabel, smpte_frame

MAX_SIDE = 8192
"""Largest width and height that are accepted, in pixels (8K television), so that no frame fills the memory."""

ALPHA_FORMATS = ("yuva", "ayuv", "gbrap", "rgba", "bgra", "argb", "abgr", "ya8", "ya16", "pal8")
"""Beginnings of FFmpeg's names of pixel formats with an alpha channel."""

MAX_DURATION_S = 24 * 3600
"""Longest duration that is accepted, in seconds; FFmpeg would fill up a longer one with billions of frames."""


@dataclass(frozen=True)
class AudioInfo:
    """One audio stream: ``index`` within the file, codec, samples per second, channels, start in seconds.

    ``layout`` is FFmpeg's name of the speaker positions, such as ``5.1``, or "" where the channels have none. ``title``
    is the name that an MP4 gives the track. ``language`` is the tag in the file, such as ``eng`` (ISO 639-2), or
    ``und`` where it is unknown.
    """

    index: int
    codec: str
    sample_rate: int
    channels: int
    start_s: float = 0.0
    layout: str = ""
    title: str = ""
    language: str = "und"


@dataclass(frozen=True)
class VideoInfo:
    """The picture of a file, and the sound that belongs to it (see `vidlib.media.pictures`).

    ``width`` and ``height`` are stored pixels, before ``rotation`` (clockwise degrees: 0, 90, 180, 270) and the sample
    aspect ratio ``sar`` apply. ``fps`` is the container's average rate; ``frames`` is None where the container has no
    count; ``duration_s`` may be 0. ``start_s`` is the time of the first frame, ``transfer`` the transfer function,
    ``timecode`` the SMPTE label of the first frame, which counts ``timecode_fps`` frames per second. ``is_first`` says
    whether the file has no other picture before this one; ``notes`` say in sentences what else was left out.
    ``file_start_s`` is the time of the first packet of any stream. ``mirrored`` tells that the display matrix contains
    a reflection besides the rotation, ``hidden_alpha`` that FFmpeg's own decoder would drop the alpha channel (WebM).
    ``reordered`` is the number of frames by which the order of decoding is ahead. ``interlaced`` and ``bottom_first``
    (the order of the two fields in time) are what the container states.
    """

    path: Path
    container: str
    index: int
    codec: str
    pix_fmt: str
    width: int
    height: int
    fps: Fraction
    frames: int | None
    duration_s: float
    sar: Fraction
    rotation: int
    audio: tuple[AudioInfo, ...]
    start_s: float = 0.0
    interlaced: bool = False
    transfer: str = "unknown"
    timecode: str | None = None
    timecode_fps: Fraction = Fraction(0)
    is_first: bool = True
    notes: tuple[str, ...] = ()
    file_start_s: float = 0.0
    mirrored: bool = False
    hidden_alpha: bool = False
    reordered: int = 0
    bottom_first: bool = False

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels, as a viewer sees the video, rounded to whole pixels."""
        width, height = round(self.width * self.sar), self.height
        return (height, width) if self.rotation % 180 else (width, height)

    @property
    def start_frame(self) -> int:
        """The time code of the first frame, as frames since 00:00:00:00 at 25 a second; 0 without a valid one."""
        try:
            return smpte_frame(relabel(self.timecode or "", self.timecode_fps))
        except ValueError:
            return 0

    @property
    def is_hdr(self) -> bool:
        """Whether the picture has a high dynamic range: PQ or HLG, ITU-R BT.2100."""
        return self.transfer in ("smpte2084", "arib-std-b67")

    @property
    def has_alpha(self) -> bool:
        """Whether each pixel has an opacity; a palette may have one."""
        return self.hidden_alpha or self.pix_fmt.startswith(ALPHA_FORMATS)

    @property
    def is_rgb(self) -> bool:
        """Whether the picture is stored as red, green and blue, as in screen recordings."""
        return self.pix_fmt.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"))


def probe_video(path: Path) -> VideoInfo:
    """Describe the video file ``path``. Attached pictures (cover art) do not count as video.

    Raises MediaError if the file cannot be read, holds no video, or one larger than `MAX_SIDE` or longer than
    `MAX_DURATION_S`. An unchanged file is probed once per process, whatever its name.
    """
    if not path.is_file():
        raise MediaError(f"{str(path)!r} is no file; expected a video file")
    description = ffprobe.describe(path)
    choice = pictures.choose(path, description)
    info = _video_info(path, choice, description)
    _check_limits(info, description)
    return info


def _check_limits(info: VideoInfo, description: ffprobe.Description) -> None:
    if not info.width or not info.height:
        raise MediaError(f"no frame of {info.path.name!r} can be decoded: nothing in it tells the size of the picture")
    sides = (info.width, info.height, *info.display_size)
    if not all(2 <= side <= MAX_SIDE for side in sides):
        raise MediaError(
            f"{info.path.name!r} has {info.width} x {info.height} pixels; expected 2 to {MAX_SIDE} each way"
        )
    durations_s = [info.duration_s]
    if info.container not in durations.WITH_JUMPS:  # a clock that jumps tells no duration
        durations_s += [float(part.get("duration", 0)) for part in (*description["streams"], description["format"])]
    # the frames may last longer than every duration in the file
    frames_s = float(info.frames / info.fps) if info.frames and info.fps else 0.0
    if (longest_s := max(*durations_s, frames_s)) > MAX_DURATION_S:
        raise MediaError(f"{info.path.name!r} has a duration of {longest_s:.0f} s; expected at most {MAX_DURATION_S} s")


def has_audio(path: Path) -> bool:
    """Whether the file has an audio stream. Raises MediaError if it cannot be read."""
    streams = ffprobe.describe(path).get("streams", [])
    return any(stream.get("codec_type") == "audio" for stream in streams)


def audio_streams(path: Path) -> tuple[AudioInfo, ...]:
    """All audio streams of the file, in order. Raises MediaError if it cannot be read."""
    streams = ffprobe.describe(path).get("streams", [])
    return tuple(_audio_info(stream) for stream in streams if stream.get("codec_type") == "audio")


def frame_times(info: VideoInfo) -> list[Fraction]:
    """Presentation times of all stored frames, in seconds, sorted; nothing is decoded.

    Frames that an edit list leaves out are included. Raises MediaError where the file cannot be read.
    """
    return list(ffprobe.presentation_times(info.path, info.index))


def _video_info(path: Path, choice: pictures.Choice, description: ffprobe.Description) -> VideoInfo:
    stream, container = choice.picture, description.get("format", {})
    fps = _frame_rate(stream)
    duration_s = durations.noted_s(stream, container)
    if durations.is_doubtful(container):
        duration_s = durations.without_jumps_s(path, stream["index"])
    timecode, timecode_fps = _timecode(stream, description)
    return VideoInfo(
        path=path,
        container=container.get("format_name", ""),
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        pix_fmt=stream.get("pix_fmt", "unknown"),
        width=int(stream.get("width", 0)),
        height=int(stream.get("height", 0)),
        fps=fps,
        frames=int(stream["nb_frames"]) if stream.get("nb_frames", "").isdigit() else None,
        duration_s=duration_s,
        sar=fraction(stream.get("sample_aspect_ratio", "1:1").replace(":", "/")) or Fraction(1),
        rotation=_rotation(stream),
        audio=tuple(map(_audio_info, choice.sounds)),
        start_s=float(stream.get("start_time", 0)),
        interlaced=stream.get("field_order", "unknown") not in ("progressive", "unknown"),
        bottom_first=stream.get("field_order") in ("bb", "tb"),
        transfer=stream.get("color_transfer", "unknown"),
        timecode=timecode,
        timecode_fps=timecode_fps or fps,
        is_first=choice.is_first,
        notes=choice.notes,
        file_start_s=float(container.get("start_time", 0)),
        mirrored=_is_mirrored(stream),
        hidden_alpha="1" in (stream.get("tags", {}).get(name) for name in ("alpha_mode", "ALPHA_MODE")),
        reordered=int(stream.get("has_b_frames", 0)),
    )


def _frame_rate(stream: dict[str, Any]) -> Fraction:
    """Frames per second. GXF counts fields, and JPEG 2000 in MXF has no average."""
    average, base = fraction(stream.get("avg_frame_rate")), fraction(stream.get("r_frame_rate"))
    return base if average in (0, 2 * base) else average


def _timecode(stream: dict[str, Any], description: ffprobe.Description) -> tuple[str | None, Fraction]:
    """The time code of the picture, and the rate that it counts in; 0 where the file names none.

    The tag is that of the picture, of a time code track or of the container; Matroska writes it in capitals.
    """
    tracks = [s for s in description.get("streams", []) if s.get("codec_tag_string") == "tmcd"]
    for part in (stream, *tracks, description.get("format", {})):
        for name, value in part.get("tags", {}).items():
            if name.lower() == "timecode":
                same = [track for track in tracks if _same_timecode(track, value)]
                return value, fraction(same[0].get("avg_frame_rate")) if same else Fraction(0)
    return None, Fraction(0)


def _same_timecode(track: dict[str, Any], value: str) -> bool:
    return track.get("tags", {}).get("timecode") == value


def _audio_info(stream: dict[str, Any]) -> AudioInfo:
    return AudioInfo(
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        sample_rate=int(stream.get("sample_rate", 0)),
        channels=stream.get("channels", 0),
        start_s=float(stream.get("start_time", 0)),
        layout="" if (layout := stream.get("channel_layout", "unknown")) == "unknown" else layout,
        title=stream.get("tags", {}).get("handler_name", ""),
        language=stream.get("tags", {}).get("language") or "und",
    )


def fraction(text: str | None) -> Fraction:
    """Parse ffprobe's ``30000/1001``; ``0/0`` and None give 0."""
    top, _, bottom = (text or "0").partition("/")
    return Fraction(int(top), int(bottom or 1)) if int(bottom or 1) else Fraction(0)


def _rotation(stream: dict[str, Any]) -> int:
    """Clockwise degrees that a player turns the picture by; ffprobe reports them counter-clockwise."""
    turns = [data["rotation"] for data in stream.get("side_data_list", []) if "rotation" in data]
    return round(-float(turns[0]) / 90) * 90 % 360 if turns else 0


def _is_mirrored(stream: dict[str, Any]) -> bool:
    """Whether the display matrix reflects the picture: its upper left 2x2 part then has a negative determinant."""
    for data in stream.get("side_data_list", []):
        rows = [line.partition(":")[2].split() for line in data.get("displaymatrix", "").splitlines() if ":" in line]
        if len(rows) == 3:
            (a, b, _), (c, d, _) = (map(int, row) for row in rows[:2])
            return a * d - b * c < 0
    return False
