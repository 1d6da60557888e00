"""A timeline in another shape: a clip for each segment of each shot, with the place of its picture in the sequence."""

from collections.abc import Iterable, Iterator

from vidlib.results.exports.edit_timeline import SPACES, Clip, Media, Motion, Timeline
from vidlib.results.reframing.framing import Area, Framing, Reframed
from vidlib.text import printable
from vidlib.timeline import Span

Video = tuple[Media, Reframed]


def assemble(name: str, videos: Iterable[Video], *, start: int | None = None, handles: int = 0) -> Timeline:
    """As `edit_timeline.assemble`, of videos with the framing of each shot; all have the same shape."""
    parts = list(videos)
    clips: list[Clip] = []
    for media, reframed in parts:
        for clip in _clips(media, reframed, handles):
            clips.append(clip.moved_to(clips[-1].stop if clips else 0))
    first = clips[0].media.start if start is None else start
    return Timeline(printable(name, keep=SPACES), first, tuple(clips), parts[0][1].output)


def _clips(media: Media, reframed: Reframed, handles: int) -> Iterator[Clip]:
    for number, (shot, framing) in enumerate(zip(reframed.shots, reframed.framings, strict=True), 1):
        for segment in framing.segments:
            is_first, is_last = segment.start == shot.span.start, segment.stop == shot.span.stop
            from_frame = max(0, segment.start - handles * is_first)
            span = Span(from_frame, min(media.frames, segment.stop + handles * is_last))
            motion = motion_of(framing, segment.keys, reframed.size, reframed.output)
            yield Clip(number, media, shot, span, 0, motion=motion, is_first=is_first)


def motion_of(
    framing: Framing, keys: Iterable[tuple[int, int]], size: tuple[int, int], output: tuple[int, int]
) -> Motion:
    """Where the whole video of ``size`` lies in a sequence of the size ``output``, so that the window fills it.

    ``fit`` brings the picture to the width, or the height, of the sequence.
    """
    area = framing.picture
    if framing.kind == "fit":
        scale = min(output[0] / area.width, output[1] / area.height)
        centres = [(next(iter(keys))[0], area.left + area.width / 2)]
    else:
        area = Area(area.left, framing.top, *framing.window)
        scale = output[1] / area.height
        centres = [(frame, float(centre)) for frame, centre in keys]
    y = 0.5 + (size[1] / 2 - (area.top + area.height / 2)) * scale / output[1]
    return Motion(scale, tuple((frame, 0.5 + (size[0] / 2 - x) * scale / output[0], y) for frame, x in centres))
