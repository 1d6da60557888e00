"""Runs that Python code starts, on the real pipeline."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import vidlib
from tests import sample_media
from tests.waiting import LIMIT_S, wait_until
from vidlib import Workspace
from vidlib.corrections import store
from vidlib.corrections.actions import AddCut
from vidlib.errors import ParamError, RefusedInput, UnknownName, UsageError
from vidlib.files import sha256
from vidlib.results.archive import find
from vidlib.runner import pipeline
from vidlib.runner.store.runs import History

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def processed(
    lasting_kernels: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workspace, Path, vidlib.api.Run]:
    """A workspace in which a folder's videos were processed, one of them broken; the folder; the run."""
    root = tmp_path_factory.mktemp("processed")
    arrived = root / "arrived"
    arrived.mkdir()
    sample_media.clip(arrived / "good.mp4")
    sample_media.garbage(arrived / "broken.mp4")
    ws = Workspace(root / "workspace")
    return ws, arrived, ws.run(str(arrived / "*.mp4"), jobs=1)


def test_a_run_of_a_pattern_has_its_videos_and_says_what_failed(processed):
    _, arrived, run = processed
    assert run.status == "partial"
    assert {video.name for video in run.videos} == {"good.mp4", "broken.mp4"}
    assert list(run.errors) == [str(arrived / "broken.mp4")]
    assert "partial" in run._repr_html_()


def test_its_log_its_plan_and_the_reason_against_another_attempt_are_at_hand(processed):
    ws, arrived, run = processed
    log = ws.log(run.id, video="good.mp4", step="convert")
    assert list(log.columns) == ["at", "level", "text", "video", "step"]
    assert log.text.iloc[0].startswith("attempt 1 on ")
    steps = ws.steps(run.id).set_index(["video", "step"])
    assert steps.progress["good.mp4", "report"] == 1.0
    assert (steps.progress["broken.mp4", "convert"], steps.status["broken.mp4", "scenes"]) == (0.0, "skipped")
    assert steps.remaining_s.sum() == 0.0
    plan = ws.plan(str(arrived / "good.mp4"), set={"scenes.threshold": 0.4})
    assert dict(zip(plan.step, plan.does, strict=True)) | {"publish": ""} == {
        **dict.fromkeys(("convert", "audio"), "done"),
        **dict.fromkeys(("scenes", "tracking", "reduce", "report"), "run"),
        "publish": "",
    }
    params = ws.params(set={"scenes.threshold": 0.4}).set_index(["step", "name"])
    assert params.value["scenes", "threshold"] == 0.4
    with pytest.raises(UsageError, match="is no readable video"):
        ws.retry(run.id)


def test_its_results_are_looked_up_from_then_on(processed, monkeypatch, tmp_path):
    ws, arrived, _ = processed
    monkeypatch.setattr(pipeline, "run", lambda *_: pytest.fail("a run was started"))
    good = ws.open(arrived / "good.mp4")
    assert good.shots.stop.iat[-1] == sample_media.N_FRAMES
    assert sample_media.frame_number(good.frame(7)) == 7
    assert good.export("tracking_json", tmp_path).name == "good_tracking.json"
    assert good.report.is_file()
    assert good.report.is_relative_to(ws.settings.runs)
    assert ws.videos().video.tolist() == ["good.mp4"]


def test_the_delivered_file_of_another_name_and_content_finds_them_too(processed):
    ws, arrived, _ = processed
    (delivered,) = ws.settings.delivery.rglob("good.mp4")
    good = ws.open(arrived / "good.mp4")
    assert find(ws.settings.archive, good.sha256)
    assert ws.open(delivered).sha256 == good.sha256
    assert ws.open(delivered).shots.equals(good.shots)


def test_what_is_missing_is_analysed_and_nothing_else(processed, tmp_path):
    ws, _, _ = processed
    new = sample_media.clip(tmp_path / "new.mp4", n_frames=30, cuts=(15,))
    video = ws.open(new)
    assert video.shots.start.tolist() == [0, 15]
    with History(ws.settings.database) as history:
        steps = {task.step for task in history.tasks(history.runs(1)[0].id)}
    assert steps == {"convert", "scenes", "report"}
    assert "new.mp4" not in set(ws.videos().video)  # not all steps are done


def test_a_video_that_cannot_be_read_is_refused_as_everywhere(processed):
    ws, arrived, run = processed
    with pytest.raises(RefusedInput, match="no readable video"):
        _ = ws.open(arrived / "broken.mp4").shots
    broken = next(video for video in run.videos if video.name == "broken.mp4")
    with pytest.raises(UsageError, match=r"no result of scenes for 'broken\.mp4'"):
        _ = broken.shots


