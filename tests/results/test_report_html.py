"""The report as an editor opens it: one HTML file, made from the executed notebook."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests import finished, sample_media
from tests.results import pages
from vidlib.jupyter_import import papermill
from vidlib.results.report_html import delivered_page, served_page, write_page
from vidlib.settings import settings
from vidlib.steps import report

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked_notebooks")]

HOSTILE = "<script>alert('1')</script>\"onerror=\"x {{ 7*7 }} 🎬.mp4"

NOTEBOOK = "report.ipynb"


def page_of(folder: Path, evidence: Path) -> BeautifulSoup:
    """Execute the report's notebook as the pipeline does; its page."""
    folder.mkdir(parents=True, exist_ok=True)
    places = {"evidence": str(evidence), "report_dir": str(folder), "out_dir": str(folder / "step")}
    papermill.execute_notebook(
        settings().notebooks_dir / report.NOTEBOOK, folder / NOTEBOOK, places, progress_bar=False, log_output=False
    )
    return read(write_page(folder / NOTEBOOK, folder / "report.html"))


def read(html: Path) -> BeautifulSoup:
    return BeautifulSoup(html.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def page(home: Path) -> BeautifulSoup:
    """The report of a whole clip with a hostile name, whose doubts and errors are hostile too."""
    clip = sample_media.clip(home / "clip.mp4")
    folders = finished.all_steps(home / "work" / finished.SHA256[:16], video=clip)
    finished.finish(folders["reduce"], doubts=[{"message": f"look at {HOSTILE}", "frame": 3, "confidence": 0.1}])
    return page_of(home / "runs" / "1" / "clip", finished.evidence(home / "evidence.json", folders, HOSTILE))


@pytest.fixture(scope="module")
def failed_page(home: Path) -> BeautifulSoup:
    """The report of a clip whose audio failed, so that tracking and reduce were not run."""
    clip = sample_media.clip(home / "other.mp4")
    folders = finished.all_steps(home / "work" / "other", video=clip)
    failed = {"status": "failed", "folder": None, "error": f"cannot read {HOSTILE}", "remedy": f"Rename {HOSTILE}."}
    skipped = {"status": "skipped", "folder": None, "notebook": None}
    evidence = finished.evidence(home / "failed.json", folders, audio=failed, tracking=skipped, reduce=skipped)
    return read(pages.report_page(home / "runs" / "1" / "failed", evidence))


def headings(page: BeautifulSoup) -> list[str]:
    return [heading.get_text() for heading in page.find_all("h2")]


def test_it_has_every_part_in_order(page):
    assert headings(page) == [
        "Timeline",
        "People and speakers",
        "Transcript",
        "To check",
        "Key frames",
        "Faces and objects",
        "What ran where",
    ]


def test_the_numbers_stand_on_top(page):
    tiles = {tile.dt.get_text(): tile.dd.get_text() for tile in page.select(".vr-tiles div")}
    assert tiles == {"Shots": "3", "People": "2", "Speakers": "2", "Talk time": "1.6 s", "To check": "2"}


def test_a_row_for_each_person_shows_the_face(page):
    rows = page.select(".vr-people tbody tr")
    assert [row.th.get_text() for row in rows] == ["Person 1", "never seen", "Person 2"]
    assert [bool(row.img) for row in rows] == [True, False, True]
    assert [row.select("td")[1].get_text() for row in rows] == ["SPEAKER_00", "SPEAKER_01", "no speaker label"]
    assert [row.time.get_text() for row in rows] == ["00:00:00:00", "00:00:00:20", "00:00:00:00"]


def test_every_shot_has_its_picture_and_timecode(page):
    frames = page.select("#key_frames figure")
    assert [frame.time.get_text() for frame in frames] == ["00:00:00:00", "00:00:00:20", "00:00:01:16"]
    assert all(frame.img["src"].startswith("data:image/jpeg;base64,") for frame in frames)


def test_nothing_is_loaded_from_elsewhere_and_nothing_can_run(page):
    assert page.find_all(["script", "iframe", "link", "video", "object", "embed"]) == []
    assert all(image["src"].startswith("data:image/") for image in page.find_all("img"))
    assert not [name for tag in page.find_all(True) for name in tag.attrs if name.startswith("on")]
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_names_from_outside_are_shown_as_they_are(page):
    assert page.h1.get_text() == HOSTILE
    assert page.title.get_text() == HOSTILE
    assert page.select_one(".vr-doubts p").get_text() == f"look at {HOSTILE}"


def test_links_lead_to_the_notebooks_of_the_steps(page, home):
    links = {link.get_text(): link["href"] for link in page.select("a.vr-notebook")}
    assert list(links) == ["convert", "scenes", "audio", "tracking", "reduce"]
    assert all((home / "runs" / "1" / "clip" / target).is_file() for target in links.values())


def test_it_tells_editors_what_analysts_read_in_the_notebook(page):
    assert page.find_all("pre") == []
    assert "papermill" not in page.get_text()
    assert "max_doubts" not in page.get_text()


def test_it_is_small(page, home):
    assert (home / "runs" / "1" / "clip" / "report.html").stat().st_size < 300_000


def test_after_a_failure_it_begins_with_what_failed_and_what_to_do(failed_page):
    assert headings(failed_page)[:2] == ["1 step did not finish", "Timeline"]
    trouble = failed_page.select_one(".vr-trouble")
    assert trouble.h3.get_text() == "audio failed"
    assert trouble.select_one(".vr-error").get_text() == f"cannot read {HOSTILE}"
    assert f"What to do: Rename {HOSTILE}." in trouble.get_text()
    assert "Not executed because of this: tracking, reduce." in trouble.get_text()


def test_after_a_failure_it_shows_what_is_known_and_says_what_is_not(failed_page):
    assert len(failed_page.select("#key_frames img")) == 3
    missing = [note.get_text() for note in failed_page.select("#people .vr-none")]
    assert missing == ["No speaker results: audio did not finish."]
    assert failed_page.select_one("#timeline img") is not None


@pytest.fixture(scope="module")
def html(page, home: Path) -> str:
    return (home / "runs" / "1" / "clip" / "report.html").read_text(encoding="utf-8")


def test_links_into_the_player_appear_only_where_the_dashboard_serves_the_page(page, html):
    links = [link["href"] for link in page.select(".vr-doubts a.vr-player")]
    assert links == [f"../../../../video?sha256={finished.SHA256}#frame={frame}" for frame in (3, 41)]
    assert ".vr-player { display: none" in html
    assert BeautifulSoup(served_page(html), "html.parser").html["class"] == ["vr-served"]
    assert not page.html.has_attr("class")


def test_a_delivered_page_has_no_link_that_leads_out_of_it(page, html):
    delivered = BeautifulSoup(delivered_page(html), "html.parser")
    assert [link["href"] for link in delivered.find_all("a") if not link["href"].startswith("#")] == []
    assert f"/inbox/{HOSTILE}" not in delivered.get_text()
    assert delivered.h1.get_text() == HOSTILE
    steps = [cell.get_text() for cell in delivered.select(".vr-steps tbody th")]
    assert steps == ["convert", "scenes", "audio", "tracking", "reduce"]
    assert len(delivered.find_all("img")) == len(page.find_all("img"))


def test_it_speaks_french(home):
    clip = sample_media.clip(home / "french.mp4")
    folders = finished.all_steps(home / "work" / "french", video=clip)
    file = finished.evidence(home / "french.json", folders)
    file.write_text(file.read_text().replace('"run"', '"language": "fr", "run"', 1))
    page = read(pages.report_page(home / "runs" / "1" / "french", file))
    assert page.html["lang"] == "fr"
    assert headings(page)[1] == "Personnes et locuteurs"
    assert page.select_one(".vr-tiles div:nth-of-type(4) dd").get_text() == "1,6 s"
    assert page.select_one(".vr-doubts p").get_text() == "is this a cut?"  # a sentence that no step says
