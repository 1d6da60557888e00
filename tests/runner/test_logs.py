"""The log of a run: what its steps print, in the order of time, in bounded parts and files."""

import json
from pathlib import Path

import pytest

from vidlib.errors import UsageError
from vidlib.runner import logs, step_log
from vidlib.runner.step_log import StepLog, file_of, read_after
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings


@pytest.fixture
def history(workspace: Settings):
    with History(workspace.database) as opened:
        yield opened


@pytest.fixture
def tasks(history: History) -> list[Task]:
    """Two tasks of a run."""
    run = history.start_run([], {})
    names = {"run_id": run.id, "project": "p", "label": "clip.mp4", "sha256": "ab" * 32}
    return history.add_tasks([Task(step=step, **names) for step in ("convert", "scenes")])


def texts(file: Path, offset: int = 0) -> list[str]:
    return [line.text for line in read_after(file, offset)[0]]


def test_lines_appear_as_soon_as_they_are_complete(tmp_path):
    log, file = StepLog(tmp_path / "a.jsonl"), tmp_path / "a.jsonl"
    assert read_after(file) == ([], 0)
    log.stream("stdout").write("one\ntw")
    assert texts(file) == ["one"]
    log.stream("stderr").write("aside\n")
    log.stream("stdout").write("o\n\n")
    lines, offset = read_after(file)
    assert [(line.level, line.text) for line in lines] == [("stdout", "one"), ("stderr", "aside"), ("stdout", "two")]
    log.stream("stdout").write("three")
    log.close()
    assert texts(file, offset) == ["three"]


def test_a_log_keeps_colours_and_nothing_else_that_a_terminal_obeys(tmp_path):
    log = StepLog(tmp_path / "a.jsonl")
    log.add_output("stdout", "\x1b[1;31mred\x1b[0m\x1b[2J\x1b]0;title\x07 10%\r 20%\n\x00\u202egnp\n")
    assert texts(tmp_path / "a.jsonl") == [" 20%", "  gnp"]
    log.add_output("stdout", "\x1b[1;31mred\x1b[0m\x1b[2J\x1b]0;title\x07\ttab\n")
    assert texts(tmp_path / "a.jsonl")[-1] == "\x1b[1;31mred\x1b[0m tab"


def test_a_log_ends_where_it_is_full_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(step_log, "MAX_BYTES", 1000)
    log = StepLog(tmp_path / "a.jsonl")
    for _ in range(5):
        log.add_output("stdout", "".join(f"{'x' * 100}\n" for _ in range(5)))
    found = texts(tmp_path / "a.jsonl")
    assert found[-1] == step_log.FULL
    assert set(found[:-1]) == {"x" * 100}
    assert (tmp_path / "a.jsonl").stat().st_size < 1500


def test_progress_is_said_at_each_tenth(tmp_path):
    log = StepLog(tmp_path / "a.jsonl")
    for done in range(101):
        log.add_progress(done, 100, "frames")
    assert texts(tmp_path / "a.jsonl") == [f"{done} of 100 frames" for done in range(0, 101, 10)]


def test_a_damaged_line_and_a_log_that_cannot_be_written_stop_nothing(tmp_path):
    file = tmp_path / "a.jsonl"
    StepLog(file).add("info", "before")
    with open(file, "a") as damaged:
        damaged.write('{"at": 1\n[]\n')
    StepLog(file).add("info", "after")
    assert texts(file) == ["before", "after"]
    StepLog(file / "below a file").add("info", "nowhere")


def test_the_log_of_a_run_goes_on_where_a_reader_stopped(history, workspace, tasks):
    convert, scenes = tasks
    history.add_event(convert.run_id, "clip.mp4: new\nline", "warning", "clip.mp4", "convert")
    StepLog(file_of(workspace.runs, convert)).add("stdout", "frames")
    found, cursor = logs.lines_after(history, workspace.runs, convert.run_id)
    assert [(line.level, line.text, line.video, line.step) for line in found] == [
        ("warning", "new | line", "clip.mp4", "convert"),
        ("stdout", "frames", "clip.mp4", "convert"),
    ]
    assert logs.lines_after(history, workspace.runs, convert.run_id, cursor)[0] == []
    StepLog(file_of(workspace.runs, scenes)).add("stdout", "shots")
    history.add_event(convert.run_id, "the run is about no step")
    found, cursor = logs.lines_after(history, workspace.runs, convert.run_id, cursor)
    assert [line.text for line in found] == ["shots", "the run is about no step"]


def test_the_log_of_one_step_is_asked_for_by_name(history, workspace, tasks, vidlib):
    for task in tasks:
        StepLog(file_of(workspace.runs, task)).add("stdout", f"\x1b[31m{task.step} speaks\x1b[0m")
    code, out, _ = vidlib("logs", "--step", "scenes", "--json")
    assert (code, [line["text"] for line in json.loads(out)["lines"]]) == (0, ["\x1b[31mscenes speaks\x1b[0m"])
    code, out, _ = vidlib("logs", tasks[0].run_id, "--video", "clip.mp4")
    assert [line.split("  ", 1)[1] for line in out.splitlines()] == ["convert speaks", "scenes speaks"]
    history.finish_run(tasks[0].run_id, "cancelled")
    assert "scenes speaks" in vidlib("logs", "--follow")[1]
    with pytest.raises(UsageError, match=r"no task for film\.mp4; known: clip\.mp4"):
        logs.lines_after(history, workspace.runs, tasks[0].run_id, video="film.mp4")
