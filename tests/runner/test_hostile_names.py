"""Names and titles that are commands to somebody go through a whole run and command nobody."""

import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests import sample_media
from vidlib import settings as settings_module
from vidlib.files import sha256
from vidlib.params import read_params
from vidlib.results.exports import shots_csv
from vidlib.runner.pipeline import RunOptions, run
from vidlib.runner.request import Request
from vidlib.runner.run_result import RunResult, VideoResult
from vidlib.steps import PARAMS

pytestmark = pytest.mark.slow

NAME = '=1+1 "it\'s" %03d [x] 🎬\n<img src=x onerror=alert(1)>{{7*7}}$(touch x)@--' + "ü" * 86 + ".mp4"  # 250 bytes
NOT_UTF_8 = b"caf\xe9.mp4".decode("utf-8", "surrogateescape")
SHOWN = "caf\N{REPLACEMENT CHARACTER}.mp4"
TITLES = ["-metadata", "title=<script>alert('title')</script>", "-metadata", "comment==cmd|' /C calc'!A0"]


@pytest.fixture(scope="module")
def result(lasting_kernels: None, plain_step_notebooks: None, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run of a folder with one clip, as far as its shots."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "=job").mkdir()
    sample_media.clip(folder / "=job" / NAME, n_frames=30, sounds=0, options=TITLES)
    sample_media.clip(folder / "=job" / NOT_UTF_8, n_frames=30, cuts=(10,), sounds=0)
    settings_module.settings.cache_clear()
    params = read_params(PARAMS, overrides=["scenes.engine=pyscenedetect"])
    asked = Request([folder / "=job"], params, frozenset({"scenes"}))
    found = run(asked, settings_module.load(workspace=folder / "workspace"), RunOptions(jobs=1))
    settings_module.settings.cache_clear()
    return found


@pytest.fixture
def video(result: RunResult) -> VideoResult:
    """The video of the run whose name is UTF-8."""
    return next(video for video in result.videos if video.path.name == NAME)


def test_every_step_is_done_and_the_run_is_described_in_json(result, video):
    assert (result.status, len(NAME.encode())) == ("done", 250)
    described = {Path(one["path"]).name: one for one in json.loads(json.dumps(result.as_json()))["videos"]}
    assert described.keys() == {NAME, SHOWN}
    assert described[NAME]["sha256"] == sha256(video.path)


def test_results_lie_in_the_projects_folder_under_names_for_every_system(video):
    table = video.outputs["shots_csv"]
    assert table.parent.name == "docs"
    assert not re.search(r'[\n<>:"|?*]', table.name) and len(table.name.encode()) <= 250


def test_tables_hold_numbers_and_no_name_or_title(video):
    assert shots_csv.read(video.outputs["shots_csv"])
    text = video.outputs["shots_csv"].read_bytes().decode()
    assert re.fullmatch(r"[A-Za-z ,]+\r\n([0-9:.,]+\r\n)+", text)


def test_reports_show_the_name_as_text_and_no_title(video):
    text = video.outputs["report"].read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    assert page.h1.get_text() == NAME
    assert page.find_all(["script", "iframe", "object"]) == []
    assert all(image["src"].startswith("data:image/") for image in page.find_all("img"))
    assert not [name for tag in page.find_all(True) for name in tag.attrs if name.startswith("on")]
    assert "alert('title')" not in text and "calc" not in text


def test_no_name_was_executed(video):
    folder = video.path.parent
    assert {path.name for path in folder.glob("*.mp4")} == {NAME, NOT_UTF_8}
    assert not list(folder.parent.rglob("x"))
