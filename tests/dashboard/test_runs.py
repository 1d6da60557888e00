"""What the page *Work* shows of the inbox and of runs, as plain data, of a history that is written here."""

import json
import os
import time
from pathlib import Path

import pytest

from tests import sample_media
from tests.dashboard.conftest import STEPS
from vidlib.dashboard import inbox
from vidlib.dashboard.log import Log
from vidlib.dashboard.pages import Context
from vidlib.dashboard.wording import readable
from vidlib.dashboard.work import Work
from vidlib.errors import UsageError
from vidlib.localization import Localization
from vidlib.runner import delivery_files
from vidlib.runner.delivery_files import LeftOut
from vidlib.runner.run_progress import by_row
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import NOTICE


@pytest.fixture
def view(history, workspace):
    """``view(run="...")``: the parts of the page for this query."""
    page = Work(Context(workspace))
    return lambda **query: page.view(history, query)


def test_the_inbox_shows_deliveries_and_not_what_is_hidden_or_still_arriving(view, workspace):
    folder = workspace.inbox
    folder.mkdir(parents=True)
    for name in ("b.zip", "A.mp4", ".hidden.mp4", "~lock", "coming.mp4.part", "coming.ZIP.crdownload"):
        (folder / name).write_bytes(b"12345")
    (folder / "folder").mkdir()
    (folder / "gone").symlink_to(folder / "nowhere")
    files = view()["inbox"]["files"]
    assert [(file["name"], file["bytes"]) for file in files] == [("A.mp4", 5), ("b.zip", 5), ("folder", None)]


def test_an_inbox_that_is_not_there_yet_is_empty(view):
    assert view()["inbox"]["files"] == []


def test_the_inbox_tells_which_run_took_a_file_up_and_whether_it_has_changed_since(view, history, workspace):
    workspace.inbox.mkdir(parents=True)
    clip = workspace.inbox / "clip.mp4"
    clip.touch()
    run = history.start_run([clip], {})
    history.add_tasks(
        [Task(run_id=run.id, label="clip.mp4", project="clip", sha256="1", step="scenes", origin=str(clip))]
    )
    (file,) = view()["inbox"]["files"]
    assert (file["run"]["id"], file["changed"]) == (run.id, False)
    later = time.time() + 60
    os.utime(clip, (later, later))
    assert view()["inbox"]["files"][0]["changed"]


@pytest.mark.parametrize(
    "name", [*sample_media.AWKWARD_NAMES, b"caf\xe9.mp4".decode("utf-8", "surrogateescape"), "🎬 👩‍🎬"]
)
def test_a_name_keeps_its_bytes_for_the_run_and_is_readable_for_the_page(view, workspace, name):
    workspace.inbox.mkdir(parents=True)
    (workspace.inbox / name).touch()
    (file,) = view()["inbox"]["files"]
    assert json.dumps(file, ensure_ascii=False).encode()
    assert "\n" not in file["name"]
    assert inbox.chosen(workspace.inbox, [file["key"]]) == [workspace.inbox / name]


def test_a_file_that_is_gone_starts_nothing(workspace):
    with pytest.raises(UsageError, match="not in the inbox any more"):
        inbox.chosen(workspace.inbox, ["0123456789abcdef"])


def test_what_turns_text_around_becomes_visible():
    assert readable("clip\u202egpj.mp4") == "clip\N{REPLACEMENT CHARACTER}gpj.mp4"


def test_a_run_shows_how_far_each_step_is(view, history, planned):
    _, tasks = planned("clip.mp4")
    history.update_task(tasks["convert"].id, status="done", cached=True, progress=1.0)
    history.update_task(tasks["scenes"].id, status="running", progress=0.75)
    (video,) = view()["videos"]["rows"]
    shown = {step["name"]: (step["status"], step["progress"]) for step in video["steps"]}
    assert shown["convert"] == ("cached", 1.0)
    assert shown["scenes"] == ("running", 0.75)
    assert shown["audio"] == ("waiting", 0.0)
    assert [step["name"] for step in video["steps"]][-3:] == ["reduce", "finalize", "report"]
    assert (video["name"], video["state"]) == ("clip.mp4", "running")


def test_a_video_that_failed_is_never_whole_and_stands_among_those_that_failed(view, history, planned):
    run, tasks = planned("clip.mp4")
    for task in tasks.values():
        history.update_task(task.id, status="done", progress=1.0)
    assert 0.9 < view()["run"]["progress"] < 1.0  # it still runs
    history.update_task(tasks["report"].id, status="refused", progress=1.0, error="no picture")
    history.finish_run(run.id, "failed")
    seen = view()
    assert seen["run"]["progress"] < 1.0
    assert seen["run"]["counts"] == {"failed": 1}
    assert [video["state"] for video in view(only="failed")["videos"]["rows"]] == ["failed"]
    assert view(only="done")["videos"]["rows"] == []


def test_an_archive_has_a_row_of_its_own_with_the_steps_of_the_project():
    def task(label, sha256, step):
        return Task(label=label, sha256=sha256, step=step)

    tasks = [task("a.zip", "1", "extract"), task("x.mp4", "2", "convert"), task("y.mp4", "2", "convert")]
    rows = by_row([*tasks, task("a", "1", "finalize")])
    assert [[t.step for t in row] for row in rows.values()] == [["extract", "finalize"], ["convert"], ["convert"]]


