"""The page's widgets, without a browser: what is drawn, and which function a click calls."""

import pytest

from vidlib.dashboard.downloads import DownloadView
from vidlib.dashboard.panels import DownloadsPanel, Page, meters
from vidlib.dashboard.state import InboxFile, LogLine, PageView, RunView, StepView, VideoView
from vidlib.machine.load import Disk, GpuLoad, Load

HOSTILE = '<script>alert("x")</script>'
ESCAPED = "&lt;script&gt;"


@pytest.fixture
def calls() -> list[tuple]:
    return []


@pytest.fixture
def page(calls) -> Page:
    return Page(
        ["default", "fast"],
        DownloadsPanel(
            on_download=lambda *given: calls.append(("download", *given)),
            on_again=lambda *given: calls.append(("again", *given)),
            on_close=lambda *given: calls.append(("close", *given)),
        ),
        on_start=lambda *given: calls.append(("start", *given)),
        on_cancel=lambda *given: calls.append(("cancel", *given)),
        on_resume=lambda *given: calls.append(("resume", *given)),
        on_select=lambda *given: calls.append(("choose", *given)),
    )


def inbox(*names: str) -> PageView:
    return PageView(folder="/inbox", inbox=tuple(InboxFile(name, name, "1.0 MB · 14:03") for name in names))


def run(status: str = "running", **values) -> RunView:
    return RunView("run-1", "clip.mp4", status, "14:03", "0:12", **values)


def showing(shown: RunView | None, **values) -> PageView:
    return PageView(runs=(("this run", "run-1"), ("that run", "run-2")), shown=shown, **values)


def tick(page: Page, name: str) -> None:
    box = next(row.children[0] for row in page.inbox.children if row.children[0].description == name)
    box.value = True


def drawn(page: Page) -> str:
    """All that the page shows as HTML."""
    parts = [page.head, page.problem, page.inbox_note, page.run, page.log, page.downloads.note, *page.videos.children]
    parts += [row.children[1] for row in page.inbox.children]
    return "".join(part.value for part in [*parts, *(row.children[0] for row in page.downloads.rows.children)])


def test_run_starts_what_is_ticked_with_the_profile(page, calls):
    page.render(inbox("a.mp4", "b.mp4", "c.mp4"))
    tick(page, "a.mp4")
    tick(page, "c.mp4")
    page.profile.value = "fast"
    page.start.click()
    assert calls == [("start", ["a.mp4", "c.mp4"], "fast")]


def test_what_is_ticked_stays_ticked_while_it_is_there(page):
    page.render(inbox("a.mp4", "b.mp4"))
    tick(page, "a.mp4")
    tick(page, "b.mp4")
    page.render(inbox("0.mp4", "b.mp4", "c.mp4"))
    assert page.selected_files() == ["b.mp4"]


def test_names_that_are_html_are_text(page):
    step = StepView("audio", "failed", 1.0, HOSTILE, HOSTILE, f'" onclick="{HOSTILE}')
    video = VideoView(HOSTILE, (step,), f'" onclick="{HOSTILE}')
    log = (LogLine("14:03:22", "error", HOSTILE),)
    shown = run("failed", videos=(video,), log=log, error=HOSTILE, notices=(HOSTILE,))
    page.render(showing(shown, folder=HOSTILE, inbox=(InboxFile(HOSTILE, HOSTILE, HOSTILE),), problem=HOSTILE))
    assert "<script" not in drawn(page)
    assert drawn(page).count(ESCAPED) >= 10
    assert not page.inbox.children[0].children[0].description_allow_html


def test_downloads_that_are_html_are_text(page):
    offer = DownloadView(HOSTILE, "manual", HOSTILE, HOSTILE, HOSTILE, None, HOSTILE, f'https://h/" onclick="{HOSTILE}')
    page.render(PageView(downloads=(offer, DownloadView("2", "failed", HOSTILE, HOSTILE, HOSTILE, None, HOSTILE))))
    assert "<script" not in drawn(page)
    assert '" onclick="' not in drawn(page)
    assert drawn(page).count(ESCAPED) >= 9


def test_a_file_that_a_person_has_to_download_has_its_link_and_what_to_do(page, calls):
    offers = (
        DownloadView("1", "manual", "a.zip", "https://h/a", url="https://h/a?k=1"),
        DownloadView("2", "done", "b"),
    )
    page.render(PageView(downloads=offers))
    manual, done = (row.children[0].value for row in page.downloads.rows.children)
    assert '<a href="https://h/a?k=1" target="_blank" rel="noopener noreferrer">https://h/a</a>' in manual
    assert "<a " not in done
    assert "Manual downloads" in page.downloads.note.value
    page.downloads.rows.children[0].children[1].click()
    assert calls == [("close", "1")]
    page.render(PageView(downloads=offers[1:]))
    assert page.downloads.note.value.strip() == ""


@pytest.mark.parametrize(("state", "action"), [("failed", "Again"), ("paused", "Again"), ("known", "Download")])
def test_a_download_that_is_not_here_can_be_begun_again(page, calls, state, action):
    page.render(PageView(downloads=(DownloadView("1", state, "a.zip"), DownloadView("2", "downloading", "b.zip"))))
    first, second = (row.children[1] for row in page.downloads.rows.children)
    assert (first.description, second.layout.display) == (action, "none")
    first.click()
    assert calls == [("again", "1")]


