"""Convert: turns any video into the editors' format: constant 25 fps, H.264 yuv420p, square pixels, AAC, MP4.

A file in this format is linked, not encoded again. In other files, a picture or audio track in this format is copied.
All audio tracks stay, with their languages, and so do timecode and chapters.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field

from vidlib.errors import BrokenOutput, CommandFailed, MediaError
from vidlib.files import TMP_PREFIX, copy_verified, fsync, link_or_copy, sha256
from vidlib.machine import commands
from vidlib.machine.devices import Wanted
from vidlib.media import encoders, ffmpeg, thumbnails, transcode
from vidlib.media.durations import promised_end_s
from vidlib.media.encoders import Encoder, Preset
from vidlib.media.ffmpeg import DecodeStats
from vidlib.media.frames import decode_all
from vidlib.media.picture_filters import PicturePlan, plan_picture
from vidlib.media.probe import MAX_DURATION_S, VideoInfo, frame_times, probe_video
from vidlib.media.scan import PictureFormat, Scan, scan_formats
from vidlib.media.sound_tracks import SoundTrack, describe_track
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.results.review import ReviewItem
from vidlib.settings import settings
from vidlib.steps.base import OutFile, StepOutputs, from_source, location, with_manifest
from vidlib.timeline import FPS, seconds

NAME = "convert"
VERSION = 6
NOTEBOOK = "03_convert.ipynb"
UNIT = "frames"
TOOLS = ("ffmpeg",)

VIDEO_FILE = "video.mp4"
STILLS_FILE = "stills.jpg"
SMALL_FILE = "small.rgb"

MOST_STILLS = 12
CERTAIN = 1.0
"""Confidence of a note about a change that the conversion made itself."""

DEINTERLACED = "each became one whole picture of the moment of its first field"

ROUNDING = 0.1
"""Frames by which a duration in milliseconds may be too short."""

STILL_PX = 240
"""Width of each still in pixels; its height is at most four times this."""


class Inputs(Frozen):
    """Inputs of the step, and its output folder."""

    source: Path = from_source("the video as it arrived")
    out_dir: Path = location("output folder of the step")


class Params(Frozen):
    """Choices of the user."""

    device: Wanted = Field("auto", description="cuda encodes with NVENC, cpu with libx264; auto uses NVENC if it works")
    crf: int = Field(
        18, ge=0, le=51, description="constant quality: 0 is lossless, 18 looks like the source, 51 is worst"
    )
    preset: Preset = Field(
        "veryfast", description="ultrafast to slow; a slower preset gives smaller files of equal quality"
    )


class Outputs(StepOutputs):
    """The video for the editor and all later steps."""

    video: OutFile = Field(description="MP4: H.264 yuv420p, 25/1 fps from 0 s, square pixels, AAC")
    stills: OutFile = Field(description="JPEG: up to twelve of its frames, evenly spaced, side by side")
    small: OutFile = Field(description="every frame in 48x27 pixels, RGB, uint8, one after the other")
    frames: int = Field(description="number of frames, counted by decoding")
    width: int = Field(description="pixels, even")
    height: int = Field(description="pixels, even")
    has_audio: bool
    encoded: bool = Field(description="whether the picture was encoded; otherwise its frames are those of the source")
    audio_tracks: int = Field(description="number of audio tracks")
    source_fps: str = Field(description="average frame rate of the source, such as 30000/1001")
    source_frames: int = Field(description="number of frames that can be decoded from the source")
    lost_frames: int = Field(description="number of frames that the source announces but does not have")


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Write ``video.mp4`` to ``out_dir``; the source is only read.

    A source that lost its end, or frames in between, is converted as far as it goes, with a doubt that says what is
    missing. Raises MediaError where nothing can be decoded, and EngineUnavailable for ``cuda`` without NVENC.
    """
    info = probe_video(inputs.source)
    scan, times = _look_through(info)
    info = replace(info, timecode=info.timecode or scan.timecode)
    video = inputs.out_dir / VIDEO_FILE
    on_frame = _counting(info, report)
    encoder = None
    picture = None
    if source := _sound_picture(info, scan, times, inputs.out_dir, on_frame):
        sounds = transcode.plan_sounds(info, scan, 0.0)
        if transcode.sound_has_form(info, sounds):
            link_or_copy(inputs.source, video)
        else:
            _write(info, video, transcode.Plan(None, {}, sounds), on_frame)
        frames = source.frames
    else:
        if transcode.picture_has_form(info):
            scan = scan_formats(info, settings().step_timeout_s)
        shift_s = transcode.start_shift_s(info, scan)
        sounds = transcode.plan_sounds(info, scan, shift_s)
        picture = plan_picture(info, scan)
        encoder = encoders.choose(params.device, *picture.canvas)
        plan = transcode.Plan(picture, encoder.options(params.preset, params.crf), sounds, shift_s)
        source = _write(info, video, plan, on_frame)
        frames = _checked(probe_video(video), inputs.out_dir).frames
    if frames >= MAX_DURATION_S * FPS:
        raise MediaError(f"{inputs.source.name!r} shows pictures that lie more than {MAX_DURATION_S} s apart")
    changes = [*_picture_items(scan, picture), *_sound_items(info, scan, sounds)]
    return _outputs(info, source, probe_video(video), frames, encoder, changes)


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Raise BrokenOutput unless the video has the promised form, and one frame every 1/25 s from 0."""
    info = probe_video(outputs.video)
    times = frame_times(info)
    if not transcode.picture_has_form(info) or times != [seconds(frame) for frame in range(outputs.frames)]:
        raise BrokenOutput(f"{outputs.video} is not {outputs.frames} frames of 25 fps H.264 yuv420p: {info}")
    if (size := outputs.small.stat().st_size) != outputs.frames * thumbnails.FRAME_BYTES:
        raise BrokenOutput(f"{outputs.small} has {size} bytes, not those of {outputs.frames} frames")
    if len(info.audio) != outputs.audio_tracks or any(track.codec != "aac" for track in info.audio):
        raise BrokenOutput(f"{outputs.video} does not hold {outputs.audio_tracks} tracks of AAC: {info.audio}")


@dataclass(frozen=True)
class Converted:
    """The result for one video: ``partial`` if frames are missing, ``refused`` without an ``output``.

    ``notes`` are the further items to check, in sentences.
    """

    outcome: Literal["ok", "partial", "refused"]
    message: str
    output: Path | None = None
    notes: tuple[str, ...] = ()


def convert_to(video: Path, folder: Path, params: Params | None = None, *, report: Report = quiet) -> Converted:
    """Convert ``video`` to ``<its stem>.mp4`` in ``folder``, where it appears whole or not at all.

    A file of that name that is something else, the video itself for one, is never overwritten: that is refused, like
    a file that is no video.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{video.stem}.mp4"
    with tempfile.TemporaryDirectory(prefix=TMP_PREFIX, dir=folder) as tmp:
        try:
            outputs = run(Inputs(source=video, out_dir=Path(tmp)), params or Params(), report=report)
        except MediaError as error:
            return Converted("refused", str(error))
        if target.exists() and sha256(target) != sha256(outputs.video):
            return Converted("refused", f"{target} exists and is another video; choose another folder, or remove it")
        if not target.exists():
            _publish(outputs.video, video, target)
    notes = tuple(item.message for item in outputs.doubts)
    if outputs.lost_frames:
        return Converted("partial", notes[0], target, notes[1:])
    done = f"{outputs.source_frames} frames became {outputs.frames}, by {outputs.engine}"
    return Converted("ok", done, target, notes)


