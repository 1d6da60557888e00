"""What a path that somebody names becomes."""

from pathlib import Path

import pytest

from tests import sample_media
from vidlib.errors import UsageError
from vidlib.files import write_json
from vidlib.runner.delivery_files import find_videos, left_out
from vidlib.runner.projects import check_path, content_sha256, docs_folder, open_project, project_videos, reopen_project
from vidlib.settings import Settings

NOT_UTF_8 = b"caf\xe9.mp4".decode("utf-8", "surrogateescape")


def test_a_name_that_is_not_utf_8_gets_a_link_that_is(tmp_path, workspace):
    file, plain = tmp_path / NOT_UTF_8, tmp_path / "plain.mp4"
    for path in (file, plain):
        path.write_text("content")
    link = check_path(file, workspace)
    assert link.name == "caf\N{REPLACEMENT CHARACTER}.mp4"
    assert link.samefile(file)
    assert check_path(file, workspace) == link
    assert check_path(plain, workspace) == plain
    (video,) = project_videos([file], tmp_path, workspace)
    assert video.path == link and str(video.stem).encode()
    assert content_sha256(tmp_path)


def test_the_workspace_itself_is_refused(workspace):
    workspace.inbox.mkdir(parents=True)
    assert check_path(workspace.inbox, workspace) == workspace.inbox
    with pytest.raises(UsageError, match=r"is the workspace, .* or the folder inbox in it"):
        check_path(workspace.workspace, workspace)


def test_the_results_of_a_workspace_are_no_videos_of_the_folder_around_it(workspace):
    around = workspace.workspace.parent
    before = content_sha256(around, workspace.workspace)
    workspace.work.mkdir(parents=True)
    result = sample_media.clip(workspace.workspace / "work" / "clip.mp4")
    assert find_videos(around) == [result] and find_videos(around, workspace.workspace) == []
    assert [file.path for file in left_out(around, workspace=workspace.workspace)] == []
    assert content_sha256(around, workspace.workspace) == before
    assert find_videos(result.parent, workspace.workspace) == [result], "an archive is unpacked there"


def stems(workspace: Settings, folder: Path, *names: str) -> list[str]:
    """What the results of files with these names are called."""
    files = [folder / name for name in names]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    return [str(video.stem) for video in project_videos(files, folder, workspace)]


def test_results_have_the_name_and_the_sub_folder_of_their_video(tmp_path, workspace):
    assert stems(workspace, tmp_path, "reel 1/a.clip.mp4", "reel 2/a.clip.mp4") == ["reel 1/a.clip", "reel 2/a.clip"]


def test_no_two_videos_share_the_stem_of_their_results(tmp_path, workspace):
    names = ["clip.mp4", "clip.mov", "CLIP.MP4", "clip_mov.mkv", "clip?.mp4", "clip*.mp4"]
    found = stems(workspace, tmp_path, *names)
    assert found[:3] == ["clip", "clip_mov", "CLIP_MP4"]
    assert len({stem.casefold() for stem in found}) == len(names)


def test_the_longest_name_leaves_room_for_the_suffixes_of_results(tmp_path, workspace):
    (stem,) = stems(workspace, tmp_path, f"{'ü' * 125}.mp4")
    assert len(f"{stem}_tracking.parquet".encode()) <= 255


def test_one_content_is_one_project_and_two_of_one_name_are_two(workspace):
    first, again, other = (open_project(Path("film.tar.gz"), digit * 64, workspace) for digit in ("a", "a", "b"))
    assert first == again == reopen_project(first.folder, workspace)
    assert (first.name, other.name) == ("film", "film-bbbbbbbb")


def test_unpacked_content_finds_its_project_under_any_name(workspace):
    first = open_project(Path("film.zip"), "a" * 64, workspace, unpacked=True)
    assert open_project(Path("copy of film.zip"), "a" * 64, workspace, unpacked=True) == first
    assert open_project(Path("copy of film.mp4"), "a" * 64, workspace).name == "copy of film"


