import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from vidlib.errors import BrokenOutput
from vidlib.files import sha256
from vidlib.results import archive
from vidlib.results.naming import ARCHIVED

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def analysed(tmp_path):
    """One video as it arrived and as it was delivered, and its results; bytes stand for all of them."""
    folder = tmp_path / "work"
    folder.mkdir()
    paths = {name: folder / name for name in ("arrived.mov", "video.mp4", *ARCHIVED)}
    for name, path in paths.items():
        path.write_text(f"this is {name}")
    results = {name: paths[name] for name in ARCHIVED}
    return archive.ResultSet(paths["arrived.mov"], paths["video.mp4"], "my clip", results)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "archive"


def test_an_entry_has_the_files_and_the_metadata_that_other_programs_read(root, analysed):
    entry = archive.put(root, "Spring", analysed, NOON)
    assert entry.folder == root / "Spring 2026-11-22T120000Z" / sha256(analysed.video)
    assert {path.name for path in entry.folder.iterdir()} == {
        "metadata.json",
        "my clip_scenes.csv",
        "my clip_shots.json",
        "my clip_people.json",
        "my clip_audio.json",
        "my clip_tracking.json",
        "my clip_tracking.parquet",
        "my clip.rttm",
        "my clip.vtt",
        "my clip_corrections.json",
        "my clip.srt",
        "my clip_words.parquet",
    }
    said = json.loads((entry.folder / "metadata.json").read_text())
    assert said["video_path"] == str(analysed.source)
    assert said["video_stem"] == "my clip"
    assert said["video_hash"] == sha256(analysed.video)
    assert said["source_hash"] == sha256(analysed.source)
    assert said["created_at"] == "2026-11-22T12:00:00Z"
    assert said["copied"] == {"scenes": True, "audio": True, "tracking": True}
    assert said["files"]["my clip_scenes.csv"]["sha256"] == sha256(analysed.results["shots_csv"])


def test_either_hash_finds_the_entry(root, analysed):
    entry = archive.put(root, "Spring", analysed, NOON)
    assert archive.find(root, sha256(analysed.video)) == [entry]
    assert archive.find(root, sha256(analysed.source)) == [entry]
    assert archive.find(root, "0" * 64) == []


def test_an_archive_that_does_not_exist_yet_holds_nothing(root):
    assert archive.find(root, "0" * 64) == []


def test_the_same_results_are_not_kept_twice_whatever_the_project_or_the_stem(root, analysed):
    first = archive.put(root, "Spring", analysed, NOON)
    again = archive.put(root, "Summer", replace(analysed, stem="renamed"), NOON + timedelta(days=1))
    assert again == first


def test_other_results_of_the_same_video_get_a_stamp_of_their_own_newest_found_first(root, analysed):
    first = archive.put(root, "Spring", analysed, NOON)
    analysed.results["audio_json"].write_text("somebody else speaks")
    second = archive.put(root, "Spring", analysed, NOON + timedelta(minutes=1))
    assert archive.find(root, sha256(analysed.video)) == [second, first]
    archive.verify(first)


def test_two_different_results_of_one_second_do_not_share_a_folder(root, analysed):
    first = archive.put(root, "Spring", analysed, NOON)
    analysed.results["audio_json"].write_text("somebody else speaks")
    second = archive.put(root, "Spring", analysed, NOON)
    assert second.folder != first.folder
    archive.verify(first)
    archive.verify(second)


def test_one_delivered_file_of_two_sources_is_found_by_both(root, analysed, tmp_path):
    archive.put(root, "Spring", analysed, NOON)
    other = tmp_path / "arrived.mkv"
    other.write_text("the same pictures in another container")
    archive.put(root, "Spring", replace(analysed, source=other), NOON)
    assert len(archive.find(root, sha256(other))) == 1
    assert len(archive.find(root, sha256(analysed.video))) == 2


@pytest.mark.parametrize("damage", ["changed", "cut", "removed"])
def test_verify_names_the_file_that_is_damaged(root, analysed, damage):
    entry = archive.put(root, "Spring", analysed, NOON)
    path = entry.folder / "my clip_tracking.json"
    text = path.read_text()
    path.unlink()
    if damage != "removed":
        path.write_text(text.upper() if damage == "changed" else text[:-1])
    with pytest.raises(BrokenOutput, match=r"my clip_tracking\.json"):
        archive.verify(entry)


def test_a_damaged_entry_is_left_as_it_is_and_a_sound_one_put_beside_it(root, analysed):
    damaged = archive.put(root, "Spring", analysed, NOON)
    (damaged.folder / "my clip.rttm").write_text("bit rot")
    sound = archive.put(root, "Spring", analysed, NOON + timedelta(minutes=1))
    assert sound.folder != damaged.folder
    assert (damaged.folder / "my clip.rttm").read_text() == "bit rot"
    archive.verify(sound)


def test_results_come_back_beside_a_renamed_video(root, analysed, tmp_path):
    entry = archive.put(root, "Spring", analysed, NOON)
    written = archive.restore(entry, tmp_path / "edit", "final cut")
    assert {path.name for path in written} == {
        "final cut.csv",
        "final cut_audio.json",
        "final cut_tracking.json",
        "final cut_tracking.parquet",
        "final cut.rttm",
        "final cut.vtt",
        "final cut.srt",
    }
    assert (tmp_path / "edit" / "final cut.csv").read_text() == "this is shots_csv"


def test_nothing_is_restored_from_a_damaged_entry(root, analysed, tmp_path):
    entry = archive.put(root, "Spring", analysed, NOON)
    (entry.folder / "my clip.rttm").write_text("bit rot")
    edit = tmp_path / "edit"
    with pytest.raises(BrokenOutput, match=r"my clip\.rttm"):
        archive.restore(entry, edit, "final cut")
    assert not edit.exists()


def test_an_entry_of_another_tool_is_found_checked_and_restored(root, tmp_path):
    """Older entries have neither checksums nor a source hash, and a time without a zone."""
    folder = root / "Old 20240102_030405" / ("a" * 64)
    folder.mkdir(parents=True)
    said = {
        "video_path": "/mnt/clips/a.mp4",
        "video_stem": "a",
        "video_hash": "a" * 64,
        "created_at": "2024-01-02T03:04:05",
        "copied": {"scenes": True, "audio": False, "tracking": False},
        "operator": "somebody",
    }
    (folder / "metadata.json").write_text(json.dumps(said))
    (folder / "a_scenes.csv").write_text("No")
    (entry,) = archive.find(root, "a" * 64)
    archive.verify(entry)
    assert archive.restore(entry, tmp_path, "b") == (tmp_path / "b.csv",)
    (folder / "a_scenes.csv").unlink()
    with pytest.raises(BrokenOutput, match=r"a_scenes\.csv is missing"):
        archive.verify(entry)


def test_metadata_that_cannot_be_read_hides_no_other_entry(root, analysed, caplog):
    entry = archive.put(root, "Spring", analysed, NOON)
    broken = root / "Broken" / ("b" * 64) / "metadata.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    assert archive.find(root, sha256(analysed.video)) == [entry]
    assert str(broken) in caplog.text


def test_what_a_crash_left_is_removed_by_the_next_put(root, analysed):
    left = root / ".tmp-something" / "half.json"
    left.parent.mkdir(parents=True)
    left.write_text("{")
    archive.put(root, "Spring", analysed, NOON)
    assert not left.parent.exists()
