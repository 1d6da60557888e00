"""A folder with the files that the documents name, and a workspace in which film.mp4 is done."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest

from tests import evaluated, finished, sample_media
from vidlib.evaluation.ground_truth import Part, Truth
from vidlib.files import sha256
from vidlib.results import archive
from vidlib.runner import pipeline, report_run
from vidlib.runner.publishing import Publication
from vidlib.runner.run_result import result_of
from vidlib.runner.store.runs import History
from vidlib.settings import REPOSITORY, load, settings

FOLDERS = ("docs", "params", "notebooks", "deploy", "benchmarks")
"""Folders of the repository that commands name."""

FILES = ("clip.mov", "clip.mp4", "delivery.zip", "delivery.7z", "deliveries/delivery.zip")
"""Files that commands only name, without content."""


RESULTS = {
    "scenes": {"shots_csv": "shots.csv", "shots_json": "shots.json"},
    "tracking": {"tracking_parquet": "tracking.parquet", "people": "people.json", "rttm": "speech.rttm"},
}
"""The files of each step that the archive keeps, by their names there."""


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder."""
    folder = tmp_path_factory.mktemp("desk")
    for name in FOLDERS:
        (folder / name).symlink_to(REPOSITORY / name)
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    nbformat.write(nbformat.v4.new_notebook(), folder / "report.ipynb")
    film = sample_media.clip(folder / "film.mp4")
    shots = [evaluated.shot(0, "start", "close", Part(start=0, faces=(), audible="A"))]
    truth = Truth(fps=25, frames=sample_media.N_FRAMES, size=sample_media.SIZE, shots=tuple(shots))
    evaluated.write_truth(folder / "film.truth.json", truth)
    _finish(folder, film)
    return folder


def _finish(folder: Path, film: Path) -> None:
    """Make all steps of ``film`` by hand, and its report."""
    chosen = load(workspace=folder / "workspace")
    folders = finished.all_steps(chosen.work / sha256(film)[:16], video=film)
    finished.register(chosen, folders | {"report": folders["reduce"]}, film)
    with History(chosen.database) as history:
        tasks = history.tasks(history.runs(1)[0].id)
    _archive(chosen.archive, folder, folders)
    shutil.copy(folders["tracking"] / "tracking.parquet", folder / "film_tracking.parquet")
    page = report_run.folder_of(chosen.runs, next(task for task in tasks if task.step == "report"), tasks)
    page.mkdir(parents=True)
    (page / "report.html").write_text("<h1>film.mp4</h1>")


def _archive(root: Path, folder: Path, folders: dict[str, Path]) -> None:
    """Archive results of a video that an editor has renamed to edit/final cut v3.mp4."""
    renamed = folder / "edit" / "final cut v3.mp4"
    renamed.parent.mkdir()
    shutil.copy(folders["convert"] / "video.mp4", renamed)
    results = {name: folders[step] / file for step, files in RESULTS.items() for name, file in files.items()}
    result_set = archive.ResultSet.from_video(folder / "film.mp4", renamed, "film", results)
    archive.put(root, "Film", result_set, datetime.now(UTC))


@pytest.fixture
def at_desk(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder, as the current one, with its workspace as the default; every run is the one that is done."""

    def finished_run(request, given, options):
        with History(given.database) as history:
            run = history.runs(1)[0]
            tasks = history.tasks(run.id)
            done = {task.step: Path(task.folder) for task in tasks}
            Publication.from_run(given, request, tasks[0], done).publish()
            return result_of(run, tasks, given)

    monkeypatch.chdir(desk)
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(desk / "workspace"))
    monkeypatch.setattr(pipeline, "run", finished_run)
    settings.cache_clear()
    yield desk
    settings.cache_clear()


@pytest.fixture(scope="session")
def make_targets() -> set[str]:
    """The targets of the Makefile."""
    lines = (REPOSITORY / "Makefile").read_text().splitlines()
    return {line.partition(":")[0] for line in lines if line.partition(":")[0].replace("-", "").isalpha()}


@pytest.fixture(scope="session")
def notebook_parameters() -> "dict[str, set[str]]":
    """The parameters of each step notebook, ``{file name: names}``: what its cell of parameters assigns."""
    parameters = {}
    for path in (REPOSITORY / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        tagged = ["".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", ())]
        lines = "\n".join(tagged).splitlines()
        parameters[path.name] = {line.partition(":")[0] for line in lines if ":" in line.partition("=")[0]}
    return parameters
