"""Exports of a video and of a project, from Python and from the command line."""

import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import vidlib as package
from tests import finished, sample_media
from vidlib.api.exporting import FORMATS, TIMELINE_FORMATS, Options
from vidlib.api.project_export import export
from vidlib.errors import UnknownName, UsageError
from vidlib.files import sha256
from vidlib.media.probe import probe_video
from vidlib.settings import load, settings

FIRST, SECOND = "Été & 100% #1 <fin>.mp4", "b.mp4"
"""The videos of the project, in order of name: b comes before É."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace in which the project Film & co has two videos; that of `FIRST` was delivered."""
    root = tmp_path_factory.mktemp("desk")
    chosen = load(workspace=root / "workspace")
    for name, timecode, sounds in ((FIRST, "10:00:00:00", 1), (SECOND, "23:59:59:24", 0)):
        video = sample_media.clip(root / name, sounds=sounds, options=["-timecode", timecode])
        folders = finished.all_steps(chosen.work / sha256(video)[:16], video=video, cues=[(0.0, 0.8, "Bonsoir.")])
        finished.register(chosen, folders, video, project="Film & co")
    delivered = chosen.delivery / "Film & co" / FIRST
    delivered.parent.mkdir(parents=True)
    shutil.copy(root / FIRST, delivered)
    return root


@pytest.fixture
def at_desk(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(desk / "workspace"))
    settings.cache_clear()
    yield desk
    settings.cache_clear()


def sequences(path: Path) -> list[ET.Element]:
    return ET.parse(path).getroot().findall("project/children/sequence")


@pytest.mark.slow
@pytest.mark.parametrize("format", [name for name in FORMATS if not name.endswith("_json")])
def test_every_format_is_written_under_the_name_of_the_video(at_desk, tmp_path, format):
    path = package.open(FIRST).export(format, tmp_path)
    assert path.name == f"{Path(FIRST).stem}{FORMATS[format].suffix}"
    assert path.stat().st_size


@pytest.mark.slow
def test_a_timeline_begins_at_the_time_code_of_the_video(at_desk, tmp_path):
    (sequence,) = sequences(package.open(FIRST).export("fcp7", tmp_path / "a.xml"))
    assert sequence.findtext("timecode/string") == "10:00:00:00"
    assert sequence.find(".//file").findtext("timecode/string") == "10:00:00:00"
    starts = [item.findtext("start") for item in sequence.findall("media/video/track/clipitem")]
    assert starts == ["0", "20", "41"]
    text = package.open(SECOND).export("edl", tmp_path / "a.edl").read_text()
    assert "001  AX       V     C        23:59:59:24 00:00:00:19 23:59:59:24 00:00:00:19" in text


def test_a_timeline_can_begin_elsewhere_and_have_handles(at_desk, tmp_path):
    options = {"start_tc": "01:00:00:00", "handles": 5}
    text = package.open(FIRST).export("edl", tmp_path / "a.edl", **options).read_text()
    assert "002  AX       AA/V  C        10:00:00:15 10:00:01:21 01:00:01:00 01:00:02:06" in text


def test_the_file_of_a_clip_is_the_delivered_one(at_desk, tmp_path):
    def urls(**options):
        (sequence,) = sequences(package.open(FIRST).export("fcp7", tmp_path / "a.xml", **options))
        return [unquote(urlsplit(url.text).path) for url in sequence.iter("pathurl")]

    own = package.open(FIRST).path
    assert urls() == [str(own)]
    assert urls(media_root="/Volumes/Media & co/") == [f"/Volumes/Media & co/{FIRST}"]
    assert urls(media_root="D:\\Média") == [f"/D:/Média/{FIRST}"]
    assert urls(media_root=".") == [FIRST]


def test_a_file_that_moved_is_found_in_the_delivery(at_desk, tmp_path, monkeypatch):
    video = package.open(FIRST)
    video.path = tmp_path / "gone.mp4"
    (sequence,) = sequences(video.export("fcp7", tmp_path / "a.xml"))
    url = sequence.find(".//file").findtext("pathurl")
    assert unquote(urlsplit(url).path) == str(at_desk / "workspace" / "delivery" / "Film & co" / FIRST)


