"""Which files of a delivery are processed, and that each other file is named."""

import os
import random
import zipfile
from pathlib import Path

import pytest

from tests import sample_media
from vidlib.errors import RefusedInput
from vidlib.params import read_params
from vidlib.runner.delivery_files import check_video, find_videos, left_out
from vidlib.runner.notifications import message
from vidlib.runner.pipeline import RunOptions, run
from vidlib.runner.request import Request
from vidlib.runner.run_result import RunResult
from vidlib.runner.store.runs import History
from vidlib.steps import PARAMS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("lasting_kernels", "plain_step_notebooks")]

RANDOM = random.Random(1).randbytes(40_000)


def process(workspace, *paths: Path, steps: tuple[str, ...] = ("convert", "finalize")) -> RunResult:
    return run(Request(list(paths), read_params(PARAMS), frozenset(steps)), workspace, RunOptions(jobs=1))


@pytest.mark.parametrize(
    "name", ["clip.m2t", "clip.3g2", "clip.mod", "clip.qt", "clip.divx", "clip", "clip.2026", "CLIP.XYZ"]
)
def test_the_content_makes_a_video(tmp_path, name):
    file = sample_media.clip(tmp_path / "clip.mp4").rename(tmp_path / name)
    assert find_videos(tmp_path) == [file]
    assert left_out(tmp_path) == []
    check_video(file)


OTHERS = {
    "notes.txt": (b"Dear editor,\n", "it is a text"),
    "still.JPG": (b"\xff\xd8\xff\xe0" + bytes(100), "it is an image"),
    "phone.heic": (b"\0\0\0\x18ftypheic" + bytes(100), "it is an image"),
    "song": (b"ID3\x04" + bytes(100), "it is a sound file"),
    "cut.prproj.gz": (RANDOM, "its name is that of an archive"),
    "more.r00": (RANDOM, "its name is that of an archive"),
    "blob.bin": (RANDOM, "expected"),
    "empty.bin": (b"", "it is an empty file"),
    ".clip.mp4": (b"x", "it is hidden"),
    "inner.zip": (b"PK\x05\x06" + bytes(18), "it is an archive (ZIP) inside the delivery"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_file_is_named_with_the_reason(tmp_path, name):
    content, reason = OTHERS[name]
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / name).write_bytes(content)
    assert find_videos(tmp_path) == []
    ((path, said),) = [(file.path, file.reason) for file in left_out(tmp_path)]
    assert path == f"sub/{name}"
    assert reason in said or name == "blob.bin"


def test_a_link_to_nothing_and_a_name_that_is_not_utf_8_are_named(tmp_path):
    (tmp_path / "away.mp4").symlink_to("/nowhere/away.mp4")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("x")
    assert [file.path for file in left_out(tmp_path)] == ["away.mp4", "caf\\xe9.txt"]


def test_litter_and_our_results_are_not_named(tmp_path):
    for name in (".DS_Store", "._clip.mp4", "clip.csv", "clip_audio.json"):
        (tmp_path / name).write_text("x")
    assert left_out(tmp_path, [Path("clip")]) == []
    assert [file.path for file in left_out(tmp_path)] == ["clip.csv", "clip_audio.json"]


@pytest.mark.parametrize("name", ["random.zip", "random.tar.gz", "random", "notes.txt"])
def test_a_file_that_is_nothing_is_refused_and_becomes_no_project(workspace, tmp_path, name):
    (tmp_path / name).write_bytes(b"Dear editor" if name == "notes.txt" else RANDOM)
    with pytest.raises(RefusedInput):
        check_video(tmp_path / name)
    result = process(workspace, tmp_path / name)
    assert (result.status, result.exit_code, result.projects) == ("refused", 3, [])
    assert not list(workspace.projects.glob("*")) and not list(workspace.delivery.glob("*"))
    with History(workspace.database) as history:
        (problem,) = [event.message for event in history.events_after(result.run, 0, 100) if event.level == "error"]
    assert problem.count(name) == 1, problem


def test_nothing_is_finalized_of_nothing(workspace, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(RANDOM)
    result = process(workspace, tmp_path / "broken.mp4")
    assert (result.status, result.videos[0].steps["finalize"].status) == ("refused", "skipped")
    assert not list(workspace.delivery.glob("*"))


def test_a_run_names_what_it_left_out_everywhere(workspace, tmp_path):
    with zipfile.ZipFile(tmp_path / "job.zip", "w") as packed:
        packed.write(sample_media.clip(tmp_path / "clip.mp4"), "clip.m2t")
        packed.writestr("../notes.txt", "Dear editor,")
        link = zipfile.ZipInfo("link.mp4")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    result = process(workspace, tmp_path / "job.zip", steps=("convert",))
    assert (result.status, [video.path.name for video in result.videos]) == ("done", ["clip.m2t"])
    left = {file["path"]: file["reason"] for file in result.as_json()["left_out"]}
    assert left == {"link.mp4": "it is a link or a device, which is never unpacked", "notes.txt": "it is a text"}
    assert "  notes.txt: it is a text\n" in message.text(result.as_json())
    with History(workspace.database) as history:
        events = [event.message for event in history.events(result.run)]
    assert "job.zip: not processed: notes.txt: it is a text" in events
    assert any(
        "renamed because the names led out of the folder: ../notes.txt -> notes.txt" in event for event in events
    )
    report = result.videos[0].outputs["report"].read_text()
    assert "not processed: link.mp4" in report


def test_a_delivery_without_a_video_says_what_it_holds(workspace, tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "notes.txt").write_text("Dear editor,")
    result = process(workspace, tmp_path / "papers")
    assert (result.status, result.exit_code) == ("refused", 3)
    assert "holds no video" in result.videos[0].error and "notes.txt (it is a text)" in result.videos[0].error