def _publish(result: Path, source: Path, target: Path) -> None:
    """Move or copy the result to ``target``; it shares no bytes with the source, so that either may be changed."""
    if result.samefile(source):
        copy_verified(result, target)
    else:
        os.rename(result, target)
        fsync(target.parent)


def still_numbers(n_frames: int) -> list[int]:
    """Numbers (from 0) of the frames that the ``stills`` of a video show.

    >>> still_numbers(3), still_numbers(50)[:4]
    ([0, 1, 2], [0, 4, 8, 12])
    """
    return sorted({n_frames * place // MOST_STILLS for place in range(MOST_STILLS)})


def _look_through(info: VideoInfo) -> tuple[Scan, list[Fraction]]:
    """The formats in a file, and the times of its frames; two programs read it side by side.

    Where the picture has the form and does not change, the formats are those of the key frames. Other pictures need no
    times.
    """
    timeout_s = settings().step_timeout_s
    if not transcode.picture_has_form(info):
        return scan_formats(info, timeout_s), []
    with ThreadPoolExecutor(1, "times") as thread:
        times = thread.submit(frame_times, info)
        scan = scan_formats(info, timeout_s, key_frames=True)
        # what changes is fitted by the numbers of the frames, so all of them are counted
        return scan if scan.is_uniform else scan_formats(info, timeout_s), times.result()


def _sound_picture(
    info: VideoInfo, scan: Scan, times: list[Fraction], out_dir: Path, on_frame: Callable[[int], None]
) -> DecodeStats | None:
    """The pass that decoded the picture, if it can stay as it is: in form, steady, whole and without complaint.

    ``scan`` may be of the key frames alone: the pass itself finds interlaced frames between them.
    """
    if not transcode.picture_has_form(info) or not scan.is_uniform or scan.interlaced:
        return None
    # a hostile file may announce billions of frames, so the number is compared first
    if len(times) != (info.frames or len(times)) or not _are_steady(times):
        return None
    with tempfile.TemporaryDirectory(prefix=TMP_PREFIX, dir=out_dir) as tmp:
        interlaced = Path(tmp) / "interlaced"
        decoded = _checked(info, out_dir, on_frame, _interlaced_args(info, interlaced))
        is_whole = decoded.frames == len(times) and not decoded.messages
        return decoded if is_whole and not interlaced.stat().st_size else None


def _interlaced_args(info: VideoInfo, target: Path) -> list[str]:
    """Arguments that let ffmpeg write bytes to ``target`` for each interlaced frame."""
    only = ["-vf", "select='not(eq(interlace_type,PROGRESSIVE))',scale=2:2,format=gray", "-fps_mode", "passthrough"]
    return ["-map", f"0:{info.index}", *only, "-f", "rawvideo", f"file:{target}"]


def _are_steady(times: list[Fraction]) -> bool:
    """Whether there is at least one frame, and one every 1/25 s from 0."""
    return bool(times) and times == [seconds(frame) for frame in range(len(times))]


def _checked(
    info: VideoInfo, out_dir: Path, on_frame: Callable[[int], None] | None = None, also: Sequence[str] = ()
) -> DecodeStats:
    """The pass that decodes all of a video which has the form, and leaves its stills and its small frames."""
    numbers = still_numbers(info.frames or 1)
    height = min(max(2, STILL_PX * info.height // info.width), 4 * STILL_PX) // 2 * 2
    filters = f"{ffmpeg.select_filter(numbers)},scale={STILL_PX}:{height}:flags=area,tile={len(numbers)}x1"
    picture = ["-map", f"0:{info.index}", "-vf", filters, "-fps_mode", "passthrough"]
    jpeg = ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "3", "-f", "image2", "-update", "1"]
    stills = [*picture, *jpeg, f"file:{out_dir / STILLS_FILE}"]
    small = thumbnails.output_args(info.index, out_dir / SMALL_FILE)
    return _decode(info, *stills, *small, *also, on_frame=on_frame)


def _decode(info: VideoInfo, *also: str, on_frame: Callable[[int], None] | None = None) -> DecodeStats:
    return decode_all(info, *also, timeout_s=settings().step_timeout_s, on_frame=on_frame)


def _write(info: VideoInfo, video: Path, plan: transcode.Plan, on_frame: Callable[[int], None]) -> DecodeStats:
    """Write ``video`` under another name, then rename: how many frames of the source went into it."""
    tmp = video.with_name(f"{TMP_PREFIX}{video.name}")
    steady = {
        t.source.index: video.with_name(f"{TMP_PREFIX}sound-{t.source.index}.nut") for t in plan.sounds if t.changing
    }
    messages = ""
    try:
        for track in plan.sounds:
            if track.changing:
                stream = track.source.index
                steady_sound = transcode.steady_sound_command(info, stream, track.changing, steady[stream])
                messages += commands.run(steady_sound, timeout_s=settings().step_timeout_s).stderr
        command = transcode.command(info, tmp, plan, steady)
        done = ffmpeg.run_counted(command, timeout_s=settings().step_timeout_s, on_frame=on_frame)
        if not done.frames:
            raise MediaError(f"no frame of {info.path.name!r} can be decoded: {done.messages.strip()[-300:]}")
        fsync(tmp)
        os.rename(tmp, video)
    except CommandFailed as error:
        if not _decode(info).frames:
            raise MediaError(f"no frame of {info.path.name!r} can be decoded: {error}") from error
        raise
    finally:
        for file in (tmp, *steady.values()):
            file.unlink(missing_ok=True)
    return DecodeStats(done.frames, messages + done.messages)


def _outputs(
    info: VideoInfo,
    source: DecodeStats,
    result: VideoInfo,
    frames: int,
    encoder: Encoder | None,
    changes: list[ReviewItem],
) -> Outputs:
    promised_s = promised_end_s(info.path, info.index)
    short_s = promised_s - float(seconds(frames)) if promised_s is not None else 0.0
    lost = _lost_frames(info, source.frames, short_s)
    return Outputs(
        video=result.path,
        stills=result.path.with_name(STILLS_FILE),
        small=result.path.with_name(SMALL_FILE),
        frames=frames,
        width=result.width,
        height=result.height,
        has_audio=bool(result.audio),
        encoded=encoder is not None,
        audio_tracks=len(result.audio),
        source_fps=str(info.fps),
        source_frames=source.frames,
        lost_frames=lost,
        engine=encoder.name if encoder else "copy",
        device=encoder.device if encoder else "cpu",
        fallback=encoder.fallback if encoder else None,
        doubts=(*_review_items(info, source, frames, lost, short_s), *changes),
    )


def _lost_frames(info: VideoInfo, decoded: int, short_s: float) -> int:
    """Number of frames that the source announces but does not have.

    The index of an MP4 lists every frame, unless an edit list hides some: then, as in other containers, the promise is
    the end of the picture (`promised_end_s`), from which the result is ``short_s`` seconds away. A shortage of up to a
    frame of the source and one of the result is rounding.
    """
    if info.container == transcode.MP4 and info.frames and info.frames == round(info.duration_s * info.fps):
        return max(0, info.frames - decoded)
    return int(short_s * info.fps + ROUNDING) if info.fps and short_s > 1 / info.fps + 1 / FPS else 0


def _review_items(info: VideoInfo, source: DecodeStats, frames: int, lost: int, short_s: float) -> list[ReviewItem]:
    doubts = []
    if lost:
        at_the_end = short_s > 2 / FPS
        where = f"the last {short_s:.2f} s are missing" if at_the_end else "they are missing in between"
        promise = f"{lost} of the {source.frames + lost} frames that {info.path.name!r} promises cannot be decoded"
        doubts.append(ReviewItem(message=f"{promise}; {where}", frame=frames - 1 if at_the_end else None))
    if source.messages.strip():
        first = source.messages.strip().splitlines()[0]
        doubts.append(ReviewItem(message=f"the decoder complained, so parts may be damaged: {first}", confidence=0.5))
    return [*doubts, *(ReviewItem(message=note, confidence=0.5) for note in info.notes)]


def _picture_items(scan: Scan, plan: PicturePlan | None) -> list[ReviewItem]:
    """How the picture differs from the source beyond its form: bars, fields, transparency."""
    items: list[ReviewItem] = []
    if plan is None:
        return items
    if plan.fit:
        changes = [pair for pair in pairwise(scan.picture) if pair[0].format != pair[1].format]
        names = " and ".join(_format_name(stretch.format) for stretch in changes[0][:2])
        message = f"the picture changes {len(changes)} times, first between {names}"
        fitted = f"{message}; all of it was fitted into {plan.canvas[0]}x{plan.canvas[1]}, with bars where needed"
        items.append(ReviewItem(message=fitted, frame=int(changes[0][1].start_s * FPS), confidence=CERTAIN))
    if plan.deinterlace == "interlaced":
        message = f"{scan.interlaced} of {scan.frames} frames were interlaced; {DEINTERLACED}"
        items.append(ReviewItem(message=message, confidence=CERTAIN))
    elif plan.deinterlace:
        message = f"the container states interlaced frames, although no frame does; {DEINTERLACED}"
        items.append(ReviewItem(message=message, confidence=0.5))
    if scan.repeated:
        message = f"{scan.repeated} frames were left out, because their clock begins again, as after joining files"
        items.append(ReviewItem(message=message, confidence=CERTAIN))
    if plan.transparent:
        items.append(ReviewItem(message="the picture is transparent in parts; they became black", confidence=CERTAIN))
    return items


def _format_name(format_: PictureFormat) -> str:
    shape = f" (pixels {format_.sar.numerator}:{format_.sar.denominator})" if format_.sar != 1 else ""
    return f"{format_.width}x{format_.height}{shape} {format_.pix_fmt}"


def _sound_items(info: VideoInfo, scan: Scan, sounds: tuple[SoundTrack, ...]) -> list[ReviewItem]:
    """How the audio tracks differ from those of the source."""
    items = []
    if unknown := [track.index for track in info.audio if track.codec == "unknown"]:
        message = f"sound that ffmpeg does not know was left out: stream {unknown}"
        items.append(ReviewItem(message=message, confidence=0.5))
    for _, parts in groupby(sounds, key=lambda track: track.source):
        if change := describe_track(tuple(parts), scan):
            items.append(ReviewItem(message=change, confidence=CERTAIN))
    return items


def _counting(info: VideoInfo, report: Report) -> Callable[[int], None]:
    """A callback that reports decoded frames of the source, and the number that the file announces."""
    promised = info.frames or round(info.duration_s * info.fps)
    return lambda done: report(done, max(done, promised))
