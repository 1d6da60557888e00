"""The contract of the step."""

import os

import pytest
from pydantic import ValidationError

from tests import sample_media as made
from tests.steps.convert.converting import converted, numbers
from vidlib.errors import BrokenOutput, EngineUnavailable
from vidlib.media import encoders, thumbnails
from vidlib.steps import convert
from vidlib.steps.base import Step


@pytest.mark.slow
def test_progress_ends_at_the_number_of_source_frames(tmp_path, out_dir):
    said = []
    inputs = convert.Inputs(source=made.clip(tmp_path / "clip.mp4", fps="24"), out_dir=out_dir)
    convert.run(inputs, convert.Params(), report=lambda done, total: said.append((done, total)))
    assert said[-1] == (50, 50)
    assert said == sorted(said)


@pytest.mark.slow
def test_cuda_without_nvenc_fails_and_cpu_never_looks(tmp_path, out_dir, monkeypatch):
    looked = []
    monkeypatch.setattr(encoders, "nvenc_problem", lambda *size: looked.append(size) or "no NVENC in this test")
    source = made.clip(tmp_path / "clip.mp4", fps="24")
    with pytest.raises(EngineUnavailable, match="no NVENC in this test"):
        converted(source, out_dir, device="cuda")
    assert looked == [(64, 48)]
    assert converted(source, out_dir, device="cpu").engine == "libx264"
    assert looked == [(64, 48)]


@pytest.mark.slow
@pytest.mark.gpu
def test_nvenc_encodes_the_same_frames(tmp_path, out_dir):
    if problem := encoders.nvenc_problem(320, 240):
        pytest.skip(problem)
    source = made.clip(tmp_path / "clip.mp4", size=(320, 240), fps="24")
    outputs = converted(source, out_dir, device="cuda")
    assert (outputs.engine, outputs.device, outputs.fallback) == ("h264_nvenc", "cuda", None)
    assert numbers(outputs.video) == numbers(converted(source, tmp_path / "cpu", device="cpu").video)


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ValidationError, match="crf"):
        convert.Params(crf=52)


@pytest.mark.slow
def test_verify_refuses_a_video_that_is_not_what_was_promised(tmp_path, out_dir):
    inputs = convert.Inputs(source=made.clip(tmp_path / "clip.mp4"), out_dir=out_dir)
    outputs = convert.run(inputs, convert.Params())
    with pytest.raises(BrokenOutput, match="49 frames"):
        convert.verify(inputs, outputs.model_copy(update={"frames": 49}))
    with pytest.raises(BrokenOutput, match="2 tracks"):
        convert.verify(inputs, outputs.model_copy(update={"audio_tracks": 2}))
    os.truncate(outputs.small, 49 * thumbnails.FRAME_BYTES)
    with pytest.raises(BrokenOutput, match="not those of 50 frames"):
        convert.verify(inputs, outputs)


@pytest.mark.slow
def test_a_finished_step_is_read_back_as_it_was(results):
    outputs = results["kept"]
    assert Step(convert).outputs(outputs.video.parent) == outputs
