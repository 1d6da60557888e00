"""``vidlib find`` as a user sees it: tables, JSON, selects reels and contact sheets."""

import csv
import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from tests import sample_media
from tests.results.finding.conftest import MEDIA, write_entry
from vidlib.files import sha256
from vidlib.results.contact_sheet import SIZE
from vidlib.results.finding.index import INDEX
from vidlib.results.finding.selects import ROW
from vidlib.settings import REPOSITORY


@pytest.fixture
def archived(workspace):
    """An archive with one video whose delivered file is in its place, and one whose file is elsewhere."""
    folder = workspace.delivery / "Spring" / "day 1"
    folder.mkdir(parents=True)
    delivered = sample_media.clip(folder / "Été talk.mp4")
    write_entry(workspace.archive, media=MEDIA.model_copy(update={"n_bytes": delivered.stat().st_size}))
    write_entry(workspace.archive, "lost", day=2)
    return delivered


def test_a_table_names_the_shots_and_why(vidlib, archived):
    code, out, err = vidlib("find", "says:budget smile>0.5")
    assert code == 0
    assert "Été talk.mov" in out
    assert "01:00:00:00" in out
    assert "smile 0.70" in " ".join(out.split())
    assert err == ""


def test_words_of_several_arguments_are_one_question(vidlib, archived):
    code, out, _ = vidlib("find", "faces=1", "name:lost", "--json")
    (shot,) = json.loads(out)["shots"]
    assert (code, shot["video"], shot["shot"], shot["start"], shot["stop"]) == (0, "lost.mov", 3, 41, 50)
    assert (shot["people"], shot["framing"], shot["smile"], shot["why"]) == (["SPEAKER_00"], "close", 0.7, ["1 face"])


def test_nothing_found_is_exit_code_1_and_writes_no_file(vidlib, archived, tmp_path):
    code, out, _ = vidlib("find", "faces=9", "--to", tmp_path / "reel.otio")
    assert code == 1
    assert "no shot in the archive" in out
    assert not (tmp_path / "reel.otio").exists()


def test_an_empty_archive_says_so(vidlib):
    code, out, _ = vidlib("find", "faces=2")
    assert code == 1
    assert "holds no video; a run archives" in out


