"""Exports of one video or of a whole project: what ``vidlib export`` calls."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidlib.api.export_source import Source
from vidlib.api.exporting import Options, TimelineFormat, VideoFormat, check, find_format, steps_of, write
from vidlib.api.results import VideoResults, all_complete
from vidlib.api.workspace import Workspace
from vidlib.corrections import store
from vidlib.errors import UsageError
from vidlib.progress import Report, quiet
from vidlib.runner import queries
from vidlib.steps.corrected import corrections_of


@dataclass(frozen=True)
class Exported:
    """The written files, and how many decisions of people are in them; ``pending`` ones are not applied yet."""

    files: list[Path]
    decisions: int
    pending: int


def export(
    subject: str,
    formats: Sequence[str],
    to: Path,
    options: Options,
    *,
    workspace: Path | None = None,
    report: Report = quiet,
) -> Exported:
    """Write a video, or all videos of a project, in each of ``formats`` into the folder ``to``.

    ``subject`` is a video as `Workspace.open` takes it, or the name or folder of a project. The timeline of a project
    has the shots of all its videos, by name; its bin has a timeline for each. Raises UnknownName for a format that does
    not exist, and UsageError for a project without results, and for a folder with the name of a file.
    """
    chosen = [find_format(name) for name in formats]
    check(chosen, options)
    _check_folder(to, chosen)
    steps = sorted({step for format in chosen for step in steps_of(format, options)})
    ws = Workspace(workspace)
    name, sources = _sources(ws, subject, steps)
    files = [
        write(format, part, Path(part_name).name, to / f"{part_name}{format.suffix}", options, report)
        for format in chosen
        for part_name, part in _files(format, name, sources, options)
    ]
    decisions = sum(len(corrections_of(source.results.folders.values())) for source in sources)
    return Exported(files, decisions, sum(_count_pending(ws, source.results) for source in sources))


def _check_folder(folder: Path, formats: Sequence[VideoFormat | TimelineFormat]) -> None:
    if folder.suffix in {Path(f"x{format.suffix}").suffix for format in formats} and not folder.is_dir():
        raise UsageError(
            f"{str(folder)!r} ends as a file does; expected a folder, in which each file has the name of its video"
        )


def _count_pending(ws: Workspace, results: VideoResults) -> int:
    """The number of decisions about a video that its results do not have."""
    known = {id for manifest in results.manifests.values() for id in manifest.corrections}
    active = store.read_active(ws.settings.corrections, results.sha256)
    return sum(bool(one.decision.steps) and one.id not in known for one in active)


def _files(
    format: VideoFormat | TimelineFormat, name: str, sources: Sequence[Source], options: Options
) -> Iterator[tuple[str, Sequence[Source]]]:
    """The name of each file of a format, and the videos in it."""
    if isinstance(format, TimelineFormat) and (options.layout == "timeline" or format.is_bin):
        yield name, sources
    else:
        yield from ((source.stem, [source]) for source in sources)


def _sources(ws: Workspace, subject: str, steps: Sequence[str]) -> tuple[str, list[Source]]:
    """The name of a video or project, and its results of these ``steps``."""
    path = Path(subject).expanduser()
    if path.is_dir():
        return _project(ws, path.resolve().name, steps)
    try:
        video = ws.open(subject)
    except UsageError:
        if path.is_file() or not _results(ws, subject):
            raise
        return _project(ws, subject, steps)
    places = [place.absolute() for place in (path, video.path) if place and place.is_file()]
    source = Source(video.results(*steps), ws.settings, tuple(places))
    return Path(source.stem).name, [source]


def _project(ws: Workspace, name: str, steps: Sequence[str]) -> tuple[str, list[Source]]:
    if not (results := _results(ws, name)):
        raise UsageError(
            f"there is no project {name!r} with complete results in {ws.path}; process it first: vidlib run PATH"
        )
    sources = [Source(video.with_steps(steps), ws.settings) for video in results]
    return name, sorted(sources, key=lambda source: natural_order(source.stem))


def natural_order(name: str) -> list[str | int]:
    """A key that sorts names as people do: numbers by their value, letters without case.

    >>> sorted(["clip 10", "Clip 2"], key=natural_order)
    ['Clip 2', 'clip 10']
    """
    parts = re.split(r"([0-9]+)", name.casefold())
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]


def _results(ws: Workspace, project: str) -> list[VideoResults]:
    with queries.opened(ws.settings) as history:
        return [results for results in all_complete(history) if results.project == project]
