"""What the page shows, as plain data, of a history that is written here."""

import os
import time
from pathlib import Path

import pytest

from tests import sample_media
from vidlib.dashboard.state import by_video, inbox_files, page_view, run_view
from vidlib.dashboard.wording import readable
from vidlib.runner import delivery_files
from vidlib.runner.delivery_files import LeftOut
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import NOTICE


def view_of(history, workspace, run):
    return run_view(history, workspace, history.run(run.id))


def test_the_inbox_shows_deliveries_and_not_what_is_hidden_or_still_arriving(tmp_path):
    for name in ("b.zip", "A.mp4", ".hidden.mp4", "~lock", "coming.mp4.part", "coming.ZIP.crdownload"):
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / "folder").mkdir()
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    files = list(inbox_files(tmp_path))
    assert [file.name for file in files] == ["A.mp4", "b.zip", "folder"]
    assert [file.detail.partition(" · ")[0] for file in files] == ["5 B", "5 B", "folder"]


def test_an_inbox_that_is_not_there_yet_is_empty(tmp_path):
    assert list(inbox_files(tmp_path / "inbox")) == []


@pytest.mark.parametrize(
    "name", [*sample_media.AWKWARD_NAMES, b"caf\xe9.mp4".decode("utf-8", "surrogateescape"), "🎬 👩‍🎬"]
)
def test_a_name_keeps_its_bytes_for_the_run_and_is_readable_for_the_page(tmp_path, name):
    Path(tmp_path / name).touch()
    (file,) = inbox_files(tmp_path)
    assert file.name == name
    assert file.label.encode().decode() == file.label
    assert "\n" not in file.label


def test_what_turns_text_around_becomes_visible():
    assert readable("clip\u202egpj.mp4") == "clip\N{REPLACEMENT CHARACTER}gpj.mp4"


def test_a_run_shows_how_far_each_step_is(history, workspace, planned):
    run, tasks = planned("clip.mp4")
    history.update_task(tasks["convert"].id, status="done", cached=True, progress=1.0)
    history.update_task(tasks["scenes"].id, status="running", progress=0.75)
    (video,) = view_of(history, workspace, run).videos
    shown = {step.name: (step.status, step.fraction, step.status_text) for step in video.steps}
    assert shown["convert"] == ("cached", 1.0, "done before")
    assert shown["scenes"] == ("running", 0.75, "75%")
    assert shown["audio"] == ("waiting", 0.0, "waiting")
    assert video.fraction == 1.75 / 7


def test_the_steps_of_a_single_video_stand_in_one_row_in_order(history, workspace, planned):
    run, _ = planned("clip.mp4")
    (video,) = view_of(history, workspace, run).videos
    assert video.name == "clip.mp4"
    assert [step.name for step in video.steps][-3:] == ["reduce", "finalize", "report"]


def test_an_archive_has_a_row_of_its_own_with_the_steps_of_the_project():
    def task(label, sha256, step):
        return Task(label=label, sha256=sha256, step=step)

    tasks = [task("a.zip", "1", "extract"), task("x.mp4", "2", "convert"), task("y.mp4", "2", "convert")]
    rows = by_video([*tasks, task("a", "1", "finalize")])
    assert [[t.step for t in row] for row in rows] == [["extract", "finalize"], ["convert"], ["convert"]]


def test_a_finished_video_leads_to_its_report_and_its_notebooks(history, workspace, planned):
    run, tasks = planned("clip.mp4")
    made = workspace.work / "ab12" / "scenes-12"
    history.update_task(tasks["scenes"].id, status="done", folder=str(made), started_at=5.0, finished_at=7.5)
    history.update_task(
        tasks["report"].id, status="done", stem="a & b", folder=str(workspace.work / "ab12" / "report-12")
    )
    (video,) = view_of(history, workspace, run).videos
    assert video.report_url == f"results/runs/{run.id}/a%20%26%20b/report.html"
    scenes = next(step for step in video.steps if step.name == "scenes")
    assert (scenes.url, scenes.status_text) == ("results/work/ab12/scenes-12/04_scenes.ipynb", "2.5 s")


def test_a_notebook_outside_the_workspace_has_no_address(history, workspace, planned):
    run, tasks = planned("clip.mp4")
    history.update_task(tasks["scenes"].id, status="done", folder="/somewhere/else")
    (video,) = view_of(history, workspace, run).videos
    assert next(step for step in video.steps if step.name == "scenes").url is None


def test_a_failed_step_says_why_and_leads_to_the_attempt(history, workspace, planned):
    run, tasks = planned("clip.mp4")
    attempt = workspace.work / "ab12" / "convert-12.failed-1"
    history.update_task(tasks["convert"].id, status="refused", error="no video\nin it", folder=str(attempt))
    (video,) = view_of(history, workspace, run).videos
    (problem,) = video.problems
    assert (problem.name, problem.note) == ("convert", "no video | in it")
    assert problem.url == "results/work/ab12/convert-12.failed-1/03_convert.ipynb"


def test_a_run_that_is_being_cancelled_says_so_until_it_is(history, workspace, planned):
    run, _ = planned("clip.mp4")
    history.request_cancel(run.id)
    assert view_of(history, workspace, run).cancelling
    history.finish_run(run.id, "cancelled")
    view = view_of(history, workspace, run)
    assert (view.cancelling, view.active, view.status) == (False, False, "cancelled")


def test_the_last_lines_of_the_log_are_shown_with_their_level(history, workspace, planned):
    run, _ = planned("clip.mp4")
    for number in range(30):
        history.add_event(run.id, f"line {number}", "warning")
    log = view_of(history, workspace, run).log
    assert [line.message for line in log] == [f"line {number}" for number in range(18, 30)]
    assert {line.level for line in log} == {"warning"}


def test_the_page_shows_the_newest_run_until_another_is_chosen(history, workspace, planned):
    first, _ = planned("first.mp4")
    second, _ = planned("second.mp4")
    runs = history.runs()
    assert page_view(history, workspace, runs, None).shown.run_id == second.id
    assert page_view(history, workspace, runs, first.id).shown.run_id == first.id
    assert [run_id for _, run_id in page_view(history, workspace, runs, None).runs] == [second.id, first.id]


def test_a_run_of_many_files_has_a_short_title(history, workspace):
    run = history.start_run([Path(f"{number}.mp4") for number in range(9)], {})
    assert view_of(history, workspace, run).title == "0.mp4, 1.mp4, 2.mp4 and 6 more"


@pytest.mark.slow
def test_the_day_is_said_unless_it_is_today(tmp_path):
    (tmp_path / "old.mp4").touch()
    (tmp_path / "new.mp4").touch()
    os.utime(tmp_path / "old.mp4", (0, 0))
    new, old = inbox_files(tmp_path)
    assert time.strftime("%d %b", time.localtime(0)) in old.detail
    assert time.strftime("%b") not in new.detail


def test_a_run_tells_which_files_it_left_out_and_which_results_it_kept(history, workspace, planned):
    run, _ = planned("delivery.zip")
    delivery_files.record(workspace.runs / run.id, run.paths[0], [LeftOut("notes.txt", "it is a text")])
    history.add_event(run.id, "film.mp4: the results beside the video are unchanged", NOTICE)
    assert view_of(history, workspace, run).notices == (
        "film.mp4: the results beside the video are unchanged",
        "not processed of delivery.zip: notes.txt (it is a text)",
    )