def test_a_limit_is_said(vidlib, archived):
    code, _, err = vidlib("find", "len>0", "--limit", "4")
    assert code == 0
    assert "the first 4 of 6 shots" in err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["frames=2"], "'frames' in 'frames=2' is no condition; did you mean 'faces'"),
        (["faces=2", "--to", "reel.mov"], "has the suffix '.mov'; expected one of .otio, .edl"),
        (["faces=2", "--to", "reel.otio", "--start-tc", "1:00"], "the start of the reel: '1:00' is no time code"),
    ],
)
def test_a_mistake_is_explained_and_nothing_is_written(vidlib, archived, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = vidlib("find", *args)
    assert code == 2
    assert message in err
    assert not list(tmp_path.glob("reel*"))


def test_a_reel_has_source_time_codes_handles_and_reasons(vidlib, archived, tmp_path):
    files = [tmp_path / f"reel{suffix}" for suffix in (".edl", ".xml", ".otio", ".fcpxml")]
    code, out, err = vidlib("find", "says:budget", "--handles", "5", *(arg for file in files for arg in ("--to", file)))
    assert (code, out.split("\n")[:-1]) == (0, list(map(str, files)))
    assert "delivered files that are not below" in err
    edl = files[0].read_text()
    assert "001  AX       AA/V  C        01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00" in edl
    assert "002  AX       AA/V  C        01:00:00:00 01:00:01:00 01:00:01:00 01:00:02:00" in edl
    assert "* FROM CLIP NAME: Été talk.mp4" in edl
    assert "Shot 001: “Das Büdget, heute und morgen:”" in edl
    xml = ET.parse(files[1]).getroot()
    assert [marker.findtext("comment") for marker in xml.iter("marker")] == ["“Das Büdget, heute und morgen:”"] * 2
    assert xml.findtext(".//pathurl", "").endswith("day%201/%C3%89t%C3%A9%20talk.mp4")
    otio = json.loads(files[2].read_text())
    clips = otio["tracks"]["children"][0]["children"]
    assert [clip["markers"][0]["comment"] for clip in clips] == ["“Das Büdget, heute und morgen:”"] * 2
    assert clips[0]["source_range"]["start_time"]["value"] == 90_000
    assert "Büdget" in files[3].read_text()


def test_the_folder_of_the_media_can_be_that_of_the_editor(vidlib, archived, tmp_path):
    vidlib("find", "faces=2", "--to", tmp_path / "reel.otio", "--media-root", "D:/Media", "--for", "premiere")
    assert "file:///D:/Media/lost.mp4" in (tmp_path / "reel.otio").read_text()


def test_a_contact_sheet_shows_the_middle_of_each_shot(vidlib, archived, tmp_path):
    sheet = tmp_path / "sheet.png"
    code, *_ = vidlib("find", "person:1", "--to", sheet)
    assert code == 0
    pixels = np.asarray(Image.open(sheet).convert("RGB"))
    gap, margin = SIZE[0] // 24, (SIZE[0] - 240) // 2  # the picture of 4:3 stands in the middle of one of 16:9
    top = pixels.shape[0] - 18 - SIZE[1]
    cells = [pixels[top : top + SIZE[1], left : left + 240] for left in range(margin, pixels.shape[1], SIZE[0] + gap)]
    assert [sample_media.frame_number(cell) for cell in cells[:2]] == [10, 45]
    assert [int(np.ptp(cell)) for cell in cells[2:]] == [0, 0]  # the file of the other video is elsewhere


def test_a_spreadsheet_has_no_formula(vidlib, workspace, tmp_path):
    write_entry(workspace.archive, "=1+1")
    vidlib("find", "faces=2", "--to", tmp_path / "shots.csv")
    with open(tmp_path / "shots.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["video"], row["shot"], row["timecode"]) == ("'=1+1.mov", "1", "01:00:00:00")


def test_an_old_entry_takes_the_time_code_from_the_delivered_file(vidlib, workspace, tmp_path):
    entry = write_entry(workspace.archive, "old", media=None)
    code, _, err = vidlib("find", "faces=2", "--to", tmp_path / "reel.edl")
    assert code == 1
    assert "the archive does not know the time code of old.mov" in err
    folder = workspace.delivery / "Spring"
    folder.mkdir(parents=True)
    delivered = sample_media.clip(folder / "old.mp4", options=["-timecode", "10:00:00:00"])
    metadata = entry.metadata.model_copy(update={"video_hash": sha256(delivered)})
    entry.folder.rename(entry.folder.with_name(metadata.video_hash))
    metadata.write(entry.folder.with_name(metadata.video_hash))
    assert vidlib("find", "faces=2", "--to", tmp_path / "reel.edl")[0] == 0
    assert " 10:00:00:00 10:00:00:20 " in (tmp_path / "reel.edl").read_text()


def test_damaged_results_are_left_out_and_named(vidlib, archived, workspace):
    next(workspace.archive.glob("*/*/lost_people.json")).write_text("{")
    code, out, err = vidlib("find", "faces=2")
    assert code == 0
    assert "lost.mov" not in out
    assert "a video is left out" in err
    assert "lost_people.json" in err


def test_the_document_lists_every_column():
    page = (REPOSITORY / "docs" / "use" / "find.md").read_text()
    assert [name for name in ROW if f"`{name}`" not in page] == []


def test_rebuild_makes_the_index_of_shots(vidlib, archived, workspace):
    code, out, _ = vidlib("archive", "rebuild")
    assert (code, out) == (0, f"2 entries and 6 shots in the indexes of {workspace.archive}\n")
    assert (workspace.archive / INDEX).is_file()


LOADED = """
import sys, vidlib.cli
sys.argv = ["vidlib", "find", "faces=2"]
try:
    vidlib.cli.main()
except SystemExit:
    print({"pandas", "pyarrow", "sqlalchemy", "torch", "matplotlib", "vidlib.steps"} & sys.modules.keys())
"""


@pytest.mark.slow
def test_a_question_loads_no_heavy_library(vidlib, archived):
    vidlib("find", "faces=2")  # makes the index
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_the_archive_is_found_by_people_and_words(vidlib, archived):
    def found(*query):
        code, out, _ = vidlib("archive", "find", *query, "--json")
        return code, sorted(entry["stem"] for entry in json.loads(out)["entries"])

    assert found("person:SPEAKER_00 says:budget") == (0, ["lost", "Été talk"])
    assert found("person:SPEAKER_00 -says:budget") == (1, [])
    assert found("person:SPEAKER_01") == (1, [])
    assert found("speaker:SPEAKER_01") == (0, ["lost", "Été talk"])
    assert found("guten abend") == (0, ["lost", "Été talk"])
    assert found("lost") == (0, ["lost"])
    code, _, err = vidlib("archive", "find", "person:SPEAKER_00 smile>0.4")
    assert code == 2
    assert '\'smile>0.4\' cannot be read; expected person:"A. Martin", speaker:SPEAKER_01 or says:"the budget"' in err
