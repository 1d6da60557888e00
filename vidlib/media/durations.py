"""How long the picture of a file lasts, and how long the file promises that it lasts.

Some containers note the duration of each stream, others only that of the whole file: the picture may end long before a
sound, a subtitle or a chapter does. MPEG streams note none, and their clocks may jump.
"""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidlib.errors import MediaError
from vidlib.media import ffprobe

ASF = "asf"
AVI = "avi"
MATROSKA = "matroska,webm"
"""ffprobe's names of containers."""

OF_EACH_STREAM = ("mov,mp4,m4a,3gp,3g2,mj2", "avi", "mxf", "gxf", "lxf", "gif", "ivf", "yuv4mpegpipe")
"""Containers that note the duration of each stream, by their names in ffprobe."""

WITH_JUMPS = ("mpegts", "mpeg", "ogg")
"""Containers whose clock may jump (``AVFMT_TS_DISCONT`` in FFmpeg); ffmpeg then goes on without a gap."""

ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
ASF_FIELDS = struct.Struct("<64sQ8xQL")
"""From the beginning of the object: duration in 100 ns, preroll in ms, flags (Advanced Systems Format, 3.2)."""

ASF_BROADCAST = 0x1
ASF_HEAD_BYTES = 1 << 16

LOW_BIT_RATE = 2_000_000
"""Bits per second below which a duration in `WITH_JUMPS` may be a jump of the clock. The packets then tell."""

LOST_END_S = 1.0
"""A file whose streams all end this long before its announced end, in seconds, has lost its end."""


INTERLEAVE_S = 0.5
"""A picture that ends this long before another stream, in seconds, has not lost its end: streams are interleaved."""


def is_doubtful(container: dict[str, Any]) -> bool:
    """Whether the clock may have jumped, because the file is small for the duration that its time stamps span."""
    duration_s, n_bytes = float(container.get("duration") or 0), int(container.get("size") or 0)
    return container.get("format_name") in WITH_JUMPS and n_bytes * 8 < duration_s * LOW_BIT_RATE


def noted_s(stream: dict[str, Any], container: dict[str, Any]) -> float:
    """The duration in seconds that the file notes for a stream, else for all of it; 0 where it notes none."""
    tagged_s = _tagged_s(stream) if container.get("format_name") == MATROSKA else None
    if tagged_s and (start_s := float(stream.get("start_time", 0))) < tagged_s:
        return tagged_s - start_s
    return float(stream.get("duration") or container.get("duration") or 0)


def without_jumps_s(path: Path, index: int) -> float:
    """The duration of a stream in seconds, where the clock goes on evenly after each jump."""
    packets = ffprobe.packets(path).get(index)
    return packets.even_s if packets else 0.0


def jump_s(path: Path, container: str) -> float:
    """A step of the clock that is longer than this, in seconds, is a jump: ``-dts_delta_threshold`` of ffmpeg.

    Where recordings were joined, the clock of one stream steps back while packets of the other still arrive with the
    old clock. ffmpeg must not take those for a gap.
    """
    if container not in WITH_JUMPS:
        return ffprobe.JUMP_S
    steps_s = [packets.back_s for packets in ffprobe.packets(path).values() if packets.back_s]
    return min([ffprobe.JUMP_S, *(step_s / 2 for step_s in steps_s)])


def promised_end_s(path: Path, index: int) -> float | None:
    """The end of a picture that the file promises, in seconds after the file's beginning; None for no promise.

    It is what the container notes for the stream, else the end of its last packet. A file that has lost its end
    promises the end that it announces. ``index`` is that of the stream.
    """
    description = ffprobe.describe(path)
    [stream] = [stream for stream in description["streams"] if stream["index"] == index]
    container = description["format"]
    name, start_s = container.get("format_name", ""), float(container.get("start_time") or 0)
    if name == AVI:  # without its index, which stands at the end, the duration is that of what is left
        return _counted_s(stream) or float(stream.get("duration") or 0) or None
    if name in OF_EACH_STREAM:
        return float(stream.get("duration") or container.get("duration") or 0) or None
    if name == ASF and not container.get("duration"):  # FFmpeg does not believe the header of a file that is too short
        return _asf_duration_s(path)
    if name == MATROSKA and (tagged_s := _tagged_s(stream)):
        return min(tagged_s, float(container.get("duration") or tagged_s)) - start_s
    try:
        if name in WITH_JUMPS:
            late_s = float(stream.get("start_time") or start_s) - start_s
            return (late_s if 0 < late_s <= ffprobe.JUMP_S else 0.0) + without_jumps_s(path, index)
        return _packets_end_s(path, index, description)
    except MediaError:  # the list of packets takes too long
        return None


def _packets_end_s(path: Path, index: int, description: ffprobe.Description) -> float | None:
    """As `promised_end_s`, from packets."""
    container = description["format"]
    ends_s = {stream: p.end_s for stream, p in ffprobe.packets(path).items() if p.end_s is not None}
    if index not in ends_s:
        return None
    end_s, start_s = ends_s[index], float(container.get("start_time") or 0)
    chapters_s = [float(chapter["end_time"]) for chapter in description.get("chapters", [])]
    last_s = max(*ends_s.values(), *chapters_s, 0.0)
    # a duration may count from 0 or from the start; as an end, it is never later than the announced one
    announced_s = float(container.get("duration") or 0)
    has_lost_end = announced_s - last_s > LOST_END_S and max(ends_s.values()) - end_s <= INTERLEAVE_S
    return (announced_s if has_lost_end else end_s) - start_s


def _asf_duration_s(path: Path) -> float | None:
    """The duration in seconds in the header of an ASF file; None for a broadcast, which had none to write."""
    with open(path, "rb") as file:
        head = file.read(ASF_HEAD_BYTES)
    start = head.find(ASF_FILE_PROPERTIES)
    if start < 0 or len(head) < start + ASF_FIELDS.size:
        return None
    _, duration, preroll_ms, flags = ASF_FIELDS.unpack_from(head, start)
    duration_s = duration / 1e7 - preroll_ms / 1e3
    return duration_s if duration_s > 0 and not flags & ASF_BROADCAST else None


def _counted_s(stream: dict[str, Any]) -> float:
    """The duration of a stream in seconds, by the number of its frames in the header of the file; 0 without one."""
    rate, number = Fraction(stream.get("avg_frame_rate") or "0/1"), str(stream.get("nb_frames", ""))
    return float(int(number) / rate) if number.isdigit() and rate else 0.0


def _tagged_s(stream: dict[str, Any]) -> float | None:
    """The end of a Matroska stream in seconds, by its tag ``DURATION``, such as ``00:00:04.023000000``."""
    hours, _, rest = str(stream.get("tags", {}).get("DURATION", "")).partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds) or None
    except ValueError:
        return None
