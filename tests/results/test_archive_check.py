"""The check of an archive: it names each damage, and nothing else."""

import json
import os
import random
import shutil

import pytest

from tests.results import archives
from vidlib.errors import UsageError
from vidlib.results import archive_check, archive_entry, archive_index
from vidlib.results.archive_check import Subset
from vidlib.results.archive_entry import METADATA

N_DAMAGES = 100


@pytest.fixture
def root(tmp_path):
    return tmp_path / "archive"


def named(check):
    return {damage.folder / damage.file for damage in check.damages}


def test_a_sound_archive_has_no_damage_and_entries_without_checksums_are_named(root, tmp_path):
    entries = archives.mixed(root, tmp_path)
    check = archive_check.check(root)
    assert check.damages == []
    assert check.entries == len(entries)
    assert check.unrecorded == [entry.folder for entry in entries if not entry.has_checksums]
    assert check.n_bytes == sum(entry.n_bytes for entry in entries if entry.has_checksums)


@pytest.mark.slow
def test_each_of_many_random_damages_is_named(root, tmp_path):
    entries = archives.mixed(root, tmp_path)
    recorded = [entry for entry in entries if entry.has_checksums]
    with archive_index.opened(root, create=True):
        pass
    chance = random.Random(1)
    for _ in range(N_DAMAGES):
        kind = chance.choice(["flip", "cut", "remove", "add", "remove entry", "metadata"])
        entry = chance.choice(recorded)
        backup = tmp_path / "backup"
        shutil.copytree(entry.folder, backup)
        path = entry.folder / chance.choice(sorted(entry.metadata.files))
        if kind == "metadata":
            path = entry.folder / METADATA
            kind = chance.choice(["flip", "cut", "remove"] if entry.metadata.checksum else ["cut", "remove"])
        if kind == "flip":
            archives.flip(path, chance)
        elif kind == "cut":
            os.truncate(path, chance.randrange(path.stat().st_size))
        elif kind == "remove":
            path.unlink()
        elif kind == "add":
            path = entry.folder / f"added {chance.randrange(99)}.json"
            path.write_text("{}")
        else:
            path = entry.folder / METADATA
            shutil.rmtree(entry.folder)
        check = archive_check.check(root)
        assert path in named(check), f"{kind} of {path}"
        assert {damaged.parent for damaged in named(check)} == {entry.folder}
        shutil.rmtree(entry.folder, ignore_errors=True)
        backup.rename(entry.folder)
    assert archive_check.check(root).damages == []


def test_a_flipped_bit_is_named_although_the_times_of_the_file_were_kept(root, tmp_path):
    entry = archives.put(root, tmp_path)
    path = entry.folder / "my clip_tracking.json"
    state = path.stat()
    archives.flip(path, random.Random(2))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert named(archive_check.check(root)) == {path}


def test_a_missing_file_of_another_tool_is_named(root):
    entry = archives.put_of_other_tool(root, "clip")
    (entry.folder / "clip_audio.json").unlink()
    assert named(archive_check.check(root)) == {entry.folder / "clip_audio.json"}


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"[]",
        b"null",
        b'{"video_path": 1}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"video_path": "a", "video_stem": "../../secret", "video_hash": "%s", "created_at": 1}' % (b"a" * 64),
        b'{"video_path": "a", "video_stem": "a\\u0000b", "video_hash": "%s", "created_at": 1}' % (b"a" * 64),
        b'{"video_path": "a", "video_stem": "a", "video_hash": "short", "created_at": 1}',
        b'{"video_path": "a", "video_stem": "a", "video_hash": "%s", "created_at": "0001-01-01T00:00:00+14:00"}'
        % (b"a" * 64),
        b'{"video_path": "a", "video_stem": "a", "video_hash": "%s", "created_at": 1, '
        b'"files": {"../x": {"size": 1, "sha256": "b"}}}' % (b"a" * 64),
    ],
    ids=range(11),
)
def test_hostile_metadata_are_named_and_hide_no_other_entry(root, tmp_path, metadata):
    sound = archives.put(root, tmp_path)
    bad = root / "Bad 2026-11-22T120000Z" / ("a" * 64) / METADATA
    bad.parent.mkdir(parents=True)
    bad.write_bytes(metadata)
    search = archive_index.search(root, "clip", create=True)
    assert search.entries == [sound]
    assert len(search.unreadable) == 1
    assert str(bad) in search.unreadable[0]
    check = archive_check.check(root)
    assert named(check) == {bad}
    assert check.n_bytes == sound.n_bytes


@pytest.mark.parametrize("kind", ["fifo", "folder", "large", "loop"])
def test_metadata_that_are_no_small_file_are_named(root, tmp_path, kind):
    sound = archives.put(root, tmp_path)
    bad = root / "Bad" / ("a" * 64) / METADATA
    bad.parent.mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(bad)
    elif kind == "folder":
        bad.mkdir()
    elif kind == "loop":
        bad.symlink_to(bad)
    else:
        with open(bad, "wb") as file:
            file.truncate(archive_entry.MAX_METADATA_BYTES + 1)
    assert named(archive_check.check(root)) == {bad}
    assert archive_index.search(root, "clip").entries == [sound]


def test_a_stem_longer_than_a_file_name_ends_no_check(root):
    entry = archives.put_of_other_tool(root, "clip")
    document = json.loads((entry.folder / METADATA).read_text())
    (entry.folder / METADATA).write_text(json.dumps(document | {"video_stem": "x" * 5000}))
    assert len(archive_check.check(root).damages) == 2


def test_the_parts_of_an_archive_are_the_whole_archive(root, tmp_path):
    entries = archives.mixed(root, tmp_path)
    parts = [archive_check.check(root, Subset(number, 3)) for number in (1, 2, 3)]
    assert sum(part.entries for part in parts) == len(entries)
    assert [archive_check.check(root, Subset(number, 3)).entries for number in (1, 2, 3)] == [
        part.entries for part in parts
    ]


@pytest.mark.parametrize("text", ["", "1", "0/7", "8/7", "a/b", "1/7/7", "-1/7", "½/7"])
def test_a_part_that_does_not_exist_is_refused(text):
    with pytest.raises(UsageError, match="as in 1/7"):
        Subset.parse(text)


def test_an_archive_that_is_not_mounted_is_not_called_sound(root):
    with pytest.raises(UsageError, match="does not exist"):
        archive_check.check(root)


def test_progress_counts_every_byte(root, tmp_path):
    entries = archives.mixed(root, tmp_path)
    reports = []
    archive_check.check(root, report=lambda done, total: reports.append((done, total)))
    total = sum(entry.n_bytes for entry in entries)
    assert reports[-1] == (total, total)
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
