"""Scenes: shots at the exact frame, typed, in two files that agree."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from vidlib.corrections.actions import AddCut, Decision
from vidlib.engines.runtime import model_cache
from vidlib.errors import BrokenOutput, EngineUnavailable
from vidlib.machine import commands
from vidlib.media import thumbnails
from vidlib.media.frames import read_frames
from vidlib.results.exports import shots_csv, shots_json
from vidlib.results.naming import folder_name
from vidlib.steps import scenes
from vidlib.steps.base import Manifest
from vidlib.steps.corrected import uncorrected_folder
from vidlib.timeline import Span

MEDIA = Path(__file__).parents[2] / "../shared/media"
CUTS_OF_CLIP = [Span(0, 20), Span(20, 41), Span(41, 50)]


pytestmark = pytest.mark.usefixtures("warm_models")


def find(video: Path, frames: int, out_dir: Path, **params: object) -> scenes.Outputs:
    inputs = scenes.Inputs(video=video, frames=frames, out_dir=out_dir)
    return scenes.run(inputs, scenes.Params(device="cpu", **params))


def texture(shot: int, number: int) -> np.ndarray:
    """(144, 256, 3) float32 RGB, 0-255: soft blotches, others for each ``shot``, that move by a pixel a frame."""
    coarse = np.random.default_rng(shot).random((9, 24, 3)) * 255
    smooth = np.kron(coarse, np.ones((16, 16, 1)))
    return smooth[:, number % 100 : number % 100 + 256].astype(np.float32)


def video_of(frames: Sequence[np.ndarray], path: Path) -> Path:
    """A video at 25 frames per second of these frames, (144, 256, 3), 0-255."""
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "256x144", "-r", "25", "-i", "pipe:0"]
    encoding = ["-pix_fmt", "yuv420p", "-preset", "ultrafast", str(path)]
    command = [commands.find_program("ffmpeg"), "-v", "error", *raw, *encoding]
    subprocess.run(command, input=np.array(frames).astype(np.uint8).tobytes(), check=True)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """50 frames, cuts at 20 and 41."""
    shots = np.searchsorted([20, 41], np.arange(50), side="right")
    frames = [texture(int(shot), number) for number, shot in enumerate(shots)]
    return video_of(frames, tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="module")
def results(warm_models, clip, tmp_path_factory) -> dict[str, scenes.Outputs]:
    """What each engine finds in the clip."""
    return {
        engine: find(clip, 50, tmp_path_factory.mktemp(engine), engine=engine)
        for engine in ("transnet", "pyscenedetect")
    }


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["transnet", "pyscenedetect"])
def test_hard_cuts_are_found_at_the_exact_frame(results, engine):
    outputs = results[engine]
    assert [shot.span for shot in shots_json.read(outputs.shots)] == CUTS_OF_CLIP
    assert shots_csv.read(outputs.csv) == CUTS_OF_CLIP
    assert (outputs.n_shots, outputs.engine, outputs.device, outputs.fallback) == (3, engine, "cpu", None)


def test_corrections_change_the_finished_result_or_one_that_is_made_first(clip, tmp_path, monkeypatch):
    plain = find(clip, 50, tmp_path / "plain", engine="pyscenedetect")
    decided = Decision(id="a" * 12, decision=AddCut(frame=30, kind="fade"))
    inputs = scenes.Inputs(video=clip, frames=50, corrections=(decided,), out_dir=tmp_path / "anew")
    params = scenes.Params(device="cpu", engine="pyscenedetect")
    anew = scenes.run(inputs, params)
    monkeypatch.setattr(scenes, "_open_scorer", None)  # no engine from now on
    finished = {"uncorrected": tmp_path / "plain", "out_dir": tmp_path / "reused"}
    reused = scenes.run(inputs.model_copy(update=finished), params)
    assert [shot.span.start for shot in shots_json.read(reused.shots)] == [0, 20, 30, 41]
    for name in ("shots", "csv", "scores"):
        assert getattr(anew, name).read_bytes() == getattr(reused, name).read_bytes()
    assert plain.scores.read_bytes() == reused.scores.read_bytes()
    assert "corrections" not in Manifest.read(tmp_path / "plain").inputs
    prints = [Manifest.read(tmp_path / name).fingerprint for name in ("plain", "anew", "reused")]
    assert prints[0] != prints[1] == prints[2]
    assert uncorrected_folder(tmp_path / "anew").name == folder_name("scenes", prints[0])
    assert uncorrected_folder(tmp_path / "plain") is None


def small_of(clip: Path, path: Path) -> Path:
    """All frames of a clip in few pixels."""
    path.write_bytes(np.array(list(read_frames(clip, *thumbnails.SIZE))).tobytes())
    return path


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["transnet", "pyscenedetect"])
def test_small_frames_give_the_same_bytes_as_the_video(clip, results, tmp_path, engine):
    small = small_of(clip, tmp_path / "small.rgb")
    inputs = scenes.Inputs(video=clip, frames=50, small=small, out_dir=tmp_path / "small")
    outputs = scenes.run(inputs, scenes.Params(device="cpu", engine=engine))
    decoded = results[engine]
    for file, other in ((outputs.shots, decoded.shots), (outputs.scores, decoded.scores)):
        assert file.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_small_frames_spare_the_decoding(clip, tmp_path, monkeypatch):
    small = small_of(clip, tmp_path / "small.rgb")
    monkeypatch.setattr(commands, "stream_stdout", lambda *_: pytest.fail("the video is decoded"))
    inputs = scenes.Inputs(video=clip, frames=50, small=small, out_dir=tmp_path)
    assert scenes.run(inputs, scenes.Params(device="cpu", engine="transnet")).n_shots == 3


@pytest.mark.slow
def test_small_frames_that_end_early_are_not_taken_for_the_whole_video(clip, tmp_path):
    os.truncate(small := small_of(clip, tmp_path / "small.rgb"), 30 * thumbnails.FRAME_BYTES)
    inputs = scenes.Inputs(video=clip, frames=50, small=small, out_dir=tmp_path)
    with pytest.raises(BrokenOutput, match=r"small\.rgb has 30 frames, expected 50"):
        scenes.run(inputs, scenes.Params(device="cpu"))


@pytest.mark.slow
def test_the_same_video_gives_the_same_bytes(clip, results, tmp_path):
    first, second = results["transnet"], find(clip, 50, tmp_path, engine="transnet")
    assert Manifest.read(first.shots.parent).files == Manifest.read(second.shots.parent).files


def test_without_openvino_pyscenedetect_does_it_and_the_outputs_say_so(clip, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    model_cache.drop_models()
    outputs = find(clip, 50, tmp_path)
    assert outputs.engine == "pyscenedetect"
    assert "openvino" in outputs.fallback
    assert outputs.n_shots == 3


def test_a_gpu_that_is_asked_for_is_never_replaced(clip, tmp_path):
    inputs = scenes.Inputs(video=clip, frames=50, out_dir=tmp_path)
    with pytest.raises(EngineUnavailable, match="'cuda' is not usable"):
        scenes.run(inputs, scenes.Params(device="cuda", engine="pyscenedetect"))


def test_a_minimum_length_joins_what_is_shorter(clip, tmp_path):
    outputs = find(clip, 50, tmp_path, engine="pyscenedetect", min_shot_s=0.5)
    assert [shot.span for shot in shots_json.read(outputs.shots)] == [Span(0, 20), Span(20, 50)]


def test_other_frames_than_promised_are_an_error(clip, tmp_path):
    with pytest.raises(BrokenOutput, match=r"clip\.mp4 has 50 frames, expected 51"):
        find(clip, 51, tmp_path, engine="pyscenedetect")


def test_files_that_disagree_are_an_error(clip, tmp_path):
    outputs = find(clip, 50, tmp_path, engine="pyscenedetect")
    shots_csv.write(outputs.csv, [Span(0, 20), Span(20, 50)])
    with pytest.raises(BrokenOutput, match=r"shots\.csv lists other shots"):
        scenes.verify(scenes.Inputs(video=clip, frames=50, out_dir=tmp_path), outputs)


@pytest.fixture(scope="module")
def edited(tmp_path_factory) -> Path:
    """180 frames, four shots: a cut at 50; a dissolve, 84 to 96; a fade, dark from 120, black at 130, back at 140."""
    frames = []
    for number in range(180):
        shot = int(np.searchsorted([50, 90, 130], number, side="right"))
        frame = texture(shot, number)
        if 84 <= number < 96:
            frame = np.average([texture(1, number), texture(2, number)], axis=0, weights=[96 - number, number - 83])
        frames.append(frame * min(1, abs(number - 130) / 10))
    return video_of(frames, tmp_path_factory.mktemp("edited") / "edited.mp4")


@pytest.mark.slow
def test_cut_dissolve_and_fade_are_one_boundary_each_and_told_apart(edited, tmp_path):
    outputs = find(edited, 180, tmp_path)
    _, cut, dissolve, fade = shots_json.read(outputs.shots)
    assert (cut.boundary, cut.span.start, cut.transition) == ("cut", 50, None)
    assert dissolve.boundary == "dissolve"
    assert 84 <= dissolve.span.start <= 96
    assert fade.boundary == "fade"
    assert 130 <= fade.span.start <= 132
    assert 118 <= fade.transition.start <= 122
    assert 138 <= fade.transition.stop <= 142


@pytest.fixture(scope="module")
def film(warm_models, tmp_path_factory) -> tuple[scenes.Outputs, dict]:
    """What is found in 50 s of people talking, and the truth."""
    if not (MEDIA / "film.mp4").is_file():
        pytest.skip("needs ../shared/media/film.mp4")
    truth = json.loads((MEDIA / "film.truth.json").read_text())
    return find(MEDIA / "film.mp4", truth["frames"], tmp_path_factory.mktemp("film")), truth


@pytest.mark.slow
def test_every_boundary_that_is_found_in_a_film_is_one_of_its_kind_and_in_its_place(film):
    outputs, truth = film
    kinds = {"cut": "cut", "dissolve": "dissolve", "black": "fade"}
    found = shots_json.read(outputs.shots)[1:]
    true = [shot for shot in truth["shots"][1:] for f in found if shot["start"] <= f.span.start <= shot["full"]]
    assert len(true) == len(found) >= 14
    assert [shot.boundary for shot in found] == [kinds[shot["transition"]] for shot in true]


@pytest.mark.slow
def test_what_was_missed_in_a_film_is_named_as_a_doubt(film):
    outputs, truth = film
    starts = {shot.span.start for shot in shots_json.read(outputs.shots)}
    missed = {shot["start"] for shot in truth["shots"] if shot["transition"] == "cut"} - starts
    assert missed <= {doubt.frame for doubt in outputs.doubts}
