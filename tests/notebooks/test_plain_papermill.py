"""Whoever has only Papermill can run every step of a video: no engine, no runner, no history."""

import papermill
import pytest

from tests import sample_media
from vidlib.settings import REPOSITORY
from vidlib.steps import STEPS, VIDEO_STEPS
from vidlib.steps.base import StepOutputs


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Papermill's own
def test_plain_papermill_runs_every_notebook_of_a_video(tmp_path):
    clip = sample_media.clip(tmp_path / "clip.mp4")
    left: dict[str, StepOutputs] = {}
    for name in VIDEO_STEPS:
        step, out = STEPS[name], tmp_path / name
        out.mkdir()
        inputs = step.wire(clip, left, out_dir=out).model_dump(mode="json")
        notebook = REPOSITORY / "notebooks" / step.notebook
        papermill.execute_notebook(str(notebook), str(out / step.notebook), parameters=inputs, progress_bar=False)
        left[name] = step.outputs(out)  # raises unless all that it promises is there
    assert left["tracking"].n_frames == left["convert"].frames == sample_media.N_FRAMES
