"""How each audio track of a video is delivered in AAC.

AAC has a layout for most speaker positions and at most eight discrete channels here. A track keeps its channels in
their order; a track with more of them becomes several tracks.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from vidlib.media.probe import AudioInfo
from vidlib.media.scan import GAP_S, Scan, SoundFormat

AAC_LAYOUTS = frozenset(
    (
        *("mono", "stereo", "2.1", "3.0", "3.0(back)", "3.1", "4.0", "4.1", "quad", "quad(side)", "5.0", "5.0(side)"),
        *("5.1", "5.1(side)", "6.0", "6.0(front)", "hexagonal", "6.1", "6.1(back)", "6.1(front)", "7.0", "7.0(front)"),
        *("7.1", "7.1(wide)", "7.1(wide-side)", "octagonal"),
    )
)
"""Channel layouts that the AAC encoder of every FFmpeg from 5 to 9 accepts."""

COMMON_LAYOUTS = {"5.0(side)": "5.0", "5.1(side)": "5.1"}
"""Layouts that programs lose in AAC (so does FFmpeg), and those that all know, with the same order of channels. FFmpeg
calls 5.1 of AC-3 and DTS ``5.1(side)``."""

DISCRETE_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "hexagonal", "7.0", "octagonal")
"""AAC layouts for 1 to 8 channels that keep their order: FFmpeg 9 reads ``6.0`` as ``hexagonal``, in another one. None
of them has a low-frequency channel, which would lose its high frequencies."""

MAX_DISCRETE = len(DISCRETE_LAYOUTS)

STEREO_BITRATE_K = 192
CHANNEL_BITRATE_K = 96
"""Kilobits per second: of one or two channels, and of each channel of more."""

FROM_ZERO = f"aresample=async=1:min_hard_comp={GAP_S}:first_pts=0"
"""Filter that fills with silence where a track begins after 0 s or has gaps, and cuts off what overlaps."""

TITLE = re.compile(r"channels (\d+)-(\d+) of (\d+)\b")


@dataclass(frozen=True)
class SoundTrack:
    """A track of the result.

    It comes from the audio stream ``source``. ``copied`` keeps its packets; otherwise ``channels`` (first and one past
    the last) are encoded with the AAC ``layout``, or all with their own layout if that is "". ``changing`` names the
    format that a stream with several formats is brought to before.
    """

    source: AudioInfo
    copied: bool = False
    channels: tuple[int, int] = (0, 0)
    layout: str = ""
    changing: SoundFormat | None = None

    def filters(self, shift_s: float) -> str:
        """Filters of FFmpeg for this track, which then plays ``shift_s`` earlier."""
        filters = [f"asetpts='PTS-round({shift_s:.6f}/TB)'"] if shift_s else []
        if self.layout:
            channels = "|".join(map(str, range(*self.channels)))
            filters.append(f"channelmap=map={channels}:channel_layout={self.layout}")
        return ",".join([*filters, FROM_ZERO])

    @property
    def bitrate_k(self) -> int:
        """Kilobits per second."""
        n_channels = self.channels[1] - self.channels[0] or self.source.channels
        return STEREO_BITRATE_K if n_channels < 3 else n_channels * CHANNEL_BITRATE_K

    def title(self, n_channels: int) -> str:
        """Title of a track that holds some of ``n_channels`` channels: see `channels_of_title`."""
        return f"channels {self.channels[0] + 1}-{self.channels[1]} of {n_channels}"


def channels_of_title(title: str) -> tuple[int, int, int] | None:
    """First channel (from 1), last channel and number of channels in the title of a part of a track.

    >>> channels_of_title("channels 9-16 of 24"), channels_of_title("English")
    ((9, 16, 24), None)
    """
    match = TITLE.search(title)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def plan_track(source: AudioInfo, scan: Scan, *, keep: bool) -> tuple[SoundTrack, ...]:
    """The tracks of the result for one audio stream; ``keep`` allows to copy it if it is of one format without gaps."""
    formats = _formats(source, scan)
    if len(formats) > 1:
        return (SoundTrack(source, changing=_common_format(source, formats)),)
    if keep and source.index not in scan.with_gaps:
        return (SoundTrack(source, copied=True),)
    n_channels, layout = formats[0].channels, formats[0].layout
    if layout in COMMON_LAYOUTS:
        return (SoundTrack(source, channels=(0, n_channels), layout=COMMON_LAYOUTS[layout]),)
    if not layout and n_channels < 3:  # some decoders, such as Speex, name no layout, and AAC needs one
        return (SoundTrack(source, channels=(0, n_channels), layout=DISCRETE_LAYOUTS[n_channels - 1]),)
    if layout in AAC_LAYOUTS:
        return (SoundTrack(source),)
    parts = _equal_parts(n_channels)
    return tuple(SoundTrack(source, channels=part, layout=DISCRETE_LAYOUTS[part[1] - part[0] - 1]) for part in parts)


def describe_track(tracks: tuple[SoundTrack, ...], scan: Scan) -> str | None:
    """What differs between an audio stream and its ``tracks``, for people; None if nothing does."""
    source = tracks[0].source
    if changing := tracks[0].changing:
        formats = " and ".join(dict.fromkeys(map(_name, scan.sounds[source.index])))
        return f"the sound of stream {source.index} changes between {formats}; all of it became {_name(changing)}"
    n_channels = tracks[-1].channels[1]
    if not tracks[0].layout or n_channels < 3 or _formats(source, scan)[0].layout in COMMON_LAYOUTS:
        return None
    name = f"the {n_channels} channels of stream {source.index}"
    if source.layout:
        reason = f"AAC does not have their layout, {source.layout}"
    else:
        reason = "the file does not name their positions"
    if len(tracks) == 1:
        return f"{name} are discrete in the result, because {reason}"
    return f"{name} became {len(tracks)} tracks of up to {MAX_DISCRETE} discrete channels, because {reason}"


def _formats(source: AudioInfo, scan: Scan) -> tuple[SoundFormat, ...]:
    """The formats of the stream's frames, else the one that the container states."""
    return scan.sounds.get(source.index) or (SoundFormat(source.channels, source.layout, source.sample_rate),)


def _common_format(source: AudioInfo, formats: tuple[SoundFormat, ...]) -> SoundFormat:
    """The layout of the format with the most channels, and the highest sample rate."""
    widest = max(formats, key=lambda format_: format_.channels)
    n_channels, layout = widest.channels, widest.layout
    if layout not in AAC_LAYOUTS:
        n_channels = min(n_channels, MAX_DISCRETE)
        layout = DISCRETE_LAYOUTS[n_channels - 1]
    layout = COMMON_LAYOUTS.get(layout, layout)
    return SoundFormat(n_channels, layout, max(source.sample_rate, *(format_.sample_rate for format_ in formats)))


def _equal_parts(n_channels: int) -> tuple[tuple[int, int], ...]:
    """Split channels into the fewest parts of at most `MAX_DISCRETE`, as equal as possible.

    >>> _equal_parts(6), _equal_parts(10)
    (((0, 6),), ((0, 5), (5, 10)))
    """
    n_parts = -(-n_channels // MAX_DISCRETE)
    edges = [n_channels * part // n_parts for part in range(n_parts + 1)]
    return tuple(pairwise(edges))


def _name(format_: SoundFormat) -> str:
    rate = f" at {format_.sample_rate} Hz" if format_.sample_rate else ""
    return f"{format_.layout or f'{format_.channels} channels'}{rate}"
