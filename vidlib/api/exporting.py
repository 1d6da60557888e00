"""The file formats that `Video.export` and ``vidlib export`` write, from finished steps.

A format of `VIDEO_FORMATS` has one file for each video. One of `TIMELINE_FORMATS` is for editing programs: its file has
the shots of one video, or of all videos of a project.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, get_args

from vidlib.api.export_source import Source
from vidlib.api.reframing import STEPS
from vidlib.api.results import COMPLETE as ALL
from vidlib.errors import UnknownName, UsageError, VidlibError
from vidlib.files import copy_verified
from vidlib.progress import Report, counted, quiet
from vidlib.results.exports import (
    after_effects,
    avid_markers,
    boxes,
    cmx_edl,
    coco_json,
    cvat_xml,
    elan,
    fcp7_xml,
    fcpxml,
    mot,
    otio_json,
    reframe_json,
    resolve_markers,
    shots_tsv,
    subrip,
    webvtt,
)
from vidlib.results.exports.edit_timeline import Timeline, assemble
from vidlib.results.exports.otio_json import Editor
from vidlib.results.exports.webvtt import Caption
from vidlib.results.naming import PUBLISHED
from vidlib.results.reframing import sequence
from vidlib.results.reframing.framing import parse_aspect
from vidlib.timeline import smpte_frame

if TYPE_CHECKING:
    from vidlib.results import preview

Layout = Literal["timeline", "bin"]
"""How a project becomes timelines: one of all its videos, or one for each."""

DEFAULT_ASPECT = "9:16"

LONG_SIDE = 640
"""The longer side of a reframed copy in pixels."""

PROJECT_START = "01:00:00:00"
"""The time code at which the timeline of several videos begins, as timelines of editing programs do."""


@dataclass(frozen=True)
class Options:
    """Choices of a timeline.

    ``media_root`` is the folder of the delivered videos on the editor's machine, by default where they are here; ``.``
    is the folder of the exported file. ``start_tc`` is the time code at which the timeline begins: by default that of
    the delivered video. ``handles`` are frames before and after each shot. ``editor`` is the program that OTIO is for.
    ``layout`` is for several videos. ``aspect`` is the shape of a reframed video, such as ``9:16``; a timeline has it
    only where it is given, which Premiere alone can read.
    """

    media_root: str | None = None
    start_tc: str | None = None
    handles: int = 0
    editor: Editor = "resolve"
    layout: Layout = "timeline"
    aspect: str | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Width and height of `aspect`, by default 9:16."""
        return parse_aspect(DEFAULT_ASPECT if self.aspect is None else self.aspect)

    def __post_init__(self) -> None:
        if self.handles < 0:
            raise UsageError(f"handles of {self.handles} frames are not possible; expected 0 or more")
        if self.editor not in get_args(Editor):
            raise UnknownName("a program that OTIO can be written for", self.editor, get_args(Editor))
        if self.layout not in get_args(Layout):
            raise UnknownName("a layout of a project", self.layout, get_args(Layout))
        _ = self.shape  # raises UsageError
        try:
            smpte_frame(self.start_tc or PROJECT_START)
        except ValueError as error:
            raise UsageError(f"the start of the timeline: {error}") from error


Write = Callable[[Source, Path, Options, Report], Path]
"""Writes one video to a path; long work reports how many frames it has."""


@dataclass(frozen=True)
class VideoFormat:
    """A format of one video: the end of the names of its files, the steps that it needs, and its writer.

    ``has_aspect`` says whether the file depends on `Options.aspect`.
    """

    suffix: str
    steps: tuple[str, ...]
    write: Write
    has_aspect: bool = False


@dataclass(frozen=True)
class TimelineFormat:
    """A format of editing programs; ``is_bin`` says whether one file may hold several timelines.

    ``has_aspect`` says whether the timeline may have another shape than the videos.
    """

    suffix: str
    write: Callable[[Path, Sequence[Timeline], str, Options], Path]
    is_bin: bool = False
    has_aspect: bool = False
    steps: tuple[str, ...] = field(default=("convert", "scenes"), init=False)


def _simple(write: Callable[[Source, Path], Path]) -> Write:
    """A writer that has no choices and takes no time."""
    return lambda source, path, options, report: write(source, path)


def _copy(step: str, output: str) -> Write:
    """A function that copies the file that ``step`` left as ``output``: the bytes of the published result."""
    return _simple(lambda source, path: copy_verified(source.results.needed_file(step, output), path))