def test_a_download_has_a_bar_while_it_comes(page):
    coming = DownloadView("1", "downloading", "a.zip", status_text="1.0 MB of 4.0 MB", fraction=0.25)
    page.render(PageView(downloads=(coming, DownloadView("2", "downloading", "b.zip"), DownloadView("3", "done", "c"))))
    first, second, third = (row.children[0].value for row in page.downloads.rows.children)
    assert "width: 25%" in first
    assert "vl-waits" in second
    assert "vl-bar" not in third


def test_a_link_that_was_sent_makes_room_for_the_next(page, calls):
    page.downloads.link.value = "https://h/a"
    page.downloads.start.click()
    assert calls == [("download", "https://h/a")]
    page.render(PageView())
    assert page.downloads.link.value == ""
    page.downloads.link.value = "https://h/b"
    page.downloads.start.click()
    page.downloads.link.value = "https://h/c"
    page.render(PageView())
    assert page.downloads.link.value == "https://h/c"


def test_cancel_is_there_for_a_run_that_goes_on_and_names_it(page, calls):
    page.render(showing(run("done")))
    assert page.cancel.layout.visibility == "hidden"
    page.render(showing(run("running")))
    assert page.cancel.layout.visibility == "visible"
    page.cancel.click()
    assert calls == [("cancel", "run-1")]


def test_a_run_that_is_being_cancelled_cannot_be_cancelled_again(page):
    page.render(showing(run(cancelling=True)))
    assert page.cancel.disabled
    assert "cancelling" in page.run.value


def test_a_run_that_starts_is_seen_at_once_and_not_started_twice(page):
    page.render(showing(run("done"), starting="next.mp4"))
    assert page.start.disabled
    assert "next.mp4" in page.run.value
    assert page.videos.children == ()
    page.render(showing(run()))
    assert not page.start.disabled


def test_choosing_a_run_asks_for_it_and_drawing_does_not(page, calls):
    page.render(showing(run()))
    assert calls == []
    page.runs.value = "run-2"
    assert calls == [("choose", "run-2")]


def test_each_video_has_bars_for_itself_and_its_steps(page):
    steps = (StepView("convert", "done", 1.0, "4.0 s"), StepView("scenes", "running", 0.5, "50%"))
    page.render(showing(run(videos=(VideoView("a.mp4", steps), VideoView("b.mp4", steps[:1], "results/r.html")))))
    first, second = (widget.value for widget in page.videos.children)
    assert "width: 75%" in first
    assert 'class="vl-step vl-running"' in first
    assert "report" not in first
    assert 'href="results/r.html"' in second


def test_a_video_that_did_not_change_is_not_drawn_again(page):
    done = VideoView("a.mp4", (StepView("convert", "done", 1.0),), "results/r.html")
    page.render(showing(run(videos=(done,))))
    sent = []
    page.videos.children[0].observe(sent.append)
    page.render(showing(run(videos=(done,))))
    assert sent == []


def test_an_alert_is_sent_once_while_the_head_changes_every_second(page):
    page.render(PageView(problem="the disk is full", clock="14:03:22"))
    sent, heads = [], []
    page.problem.observe(sent.append, "value")
    page.head.observe(heads.append, "value")
    page.render(PageView(problem="the disk is full", clock="14:03:23"))
    assert (len(sent), len(heads)) == (0, 1)
    assert "alert" not in page.head.value


def test_problems_and_an_empty_start_are_explained(page):
    page.render(PageView(folder="/inbox", problem="the disk is full"))
    assert "the disk is full" in page.problem.value
    assert "No runs yet" in page.run.value
    assert "The inbox is empty" in page.inbox_note.value
    page.render(PageView(folder="/inbox"))
    assert "the disk is full" not in page.problem.value


def test_the_load_of_the_machine_is_drawn(page, tmp_path):
    disk = Disk(tmp_path, 10**9, 4 * 10**9)
    load = Load(42.0, 2 * 10**9, 8 * 10**9, (disk,), (GpuLoad("H200", 77.0, 10**9, 10**10),))
    page.render(PageView(load=load))
    shown = {meter.name: (meter.part, meter.status_text) for meter in meters(load)}
    assert shown["CPU"] == (0.42, "42%")
    assert shown["Memory"] == (0.25, "2.0 GB of 8.0 GB")
    assert shown["GPU"] == (0.77, "77%")
    assert "width: 77%" in page.head.value


def test_a_machine_without_a_gpu_says_so():
    assert [meter.status_text for meter in meters(Load(0, 1, 2, (), ()))][-1] == "none"


@pytest.mark.parametrize(
    ("status", "offered"), [("interrupted", True), ("partial", True), ("done", False), ("running", False)]
)
def test_a_run_that_left_something_undone_can_go_on(page, calls, status, offered):
    page.render(showing(run(status)))
    assert (page.resume.layout.display != "none") == offered
    page.resume.click()
    assert calls == [("resume", "run-1")]
