"""What a path that somebody names becomes."""

from pathlib import Path

import pytest

from vidlib.errors import RefusedInput
from vidlib.runner.projects import check_path, content_sha256, open_project, reopen_project, videos_of

NOT_UTF_8 = b"caf\xe9.mp4".decode("utf-8", "surrogateescape")


def test_a_name_that_nobody_could_write_down_is_refused_with_what_to_do(tmp_path):
    file = Path(tmp_path / NOT_UTF_8)
    file.touch()
    for ask in (lambda: check_path(file), lambda: videos_of([file], tmp_path)):
        with pytest.raises(RefusedInput, match="rename the file"):
            ask()


def stems(folder: Path, *names: str) -> list[str]:
    """What the results of files with these names are called."""
    files = [folder / name for name in names]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    return [str(video.stem) for video in videos_of(files, folder)]


def test_results_are_called_after_their_video_and_lie_in_its_sub_folder(tmp_path):
    assert stems(tmp_path, "reel 1/a.clip.mp4", "reel 2/a.clip.mp4") == ["reel 1/a.clip", "reel 2/a.clip"]


def test_no_two_videos_share_what_their_results_are_called(tmp_path):
    names = ["clip.mp4", "clip.mov", "CLIP.MP4", "clip_mov.mkv", "clip?.mp4", "clip*.mp4"]
    found = stems(tmp_path, *names)
    assert found[:3] == ["clip", "clip_mov", "CLIP_MP4"]
    assert len({stem.casefold() for stem in found}) == len(names)


def test_the_longest_name_leaves_room_for_what_results_add_to_it(tmp_path):
    (stem,) = stems(tmp_path, f"{'ü' * 125}.mp4")
    assert len(f"{stem}_tracking.parquet".encode()) <= 255


def test_one_content_is_one_project_and_two_of_one_name_are_two(tmp_path):
    (tmp_path / "film.tar.gz").touch()
    first, again, other = (
        open_project(tmp_path / "film.tar.gz", digit * 64, tmp_path / "projects") for digit in ("a", "a", "b")
    )
    assert first == again == reopen_project(first.folder)
    assert (first.name, other.name) == ("film", "film-bbbbbbbb")


def test_a_folder_that_is_no_project_is_not_taken_over(tmp_path):
    (tmp_path / "projects" / "film").mkdir(parents=True)
    (tmp_path / "projects" / "film" / "cut.aep").touch()
    (tmp_path / "film.zip").touch()
    assert open_project(tmp_path / "film.zip", "a" * 64, tmp_path / "projects").name == "film-aaaaaaaa"
    assert reopen_project(tmp_path / "projects" / "film") is None


def test_a_folder_with_videos_has_the_identity_of_what_is_in_it(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"one")
    before = content_sha256(folder)
    (folder / "notes.txt").write_bytes(b"not looked at")
    (folder / ".hidden.mp4").write_bytes(b"nor this")
    assert content_sha256(folder) == before
    (folder / "a.mp4").write_bytes(b"another")
    assert content_sha256(folder) != before
