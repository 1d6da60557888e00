"""The commands: what they print, on which stream, and their exit codes."""

import json
import signal
import zipfile
from pathlib import Path

import pytest

from tests import finished, sample_media
from tests.runner.processes import Command
from tests.waiting import wait_until
from vidlib.files import sha256
from vidlib.ingest.urls import handle
from vidlib.runner.downloads import store
from vidlib.runner.store.runs import History
from vidlib.settings import settings

SEE_THROUGH = ["-vf", "format=gbrap,geq=r=9:g=9:b=9:a='255*gt(X,20)'", "-c:v", "qtrle", "-pix_fmt", "argb"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["run", "nowhere.mp4"], "nowhere.mp4 does not exist"),
        (["run", ".", "--set", "scenes.treshold=0.4"], "did you mean 'threshold'?"),
        (["run", ".", "--set", "scenes.threshold=4"], "scenes.threshold = 4"),
        (["run", ".", "--params", "cpuu"], "did you mean 'cpu'?"),
        (["run", ".", "--steps", "scene"], "did you mean 'scenes'?"),
        (["status", "nowhere"], "there is no run 'nowhere'"),
        (["report", "nowhere"], "there is no report for 'nowhere'"),
        (["why", "nowhere.mp4", "scenes"], "there is no video 'nowhere.mp4'"),
        (["cancel", "nowhere"], "there is no run 'nowhere'"),
        (["resume"], "no run was interrupted"),
        (["resume", "nowhere"], "there is no run 'nowhere'"),
        (["status", "--follow"], "there is no run yet"),
        (["run", "nowhere.mp4", "--dry-run"], "nowhere.mp4 does not exist"),
        (["run", ".", "--jobs", "0"], "should be greater than or equal to 1"),
        (["worker", "--scheduler", "nonsense"], "expected an address such as tcp://host:8786"),
        (["convert"], "Missing argument"),
    ],
)
def test_a_mistake_is_explained_on_stderr_with_exit_code_2(vidlib, args, says):
    code, out, err = vidlib(*args)
    assert code == 2
    assert out == ""
    assert says in " ".join(err.replace("│", " ").split())


def test_extract_prints_where_the_files_are(vidlib, tmp_path):
    package = tmp_path / "delivery.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("notes.txt", "for the editor")
    code, out, _ = vidlib("extract", package, "--to", tmp_path / "out", "--json")
    answer = json.loads(out)
    assert (code, answer["outcome"]) == (0, "ok")
    assert [Path(file).read_text() for file in answer["files"]] == ["for the editor"]


def test_extract_refuses_a_file_that_is_not_an_archive_with_exit_code_3(vidlib, tmp_path):
    code, out, _ = vidlib(
        "extract", sample_media.garbage(tmp_path / "delivery.zip"), "--to", tmp_path / "out", "--json"
    )
    assert (code, json.loads(out)["outcome"]) == (3, "refused")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_convert_writes_one_file(vidlib, tmp_path):
    code, out, _ = vidlib(
        "convert", sample_media.clip(tmp_path / "a.mov", fps="50"), "--to", tmp_path / "out", "--json"
    )
    answer = json.loads(out)
    assert (code, answer["outcome"]) == (0, "ok")
    assert Path(answer["output"]) == tmp_path / "out" / "a.mp4"
    assert Path(answer["output"]).is_file()


@pytest.mark.slow
def test_convert_prints_what_it_changed(vidlib, tmp_path):
    clip = sample_media.clip(tmp_path / "a.mov", n_frames=5, sounds=0, options=SEE_THROUGH)
    code, out, _ = vidlib("convert", clip, "--to", tmp_path / "out")
    assert code == 0
    assert "5 frames became 5, by libx264\nthe picture is transparent in parts; they became black" in out


def test_convert_refuses_a_file_that_is_not_a_video_with_exit_code_3(vidlib, tmp_path):
    code, out, _ = vidlib("convert", sample_media.garbage(tmp_path / "a.mp4"), "--to", tmp_path / "out", "--json")
    assert (code, json.loads(out)["outcome"]) == (3, "refused")


def test_why_names_the_reason_of_a_run_and_the_step_before_it(vidlib, tmp_path):
    clip = sample_media.clip(tmp_path / "a.mp4")
    assert "convert would run: it has not run for this input yet" in vidlib("why", clip, "convert")[1]
    assert "scenes would run after convert" in vidlib("why", clip, "scenes")[1]


def test_why_finds_a_processed_video_by_its_name(vidlib, workspace, tmp_path):
    video = sample_media.clip(tmp_path / "film.mp4")
    finished.register(workspace, finished.all_steps(workspace.work / sha256(video)[:16], video=video), video)
    assert vidlib("why", "film", "scenes")[1] == vidlib("why", video, "scenes")[1] != ""


