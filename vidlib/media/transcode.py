"""The ffmpeg commands that convert any video to the editors' format.

The format is MP4 with H.264 in yuv420p, 25 frames a second from 0 s, square pixels, upright, even sides; AAC sound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vidlib.media import ffmpeg
from vidlib.media.durations import jump_s
from vidlib.media.picture_filters import PicturePlan, picture_filters
from vidlib.media.probe import MAX_DURATION_S, AudioInfo, VideoInfo, audio_streams
from vidlib.media.scan import GAP_S, Scan, SoundFormat, decoder_options
from vidlib.media.sound_tracks import SoundTrack, plan_track
from vidlib.timeline import FPS, relabel

MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
"""ffprobe's name of MP4 and its relatives."""

KEYFRAME_EVERY = 25
"""Frames between key frames (1 s), so that an editor can jump to any frame at once."""

MIN_SHIFT_S = 0.001
"""Shortest shift in seconds that is made; time stamps are rounded to milliseconds in some containers."""

SOURCE, TARGET = "file:source", "file:target"
"""Stand for file names in graphs of ffmpeg-python, which only accepts names in UTF-8."""

BITEXACT = ("-flags", "+bitexact", "-fflags", "+bitexact")
"""Options that make equal inputs give equal bytes."""


BELIEVABLE_TIME = (
    "st(2,if(isnan(PREV_OUTPTS),PTS,PREV_OUTPTS+ld(1)));st(1,S);"
    "st(4,if(gt(abs(PTS-ld(2)),SR/50),ld(4)+1,0));if(eq(ld(4),1),ld(2),st(4,0)+PTS)"
)
"""Time of a frame of sound: its own, unless it alone differs from the samples before it by more than 20 ms.

FFmpeg 5.1 counts the time of the first frame after a change of the sample rate in the wrong unit.
"""


@dataclass(frozen=True)
class Plan:
    """How a video is converted.

    ``picture`` is None if its packets are copied. Picture and sound are moved by ``shift_s`` towards the beginning.
    """

    picture: PicturePlan | None
    encoder: Mapping[str, str | int]
    sounds: tuple[SoundTrack, ...]
    shift_s: float = 0.0


def picture_has_form(info: VideoInfo) -> bool:
    """Whether the picture already has the editors' format according to the file; its frames are not checked."""
    as_stored = (info.codec, info.pix_fmt, info.fps, info.sar, info.rotation, info.start_s)
    even = info.width % 2 == info.height % 2 == 0
    plain = not (info.interlaced or info.is_hdr or info.mirrored)
    return as_stored == ("h264", "yuv420p", FPS, 1, 0, 0) and even and plain


def keeps(info: VideoInfo, track: AudioInfo) -> bool:
    """Whether an audio track can stay as it is: AAC in an MP4, starting within a frame of 0 s."""
    return info.container == MP4 and track.codec == "aac" and abs(track.start_s) < 1 / FPS


def start_shift_s(info: VideoInfo, scan: Scan) -> float:
    """Seconds by which picture and sound move towards the beginning, so that the first frame has its time exactly.

    A picture that begins less than a frame after the sound begins at 0 s; another one at the nearest frame.
    """
    late_s = scan.start_s - info.file_start_s if scan.frames else 0.0
    shift_s = late_s if 0 <= late_s < 1 / FPS else late_s - round(late_s * FPS) / float(FPS)
    return shift_s if abs(shift_s) >= MIN_SHIFT_S else 0.0


def plan_sounds(info: VideoInfo, scan: Scan, shift_s: float) -> tuple[SoundTrack, ...]:
    """The audio tracks of the result. Tracks with an unknown codec are left out."""
    known = [track for track in info.audio if track.codec != "unknown"]
    in_time = abs(shift_s) < GAP_S
    return tuple(part for track in known for part in plan_track(track, scan, keep=in_time and keeps(info, track)))


def sound_has_form(info: VideoInfo, sounds: tuple[SoundTrack, ...]) -> bool:
    """Whether the container can stay as it is: every program takes the same picture, and all audio tracks are kept."""
    return (
        info.container == MP4
        and info.is_first
        and len(sounds) == len(info.audio)
        and all(track.copied for track in sounds)
    )


