"""The file formats that `Video.export` and ``vidlib export`` write, from finished steps.

A format of `VIDEO_FORMATS` has one file for each video. One of `TIMELINE_FORMATS` is for editing programs: its file has
the shots of one video, or of all videos of a project.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from vidlib.api.results import VideoResults
from vidlib.errors import UnknownName, UsageError, VidlibError
from vidlib.files import copy_verified
from vidlib.results import vertical
from vidlib.results.delivered_media import DeliveredMedia
from vidlib.results.exports import (
    after_effects,
    avid_markers,
    boxes,
    captions,
    cmx_edl,
    coco_json,
    cvat_xml,
    elan,
    fcp7_xml,
    fcpxml,
    mot,
    otio_json,
    resolve_markers,
    rttm,
    shots_json,
    shots_tsv,
    subrip,
    vertical_json,
    webvtt,
    words_table,
)
from vidlib.results.exports.edit_timeline import SPACES, Media, Timeline, assemble, place_under
from vidlib.results.exports.otio_json import Editor
from vidlib.results.exports.webvtt import Caption
from vidlib.results.naming import PUBLISHED
from vidlib.text import printable
from vidlib.timeline import Shot, smpte_frame

Layout = Literal["timeline", "bin"]
"""How a project becomes timelines: one of all its videos, or one for each."""

PROJECT_START = "01:00:00:00"
"""The time code at which the timeline of several videos begins, as timelines of editing programs do."""


@dataclass(frozen=True)
class Options:
    """Choices of a timeline.

    ``media_root`` is the folder of the delivered videos on the editor's machine, by default where they are here; ``.``
    is the folder of the exported file. ``start_tc`` is the time code at which the timeline begins: by default that of
    the delivered video. ``handles`` are frames before and after each shot. ``editor`` is the program that OTIO is for.
    ``layout`` is for several videos.
    """

    media_root: str | None = None
    start_tc: str | None = None
    handles: int = 0
    editor: Editor = "resolve"
    layout: Layout = "timeline"

    def __post_init__(self) -> None:
        if self.handles < 0:
            raise UsageError(f"handles of {self.handles} frames are not possible; expected 0 or more")
        if self.editor not in get_args(Editor):
            raise UnknownName("a program that OTIO can be written for", self.editor, get_args(Editor))
        if self.layout not in get_args(Layout):
            raise UnknownName("a layout of a project", self.layout, get_args(Layout))
        try:
            smpte_frame(self.start_tc or PROJECT_START)
        except ValueError as error:
            raise UsageError(f"the start of the timeline: {error}") from error


@dataclass(frozen=True)
class Source:
    """Results that are exported, and where the delivered video may lie: below ``delivery``, or at ``places``."""

    results: VideoResults
    delivery: Path
    places: tuple[Path, ...] = ()

    @property
    def stem(self) -> str:
        """The name of the exported files, with sub-folders of the delivery."""
        return self.results.stem or Path(self.results.name).stem

    def shots(self) -> list[Shot]:
        """The shots of the video."""
        return shots_json.read(self.results.needed_file("scenes", "shots"))

    def captions(self) -> list[Caption]:
        """The captions with their speakers; none where the speech was not transcribed."""
        turns = rttm.read(self.results.needed_file("tracking", "turns"))
        if table := self.results.file("audio", "words"):
            return captions.from_words(words_table.with_speakers(words_table.read(table), turns))
        file = self.results.file("audio", "captions")  # all that results before 0.2 have
        return webvtt.with_speakers(webvtt.read(file) if file else (), turns)

    def media(self, root: str | None = None) -> Media:
        """The delivered video, in the folder ``root`` of the editor's machine where it is given."""
        converted = self.results.needed_file("convert", "video")
        size = converted.stat().st_size
        places = (*self.places, self.delivery / self.results.project / f"{self.stem}.mp4")
        path = next((path for path in places if path.is_file() and path.stat().st_size == size), None)
        name = printable(path.name if path else f"{PurePosixPath(self.stem).name}.mp4", keep=SPACES)
        media = DeliveredMedia.probe(converted, self.results.outputs("convert")["frames"])
        return media.at(str(path or converted) if root is None else place_under(root, name), name)


@dataclass(frozen=True)
class VideoFormat:
    """A format of one video: the end of the names of its files, the steps that it needs, and its writer."""

    suffix: str
    steps: tuple[str, ...]
    write: Callable[[Source, Path], Path]


@dataclass(frozen=True)
class TimelineFormat:
    """A format of editing programs; ``is_bin`` says whether one file may hold several timelines."""

    suffix: str
    write: Callable[[Path, Sequence[Timeline], str, Options], Path]
    is_bin: bool = False
    steps: tuple[str, ...] = field(default=("convert", "scenes"), init=False)


def _copy(step: str, output: str) -> Callable[[Source, Path], Path]:
    """A function that copies the file that ``step`` left as ``output``: the bytes of the published result."""

    def write(source: Source, path: Path) -> Path:
        return copy_verified(source.results.needed_file(step, output), path)

    return write