def test_a_dry_run_lists_the_steps_and_executes_none(vidlib, workspace, tmp_path):
    package = tmp_path / "delivery.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(sample_media.clip(tmp_path / "a.mp4"), "a.mp4")
    code, out, _ = vidlib("run", package, tmp_path / "a.mp4", "--steps", "scenes", "--dry-run", "--json")
    found = json.loads(out)
    says = [(row["video"], row["step"], row["does"], row["reason"]) for row in found["rows"]]
    assert code == 0
    assert says == [
        ("delivery.zip", "extract", "run", "it has not run for this input yet"),
        ("delivery.zip", "…", "unknown", "its videos are known once it is unpacked"),
        ("a.mp4", "convert", "run", "it has not run for this input yet"),
        ("a.mp4", "scenes", "run", "after convert"),
        ("a.mp4", "publish", "run", f"no results are in {workspace.projects / 'a' / 'docs'} yet"),
        ("a.mp4", "report", "run", "unless nothing has changed"),
    ]
    assert found["seconds"] is None
    assert not workspace.work.exists()


def test_a_run_takes_the_handle_of_a_known_link(vidlib, workspace):
    link = "https://h.example/secret/film.zip?key=hush"
    with History(workspace.database) as history:
        store.find_or_add(history, link)
    code, out, _ = vidlib("run", handle(link), "--dry-run", "--json")
    assert (code, [row["video"] for row in json.loads(out)["rows"]]) == (0, ["film.zip"])
    code, _, err = vidlib("run", "link-0123456789ab", "--dry-run")
    assert code == 2
    assert "the history has 0 links with the handle link-0123456789ab" in err


def test_a_workspace_on_the_command_line_is_that_of_the_whole_process(vidlib, tmp_path):
    (tmp_path / ".env").write_text("VIDLIB_STEP_TIMEOUT_S=123\n")
    assert vidlib("status", "--workspace", tmp_path)[0] == 0
    assert (settings().workspace, settings().step_timeout_s) == (tmp_path, 123)


def test_status_of_an_empty_workspace_is_no_error(vidlib, workspace):
    code, out, _ = vidlib("status")
    assert code == 0
    assert f"there is no run in the workspace {workspace.workspace}" in out


def test_models_are_listed_with_their_licences(vidlib):
    code, out, _ = vidlib("models", "list", "--json")
    assert code == 0
    assert {model["licence"] for model in json.loads(out)["models"]} == {"MIT", "Apache-2.0", "CC0-1.0"}


def test_a_weight_file_of_an_unknown_model_is_refused(vidlib, tmp_path):
    code, _, err = vidlib("models", "add", sample_media.garbage(tmp_path / "model.onnx"))
    assert code == 1
    assert "no known model" in err


@pytest.mark.parametrize("command", ["extract", "convert"])
def test_a_file_that_does_not_exist_is_wrong_usage_and_no_refusal(vidlib, command, tmp_path):
    code, _, err = vidlib(command, "nowhere", "--to", tmp_path / "out")
    assert code == 2
    assert "does not exist" in " ".join(err.split())


@pytest.mark.parametrize("command", [["status"], ["run", "clip.mp4"], ["extract", "delivery.zip", "--to", "file/out"]])
def test_a_folder_that_is_not_writable_is_one_line(vidlib, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("no folder")
    sample_media.silent(tmp_path / "clip.mp4")
    with zipfile.ZipFile(tmp_path / "delivery.zip", "w") as archive:
        archive.writestr("notes.txt", "for the editor")
    workspace = [] if "--to" in command else ["--workspace", "file/workspace"]
    code, _, err = vidlib(*command, *workspace)
    assert code == 1
    expected = "expected a place to write to" if "--to" in command else "needs a folder that this user can write to"
    assert expected in err
    assert len(err.splitlines()) == 1


def test_resuming_all_runs_succeeds_if_none_was_interrupted(vidlib):
    assert vidlib("resume", "--all") == (0, "", "")


@pytest.mark.slow
@pytest.mark.usefixtures("lasting_kernels", "plain_step_notebooks")
def test_a_stopped_run_can_be_resumed(vidlib, workspace, tmp_path):
    clip = sample_media.silent(tmp_path / "film.mp4")
    command, said = ["run", "--jobs", "1", "--steps", "convert", "--", str(clip)], tmp_path / "said"
    with Command(command, err=said) as started:
        wait_until(lambda: "\n" in said.read_text())  # the first step is done, the report is not
        started.send_signal(signal.SIGTERM)
    code, _, err = vidlib("resume", "--all", "--jobs", "1")
    assert code == 0, err
    with History(workspace.database) as history:
        assert [run.status for run in history.runs()] == ["done"]


def test_only_a_variant_that_exists_is_promoted(vidlib, tmp_path):
    clip = sample_media.clip(tmp_path / "a.mp4")
    code, _, err = vidlib("promote", clip, "loose")
    assert code == 2
    assert "'loose' is not a variant of this video" in err
    code, _, err = vidlib("run", clip, "--variant", "../loose")
    assert code == 2
    assert "expected a plain name" in err
