"""Publishes the results of a video: beside the video, or apart as a variant.

What lies beside a video was made with one set of parameters. A run replaces it as a whole, and only by results of at
least the same steps. A run of some steps therefore never mixes its results into a complete set, and never takes
results away. A variant is what the last run of its name has made.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidlib.corrections import store
from vidlib.errors import BrokenOutput, VidlibError
from vidlib.files import FileRecord
from vidlib.results import published_set
from vidlib.results.naming import OPTIONAL, PUBLISHED, finished, subject_folder
from vidlib.results.published_set import PublishedSet
from vidlib.runner import projects
from vidlib.runner.request import Request
from vidlib.runner.scheduling.plan import differences, plan_video
from vidlib.runner.store.models import Task
from vidlib.settings import Settings
from vidlib.steps import PUBLISHED as OUTPUTS
from vidlib.steps import VIDEO_STEPS
from vidlib.steps.base import Manifest
from vidlib.steps.corrected import corrections_of

MOST_CHANGES = 4
"""Changed parameters that a notice lists."""


@dataclass(frozen=True)
class Publication:
    """The results that a run has for one video: ``steps`` maps each finished step to its folder.

    ``params`` are those in force for each step of a video. ``task`` is any task of the video.
    """

    settings: Settings
    task: Task
    variant: str | None
    params: Mapping[str, dict[str, Any]]
    steps: Mapping[str, Path]

    @classmethod
    def from_run(cls, settings: Settings, request: Request, task: Task, done: Mapping[str, Path]) -> "Publication":
        """The results that ``done``, the finished steps of the run, and earlier runs have for the parameters asked."""
        values = request.params.for_project(task.project)
        params = {step: values[step].model_dump(mode="json") for step in VIDEO_STEPS}
        steps = dict(done)
        if set(request.video_steps()) < set(VIDEO_STEPS):
            with suppress(VidlibError, OSError):  # the file may be gone; what the run itself made counts in any case
                home = subject_folder(settings.work, task.sha256)
                decided = store.read_active(settings.corrections, task.sha256)
                planned = plan_video(Path(task.source), home, VIDEO_STEPS, values, corrections=decided)
                steps = {step.name: step.folder for step in planned if step.folder} | steps
        in_order = {step: steps[step] for step in VIDEO_STEPS if step in steps}
        return cls(settings, task, request.variant, params, in_order)

    @property
    def root(self) -> Path:
        """The folder of the project."""
        return self.settings.projects / self.task.project

    @property
    def folder(self) -> Path:
        """The folder in which the stem of the video names its results."""
        return projects.results_folder(self.settings, self.task.project, self.variant)

    def publish(self) -> str | None:
        """Replace the results in `folder` by these if the rule above says so; returns a notice for people, if any."""
        folder, stem = self.folder, self.task.stem
        published_set.finish_replacement(self.root, folder, stem)
        previous = self._previous()
        files = self._files(previous)
        if not files:
            return None
        record = self._record(files)
        if self.variant is None and previous and not previous.steps.keys() <= record.steps.keys():
            return self._kept(previous, record)
        if previous != record or not published_set.is_intact(folder, stem, record):
            published_set.replace(self.root, folder, stem, record, files)
        if self.variant:
            return f"{self.task.label}: the results of variant {self.variant!r} are in {folder}"
        return self._replaced(previous, record) if previous else None

    def forecast(self, to_come: Collection[str]) -> tuple[str, str]:
        """What `publish` will do once the steps ``to_come`` have run, too: done, run or keep, and the reason."""
        if self.variant:
            return "run", f"the results of variant {self.variant!r} go to {self.folder}"
        previous, record = self._previous(), self._record({})
        if previous is None:
            return "run", f"no results are in {self.folder} yet"
        is_same = all(previous.steps.get(step) == result for step, result in record.steps.items())
        if is_same and not to_come:
            return "done", f"the results are in {self.folder}"
        if missing := ", ".join(previous.steps.keys() - record.steps.keys() - set(to_come)):
            return "keep", f"the results of other values stay ({_changes(previous, record)}): this run has no {missing}"
        return "run", f"replaces the results in {self.folder} ({_changes(previous, record)})"

    def _files(self, previous: PublishedSet | None) -> dict[str, Path]:
        """``{end of the name: file}``; the result of a later step replaces that of an earlier one.

        An optional result never replaces a file that came with the video, such as its own subtitles.
        """
        files = {}
        for step, result, output in OUTPUTS:
            suffix = PUBLISHED[result]
            name = Manifest.read(self.steps[step]).outputs.get(output) if step in self.steps else None
            if name and (result not in OPTIONAL or self._is_free(suffix, previous)):
                files[suffix] = self.steps[step] / name
        return files

    def _is_free(self, suffix: str, previous: PublishedSet | None) -> bool:
        """Whether no file has the name of this result, or only one that a run has put there."""
        file = self.folder / f"{self.task.stem}{suffix}"
        if not file.exists() or (previous and suffix in previous.files):
            return True
        return any(self._origin(step, output, file) for step, result, output in OUTPUTS if PUBLISHED[result] == suffix)

    def _record(self, files: Mapping[str, Path]) -> PublishedSet:
        return PublishedSet(
            video=self.task.label,
            sha256=self.task.sha256,
            variant=self.variant,
            complete=self.steps.keys() >= set(VIDEO_STEPS),
            params=dict(self.params),
            steps={step: published_set.step_id(folder) for step, folder in self.steps.items()},
            files={suffix: FileRecord.from_file(file) for suffix, file in files.items()},
            corrections=tuple(sorted(corrections_of(self.steps.values()))),
        )

    def _previous(self) -> PublishedSet | None:
        """The record of the results that are there. Versions before 0.2 wrote none, so their results are looked for."""
        record = published_set.read(self.folder, self.task.stem)
        if record and record.sha256 == self.task.sha256:
            return record
        steps, params, files = {}, {}, {}
        for step, result, output in OUTPUTS:
            file = self.folder / f"{self.task.stem}{PUBLISHED[result]}"
            if result not in OPTIONAL and file.is_file() and (folder := self._origin(step, output, file)):
                steps[step] = published_set.step_id(folder)
                params[step] = Manifest.read(folder).params
                files[PUBLISHED[result]] = FileRecord.from_file(file)
        if not steps:
            return None
        return PublishedSet(
            video=self.task.label, sha256=self.task.sha256, complete=False, params=params, steps=steps, files=files
        )

    def _origin(self, step: str, output: str, file: Path) -> Path | None:
        """The folder of the ``step`` that made ``file``; None for a file that came with the video."""
        record = FileRecord.from_file(file)
        for folder in subject_folder(self.settings.work, self.task.sha256).glob(finished(step)):
            with suppress(BrokenOutput):
                manifest = Manifest.read(folder)
                if manifest.files.get(manifest.outputs.get(output) or "") == record:
                    return folder
        return None

    def _kept(self, previous: PublishedSet, record: PublishedSet) -> str | None:
        if all(previous.steps.get(step) == result for step, result in record.steps.items() if step in previous.steps):
            return None  # the results of this run lie there already
        missing = ", ".join(step for step in VIDEO_STEPS if step in previous.steps and step not in record.steps)
        return (
            f"{self.task.label}: the results beside the video are unchanged, because they are of other values "
            f"({_changes(previous, record)}) and this run has none of {missing}. Run all steps to replace them, or add "
            "--variant NAME to keep both"
        )

    def _replaced(self, previous: PublishedSet, record: PublishedSet) -> str | None:
        if all(record.steps.get(step) == result for step, result in previous.steps.items()):
            return None
        return f"{self.task.label}: all results beside the video were replaced ({_changes(previous, record)})"


def _changes(previous: PublishedSet, record: PublishedSet) -> str:
    """What differs between the values of two sets, such as ``scenes.threshold: 0.5 -> 0.9``."""
    changes = [
        change.replace("params.", f"{step}.", 1)
        for step, params in record.params.items()
        if step in previous.params
        for change in differences({"params": previous.params[step]}, {"params": params})
    ]
    if previous.corrections != record.corrections:
        changes.append(f"decisions by a person: {len(previous.corrections)} -> {len(record.corrections)}")
    if not changes:
        return "the same values, other versions of tools or models"
    more = f" and {len(changes) - MOST_CHANGES} more" if len(changes) > MOST_CHANGES else ""
    return f"{', '.join(changes[:MOST_CHANGES])}{more}"
