"""``vidlib reports``: one page for all videos, which needs neither a server nor the network."""

import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests import finished, sample_media
from tests.results import pages
from vidlib.results.shelf_html import Entry, Total, write_shelf
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import VIDEO_STEPS

NAME = "</script><script>alert(1)</script> Été.mp4"


def rows(page: Path) -> list[list]:
    text = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").find(id="rows").get_text()
    return json.loads(text)


@pytest.fixture
def library(workspace: Settings, tmp_path: Path) -> Settings:
    """A workspace with a finished video, whose report is there, and one that failed and has no report."""
    clip = sample_media.clip(tmp_path / "clip.mp4")
    folders = finished.all_steps(tmp_path / "work", video=clip)
    report = pages.report_folder(tmp_path / "report", finished.evidence(tmp_path / "e.json", folders))
    with History(workspace.database) as history:
        run = history.start_run([clip], {}, {})
        good = {"run_id": run.id, "project": "News", "label": "clip.mp4", "stem": "clip", "sha256": "ab" * 32}
        bad = good | {"project": "Été", "label": NAME, "stem": "ete", "sha256": "cd" * 32, "source": "/in/ete.mp4"}
        done = {"status": "done", "finished_at": 1_790_000_000.0}
        history.add_tasks(
            [
                Task(step="report", folder=str(report), source="/in/clip.mp4", **good, **done),
                Task(step="audio", status="failed", error="\x1b[31mno\nsound", **bad),
                Task(step="report", folder=str(tmp_path / "gone"), **bad, **done),
            ]
        )
        history.finish_run(run.id, "partial")
    page = workspace.runs / run.id / "clip" / "report.html"
    page.parent.mkdir(parents=True)
    page.touch()
    return workspace


def test_it_lists_every_video_with_its_figures_and_a_relative_link(vidlib, library):
    code, out, _ = vidlib("reports")
    page = Path(out.strip())
    assert (code, page) == (0, library.runs / "index.html")
    found = {row[0]: row for row in rows(page)}
    clip, failed = found["clip.mp4"], found[NAME]
    assert clip[1:3] == ["News", "ab" * 32]
    assert clip[4:6] == ["done", ""]
    assert (page.parent / clip[6]).is_file()
    assert clip[7:] == ["2.0 s", 3, 2, 2, "58%", 1]
    assert failed[4:7] == ["failed", "no | sound", None]


def test_the_report_of_a_renamed_video_is_that_of_its_complete_run(vidlib, workspace, tmp_path):
    with History(workspace.database) as history:
        for name, steps in (("old.mp4", (*VIDEO_STEPS, "report")), ("new.mp4", ("scenes", "report"))):
            run = history.start_run([], {}, {})
            about = {"run_id": run.id, "project": "News", "label": name, "stem": "v", "sha256": "ef" * 32}
            page = tmp_path / name / "report.html"
            page.parent.mkdir()
            page.write_text("a report")
            history.add_tasks(
                [Task(step=step, status="done", folder=str(page.parent), source=name, **about) for step in steps]
            )
            history.finish_run(run.id, "done")
    for name in ("new.mp4", "old.mp4", "new", "ef" * 6):
        assert vidlib("report", name)[1].strip() == str(tmp_path / "old.mp4" / "report.html")


def test_totals_stand_by_month_and_by_project(vidlib, library):
    page = BeautifulSoup(Path(vidlib("reports")[1].strip()).read_text(encoding="utf-8"), "html.parser")
    (month,) = page.select("#months tbody tr")
    assert [cell.get_text() for cell in month.select(".vr-number")] == ["2", "0.0", "1"]
    assert [head.get_text() for head in page.select("#projects tbody th")] == ["Été", "News"]


def test_nothing_is_loaded_and_only_its_own_script_runs(vidlib, library):
    text = Path(vidlib("reports")[1].strip()).read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    assert page.find_all(["link", "img", "iframe"]) == []
    assert [script for script in page.find_all("script") if script.get("src")] == []
    assert len(page.find_all("script")) == 3
    assert re.search("default-src 'none'.*script-src 'sha256-", text)


def test_it_is_built_where_one_asks_for_it_and_in_french(vidlib, library, tmp_path, monkeypatch):
    from vidlib.settings import settings

    monkeypatch.setenv("VIDLIB_LANGUAGE", "fr")
    settings.cache_clear()
    code, out, _ = vidlib("reports", "--out", tmp_path / "www", "--json")
    found = json.loads(out)
    assert (code, found["videos"]) == (0, 2)
    page = Path(found["page"])
    assert page.parent == tmp_path / "www"
    assert "<title>Rapports</title>" in page.read_text(encoding="utf-8")
    link = next(row[6] for row in rows(page) if row[6])
    assert (page.parent / link).is_file()


def test_averages_are_weighted_by_time():
    long = Entry("a", "p", "1", 0.0, "done", duration_s=3 * 3600, talk_s=10, faces=1.0, known=0.5, doubts=6)
    short = Entry("b", "p", "2", 0.0, "failed", duration_s=3600, talk_s=30, faces=0.0, known=1.0, doubts=2)
    unknown = Entry("c", "p", "3", 0.0, "refused")
    total = Total.from_entries([long, short, unknown])
    assert total == Total(videos=3, hours=4.0, failed=2, faces=0.75, known=0.875, doubts=2.0)


def test_ten_thousand_videos_fit_in_one_page(tmp_path):
    entries = [Entry(f"{n}.mp4", f"Project {n // 25}", f"{n:064x}", n * 3e3, "done", href="x") for n in range(10_000)]
    page = write_shelf(tmp_path / "index.html", entries, at=0.0)
    assert page.stat().st_size < 3_000_000
    assert len(rows(page)) == 10_000