def _captions(source: Source) -> list[Caption]:
    if lines := source.captions():
        return lines
    reason = source.results.outputs("audio").get("no_words") or "nobody speaks, or audio.words is off"
    raise VidlibError(f"{source.results.name} has no captions: {reason}")


def _write_tsv(source: Source, path: Path) -> Path:
    return shots_tsv.write(path, source.shots(), source.media().start)


def _write_elan(source: Source, path: Path) -> Path:
    made_at = source.results.manifests["tracking"].finished_at
    return elan.write(path, source.media(), source.shots(), source.turns(), source.captions(), made_at)


def _write_after_effects(source: Source, path: Path, options: Options, report: Report) -> Path:
    reframed, groups = source.reframed(options.shape), boxes.read_shots(source.tracks)
    return after_effects.write(path, source.media(), reframed, groups, source.turns(), source.captions())


def rendering_size(output: tuple[int, int]) -> tuple[int, int]:
    """The size of a copy to look at: the longer side has `LONG_SIDE` pixels, both are even."""
    scale = LONG_SIDE / max(output)
    return 2 * round(output[0] * scale / 2), 2 * round(output[1] * scale / 2)


def _write_reframed(source: Source, path: Path, options: Options, report: Report) -> Path:
    from vidlib.media.rendering import parts_of, render

    reframed = source.reframed(options.shape)
    size = rendering_size(reframed.output)
    parts = counted(reframed.areas, reframed.shots[-1].span.stop, report)
    return render(source.video, path, parts_of(source.video, source.size, parts, size), size)


def _write_preview(source: Source, path: Path, options: Options, report: Report) -> Path:
    from vidlib.media.rendering import render
    from vidlib.results import preview

    pictures = preview.pictures(source.video, source.size, _drawn(source), report)
    return render(source.video, path, pictures, preview.copy_size(*source.size))


def _write_sheet(source: Source, path: Path) -> Path:
    from vidlib.results import contact_sheet, preview

    return contact_sheet.write(path, preview.stills(source.video, _drawn(source), PurePosixPath(source.stem).name))


def _drawn(source: Source) -> "preview.Results":
    from vidlib.results import preview

    return preview.Results(
        source.shots(), boxes.read(source.tracks), source.turns(), source.captions(), source.media().start
    )


def _write_cvat(source: Source, path: Path) -> Path:
    return cvat_xml.write(path, boxes.read_shots(source.tracks), boxes.labels(source.tracks), source.media())


def _write_mot(source: Source, path: Path) -> Path:
    return mot.write(path, boxes.read(source.tracks), boxes.labels(source.tracks))


def _write_coco(source: Source, path: Path) -> Path:
    return coco_json.write(path, boxes.read(source.tracks), boxes.labels(source.tracks), source.media())


VIDEO_FORMATS: Mapping[str, VideoFormat] = {
    "csv": VideoFormat(PUBLISHED["shots_csv"], ("scenes",), _copy("scenes", "csv")),
    "tsv": VideoFormat("_shots.tsv", ("convert", "scenes"), _simple(_write_tsv)),
    "rttm": VideoFormat(PUBLISHED["rttm"], ("tracking",), _copy("tracking", "turns")),
    "vtt": VideoFormat(
        PUBLISHED["captions"],
        ("audio", "tracking"),
        _simple(lambda source, path: webvtt.write_captions(path, _captions(source))),
    ),
    "srt": VideoFormat(
        ".srt", ("audio", "tracking"), _simple(lambda source, path: subrip.write(path, _captions(source)))
    ),
    "elan": VideoFormat(".eaf", ALL, _simple(_write_elan)),
    "ae": VideoFormat("_ae.jsx", ALL, _write_after_effects, has_aspect=True),
    "reframe": VideoFormat(
        "_reframe.json",
        STEPS,
        lambda source, path, options, _: reframe_json.write(path, source.reframed(options.shape)),
        has_aspect=True,
    ),
    "reframe-mp4": VideoFormat("_reframe.mp4", STEPS, _write_reframed, has_aspect=True),
    "preview": VideoFormat("_preview.mp4", ALL, _write_preview),
    "sheet": VideoFormat("_sheet.jpg", ALL, _simple(_write_sheet)),
    "cvat": VideoFormat("_cvat.xml", ("convert", "tracking"), _simple(_write_cvat)),
    "mot": VideoFormat("_mot.txt", ("tracking",), _simple(_write_mot)),
    "coco": VideoFormat("_coco.json", ("convert", "tracking"), _simple(_write_coco)),
    "audio_json": VideoFormat(PUBLISHED["audio_json"], ("reduce",), _copy("reduce", "audio_json")),
    "tracking_json": VideoFormat(PUBLISHED["tracking_json"], ("reduce",), _copy("reduce", "tracking_json")),
    "parquet": VideoFormat(PUBLISHED["tracking_parquet"], ("tracking",), _copy("tracking", "tracks")),
    "mp4": VideoFormat(".mp4", ("convert",), _copy("convert", "video")),
}
"""The formats that have one file for each video."""