def steady_sound_command(info: VideoInfo, stream: int, steady: SoundFormat, target: Path) -> list[str]:
    """The command that writes an audio stream with several formats to ``target`` in one of them, as PCM in NUT.

    FFmpeg builds its filters anew when the format changes, so filters that count samples can only follow afterwards.
    """
    import ffmpeg as graph

    sound = graph.input(SOURCE, **ffmpeg.INPUT_OPTIONS)[str(stream)].filter("asetpts", BELIEVABLE_TIME)
    sound = sound.filter("aformat", sample_rates=steady.sample_rate, channel_layouts=steady.layout)
    options = {"c:a": "pcm_f32le", "flags": "+bitexact", "fflags": "+bitexact", "f": "nut"}
    names = {SOURCE: f"file:{info.path}", TARGET: f"file:{target}"}
    args = graph.output(sound, TARGET, **options).get_args()
    return ffmpeg.command(*_clock(info), *(names.get(arg, arg) for arg in args))


def command(info: VideoInfo, target: Path, plan: Plan, steady_sounds: Mapping[int, Path] | None = None) -> list[str]:
    """The command that converts ``info.path`` to ``target``.

    ``steady_sounds`` maps audio streams to files of `steady_sound_command`. The first output discards its frames: it
    lets `ffmpeg.run_counted` count the frames of the source, whatever the rate of the result.
    """
    files = steady_sounds or {}
    fits = plan.picture is not None and plan.picture.fit
    turned = ["-noautorotate", "-reinit_filter:v", "0"] if fits else []
    inputs = ffmpeg.input_args(info.path, *decoder_options(info), *turned)
    for file in files.values():  # FFmpeg would move the first sample to 0 s
        inputs += ["-itsoffset", str(audio_streams(file)[0].start_s), "-i", f"file:{file}"]
    # a frame a second, because the null output complains about equal time stamps
    counted = ["-map", f"0:{info.index}", *(["-vf", "setpts=N/TB"] if plan.picture else ["-c", "copy"])]
    counted += ["-fps_mode", "passthrough", "-f", "null", "-"]
    picture = ["-map", f"0:{info.index}"]
    if plan.picture:
        picture += ["-filter:v", picture_filters(info, plan.picture, plan.shift_s), *_options(plan.encoder)]
    else:
        picture += ["-c:v", "copy"]
    sounds = _sounds(plan, list(files))
    return ffmpeg.command(*_clock(info), *inputs, *counted, *picture, *sounds, *_container(info), f"file:{target}")


def _clock(info: VideoInfo) -> list[str]:
    return ["-dts_delta_threshold", str(jump_s(info.path, info.container))]


def _options(options: Mapping[str, str | int]) -> list[str]:
    return [arg for name, value in options.items() for arg in (f"-{name}", str(value))]


def _sounds(plan: Plan, files: list[int]) -> list[str]:
    """Maps, filters and codecs of the audio tracks; ``files`` are the streams that come from inputs of their own."""
    args = []
    for number, track in enumerate(plan.sounds):
        stream = track.source.index
        origin = f"{files.index(stream) + 1}:0" if stream in files else f"0:{stream}"
        args += ["-map", origin, f"-map_metadata:s:a:{number}", f"0:s:{stream}"]
        args += [f"-b:a:{number}", f"{track.bitrate_k}k"]  # also in the header of a copied track
        if track.copied:
            args += [f"-c:a:{number}", "copy"]
            continue
        args += [f"-filter:a:{number}", track.filters(plan.shift_s), f"-c:a:{number}", "aac"]
        siblings = [other for other in plan.sounds if other.source.index == stream]
        if len(siblings) > 1:
            args += [f"-metadata:s:a:{number}", f"handler_name={track.title(siblings[-1].channels[1])}"]
    return args


def _container(info: VideoInfo) -> list[str]:
    """Metadata and options of the MP4."""
    timecode = relabel(info.timecode, info.timecode_fps) if info.timecode else ""
    metadata = ["-map_metadata:s:v:0", f"0:s:{info.index}"]
    metadata += ["-metadata:s:v:0", "rotate=", "-metadata:s:v:0", "timecode=", "-metadata", f"timecode={timecode}"]
    # FFmpeg would fill the gap between two frames, be it years, with billions of frames
    limits = ["-t", str(MAX_DURATION_S), "-g", str(KEYFRAME_EVERY)]
    return [*metadata, *limits, *BITEXACT, "-movflags", "+faststart", "-f", "mp4"]