@pytest.mark.parametrize("second", ["copy.mp4", "other/clip.mp4"])
def test_two_files_with_equal_content_have_a_row_each_whatever_their_names(second):
    def tasks(path):
        video = {"origin": path, "source": path, "label": path.rpartition("/")[2], "sha256": "1"}
        return [Task(step="convert", **video), Task(step="finalize", **video | {"source": "projects/x"})]

    rows = by_row([*tasks("clip.mp4"), *tasks(second)])
    assert [[t.step for t in row] for row in rows.values()] == [["convert", "finalize"]] * 2


def test_a_finished_video_leads_to_its_report_and_its_notebooks(view, history, workspace, planned):
    run, tasks = planned("clip.mp4")
    made = workspace.work / "ab12" / "scenes-12"
    history.update_task(tasks["scenes"].id, status="done", folder=str(made), started_at=5.0, finished_at=7.5)
    history.update_task(tasks["report"].id, status="done", stem="a & b", folder=str(workspace.work / "ab12/report-12"))
    (video,) = view()["videos"]["rows"]
    assert video["report"] == f"results/runs/{run.id}/a%20%26%20b/report.html"
    scenes = next(step for step in video["steps"] if step["name"] == "scenes")
    assert (scenes["url"], scenes["seconds"]) == ("results/work/ab12/scenes-12/04_scenes.ipynb", 2.5)


def test_a_notebook_outside_the_workspace_has_no_address(view, history, planned):
    _, tasks = planned("clip.mp4")
    history.update_task(tasks["scenes"].id, status="done", folder="/somewhere/else")
    (video,) = view()["videos"]["rows"]
    assert next(step for step in video["steps"] if step["name"] == "scenes")["url"] is None


def test_a_failed_step_says_why_and_what_to_do_and_leads_to_the_attempt(view, history, workspace, planned):
    _, tasks = planned("clip.mp4")
    attempt = workspace.work / "ab12" / "convert-12.failed-1"
    history.update_task(
        tasks["convert"].id, status="refused", error="\x1b[31mno video\x1b[0m\nin it", folder=str(attempt)
    )
    (problem,) = view()["problems"]
    assert (problem["step"], problem["message"]) == ("convert", "no video | in it")
    assert problem["remedy"]
    assert problem["url"] == "results/work/ab12/convert-12.failed-1/03_convert.ipynb"


def test_of_two_videos_with_one_name_only_that_of_the_button_is_cancelled(history, workspace):
    work = Work(Context(workspace))
    run = history.start_run(["a.zip", "b.zip"], {})
    names = {"run_id": run.id, "project": "p", "label": "01.mp4", "sha256": "ab" * 32}
    made = [Task(step=step, origin=path, source=f"{path}/01.mp4", **names) for path in run.paths for step in STEPS[:2]]
    tasks = history.add_tasks(made)
    work.cancel(run.id, step=tasks[1].id)
    work.cancel(run.id, video=tasks[2].id)
    assert [task.cancel_requested for task in history.tasks(run.id)] == [False, True, True, True]


def test_a_run_that_is_being_cancelled_says_so_until_it_is(view, history, planned):
    run, _ = planned("clip.mp4")
    history.request_cancel(run.id)
    assert view()["run"]["cancelling"]
    history.finish_run(run.id, "cancelled")
    seen = view()["run"]
    assert (seen["cancelling"], seen["active"], seen["status"]) == (False, False, "cancelled")


def test_the_log_has_its_lines_with_their_level(view, history, planned):
    run, _ = planned("clip.mp4")
    for number in range(3):
        history.add_event(run.id, f"line {number}", "warning")
    log = view()["log"]
    assert [(line["message"], line["level"]) for line in log] == [(f"line {n}", "warning") for n in range(3)]


def test_the_log_speaks_french(history, planned, workspace):
    run, _ = planned("clip.mp4")
    history.add_event(run.id, "clip.mp4: convert done in 2.5 s", label="clip.mp4", step="convert")
    log = Log(Context(workspace, words=Localization("fr")), run.id)
    assert [line["message"] for line in log.lines(history, [], {})] == ["clip.mp4: convert\xa0: terminé en 2,5 s"]
    (line,) = log.lines(history, [], {"step": "convert"})
    assert line["message"] == "convert\xa0: terminé en 2,5 s"


def test_the_newest_run_is_on_display_until_the_address_names_another(view, history, planned):
    first, _ = planned("first.mp4")
    second, _ = planned("second.mp4")
    assert view()["run"]["id"] == second.id
    assert view(run=first.id)["run"]["id"] == first.id
    assert [run["id"] for run in view()["runs"]["rows"]] == [second.id, first.id]
    assert [run["id"] for run in view(runs="1")["runs"]["rows"]] == [first.id]


def test_a_run_of_many_files_has_a_short_title(view, history):
    history.start_run([Path(f"{number}.mp4") for number in range(9)], {})
    assert view()["run"]["title"] == "0.mp4, 1.mp4, 2.mp4 + 6"


def test_a_run_tells_which_files_it_left_out_and_which_results_it_kept(view, history, workspace, planned):
    run, _ = planned("delivery.zip")
    delivery_files.record(workspace.runs / run.id, run.paths[0], [LeftOut("notes.txt", "it is a text")])
    history.add_event(run.id, "film.mp4: the results beside the video are unchanged", NOTICE)
    assert view()["run"]["notices"] == [
        "film.mp4: the results beside the video are unchanged",
        "not processed of delivery.zip: notes.txt (it is a text)",
    ]