TIMELINE_FORMATS: Mapping[str, TimelineFormat] = {
    "fcp7": TimelineFormat(
        ".xml", lambda path, timelines, name, options: fcp7_xml.write(path, timelines, name), is_bin=True
    ),
    "otio": TimelineFormat(
        ".otio",
        lambda path, timelines, name, options: otio_json.write(path, timelines, name, options.editor),
        is_bin=True,
        has_aspect=True,
    ),
    "fcpxml": TimelineFormat(
        ".fcpxml", lambda path, timelines, name, options: fcpxml.write(path, timelines, name), is_bin=True
    ),
    "edl": TimelineFormat(".edl", lambda path, timelines, name, options: cmx_edl.write(path, timelines[0])),
    "resolve-markers": TimelineFormat(
        "_resolve_markers.edl", lambda path, timelines, name, options: resolve_markers.write(path, timelines[0])
    ),
    "avid-markers": TimelineFormat(
        "_avid_markers.txt", lambda path, timelines, name, options: avid_markers.write(path, timelines[0])
    ),
}
"""The formats of editing programs."""

FORMATS: Mapping[str, VideoFormat | TimelineFormat] = {**TIMELINE_FORMATS, **VIDEO_FORMATS}
"""All formats, by the name that `Video.export` and ``vidlib export`` take."""


def find_format(name: str) -> VideoFormat | TimelineFormat:
    """The format called ``name``; raises UnknownName with a list of all."""
    if name not in FORMATS:
        raise UnknownName("an export format", name, FORMATS)
    return FORMATS[name]


def check(formats: Sequence[VideoFormat | TimelineFormat], options: Options) -> None:
    """Raise UsageError where an aspect is given and a timeline cannot have it, or no format has one."""
    if options.aspect is None:
        return
    timelines = [format for format in formats if isinstance(format, TimelineFormat)]
    fits = all(format.has_aspect for format in timelines) and (options.editor == "premiere" or not timelines)
    if not fits or not any(format.has_aspect for format in formats):
        raise UsageError(
            f"the shape {options.aspect} is possible for the formats reframe, reframe-mp4 and ae, and for the timeline "
            "otio for premiere; leave it out for the others"
        )


def steps_of(format: VideoFormat | TimelineFormat, options: Options) -> tuple[str, ...]:
    """The steps that a format needs with these options."""
    return STEPS if isinstance(format, TimelineFormat) and options.aspect else format.steps


def write(
    format: VideoFormat | TimelineFormat,
    sources: Sequence[Source],
    name: str,
    path: Path,
    options: Options,
    report: Report = quiet,
) -> Path:
    """Write ``sources`` to the file ``path``: one video in a `VideoFormat`, else one or more timelines.

    ``name`` is the name of the timeline, or of the project that holds the timelines.
    """
    if isinstance(format, VideoFormat):
        return format.write(sources[0], path, options, report)
    return format.write(path, _timelines(sources, name, options), name, options)


def _timelines(sources: Sequence[Source], name: str, options: Options) -> list[Timeline]:
    start_tc = options.start_tc
    if options.layout == "bin":
        groups = [(PurePosixPath(source.stem).name, [source]) for source in sources]
    else:
        groups, start_tc = [(name, list(sources))], start_tc or (PROJECT_START if len(sources) > 1 else None)
    start = smpte_frame(start_tc) if start_tc else None
    return [_timeline(timeline_name, group, start, options) for timeline_name, group in groups]


def _timeline(name: str, sources: Sequence[Source], start: int | None, options: Options) -> Timeline:
    media = [source.media(options.media_root) for source in sources]
    if options.aspect:
        plans = [source.reframed(options.shape) for source in sources]
        return sequence.assemble(name, zip(media, plans, strict=True), start=start, handles=options.handles)
    shots = [source.shots() for source in sources]
    return assemble(name, zip(media, shots, strict=True), start=start, handles=options.handles)
