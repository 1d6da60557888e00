"""`python -m tests.soak.small WORKSPACE PLACE`: the least work that goes all the way of a result.

The counting step is done as a task of a run, through the history, a lease, a kernel and Papermill; what it left is
shown beside a project, archived and delivered. It fails as vidlib does: with one line and an exit code.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import nbformat

from tests.runner import counting
from vidlib.errors import VidlibError
from vidlib.files import FileRecord, sha256
from vidlib.params import read_params
from vidlib.results import archive, delivery, published_set
from vidlib.results.published_set import PublishedSet
from vidlib.runner.execution.task import execute_task
from vidlib.runner.execution.worker import Worker
from vidlib.runner.request import Request
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, export, load
from vidlib.steps import PARAMS, STEPS

SOURCE = "source.bin"
ROOT = Path(__file__).parents[2]
PAD_CELL = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom tests.soak import padding\npadding.pad_if('kernel')"


def prepare(folder: Path) -> Path:
    """The step's notebook and its source, in a new ``folder``, which is outside of what fails."""
    folder.mkdir(parents=True)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    literals = 'source: str = ""\nout_dir: str = ""\nn: int = 3\nmode: str = "count"'
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in (literals, PAD_CELL, *counting.CELLS)]
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, folder / counting.NOTEBOOK)
    (folder / SOURCE).write_bytes(b"some bytes")
    return folder


def work(settings: Settings, source: Path) -> None:
    """Do it all, or what of it is not there yet; raises VidlibError or OSError if something fails."""
    with History(settings.database) as history, Worker(settings, 1) as worker:
        history.mark_interrupted()
        request = Request([source], read_params(PARAMS))
        run = history.start_run([source], {}, request.as_json())
        status = "failed"
        try:
            _publish(settings, source, _done(worker, run.id, source))
            status = "done"
        finally:
            history.finish_run(run.id, status)


def _done(worker: Worker, run_id: str, source: Path) -> Path:
    """What the counting step left, after it was done as a task."""
    names = {"project": "small", "label": source.name, "stem": "small", "source": str(source), "origin": str(source)}
    params = counting.Params().model_dump(mode="json")
    task = Task(run_id=run_id, step=counting.NAME, sha256=sha256(source), params=params, **names)
    (task,) = worker.history.add_tasks([task])
    execute_task(worker, task.id)
    (task,) = worker.history.tasks_by_id([task.id])
    if task.status != "done":
        raise VidlibError(f"counting is {task.status}: {task.error}")
    return counting.STEP.outputs(Path(task.folder)).numbers


def _publish(settings: Settings, source: Path, numbers: Path) -> None:
    now = datetime.now(UTC)
    root, params = settings.projects / "small", {counting.NAME: counting.Params().model_dump(mode="json")}
    about = {"video": source.name, "sha256": sha256(source), "complete": True, "params": params}
    steps = {counting.NAME: published_set.step_id(numbers.parent)}
    record = PublishedSet(**about, steps=steps, files={".json": FileRecord.from_file(numbers)})
    published_set.replace(root, root / "docs", "small", record, {".json": numbers})
    archive.put(settings.archive, "small", archive.ResultSet(source, numbers, "small", {"audio_json": numbers}), now)
    delivery.deliver(settings.delivery, "small", {"reel/small.json": numbers, "small.json": numbers}, now)


def main(workspace: Path, place: Path) -> None:
    """Do the work in ``workspace``, with what `prepare` left in ``place``."""
    STEPS[counting.NAME] = counting.STEP
    try:
        settings = load(workspace=workspace, notebooks_dir=place)
        export(settings)
        work(settings, place / SOURCE)
    except (VidlibError, OSError) as error:
        sys.exit(f"vidlib: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