def test_a_renamed_delivery_keeps_the_name_that_the_editor_gave_it(at_desk, tmp_path):
    renamed = Path(shutil.copy(at_desk / FIRST, tmp_path / "final cut v3.mp4"))
    (path,) = export(str(renamed), ["fcp7"], tmp_path / "out", Options()).files
    assert sequences(path)[0].find(".//file").findtext("name") == "final cut v3.mp4"


def test_premiere_gets_urls_in_otio(at_desk, tmp_path):
    for editor, beginning in (("resolve", "/"), ("premiere", "file:///")):
        path = package.open(FIRST).export("otio", tmp_path / "a.otio", editor=editor)
        clip = json.loads(path.read_text())["tracks"]["children"][0]["children"][0]
        assert clip["media_references"]["DEFAULT_MEDIA"]["target_url"].startswith(beginning)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_tc": "1:00:00:00"}, r"'1:00:00:00' is no time code; expected HH:MM:SS:FF"),
        ({"start_tc": "01:00:00:25"}, r"no time code"),
        ({"handles": -1}, r"-1 frames.*expected 0 or more"),
        ({"editor": "avid"}, r"'avid' is not a program.*premiere, resolve"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(at_desk, tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        package.open(FIRST).export("otio", tmp_path / "a.otio", **options)


def test_a_project_is_one_timeline_of_all_its_videos(at_desk, tmp_path):
    (path,) = export("Film & co", ["fcp7"], tmp_path, Options()).files
    assert path == tmp_path / "Film & co.xml"
    (sequence,) = sequences(path)
    assert (sequence.findtext("name"), sequence.findtext("timecode/string")) == ("Film & co", "01:00:00:00")
    items = sequence.findall("media/video/track/clipitem")
    assert [item.findtext("start") for item in items] == ["0", "20", "41", "50", "70", "91"]
    assert [item.findtext("in") for item in items] == ["0", "20", "41"] * 2
    assert [file.findtext("name") for file in sequence.iter("file") if len(file)] == [SECOND, FIRST]
    assert [file.findtext("timecode/string") for file in sequence.iter("file") if len(file)] == [
        "23:59:59:24",
        "10:00:00:00",
    ]


def test_a_bin_has_a_timeline_for_each_video_at_its_own_time_code(at_desk, tmp_path):
    paths = export("Film & co", ["fcp7", "edl"], tmp_path, Options(layout="bin")).files
    assert [path.name for path in paths] == ["Film & co.xml", "b.edl", f"{Path(FIRST).stem}.edl"]
    found = [(sequence.findtext("name"), sequence.findtext("timecode/string")) for sequence in sequences(paths[0])]
    assert found == [("b", "23:59:59:24"), (Path(FIRST).stem, "10:00:00:00")]


def test_formats_of_one_video_are_a_file_for_each_video_of_a_project(at_desk, tmp_path):
    paths = export("Film & co", ["tsv", "srt"], tmp_path, Options()).files
    stem = Path(FIRST).stem
    assert [path.name for path in paths] == ["b_shots.tsv", f"{stem}_shots.tsv", "b.srt", f"{stem}.srt"]


def test_a_project_is_known_by_its_folder(at_desk, tmp_path):
    folder = at_desk / "workspace" / "delivery" / "Film & co"
    assert len(export(str(folder), ["otio"], tmp_path, Options()).files) == 1
    with pytest.raises(UsageError, match=r"no project 'workspace' with complete results.*vidlib run"):
        export(str(at_desk / "workspace"), ["otio"], tmp_path, Options())
    with pytest.raises(UsageError, match="there is no video 'Flim'"):
        export("Flim", ["otio"], tmp_path, Options())


def test_an_unknown_format_lists_the_known_ones_and_writes_nothing(at_desk, tmp_path):
    with pytest.raises(UnknownName, match=r"'fcp' is not an export format; did you mean 'fcp7'.*avid-markers.*vtt"):
        export("Film & co", ["edl", "fcp"], tmp_path / "out", Options())
    assert not (tmp_path / "out").exists()


def test_the_command_prints_the_files_that_it_wrote(at_desk, tmp_path, vidlib, monkeypatch):
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(at_desk / "workspace"))
    settings.cache_clear()
    formats = [word for name in TIMELINE_FORMATS for word in ("--format", name)]
    code, out, _ = vidlib("export", FIRST, *formats, "--to", tmp_path, "--media-root", "D:/Media", "--handles", 3)
    assert code == 0
    written = [Path(line) for line in out.splitlines()]
    assert [path.name.removeprefix(Path(FIRST).stem) for path in written] == [
        *(".xml", ".otio", ".fcpxml", ".edl", "_resolve_markers.edl", "_avid_markers.txt"),
    ]
    assert all(path.is_file() for path in written)
    code, out, _ = vidlib("export", "Film & co", "-f", "otio", "--for", "premiere", "--to", tmp_path, "--json")
    assert json.loads(out)["files"] == [str(tmp_path / "Film & co.otio")]


@pytest.mark.parametrize(
    ("words", "to", "message"),
    [
        (["--format", "xyz"], "", "'xyz' is not an export format; known: ae, audio_json"),
        (["--format", "edl", "--start-tc", "25:00:00:00"], "", "'25:00:00:00' is no time code"),
        (["--format", "otio"], "film.otio", "film.otio' ends as a file does; expected a folder"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(at_desk, tmp_path, vidlib, monkeypatch, words, to, message):
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(at_desk / "workspace"))
    settings.cache_clear()
    code, _, err = vidlib("export", FIRST, *words, "--to", tmp_path / to)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1


def test_the_help_names_formats_that_exist(vidlib):
    (listed,) = re.findall(
        r"(fcp7,.*coco, ae, reframe, preview), …", " ".join(re.sub("[│\n]", " ", vidlib("export", "-h")[1]).split())
    )
    assert set(listed.split(", ")) <= FORMATS.keys()
    assert TIMELINE_FORMATS.keys() <= set(listed.split(", "))


def test_premiere_alone_gets_a_timeline_of_another_shape(at_desk, tmp_path):
    path = package.open(FIRST).export("otio", tmp_path, editor="premiere", aspect="4:5")
    stack = json.loads(path.read_text())["tracks"]
    assert stack["metadata"]["PremierePro_OTIO"]["VideoResolution"] == {"width": 1080, "height": 1350}
    for format, options in (("otio", {}), ("fcp7", {"editor": "premiere"}), ("srt", {})):
        with pytest.raises(UsageError, match="the shape 4:5 is possible for the formats reframe"):
            package.open(FIRST).export(format, tmp_path, aspect="4:5", **options)
    with pytest.raises(UsageError, match="'4x5' is not possible; expected W:H"):
        package.open(FIRST).export("reframe", tmp_path, aspect="4x5")


@pytest.mark.slow
def test_the_commands_write_previews_for_a_video_without_faces_or_sound(at_desk, tmp_path, vidlib, monkeypatch):
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(at_desk / "workspace"))
    settings.cache_clear()
    code, out, err = vidlib("preview", SECOND, "--to", tmp_path)
    assert (code, err) == (0, "")
    assert [Path(line).name for line in out.splitlines()] == ["b_preview.mp4", "b_sheet.jpg"]
    preview = probe_video(tmp_path / "b_preview.mp4")
    assert (min(preview.display_size), len(preview.audio)) == (360, 0)
    code, out, _ = vidlib("reframe", SECOND, "--aspect", "1:1", "--preview", "--to", tmp_path)
    assert probe_video(tmp_path / "b_reframe.mp4").display_size == (640, 640)
    assert json.loads((tmp_path / "b_reframe.json").read_text())["aspect"] == [1, 1]
    assert vidlib("reframe", SECOND, "--aspect", "0:1", "--to", tmp_path)[0] == 2


def test_what_a_person_decided_about_a_shot_is_in_the_plan_until_it_is_undone(at_desk, tmp_path):
    video = package.open(SECOND)
    video.correct("framing", frame=0)
    video.correct("framing", frame=3, centre=20)
    (shot, *_) = json.loads(video.export("reframe", tmp_path).read_text())["shots"]
    assert (shot["kind"], shot["by"]) == ("static", "person")
    video.undo()
    (shot, *_) = json.loads(video.export("reframe", tmp_path).read_text())["shots"]
    assert (shot["kind"], shot["why"]) == ("fit", "person")
    video.undo()
    (shot, *_) = json.loads(video.export("reframe", tmp_path).read_text())["shots"]
    assert shot["by"] == "machine"
    with pytest.raises(UsageError, match="frame = 9999 is not in the video"):
        video.correct("framing", frame=9999)
    with pytest.raises(UsageError, match=r"centre = 9999 is not in the picture, which is \d+ pixels wide"):
        video.correct("framing", frame=0, centre=9999)
