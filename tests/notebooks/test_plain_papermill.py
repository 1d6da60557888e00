"""Every step notebook runs with plain Papermill, as with Run All in JupyterLab: no engine, no runner, no history."""

from pathlib import Path

import nbformat
import pytest

from tests import sample_media
from vidlib import demo
from vidlib.errors import UsageError
from vidlib.jupyter_import import papermill
from vidlib.settings import REPOSITORY, Settings, settings
from vidlib.steps import STEPS, audio, extract, scenes
from vidlib.steps.base import Manifest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("forked_notebooks"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Papermill's own
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory):
    """One workspace for all notebooks: the results of earlier steps for the demo video are made once."""
    folder = tmp_path_factory.mktemp("notebooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDLIB_WORKSPACE", str(folder / "workspace"))
        patch.setenv("VIDLIB_DEMO_VIDEO", str(sample_media.clip(folder / "clip.mp4")))
        patch.setenv("VIDLIB_MIN_FREE_BYTES", "0")
        settings.cache_clear()
        yield settings()
    settings.cache_clear()


def run_all(step: str, out: Path, **parameters: object) -> nbformat.NotebookNode:
    notebook = REPOSITORY / "notebooks" / STEPS[step].notebook
    return papermill.execute_notebook(
        str(notebook), str(out / notebook.name), parameters=parameters, progress_bar=False, cwd=str(out)
    )


@pytest.mark.parametrize("step", STEPS)
def test_a_step_notebook_runs_with_its_defaults_and_writes_to_a_scratch_folder(step, workspace, tmp_path):
    notebook = run_all(step, tmp_path)
    (scratch,) = (workspace.workspace / "tmp").glob(f"{step}-*")
    assert Manifest.read(scratch).step == step
    assert STEPS[step].outputs(scratch)
    assert [path.name for path in tmp_path.iterdir()] == [STEPS[step].notebook]
    if step != "report":  # which is a page for readers, not a list of files
        assert "<table>" in notebook.cells[-1].outputs[0].data["text/html"]


def test_a_step_counts_the_frames_of_a_video_that_somebody_sets(workspace, tmp_path):
    clip = sample_media.clip(tmp_path / "own.mp4")
    run_all("scenes", tmp_path, video=str(clip), engine="pyscenedetect", out_dir=str(tmp_path / "out"))
    made = Manifest.read(tmp_path / "out")
    told = scenes.Inputs(video=clip, frames=sample_media.N_FRAMES, out_dir=tmp_path)
    assert made.inputs == STEPS["scenes"].ingredients(told, scenes.Params())["inputs"]


def test_inputs_that_are_set_in_part_are_refused_with_the_name_of_the_missing_one(workspace, tmp_path):
    given = {"video": "clip.mp4", "frames": 0, "shots": "", "speech": "", "turns": "", "out_dir": ""}
    with pytest.raises(UsageError, match="`shots` is empty; set `shots` above"):
        demo.inputs_or_demo(STEPS["tracking"].module, **given)


def test_a_notebook_without_input_and_without_demo_asks_for_a_video(workspace: Settings, monkeypatch, tmp_path):
    monkeypatch.setattr(workspace, "demo_video", tmp_path / "missing.mp4")
    with pytest.raises(UsageError, match=r"demo video cannot be used here: .*; set `video` above"):
        demo.inputs_or_demo(audio, video="", frames=0, out_dir="")
    with pytest.raises(UsageError, match="set `archive` above"):
        demo.inputs_or_demo(extract, archive="", out_dir="")