@pytest.mark.parametrize("record", [None, "", "[]", '{"name": "film"}', '{"name": "../x", "sha256": "a"}', '"film"'])
def test_a_folder_that_is_no_project_is_not_reopened(workspace, record):
    folder = workspace.projects / "film"
    folder.mkdir(parents=True)
    if record is None:
        (folder / "cut.aep").touch()
    else:
        (folder / "project.json").write_text(record)
    assert open_project(Path("film.zip"), "a" * 64, workspace, unpacked=True).name == "film-aaaaaaaa"
    assert reopen_project(folder, workspace) is None


@pytest.mark.parametrize("docs", ["../docs", "/etc", "a/../../b"])
def test_a_foreign_record_leads_to_no_other_folder(workspace, docs):
    write_json(workspace.projects / "film" / "project.json", {"name": "film", "sha256": "a" * 64, "docs": docs})
    assert reopen_project(workspace.projects / "film", workspace) is None


@pytest.mark.parametrize("folder", ["inbox/victim", "projects/victim/docs", "projects/victim/docs/sub", "projects"])
def test_a_delivered_record_takes_over_no_project(workspace, folder):
    victim = open_project(Path("victim.zip"), "a" * 64, workspace)
    delivered = workspace.workspace / folder
    record = (victim.folder / "project.json").read_bytes()
    delivered.mkdir(parents=True, exist_ok=True)
    (delivered / "project.json").write_bytes(record)
    assert reopen_project(delivered, workspace) is None


def test_a_record_that_was_put_below_projects_gives_its_folder_no_other_name(workspace):
    victim = open_project(Path("victim.zip"), "a" * 64, workspace)
    other = workspace.projects / "other"
    other.mkdir()
    (other / "project.json").write_bytes((victim.folder / "project.json").read_bytes())
    assert reopen_project(other, workspace).docs == other / "docs"
    assert reopen_project(other, workspace).name == "other"
    assert open_project(Path("copy.zip"), "a" * 64, workspace, unpacked=True) == victim


def test_a_project_is_found_through_a_link_to_the_workspace(workspace, tmp_path):
    project = open_project(Path("film.zip"), "a" * 64, workspace)
    (tmp_path / "link").symlink_to(workspace.workspace)
    assert reopen_project(tmp_path / "link" / "projects" / "film", workspace).sha256 == project.sha256


def test_a_pattern_finds_the_name_of_a_project(workspace):
    chosen = workspace.model_copy(update={"project_name_pattern": r"^\d+_(.+?)_v\d+$|(^A )"})
    names = [
        f"{name}.tar.gz" for name in ("2026_Spring_v2", "2026_Spring_v3", "Autumn_v1", "A film", "1_:?_v1", "1_ _v1")
    ]
    found = [open_project(Path(name), f"{number}" * 64, chosen).name for number, name in enumerate(names)]
    assert found == ["Spring", "Spring-11111111", "Autumn_v1", "A", "__", "1_ _v1"]


def test_a_project_keeps_its_folder_for_files_if_the_setting_changes(workspace):
    nested = workspace.model_copy(update={"docs_folder": "media/clips"})
    project = open_project(Path("film.zip"), "a" * 64, nested)
    assert project.docs == workspace.projects / "film" / "media" / "clips"
    assert reopen_project(project.folder, workspace) == open_project(Path("film.zip"), "a" * 64, workspace) == project
    assert docs_folder(workspace, "film") == project.docs
    assert docs_folder(nested, "gone") == workspace.projects / "gone" / "media" / "clips"


def test_a_folder_of_videos_has_the_identity_of_its_content(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"one")
    before = content_sha256(folder)
    (folder / "notes.txt").write_bytes(b"not looked at")
    (folder / ".hidden.mp4").write_bytes(b"nor this")
    assert content_sha256(folder) == before
    (folder / "a.mp4").write_bytes(b"another")
    assert content_sha256(folder) != before
