"""How far a run is and how long it takes: bars never go back, and what failed is not done."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.runner.run_progress import RunMeter, by_row, measure
from vidlib.runner.scheduling.durations import Forecast
from vidlib.runner.store.models import Task
from vidlib.steps import VIDEO_STEPS

FORECAST = Forecast(dict.fromkeys(VIDEO_STEPS, (0.5, 5.0)) | {"report": (None, 2.0)}, {"a": 10.0, "b": 40.0})
UNKNOWN = Forecast({}, {})
STEPS_OF_VIDEO = (*VIDEO_STEPS, "report")
OUTCOMES = ("done", "cached", "failed", "refused", "cancelled", "skipped")


def new_task(number: int, video: str, step: str, status: str = "waiting", **values) -> Task:
    names = {"label": f"{video}.mp4", "origin": video, "source": video, "sha256": video, "run_id": "r"}
    first = {"progress": 0.0, "cached": False, "started_at": None, "finished_at": None}
    return Task(id=number, step=step, status=status, **names, **first | values)


def plan(*videos: str) -> list[Task]:
    numbers = count(1)
    return [new_task(next(numbers), video, step) for video in videos for step in STEPS_OF_VIDEO]


def go_on(task: Task, share: float, outcome: str, now: float) -> None:
    """Let a task come further, or end it, as a worker records it."""
    if task.status == "waiting":
        task.status = outcome if outcome in ("cancelled", "skipped") else "running"
        task.started_at = now
    elif task.status == "running" and share < 0.9:
        task.progress += (1 - task.progress) * share
    elif task.status == "running":
        task.status, task.cached = ("done", True) if outcome == "cached" and not task.progress else (outcome, False)
        task.status = "done" if task.status == "cached" else task.status
        task.progress, task.finished_at = 1.0 if task.status == "done" else task.progress, now


moves = st.lists(
    st.tuples(st.integers(0, 2 * len(STEPS_OF_VIDEO) - 1), st.floats(0, 1), st.sampled_from(OUTCOMES)), max_size=60
)


@given(moves, st.sampled_from([FORECAST, UNKNOWN]))
def test_progress_never_goes_back_and_is_whole_only_if_all_is_done(moves, forecast):
    tasks = plan("a", "b")
    before = measure(tasks, forecast, 0.0)
    for now, (number, share, outcome) in enumerate(moves, 1):
        go_on(tasks[number], share, outcome, float(now))
        after = measure(tasks, forecast, float(now))
        assert 0.0 <= before.run.fraction <= after.run.fraction + 1e-12 <= 1.0 + 1e-9
        for row, progress in after.rows.items():
            assert before.rows[row].fraction <= progress.fraction + 1e-12
            assert (progress.fraction == 1.0) == all(task.status == "done" for task in by_row(tasks)[row])
            assert progress.remaining_s is None or progress.remaining_s >= 0.0
        before = after


@given(moves, st.integers(0, 59))
def test_a_second_attempt_or_more_videos_move_no_bar_back(moves, surprise):
    tasks = plan("a", "b")
    meter, before, seen = RunMeter(lambda run_id: FORECAST), 0.0, tasks[: len(STEPS_OF_VIDEO)]
    for now, (number, share, outcome) in enumerate(moves):
        if now == surprise:  # the second video of an archive is known, and a step begins again
            seen = tasks
            tasks[0].status, tasks[0].progress = "waiting", 0.0
        go_on(tasks[number % len(seen)], share, outcome, float(now))
        for task in seen:
            meter.update(task)
        before, last = meter.measure(float(now)).run.fraction, before
        assert before >= last


def test_tasks_count_by_their_expected_duration():
    tasks = plan("a", "b")
    for task in tasks[: len(STEPS_OF_VIDEO)]:
        task.status = "done"
    progress = measure(tasks, FORECAST, 0.0)
    assert progress.rows["a", "a", "a", "a.mp4"].fraction == 1.0
    assert progress.run.fraction == pytest.approx((5 * 5 + 2) / (5 * 5 + 5 * 20 + 2 * 2))


def test_a_failed_video_is_as_far_as_it_came():
    convert, scenes, *others = tasks = plan("a")
    convert.status, scenes.status, scenes.progress = "done", "failed", 0.5
    for task in others:
        task.status = "skipped"
    progress = measure(tasks, FORECAST, 0.0)
    assert progress.run.fraction == pytest.approx((5 + 2.5) / (5 * 5 + 2))
    assert progress.run.remaining_s == 0.0


def test_the_remaining_time_follows_the_order_of_the_steps_and_the_lanes():
    tasks = plan("a")
    one_lane = measure(tasks, FORECAST, 0.0)
    assert one_lane.run.remaining_s == pytest.approx(5 * 5 + 2)
    for task in tasks[:3]:  # convert is done, scenes and audio run side by side
        task.status, task.started_at = "running", 100.0
    tasks[0].status, tasks[0].started_at, tasks[0].finished_at = "done", 95.0, 100.0
    two_lanes = measure(tasks, FORECAST, 102.0)
    assert two_lanes.tasks[2].remaining_s == pytest.approx(3.0)
    assert two_lanes.run.remaining_s == pytest.approx(3.0 + 5 + 5 + 2)  # the rest of scenes, tracking, reduce, report


def test_a_step_that_is_slower_than_expected_moves_its_own_end():
    task = new_task(1, "a", "convert", "running", started_at=0.0, progress=0.5)
    assert measure([task], FORECAST, 10.0).run.remaining_s == pytest.approx(0.5 * (0.5 * 5 + 0.5 * 20))


def test_the_time_is_unknown_where_neither_earlier_runs_nor_this_one_tell():
    tasks = plan("a", "b")
    tasks[0].status, tasks[0].started_at = "running", 0.0
    assert measure(tasks, UNKNOWN, 1.0).run.remaining_s is None
    for task in tasks[: len(STEPS_OF_VIDEO)]:
        task.status, task.started_at, task.finished_at = "done", 0.0, 4.0
    progress = measure(tasks, UNKNOWN, 4.0)
    assert progress.run.remaining_s is not None
    assert progress.rows["a", "a", "a", "a.mp4"].remaining_s == 0.0