def _captions(source: Source) -> list[Caption]:
    if lines := source.captions():
        return lines
    reason = source.results.outputs("audio").get("no_words") or "nobody speaks, or audio.words is off"
    raise VidlibError(f"{source.results.name} has no captions: {reason}")


def _write_tsv(source: Source, path: Path) -> Path:
    return shots_tsv.write(path, source.shots(), source.media().start)


def _write_elan(source: Source, path: Path) -> Path:
    turns = rttm.read(source.results.needed_file("tracking", "turns"))
    made_at = source.results.manifests["tracking"].finished_at
    return elan.write(path, source.media(), source.shots(), turns, source.captions(), made_at)


def _tracks(source: Source) -> tuple[Path, list[str]]:
    table = source.results.needed_file("tracking", "tracks")
    return table, boxes.labels(table)


def _write_after_effects(source: Source, path: Path) -> Path:
    turns = rttm.read(source.results.needed_file("tracking", "turns"))
    boxes_of_shots = boxes.read_shots(source.results.needed_file("tracking", "tracks"))
    return after_effects.write(path, source.media(), source.shots(), boxes_of_shots, turns, source.captions())


def _windows(source: Source) -> list[vertical.Window]:
    facts = source.results.outputs("convert")
    boxes_of_shots = boxes.read_shots(source.results.needed_file("tracking", "tracks"))
    return vertical.windows(source.shots(), boxes_of_shots, facts["width"], facts["height"])


def _write_windows(source: Source, path: Path) -> Path:
    facts = source.results.outputs("convert")
    return vertical_json.write(path, source.shots(), _windows(source), (facts["width"], facts["height"]))


def _write_vertical(source: Source, path: Path) -> Path:
    from vidlib.media.vertical import render

    facts = source.results.outputs("convert")
    keys = [key for window in _windows(source) for key in window.keys]
    window = vertical.window_width(facts["width"], facts["height"])
    return render(source.results.needed_file("convert", "video"), path, keys, window)


def _write_cvat(source: Source, path: Path) -> Path:
    table, labels = _tracks(source)
    return cvat_xml.write(path, boxes.read_shots(table), labels, source.media())


def _write_mot(source: Source, path: Path) -> Path:
    table, labels = _tracks(source)
    return mot.write(path, boxes.read(table), labels)


def _write_coco(source: Source, path: Path) -> Path:
    table, labels = _tracks(source)
    return coco_json.write(path, boxes.read(table), labels, source.media())


VIDEO_FORMATS: Mapping[str, VideoFormat] = {
    "csv": VideoFormat(PUBLISHED["shots_csv"], ("scenes",), _copy("scenes", "csv")),
    "tsv": VideoFormat("_shots.tsv", ("convert", "scenes"), _write_tsv),
    "rttm": VideoFormat(PUBLISHED["rttm"], ("tracking",), _copy("tracking", "turns")),
    "vtt": VideoFormat(
        PUBLISHED["captions"],
        ("audio", "tracking"),
        lambda source, path: webvtt.write_captions(path, _captions(source)),
    ),
    "srt": VideoFormat(".srt", ("audio", "tracking"), lambda source, path: subrip.write(path, _captions(source))),
    "elan": VideoFormat(".eaf", ("convert", "scenes", "audio", "tracking"), _write_elan),
    "ae": VideoFormat("_ae.jsx", ("convert", "scenes", "audio", "tracking"), _write_after_effects),
    "vertical": VideoFormat("_vertical.json", ("convert", "scenes", "tracking"), _write_windows),
    "vertical-mp4": VideoFormat("_vertical.mp4", ("convert", "scenes", "tracking"), _write_vertical),
    "cvat": VideoFormat("_cvat.xml", ("convert", "tracking"), _write_cvat),
    "mot": VideoFormat("_mot.txt", ("tracking",), _write_mot),
    "coco": VideoFormat("_coco.json", ("convert", "tracking"), _write_coco),
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


def write(
    format: VideoFormat | TimelineFormat, sources: Sequence[Source], name: str, path: Path, options: Options
) -> Path:
    """Write ``sources`` to the file ``path``: one video in a `VideoFormat`, else one or more timelines.

    ``name`` is the name of the timeline, or of the project that holds the timelines.
    """
    if isinstance(format, VideoFormat):
        return format.write(sources[0], path)
    return format.write(path, _timelines(sources, name, options), name, options)


def _timelines(sources: Sequence[Source], name: str, options: Options) -> list[Timeline]:
    videos = [(source.media(options.media_root), source.shots()) for source in sources]
    start_tc = options.start_tc
    if options.layout == "bin":
        names = [PurePosixPath(source.stem).name for source in sources]
    else:
        names, start_tc = [name], start_tc or (PROJECT_START if len(videos) > 1 else None)
    groups = [[video] for video in videos] if options.layout == "bin" else [videos]
    start = smpte_frame(start_tc) if start_tc else None
    return [
        assemble(timeline_name, group, start=start, handles=options.handles)
        for timeline_name, group in zip(names, groups, strict=True)
    ]
