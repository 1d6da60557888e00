"""Where the current results of each video lie, and the tables that are read from them."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from vidlib.errors import BrokenOutput, UsageError
from vidlib.results import frames
from vidlib.results.exports import rttm
from vidlib.steps import VIDEO_STEPS
from vidlib.steps.base import MANIFEST, Manifest
from vidlib.timeline import seconds

if TYPE_CHECKING:
    import pyarrow as pa

    from vidlib.runner.store.runs import FinishedStep, History

STEP_OF = {
    "shots": ("scenes",),
    "turns": ("tracking",),
    "tracks": ("tracking",),
    "blendshapes": ("tracking",),
    "people": ("tracking",),
    "words": ("audio", "tracking"),
    "review": ("scenes", "audio", "tracking"),
}
"""The steps that each table of a video is read from."""

COMPLETE = ("convert", "scenes", "audio", "tracking")
"""The steps whose results, of one run, are a complete set."""

Key = tuple[str, tuple[tuple[str, Path], ...]]
"""The name of a video, and the folder of each step."""

log = logging.getLogger(__name__)

KEPT = 8192
"""Small tables and facts that are kept in memory: those of a thousand videos."""


@dataclass(frozen=True)
class VideoResults:
    """The finished steps of one video, ``{step: folder}``; ``run`` is the newest run that used them.

    ``stem`` is the name of its results within the delivery, with sub-folders and without suffix.
    """

    name: str
    sha256: str
    project: str
    run: str
    folders: Mapping[str, Path]
    stem: str = ""

    def outputs(self, step: str) -> dict[str, Any]:
        """What ``step`` recorded in its manifest; empty where it left no result."""
        return self.manifests[step].outputs if step in self.manifests else {}

    def file(self, step: str, output: str) -> Path | None:
        """The file that ``step`` left as ``output``; None where it left none."""
        name = self.outputs(step).get(output)
        return self.folders[step] / name if name else None

    def needed_file(self, step: str, output: str) -> Path:
        """As `file`; raises BrokenOutput where it left none."""
        if (file := self.file(step, output)) is None:
            raise BrokenOutput(f"the results of {step} for {self.name!r} lack {output!r}; run {step} again with force")
        return file

    def with_steps(self, steps: Iterable[str]) -> Self:
        """These results; raises UsageError, saying which, where one of ``steps`` left none."""
        if missing := [step for step in steps if step not in self.folders]:
            raise UsageError(
                f"run {self.run} has no result of {', '.join(missing)} for {self.name!r}; "
                "run these steps as well, or open the video by its name to have them run"
            )
        return self

    def only(self, steps: Iterable[str]) -> Self:
        """The results of these ``steps``."""
        return replace(self, folders={step: self.folders[step] for step in steps})

    @property
    def key(self) -> Key:
        """What decides all that is read from these results."""
        return self.name, tuple(self.folders.items())

    @cached_property
    def manifests(self) -> dict[str, Manifest]:
        """The record of each step."""
        return {step: Manifest.read(folder) for step, folder in self.folders.items()}


def current(finished: Iterable["FinishedStep"]) -> VideoResults | None:
    """The current results of one video, of its ``finished`` steps, newest first; None where nothing is there.

    The newest run with all steps counts, as for the files beside the video. Without one, the newest run with the steps
    that the tables need. A run of some steps only fills in steps for which no complete set exists.
    """
    present = [step for step in finished if _is_file(f"{step.folder}/{MANIFEST}")]
    by_run: dict[str, list[FinishedStep]] = {}
    for step in present:
        by_run.setdefault(step.run_id, []).append(step)
    steps_of = {run: {step.step for step in steps} for run, steps in by_run.items()}
    complete = [run for steps in (VIDEO_STEPS, COMPLETE) for run in by_run if steps_of[run] >= set(steps)]
    chosen = by_run[complete[0]] if complete else present
    if not chosen:
        return None
    folders = {step.step: Path(step.folder) for step in reversed(chosen)}  # the newest of each step wins
    newest = chosen[0]
    return VideoResults(newest.label, newest.sha256, newest.project, newest.run_id, folders, newest.stem)


def all_complete(history: "History") -> Iterator[VideoResults]:
    """The complete set of results of each video that has one, by project and name."""
    by_video: dict[str, list[FinishedStep]] = {}
    for step in history.finished_steps(VIDEO_STEPS):
        by_video.setdefault(step.sha256, []).append(step)
    found = filter(None, map(current, by_video.values()))
    yield from sorted(
        (results.only(COMPLETE) for results in found if results.folders.keys() >= set(COMPLETE)),
        key=lambda results: (results.project, results.name, results.sha256),
    )


def table(results: VideoResults, name: str) -> "pa.Table":
    """The table ``name`` of one video (see `vidlib.results.frames.TABLES`).

    Raises BrokenOutput where a file is missing or damaged, UsageError where a step that it needs left no result.
    """
    results.with_steps(STEP_OF[name])
    return _read(results, name)


def _read(results: VideoResults, name: str) -> "pa.Table":
    if name == "shots":
        return frames.shots(results.needed_file("scenes", "shots"))
    if name == "turns":
        return frames.turns(results.needed_file("tracking", "turns"))
    if name == "people":
        return frames.people(results.needed_file("tracking", "people"))
    if name == "words":
        turns = rttm.read(results.needed_file("tracking", "turns"))
        return frames.words(results.file("audio", "words"), results.file("audio", "captions"), turns)
    if name == "review":
        asked = {step: results.outputs(step).get("doubts", ()) for step in STEP_OF["review"]}
        return frames.review(asked, results.outputs("convert").get("frames") or 1)
    return frames.tracks(results.needed_file("tracking", "tracks"), name)


def small_table(results: VideoResults, name: str) -> "pa.Table":
    """As `table`, read once per process; not for ``tracks`` and ``blendshapes``, which are large."""
    return _small_table(results.key, name)


def tracks_file(results: VideoResults) -> str:
    """The tracking table of a video, looked up once per process; raises BrokenOutput where there is none."""
    file = _tracks_file(results.key)
    if not _is_file(file):
        raise BrokenOutput(f"{file} is missing")
    return file


def _is_file(path: str) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  (for thousands of files, in a third of pathlib's time)


Part = TypeVar("Part")


def parts_of(sets: Iterable[VideoResults], read: Callable[[VideoResults], Part]) -> Iterator[Part]:
    """What ``read`` gives for each video; one whose results are damaged is left out, with a warning in the log."""
    for results in sets:
        try:
            yield read(results)
        except (BrokenOutput, OSError) as error:
            log.warning("%s is left out: %s", results.name, error)


def video_row(results: VideoResults, path: str) -> dict[str, Any]:
    """The row of one video in the table ``videos``."""
    about = {"video": results.name, "sha256": results.sha256, "project": results.project, "path": path}
    return about | {"run": results.run} | _facts(results.key)


# A folder of a finished step never changes. What is kept here is small: manifests and tables of tracks are not kept.


@lru_cache(maxsize=KEPT)
def _small_table(key: Key, name: str) -> "pa.Table":
    return table(_restored(key), name)


@lru_cache(maxsize=KEPT)
def _tracks_file(key: Key) -> str:
    return str(_restored(key).needed_file("tracking", "tracks"))


@lru_cache(maxsize=KEPT)
def _facts(key: Key) -> dict[str, Any]:
    results = _restored(key)
    convert, scenes, audio, tracking = (results.outputs(step) for step in COMPLETE)
    n_frames = convert.get("frames")
    return {
        "frames": n_frames,
        "duration_s": None if n_frames is None else float(seconds(n_frames)),
        **{name: convert.get(name) for name in ("width", "height", "has_audio")},
        "n_shots": scenes.get("n_shots"),
        **{name: audio.get(name) for name in ("n_speakers", "speech_s")},
        **{name: tracking.get(name) for name in ("n_people", "n_tracks", "face_coverage")},
        "finished_at": max(manifest.finished_at for manifest in results.manifests.values()).replace(microsecond=0),
    }


def _restored(key: Key) -> VideoResults:
    name, folders = key
    return VideoResults(name, "", "", "", dict(folders))
