"""Another attempt at what failed, asked for by a person: what it repeats, and where it is not offered."""

import time
from functools import partial

import pytest

from tests.runner.ordered import OrderedExecutor, start
from tests.runner.scheduling.test_graph import of_video, task
from vidlib.cli.console import RunDisplay
from vidlib.errors import UsageError
from vidlib.runner.pipeline import RunOptions, resume, retry
from vidlib.runner.run_progress import forecast_from
from vidlib.runner.scheduling.retry_request import tasks_to_retry
from vidlib.runner.store import queue
from vidlib.runner.store.models import Task


def chosen(tasks: list[Task], video: str | None = None, step: str | None = None) -> list[tuple[str, str]]:
    return [(found.label, found.step) for found in tasks_to_retry(tasks, video, step)]


def ended(found: Task, status: str, error: str | None = None, error_type: str | None = None) -> Task:
    found.status, found.error, found.error_type = status, error, error_type
    return found


def test_retry_repeats_what_failed_and_what_follows_from_it():
    good = of_video("good", **dict.fromkeys(("convert", "scenes", "audio", "tracking", "reduce", "report"), "done"))
    bad = of_video("bad", convert="done", scenes="done", audio="failed", tracking="skipped", reduce="skipped")
    bad[-1].status = "done"
    delivery = task("finalize", "project", status="done")
    assert chosen([*good, *bad, delivery]) == [
        *(("bad", step) for step in ("audio", "tracking", "reduce", "report")),
        ("project", "finalize"),
    ]


def test_retry_of_a_skipped_step_repeats_its_failed_input_too():
    tasks = of_video("film", convert="done", scenes="failed", audio="cancelled", tracking="skipped", reduce="skipped")
    assert [step for _, step in chosen(tasks, "film", "tracking")] == ["tracking", "scenes", "audio", "reduce"]


@pytest.mark.parametrize(
    ("status", "error_type", "says"),
    [
        (
            "refused",
            "MediaError",
            "convert: it was refused: no video. Another attempt ends in the same way; start a new run",
        ),
        ("failed", "ParamError", "convert: it failed: no video"),
        ("done", None, "it is done"),
        ("running", None, "it has not ended yet"),
    ],
)
def test_retry_is_refused_with_the_reason_where_it_cannot_help(status, error_type, says):
    convert, *others = of_video("film", scenes="skipped", audio="skipped", tracking="skipped", reduce="skipped")
    tasks = [ended(convert, status, "no video", error_type), *others]
    with pytest.raises(UsageError, match=says):
        tasks_to_retry(tasks, "film", "convert")
    if status == "refused":
        with pytest.raises(UsageError, match="scenes: its input convert was refused: no video"):
            tasks_to_retry(tasks, "film", "scenes")


def test_retry_names_the_videos_of_the_run_if_none_is_meant():
    with pytest.raises(UsageError, match="no task for fil; known: film"):
        tasks_to_retry(of_video("film"), "fil")
    with pytest.raises(UsageError, match="nothing failed in this run"):
        tasks_to_retry(of_video("film"))


def failing(executor: OrderedExecutor, label: str):
    """Work in which convert of one video fails the first time."""
    failed = []

    def work(found: Task) -> None:
        if (found.label, found.step) != (label, "convert") or failed:
            executor.succeed(found)
            return
        failed.append(queue.claim(executor.history, found.id))
        queue.finish(executor.history, found.id, status="failed", error="no space", error_type="OSError")

    return work


def test_a_run_that_ended_is_driven_again_for_its_failed_tasks_alone(executor, workspace, tmp_path, capsys):
    executor.work = failing(executor, "clip 0.mp4")
    first = start(workspace, tmp_path, n_videos=2)
    assert first.status == "partial"
    before = {found.id: found.started_at for found in executor.history.tasks(first.run)}
    with RunDisplay(partial(forecast_from, workspace), since=time.time()) as display:
        result = retry(first.run, workspace, RunOptions(on_task_change=display.update))
    assert result.status == "done"
    printed = capsys.readouterr().err
    assert "clip 0.mp4 · convert" in printed and "clip 1.mp4" not in printed
    repeated = [found for found in executor.history.tasks(first.run) if found.started_at != before[found.id]]
    assert [(found.label, found.step) for found in repeated] == [("clip 0.mp4", "convert"), ("clip 0.mp4", "report")]


def test_a_run_that_still_runs_tries_again_itself(executor, workspace, tmp_path):
    fails = failing(executor, "clip 0.mp4")

    def work(found: Task) -> None:
        if (found.label, found.step) == ("clip 1.mp4", "report"):
            assert retry(found.run_id, workspace, video="clip 0.mp4") is None
        fails(found)

    executor.work = work
    assert start(workspace, tmp_path, n_videos=2).status == "done"


def test_a_delivery_that_could_not_be_taken_up_is_taken_up_anew(executor, workspace, tmp_path, monkeypatch):
    from vidlib.runner import projects

    with monkeypatch.context() as broken:
        broken.setattr(projects, "open_project", lambda *_, **__: (_ for _ in ()).throw(OSError("no space left")))
        first = start(workspace, tmp_path)
    assert (first.status, first.videos[0].error) == ("failed", "no space left")
    assert retry(first.run, workspace).status == "done"
    assert {found.step for found in executor.history.tasks(first.run)} == {"convert", "report"}


def test_a_task_that_waits_again_has_no_reason_of_an_earlier_attempt(executor, workspace, tmp_path):
    executor.work = lambda found: queue.skip(executor.history, found.id, "skipped", "its input is missing")
    first = start(workspace, tmp_path)
    seen = []
    executor.work = lambda found: (seen.append(found.reason), executor.succeed(found))
    resume(first.run, workspace)
    assert seen == [None, None]
