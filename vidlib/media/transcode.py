"""The ffmpeg command that converts any video to the editors' format.

The format is MP4 with H.264 in yuv420p, 25 frames a second from 0 s, square pixels, upright, even sides; AAC sound.
"""

from pathlib import Path
from typing import Any

from vidlib.media import ffmpeg
from vidlib.media.probe import MAX_DURATION_S, AudioInfo, VideoInfo
from vidlib.timeline import FPS, relabel

Stream = Any
"""A stream of an ffmpeg-python graph."""

MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
"""ffprobe's name of MP4 and its relatives."""

AUDIO_BITRATE = "192k"
KEYFRAME_EVERY = 25
"""Frames between key frames (1 s), so that an editor can jump to any frame at once."""

SOURCE, TARGET = "file:source", "file:target"  # placeholders, because ffmpeg-python accepts only names in UTF-8

HDR_PEAK_NITS = 100  # luminance of SDR white, ITU-R BT.2035


def picture_has_form(info: VideoInfo) -> bool:
    """Whether the picture already has the editors' format according to the file; frame times are not checked."""
    as_stored = (info.codec, info.pix_fmt, info.fps, info.sar, info.rotation, info.start_s)
    even = info.width % 2 == info.height % 2 == 0
    return as_stored == ("h264", "yuv420p", FPS, 1, 0, 0) and even and not info.interlaced and not info.is_hdr


def sound_has_form(info: VideoInfo) -> bool:
    """Whether the container can stay as it is: every program takes the same picture, and all audio tracks are kept."""
    return info.container == MP4 and info.is_first and all(keeps(info, track) for track in info.audio)


def keeps(info: VideoInfo, track: AudioInfo) -> bool:
    """Whether an audio track can stay as it is: AAC in an MP4, starting within a frame of 0 s."""
    return info.container == MP4 and track.codec == "aac" and abs(track.start_s) < 1 / FPS


def output_size(info: VideoInfo) -> tuple[int, int]:
    """Width and height of the result in pixels: the display size of the source, cropped to even numbers."""
    width, height = info.display_size
    return width - width % 2, height - height % 2


def command(info: VideoInfo, target: Path, encoder: dict[str, str | int] | None) -> list[str]:
    """The command that converts ``info.path`` to ``target``.

    ``encoder`` are options of FFmpeg; None copies the picture without encoding. Audio tracks with an unknown codec are
    left out. The first output discards its frames: it lets `ffmpeg.run_counted` count the frames of the source,
    whatever the rate of the result.
    """
    import ffmpeg as graph

    source = graph.input(SOURCE, **ffmpeg.INPUT_OPTIONS)
    picture = source[str(info.index)]
    tracks = [track for track in info.audio if track.codec != "unknown"]
    sounds = [source[str(t.index)] if keeps(info, t) else _from_zero(source[str(t.index)]) for t in tracks]
    shown = _picture(picture, info) if encoder else picture
    counted = graph.output(picture, "-", f="null", fps_mode="passthrough", **({} if encoder else {"c": "copy"}))
    options = _options(info, tracks) | (encoder or {"c:v": "copy"})
    written = graph.output(shown, *sounds, TARGET, **options)
    names = {SOURCE: f"file:{info.path}", TARGET: f"file:{target}"}
    return ffmpeg.command(*(names.get(arg, arg) for arg in graph.merge_outputs(counted, written).get_args()))


def _picture(stream: Stream, info: VideoInfo) -> Stream:
    """Upright (ffmpeg turns it itself), progressive, square pixels, even size, 8 bit, one frame every 1/25 s from 0."""
    width, height = output_size(info)
    if info.interlaced:
        stream = stream.filter("bwdif", mode="send_frame", deint="interlaced")
    # if the picture begins less than a frame after the sound, its first frame must not be repeated
    stream = stream.filter("setpts", f"if(lt(STARTT,{float(1 / FPS)}),PTS-STARTPTS,PTS)")
    stream = stream.filter("fps", str(FPS), start_time=0)
    if info.sar != 1:
        stream = stream.filter("scale", *info.display_size, flags="bicubic").filter("setsar", 1)
    if info.display_size != (width, height):
        stream = stream.filter("crop", width, height, 0, 0)
    return _standard_colour(stream, info).filter("format", "yuv420p")


def _standard_colour(stream: Stream, info: VideoInfo) -> Stream:
    """Limited range, and BT.709 for RGB pictures and those with a high dynamic range."""
    if info.is_hdr:
        linear = {"transferin": info.transfer, "primariesin": "bt2020", "matrixin": "bt2020nc", "transfer": "linear"}
        stream = stream.filter("zscale", npl=HDR_PEAK_NITS, **linear).filter("format", "gbrpf32le")
        stream = stream.filter("zscale", primaries="bt709").filter("tonemap", "hable", desat=0)
        return stream.filter("zscale", transfer="bt709", matrix="bt709", range="limited")
    if info.is_rgb:
        stream = stream.filter("scale", out_color_matrix="bt709", out_range="tv")
        return stream.filter("setparams", color_primaries="bt709", color_trc="bt709", colorspace="bt709")
    return stream.filter("scale", out_range="tv")


def _from_zero(sound: Stream) -> Stream:
    """Fill with silence where the track begins after 0 s or has gaps."""
    return sound.filter("aresample", first_pts=0, **{"async": 1})


def _options(info: VideoInfo, tracks: list[AudioInfo]) -> dict[str, Any]:
    """Codecs, metadata, and options that make equal inputs give equal bytes."""
    options = {
        "map_metadata:s:v:0": f"0:s:{info.index}",
        "metadata:s:v:0": "rotate=",
        "metadata:s:v": "timecode=",  # the same stream; ffmpeg-python would write a list of both as one value
        "metadata": f"timecode={relabel(info.timecode, info.timecode_fps) if info.timecode else ''}",
        "t": MAX_DURATION_S,  # FFmpeg would fill the gap between two frames, be it years, with billions of frames
        "g": KEYFRAME_EVERY,
        "b:a": AUDIO_BITRATE,
        "flags": "+bitexact",
        "fflags": "+bitexact",
        "movflags": "+faststart",
        "f": "mp4",
    }
    for number, track in enumerate(tracks):
        options[f"map_metadata:s:a:{number}"] = f"0:s:{track.index}"
        options[f"c:a:{number}"] = "copy" if keeps(info, track) else "aac"
    return options
