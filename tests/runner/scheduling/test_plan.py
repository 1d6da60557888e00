"""The plan of a video: what is done, what runs and why, and what waits."""

from pathlib import Path

import pytest

from tests.runner import counting
from vidlib.runner.scheduling import plan
from vidlib.runner.scheduling.plan import AGAIN, VideoStep, plan_video
from vidlib.steps import PARAMS, VIDEO_STEPS


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"some bytes")
    return file


def test_a_new_video_runs_its_first_step_and_the_others_wait_for_their_inputs(source, tmp_path):
    params = {name: PARAMS[name]() for name in VIDEO_STEPS}
    steps = plan_video(source, tmp_path / "home", VIDEO_STEPS, params)
    assert [step.name for step in steps] == list(VIDEO_STEPS)
    assert steps[0] == VideoStep("convert", reason="it has not run for this input yet")
    assert {step.name: step.waits_for for step in steps[1:]} == {
        "scenes": ("convert",),
        "audio": ("convert",),
        "tracking": ("audio", "convert", "scenes"),
        "reduce": ("audio", "convert", "tracking"),
    }


def test_a_finished_step_is_done_until_it_is_asked_for_again(source, tmp_path, monkeypatch):
    monkeypatch.setitem(plan.STEPS, counting.NAME, counting.STEP)
    home, params = tmp_path / "home", {counting.NAME: counting.Params()}
    planned = plan.plan_step(counting.STEP, source, {}, params[counting.NAME], home)
    planned.folder.mkdir(parents=True)
    counting.run(counting.Inputs(source=source, out_dir=planned.folder), counting.Params())
    assert plan_video(source, home, [counting.NAME], params) == [VideoStep(counting.NAME, planned.folder)]
    assert plan_video(source, home, [counting.NAME], params, [counting.NAME]) == [
        VideoStep(counting.NAME, reason=AGAIN)
    ]
