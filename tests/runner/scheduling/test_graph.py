"""Which tasks may begin, and which never will."""

from itertools import count

import pytest

from vidlib.runner.scheduling.graph import TaskGraph
from vidlib.runner.store.models import Task
from vidlib.steps import VIDEO_STEPS

numbers = count(1)


def of_video(video: str, origin: str = "film.zip", **statuses: str) -> list[Task]:
    """The tasks of one video; ``statuses`` say which do not wait."""
    return [task(step, video, origin, statuses.get(step, "waiting")) for step in (*VIDEO_STEPS, "report")]


def task(
    step: str,
    source: str,
    origin: str = "film.zip",
    status: str = "waiting",
    not_before: float = 0.0,
    params: dict[str, str] | None = None,
) -> Task:
    names = {"step": step, "source": source, "label": source, "origin": origin}
    return Task(id=next(numbers), status=status, not_before=not_before, progress=0.0, params=params or {}, **names)


def graph(*tasks: Task) -> TaskGraph:
    found = TaskGraph()
    found.update(tasks)
    return found


def begin(found: TaskGraph, now: float = 0.0) -> list[tuple[str, str]]:
    return [(task.source, task.step) for task in found.ready(now)]


def test_a_step_begins_when_its_inputs_are_there():
    assert begin(graph(*of_video("a"))) == [("a", "convert")]
    assert begin(graph(*of_video("a", convert="done"))) == [("a", "scenes"), ("a", "audio")]
    assert begin(graph(*of_video("a", convert="done", scenes="done", audio="running"))) == []


def test_videos_of_one_content_under_two_names_do_not_wait_for_each_other():
    assert begin(graph(*of_video("a"), *of_video("b"))) == [("a", "convert"), ("b", "convert")]


def test_a_project_is_delivered_after_its_videos_and_reports_come_last():
    done, failed = dict.fromkeys(VIDEO_STEPS, "done"), dict.fromkeys(VIDEO_STEPS, "failed")
    finalize = task("finalize", "film")
    found = graph(*of_video("a", **done), *of_video("b", **failed), finalize)
    assert begin(found) == [("film", "finalize")]
    finalize.status = "failed"
    assert begin(found) == [("a", "report"), ("b", "report")]


def test_videos_alone_are_delivered_although_no_analysis_finished():
    states = {"convert": "done", **dict.fromkeys(VIDEO_STEPS[1:], "failed")}
    for deliver, n_blocked in (("complete", 1), ("videos", 0)):
        found = graph(*of_video("a", **states), task("finalize", "film", params={"deliver": deliver}))
        assert len([*found.blocked()]) == n_blocked


def test_a_delivery_does_not_wait_for_another_one():
    done = dict.fromkeys(VIDEO_STEPS, "done")
    found = graph(*of_video("a", **done), task("finalize", "film"), *of_video("b", "other.zip"))
    assert begin(found) == [("film", "finalize"), ("b", "convert")]


@pytest.mark.parametrize("status", ["failed", "refused", "cancelled", "skipped"])
def test_a_step_whose_input_will_never_exist_is_blocked(status):
    found = graph(*of_video("a", convert="done", audio=status))
    blocked = {task.step: why for task, why in found.blocked()}
    cancelled = "its input is missing, because audio was cancelled"
    reason = cancelled if status == "cancelled" else "its input, the result of audio, is missing"
    assert blocked == dict.fromkeys(("tracking", "reduce"), reason)


def test_a_retry_waits_for_its_time():
    found = graph(task("convert", "a", not_before=100.0))
    assert begin(found, now=99.0) == []
    assert begin(found, now=100.0) == [("a", "convert")]


def test_an_archive_that_is_unpacked_asks_for_its_videos_once():
    archive = task("extract", "film.zip", status="running")
    found = graph(archive)
    assert found.unpacked() == []
    archive.status = "done"
    assert found.unpacked() == [archive]
    found.update(of_video("a"))
    assert found.unpacked() == []
