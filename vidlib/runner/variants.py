"""The variants of a video: results with other values that lie apart from those beside the video."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vidlib.errors import UnknownName
from vidlib.params import ParamSet
from vidlib.results import published_set
from vidlib.results.published_set import PublishedSet
from vidlib.runner import projects
from vidlib.runner.request import Request
from vidlib.runner.sources import Source, parse_source
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import PARAMS, VIDEO_STEPS


@dataclass(frozen=True)
class Variant:
    """A variant of one video, which ``run`` made last.

    ``folder`` holds its files. ``delivery`` is the path or link that brought the video.
    """

    name: str
    folder: Path
    project: str
    run: str
    record: PublishedSet
    delivery: Source

    def folders(self, work: Path) -> dict[str, Path]:
        """The folders of its finished steps below ``work``, by step."""
        return {step: work / name for step, name in self.record.steps.items()}

    def promotion(self) -> Request:
        """The request that puts this variant beside the video, after the steps that it lacks, and delivers it."""
        params = ParamSet(PARAMS, [(f"variant {self.name}", None, self.record.params)])
        return Request([self.delivery], params, videos=frozenset({self.record.sha256}))


def variants_of(history: History, settings: Settings, sha256: str) -> Iterator[Variant]:
    """The variants of the video with this SHA-256, by name."""
    tasks = history.results(VIDEO_STEPS, sha256=sha256, variants=True)
    newest = {(task.project, task.stem): task for task in reversed(tasks)}
    runs = {history.run(run_id).asked.get("variant"): run_id for run_id in sorted({task.run_id for task in tasks})}
    for (project, stem), task in newest.items():
        folder = projects.results_folder(settings, project, "*")
        for variant in sorted(folder.parent.glob("*/")):
            record = published_set.read(variant, stem)
            if record and record.sha256 == sha256:
                run = runs.get(variant.name, "")
                yield Variant(variant.name, variant, project, run, record, _delivery(task, settings))


def find_variant(history: History, settings: Settings, sha256: str, name: str) -> Variant:
    """The variant ``name`` of a video; raises UnknownName, with the known names, if there is none."""
    known = {variant.name: variant for variant in variants_of(history, settings, sha256)}
    if name not in known:
        raise UnknownName("a variant of this video", name, known)
    return known[name]


def _delivery(task: Task, settings: Settings) -> Source:
    """What to process for a task's video: its project if its files are there, else the path or link of its request."""
    if Path(task.source).is_relative_to(projects.docs_folder(settings, task.project)):
        return settings.projects / task.project
    return parse_source(task.origin)
