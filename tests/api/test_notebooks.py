"""The notebooks for exploring run from top to bottom on small data."""

from pathlib import Path

import nbformat
import pytest

from tests import sample_media
from vidlib import Workspace
from vidlib.jupyter_import import papermill
from vidlib.settings import REPOSITORY

EXPLORE = REPOSITORY / "notebooks" / "explore"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("forked_notebooks"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Papermill's own
]


def execute(name: str, tmp_path: Path, last_cell: str = "", **given: object) -> dict[str, dict[str, str]]:
    """What each cell of a notebook, up to the last one that is wanted, shows as its value, by media type."""
    notebook = nbformat.read(EXPLORE / name, as_version=4)
    names = [cell.id for cell in notebook.cells]
    notebook.cells = notebook.cells[: names.index(last_cell) + 1 if last_cell else None]
    nbformat.write(notebook, tmp_path / f"given {name}")
    papermill.execute_notebook(tmp_path / f"given {name}", tmp_path / name, given, progress_bar=False)
    cells = [cell for cell in nbformat.read(tmp_path / name, as_version=4).cells if cell.cell_type == "code"]
    results = {cell.id: [output for output in cell.outputs if "data" in output] for cell in cells}
    return {cell: outputs[-1].data for cell, outputs in results.items() if outputs}


def test_one_video(ws, tmp_path):
    shown = execute("01_one_video.ipynb", tmp_path, video="talk", workspace=str(ws.path))
    assert "data:image/jpeg" in shown["open"]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in shown["open"]
    assert "dissolve" in shown["shots"]["text/html"]
    assert "SPEAKER_01" in shown["speakers"]["text/html"]
    assert "image/png" in shown["timeline"]
    assert "image/png" in shown["frame"]
    assert "is this a cut?" in shown["review"]["text/html"]


def test_one_video_takes_the_first_of_a_workspace(ws, tmp_path):
    shown = execute("01_one_video.ipynb", tmp_path, last_cell="open", workspace=str(ws.path))
    assert "street.mp4" in shown["open"]["text/html"]


@pytest.mark.parametrize(("speaker", "listed"), [("", True), ("SPEAKER_01", False)])
def test_screen_time_of_all_videos(ws, tmp_path, speaker, listed):
    shown = execute("02_screen_time.ipynb", tmp_path, workspace=str(ws.path), speaker=speaker)
    table = shown["screen-time"]["text/html"]
    assert table.count("talk.mp4") == 1 + listed
    assert ("SPEAKER_00" in table) == listed
    assert table.count("street.mp4") == 1 + listed
    assert "image/png" in shown["bars"]
    assert "SPEAKER_01" in shown["off-screen-rows"]["text/html"]


@pytest.mark.usefixtures("plain_step_notebooks")
def test_two_thresholds_on_the_real_step(tmp_path, monkeypatch):
    monkeypatch.setenv("UNINSTALLED", "openvino")  # which takes seconds to import; PySceneDetect does as well
    clip = sample_media.clip(tmp_path / "clip.mp4")
    given = {"video": str(clip), "workspace": str(tmp_path / "ws"), "first": 0.999, "second": 0.2}
    shown = execute("03_two_thresholds.ipynb", tmp_path, **given)
    assert "done" in shown["run"]["text/html"]
    assert "change" in shown["changes"]["text/html"]
    assert "frames" in shown
    video = Workspace(tmp_path / "ws").open(clip)
    assert video.variants == ("threshold-0.2", "threshold-0.999")
    assert not list((tmp_path / "ws" / "projects").glob("*/docs/*.csv"))


def test_a_step_of_your_own(ws, tmp_path):
    output = tmp_path / "brightness.csv"
    shown = execute("04_your_own_step.ipynb", tmp_path, video="talk", workspace=str(ws.path), output=str(output))
    assert "brightness" in shown["measure"]["text/html"]
    rows = output.read_text().splitlines()
    assert rows[0] == "shot,start,stop,brightness,n_faces"
    assert len(rows) == 4
