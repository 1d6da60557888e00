"""What lies beside a video: one set of results, which only an equally complete one replaces, as a whole."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import finished
from vidlib.files import link_or_copy
from vidlib.results import published_set
from vidlib.runner.publishing import Publication
from vidlib.runner.store.models import Task
from vidlib.settings import Settings
from vidlib.steps import VIDEO_STEPS

SHA256 = "0123456789abcdef" * 4
FILES = {
    "convert": {"video": "video.mp4"},
    "scenes": {"csv": "shots.csv"},
    "audio": {"turns": "speech.rttm", "captions": "speech.vtt"},
    "tracking": {"tracks": "tracking.parquet", "turns": "speech.rttm"},
    "reduce": {"tracking_json": "tracking.json", "audio_json": "audio.json"},
}
ALL = {"film.csv", "film.rttm", "film_audio.json", "film_tracking.json", "film_tracking.parquet", "film_results.json"}


class Killed(BaseException):
    """Ends the process of a test in the middle of its work."""


@pytest.fixture
def results(workspace: Settings) -> Callable[..., Publication]:
    """``results("scenes", ..., threshold=...)``: what a run has for a video; the files of a step say the threshold."""

    def made(*steps: str, threshold: float = 0.5, variant: str | None = None, captions: bool = False) -> Publication:
        folders = {}
        for step in steps:
            name = f"{step}-{f'{threshold:.4f}'.replace('.', ''):0>12}"
            folders[step] = workspace.work / SHA256[:16] / name
            outputs = {name: file for name, file in FILES[step].items() if captions or name != "captions"}
            if not folders[step].exists():
                folders[step].mkdir(parents=True)
                for file in outputs.values():
                    (folders[step] / file).write_text(f"{step} {threshold}")
                finished.finish(folders[step], **outputs)
        params = {step: {"threshold": threshold} if step == "scenes" else {} for step in VIDEO_STEPS}
        task = Task(project="film", stem="film", label="film.mp4", sha256=SHA256, source="/inbox/film.mp4")
        return Publication(workspace, task, variant, params, folders)

    return made


def content(folder: Path) -> dict[str, str]:
    """``{file: its text}`` of the results in a folder, without the record."""
    return {path.name: path.read_text() for path in folder.iterdir() if not path.name.endswith("_results.json")}


def thresholds(folder: Path) -> set[str]:
    return {text.split()[1] for text in content(folder).values()}


def test_a_complete_set_names_its_parameters_and_files(results):
    complete = results(*VIDEO_STEPS)
    assert complete.publish() is None
    assert {path.name for path in complete.folder.iterdir()} == ALL
    record = json.loads((complete.folder / "film_results.json").read_text())
    assert record["complete"]
    assert record["params"]["scenes"] == {"threshold": 0.5}
    assert record["steps"]["scenes"] == published_set.step_id(complete.steps["scenes"])
    assert record["files"].keys() == {".csv", ".rttm", "_audio.json", "_tracking.json", "_tracking.parquet"}
    assert (complete.folder / "film.rttm").read_text() == "tracking 0.5"  # not those of audio


def test_some_steps_with_other_values_leave_a_complete_set_alone(results):
    complete = results(*VIDEO_STEPS)
    complete.publish()
    before = content(complete.folder)
    notice = results("convert", "scenes", threshold=0.9).publish()
    assert content(complete.folder) == before
    assert "film.mp4: the results beside the video are unchanged" in notice
    assert "scenes.threshold: 0.5 -> 0.9" in notice
    assert "none of audio, tracking, reduce" in notice
    assert "--variant" in notice


def test_some_steps_with_the_same_values_are_no_news(results):
    complete = results(*VIDEO_STEPS)
    complete.publish()
    assert results("convert", "scenes").publish() is None
    assert published_set.read(complete.folder, "film").complete


def test_a_complete_run_replaces_a_complete_set_as_a_whole_and_says_so(results):
    first = results(*VIDEO_STEPS, captions=True, threshold=0.4)
    first.publish()
    assert (first.folder / "film_results.json").exists()
    notice = results(*VIDEO_STEPS, threshold=0.9).publish()
    assert notice == "film.mp4: all results beside the video were replaced (scenes.threshold: 0.4 -> 0.9)"
    assert {path.name for path in first.folder.iterdir()} == ALL
    assert thresholds(first.folder) == {"0.9"}


def test_captions_that_came_with_the_video_stay(results):
    complete = results(*VIDEO_STEPS, captions=True)
    complete.folder.mkdir(parents=True)
    (complete.folder / "film.vtt").write_text("by the customer")
    complete.publish()
    assert (complete.folder / "film.vtt").read_text() == "by the customer"
    assert (complete.folder / "film.rttm").read_text() == "tracking 0.5"
    results(*VIDEO_STEPS, threshold=0.9).publish()
    assert (complete.folder / "film.vtt").read_text() == "by the customer"


def test_captions_of_the_previous_set_do_not_stay(results):
    audio = results("convert", "scenes", "audio", captions=True, threshold=0.4)
    audio.publish()
    assert (audio.folder / "film.vtt").exists()
    results(*VIDEO_STEPS, threshold=0.9).publish()
    assert not (audio.folder / "film.vtt").exists()


def test_without_a_complete_set_the_first_steps_are_published_and_grow(results):
    scenes = results("convert", "scenes")
    scenes.publish()
    assert content(scenes.folder) == {"film.csv": "scenes 0.5"}
    assert not published_set.read(scenes.folder, "film").complete
    assert results(*VIDEO_STEPS).publish() is None
    assert {path.name for path in scenes.folder.iterdir()} == ALL


def test_a_variant_lies_apart_and_is_what_its_last_run_made(results):
    results(*VIDEO_STEPS).publish()
    variant = results(*VIDEO_STEPS, variant="loose", threshold=0.9)
    assert str(variant.folder) in variant.publish()
    assert thresholds(variant.folder) == {"0.9"}
    assert thresholds(results().folder) == {"0.5"}
    results("convert", "scenes", variant="loose", threshold=0.8).publish()
    assert content(variant.folder) == {"film.csv": "scenes 0.8"}


def test_a_kill_in_the_middle_of_a_replacement_is_completed_by_the_next_run(results, monkeypatch):
    first = results(*VIDEO_STEPS)
    first.publish()
    move = published_set.move_file
    moves = []

    def killed(source: Path, target: Path) -> Path:
        moves.append(target.name)
        if len(moves) == 3:
            raise Killed
        return move(source, target)

    monkeypatch.setattr(published_set, "move_file", killed)
    with pytest.raises(Killed):
        results(*VIDEO_STEPS, threshold=0.9).publish()
    assert thresholds(first.folder) == {"0.5", "0.9"}
    monkeypatch.undo()
    results("convert", "scenes", threshold=0.7).publish()  # any run of the video
    assert thresholds(first.folder) == {"0.9"}
    assert published_set.read(first.folder, "film").params["scenes"] == {"threshold": 0.9}
    assert not list(first.root.glob(".publishing-*"))


def test_a_full_disk_leaves_the_previous_set(results, monkeypatch):
    first = results(*VIDEO_STEPS)
    first.publish()

    def full_disk(source: Path, target: Path) -> Path:
        if target.name.endswith(".parquet"):
            raise OSError(28, "No space left on device")
        return link_or_copy(source, target)

    monkeypatch.setattr(published_set, "link_or_copy", full_disk)
    with pytest.raises(OSError, match="No space left"):
        results(*VIDEO_STEPS, threshold=0.9).publish()
    assert thresholds(first.folder) == {"0.5"}
    assert not list(first.root.glob(".tmp-*"))


def test_results_of_earlier_versions_without_a_record_are_a_set_too(results):
    complete = results(*VIDEO_STEPS)
    complete.publish()
    (complete.folder / "film_results.json").unlink()
    notice = results("convert", "scenes", threshold=0.9).publish()
    assert "unchanged" in notice
    assert thresholds(complete.folder) == {"0.5"}


def test_a_file_that_came_with_the_video_is_no_result(results):
    scenes = results("convert", "audio", "tracking")
    scenes.folder.mkdir(parents=True)
    (scenes.folder / "film.csv").write_text("a list of the customer")
    assert scenes.publish() is None
    assert (scenes.folder / "film.csv").read_text() == "a list of the customer"
    assert (scenes.folder / "film.rttm").exists()


def test_a_changed_file_beside_the_video_is_published_again(results):
    complete = results(*VIDEO_STEPS)
    complete.publish()
    file = complete.folder / "film.csv"
    file.unlink()
    file.write_text("changed")
    complete.publish()
    assert file.read_text() == "scenes 0.5"


def test_a_forecast_says_what_publishing_will_do(results):
    assert results("convert").forecast(["scenes"])[0] == "run"
    complete = results(*VIDEO_STEPS)
    complete.publish()
    assert results("convert", "scenes").forecast([]) == ("done", f"the results are in {complete.folder}")
    does, reason = results("convert", threshold=0.9).forecast(["scenes"])
    assert does == "keep"
    assert "(scenes.threshold: 0.5 -> 0.9)" in reason
    assert all(step in reason for step in ("audio", "tracking", "reduce"))
    does, reason = results("convert", threshold=0.9).forecast(VIDEO_STEPS[1:])
    assert does == "run"
    assert reason.startswith(f"replaces the results in {complete.folder}")
    variant = results("convert", variant="loose")
    assert variant.forecast(["scenes"]) == ("run", f"the results of variant 'loose' go to {variant.folder}")