def test_two_thresholds_are_compared_and_the_newest_complete_set_stays(processed):
    ws, arrived, _ = processed
    good = arrived / "good.mp4"
    other = ws.run(good, set={"scenes.threshold": 0.999, "scenes.min_shot_s": 2}, steps=["scenes"], jobs=1)
    assert other.status == "done"
    before = ws.open(good).shots
    changes = vidlib.compare(ws.open(good), other)
    assert len(other.videos[0].shots) < len(before)
    assert changes.shots.change.tolist() == ["removed"] * (len(before) - len(other.videos[0].shots))
    assert changes.turns.empty
    assert "tracks of good.mp4: there are none in b" in changes.missing


def test_corrections_run_what_depends_on_them_and_can_be_taken_back(processed, tmp_path):
    ws, arrived, _ = processed
    good = ws.open(arrived / "good.mp4")
    before, folders = good.shots, dict(good.results("scenes", "tracking").folders)
    frame = int(before.stop.iat[0]) // 2
    entry = good.correct("add_cut", frame=frame)
    assert good.apply_corrections() == ["scenes"]
    assert list(good.corrections.state) == ["applied"]
    assert good.shots.start.tolist() == sorted([*before.start, frame])
    assert good.export("csv", tmp_path).read_text().count("\n") == len(before) + 2
    with History(ws.settings.database) as history:
        cached = {task.step: task.cached for task in history.tasks(history.runs(1)[0].id)}
    assert cached["convert"] and cached["audio"] and not cached["scenes"] and not cached["tracking"]
    published = next(ws.settings.projects.rglob("good.csv"))
    assert published.read_bytes() == (tmp_path / "good.csv").read_bytes()
    assert json.loads(published.with_name("good_results.json").read_text())["corrections"] == [entry.id]
    (archived,) = ws.settings.archive.rglob("good_corrections.json")
    assert entry.id in archived.read_text()
    assert "1 decision by a person" in good.report.read_text()
    good.undo(entry.id)
    assert good.apply_corrections() == ["scenes"]
    assert good.shots.equals(before) and good.results("scenes", "tracking").folders == folders
    with History(ws.settings.database) as history:
        steps = {task.step: task.cached for task in history.tasks(history.runs(1)[0].id)}
    assert all(cached for step, cached in steps.items() if step not in ("finalize", "report"))


def test_corrections_that_were_there_before_the_run_keep_the_result_without_them(processed, tmp_path):
    ws, _, _ = processed
    early = sample_media.clip(tmp_path / "early.mp4", n_frames=30, cuts=(15,))
    content = sha256(early)
    store.append(ws.settings.corrections, content, AddCut(frame=7), "anna")
    ws.run(early, steps=["scenes"], jobs=1)
    assert ws.open(early).shots.start.tolist() == [0, 7, 15]
    assert len(list((ws.settings.work / content[:16]).glob("scenes-*"))) == 2


def test_mistakes_are_found_before_anything_is_done(processed, tmp_path):
    ws, arrived, _ = processed
    good = arrived / "good.mp4"
    with pytest.raises(UsageError, match=r"no file fits '.*\*\.mkv'"):
        ws.run(arrived / "*.mkv")
    with pytest.raises(UsageError, match="does not exist"):
        ws.run(tmp_path / "nothing.zip")
    with pytest.raises(ParamError, match=r"treshold.*did you mean 'threshold'"):
        ws.run(good, set={"scenes.treshold": 0.4})
    with pytest.raises(ParamError, match="threshold = 2"):
        ws.run(good, set={"scenes.threshold": 2})
    with pytest.raises(UnknownName, match="profile"):
        ws.run(good, profile="tvv")
    with pytest.raises(UnknownName, match="a step"):
        ws.run(good, steps=["scene"])


def test_what_is_added_to_results_has_their_parameters(processed, tmp_path):
    ws, _, _ = processed
    clip = sample_media.clip(tmp_path / "one shot.mp4", n_frames=31, cuts=(15,))
    ws.run(clip, set={"scenes.min_shot_s": 5}, steps=["convert"], jobs=1)
    assert ws.open(clip).shots.start.tolist() == [0]


INTERRUPTED = """
import sys, vidlib
try:
    vidlib.run(sys.argv[1], workspace=sys.argv[2], jobs=1)
except vidlib.VidlibError as error:
    print(type(error).__name__, error)
"""


def take_ctrl_c() -> None:
    """Undo what a shell does for a program in the background, such as these tests: it ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_a_run_and_what_comes_after_it(tmp_path):
    clip = sample_media.clip(tmp_path / "clip.mp4")
    chosen = Workspace(tmp_path / "ws")
    command = [sys.executable, "-c", INTERRUPTED, str(clip), str(chosen.path)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=take_ctrl_c) as process,
        History(chosen.settings.database) as history,
    ):
        wait_until(lambda: any(task.status == "running" for run in history.runs(1) for task in history.tasks(run.id)))
        process.send_signal(signal.SIGINT)
        message, _ = process.communicate(timeout=LIMIT_S)
        assert history.runs(1)[0].status == "cancelled"
    assert message.startswith("Cancelled run ")
    assert "vidlib resume" in message
