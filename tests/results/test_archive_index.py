"""The index of an archive: it finds what a scan of all entries finds, with or without its file."""

import json
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.results import archives
from tests.waiting import wait_until
from vidlib import files
from vidlib.errors import BrokenOutput
from vidlib.files import FileState
from vidlib.results import archive, archive_check, archive_entry, archive_index, index_file
from vidlib.results.archive_entry import METADATA, Entry
from vidlib.results.archive_index import INDEX, project_of


@pytest.fixture
def root(tmp_path):
    return tmp_path / "archive"


def scan(root: Path, query: str) -> list[Entry]:
    """What ``query`` names, by reading every entry."""
    matches = []
    for metadata in root.glob(f"*/*/{METADATA}"):
        try:
            entry = archive_entry.read(metadata.parent)
        except BrokenOutput:
            continue
        known = entry.metadata
        hashes = [known.video_hash, known.source_hash or ""]
        names = [known.video_stem, known.video_path.rpartition("/")[2], project_of(entry.folder)]
        is_hash = len(query) >= 4 and set(query.lower()) <= set("0123456789abcdef")
        is_date = len(query) in (4, 7, 10) and query[:4].isdecimal() and set(query) <= set("0123456789-")
        if (
            any(query.casefold() in name.casefold() for name in names)
            or (is_hash and any(digest.startswith(query.lower()) for digest in hashes))
            or (is_date and known.created_at.isoformat().startswith(query))
        ):
            matches.append(entry)
    return sorted(matches, key=lambda entry: (-entry.metadata.created_at.timestamp(), entry.folder))


operations = st.lists(
    st.tuples(
        st.sampled_from(["put", "put old", "put foreign", "remove", "damage", "repair", "move", "search", "corrupt"]),
        st.integers(0, 5),
    ),
    max_size=12,
)
queries = st.lists(
    st.one_of(
        st.sampled_from(
            ["clip", "CLIP 1", "Straße", "spring", "2026", "2026-11", "2026-11-23", "2024-01-02", "p1", "%", ""]
        ),
        st.tuples(st.integers(0, 5), st.integers(1, 64)),
    ),
    min_size=1,
    max_size=6,
)


@given(operations, queries, st.booleans())
@hypothesis_settings(max_examples=40)
def test_the_index_finds_what_a_scan_finds(operations, queries, with_file):
    with tempfile.TemporaryDirectory() as folder:
        root, work = Path(folder, "archive"), Path(folder)
        root.mkdir()
        for kind, number in operations:
            change(root, work, kind, number)
            if with_file:
                archive_index.search(root, "clip", create=True)
        hashes = [path.parent.name for path in sorted(root.glob(f"*/*/{METADATA}"))] or ["ab" * 32]
        for query in queries:
            text = query if isinstance(query, str) else hashes[query[0] % len(hashes)][: query[1]]
            assert archive_index.search(root, text, create=with_file).entries == scan(root, text)


def change(root: Path, work: Path, kind: str, number: int) -> None:
    """Do to an archive what programs, people and disks do to it."""
    metadata = sorted(root.glob(f"*/*/{METADATA}"))
    chosen = metadata[number % len(metadata)] if metadata else None
    if kind == "put":
        archives.put(root, work, f"clip {number}", project=f"P{number % 2}", day=number)
    elif kind == "put old" and not chosen:
        archives.put_of_version_0_1(root, work, "Straße")
    elif kind == "put foreign" and not (root / "Old 20240102_030405").exists():
        archives.put_of_other_tool(root, "clip 1")
    elif kind == "corrupt" and (root / INDEX).exists():
        (root / INDEX).write_bytes(b"no database at all" * 300)
    elif chosen and kind == "remove":
        shutil.rmtree(chosen.parent)
    elif chosen and kind == "damage":
        chosen.write_text("{")
    elif chosen and kind == "repair" and chosen.read_text() != "{":
        document = json.loads(chosen.read_text())
        chosen.write_text(json.dumps(document | {"video_stem": f"repaired {number}"}))
    elif chosen and kind == "move" and not (moved := root / f"Moved {number}").exists():
        chosen.parent.parent.rename(moved)


def test_a_file_is_found_by_its_content_under_any_name(root, tmp_path):
    entry = archives.put(root, tmp_path)
    for original in ("my clip arrived.mov", "my clip video.mp4"):
        renamed = tmp_path / "edit" / f"final {original}"
        renamed.parent.mkdir(exist_ok=True)
        shutil.copy(tmp_path / "my clip" / original, renamed)
        assert archive_index.search(root, str(renamed)).entries == [entry]
    other = tmp_path / "my clip"  # a folder is no file, so this is a name
    assert archive_index.search(root, str(other)).entries == []


def test_the_hash_of_a_file_that_has_not_changed_is_remembered_by_the_next_process(root, tmp_path, monkeypatch):
    entry = archives.put(root, tmp_path)
    video = tmp_path / "my clip" / "my clip video.mp4"
    wait_until(lambda: FileState.from_stat(video.stat()).is_settled())
    assert archive_index.search(root, str(video), create=True).entries == [entry]
    files._digests.clear()  # as in another process
    monkeypatch.setattr(files.hashlib, "file_digest", refuse)
    assert archive_index.search(root, str(video)).entries == [entry]
    renamed = video.rename(video.with_name("other.mp4"))
    files._digests.clear()
    with pytest.raises(AssertionError, match="was read"):  # a rename changes the time of the inode
        archive_index.search(root, str(renamed))


def refuse(*args):
    raise AssertionError("a file was read")


def test_a_changed_file_is_not_taken_for_the_remembered_one(root, tmp_path):
    entry = archives.put(root, tmp_path)
    video = tmp_path / "my clip" / "my clip video.mp4"
    wait_until(lambda: FileState.from_stat(video.stat()).is_settled())
    assert archive_index.search(root, str(video), create=True).entries == [entry]
    state = video.stat()
    text = video.read_text()
    video.write_text(text.upper())
    os.utime(video, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert archive_index.search(root, str(video)).entries == []


def test_an_entry_that_was_removed_by_hand_is_noticed(root, tmp_path):
    first, second = archives.put(root, tmp_path, "a clip"), archives.put(root, tmp_path, "b clip", project="B")
    assert archive_index.search(root, "clip", create=True).entries == [second, first]
    shutil.rmtree(first.folder.parent)
    assert archive_index.search(root, "clip").entries == [second]
    (damage,) = archive_check.check(root).damages
    assert (damage.folder, damage.file) == (first.folder, METADATA)
    archive_index.rebuild(root)
    assert archive_check.check(root).damages == []


def test_a_project_that_was_renamed_by_hand_is_not_reported_as_missing(root, tmp_path):
    entry = archives.put(root, tmp_path)
    archive_index.search(root, "clip", create=True)
    entry.folder.parent.rename(root / "Autumn 2026-11-22T120000Z")
    assert [project_of(found.folder) for found in archive_index.search(root, "clip").entries] == ["Autumn"]
    assert archive_check.check(root).damages == []


def test_an_index_whose_rows_were_changed_is_made_anew(root, tmp_path, caplog):
    entry = archives.put(root, tmp_path)
    wait_until(lambda: FileState.from_stat((entry.folder / METADATA).stat()).is_settled())
    archive_index.search(root, "clip", create=True)
    with closing(sqlite3.connect(root / INDEX)) as index, index:
        index.execute("UPDATE entries SET video_hash = ?", ("ab" * 32,))
    assert archive_index.search(root, "abab").entries == []
    assert "made anew" in caplog.text
    assert archive_index.search(root, entry.metadata.video_hash).entries == [entry]


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(4000)])
def test_a_file_that_is_no_index_is_replaced(root, tmp_path, content):
    entry = archives.put(root, tmp_path)
    (root / INDEX).write_bytes(content)
    assert archive_index.search(root, "clip").entries == [entry]
    assert archive_index.rebuild(root).entries == [entry]
    (root / INDEX).write_bytes(content)
    assert archive_index.rebuild(root).entries == [entry]


def test_an_index_of_another_format_is_replaced(root, tmp_path):
    entry = archives.put(root, tmp_path)
    with closing(sqlite3.connect(root / INDEX)) as index:
        index.execute("CREATE TABLE entries (something)")
        index.execute("PRAGMA user_version = 99")
    assert archive_index.search(root, "clip").entries == [entry]


def test_a_locked_index_delays_no_answer_for_long(root, tmp_path, monkeypatch):
    entry = archives.put(root, tmp_path)
    archive_index.rebuild(root)
    other = archives.put(root, tmp_path, "other clip")
    monkeypatch.setattr(index_file, "BUSY_S", 0.05)
    with closing(sqlite3.connect(root / INDEX)) as index:
        index.execute("BEGIN EXCLUSIVE")
        assert set(map(id_of, archive_index.search(root, "clip").entries)) == {id_of(entry), id_of(other)}
        with pytest.raises(BrokenOutput, match="cannot be written"):
            archive_index.rebuild(root)


def id_of(entry: Entry) -> Path:
    return entry.folder


def test_an_archive_that_does_not_exist_holds_nothing_and_is_not_made(root):
    assert archive_index.search(root, "clip", create=True).entries == []
    assert not root.exists()


def test_project_names_that_are_not_utf8_are_found(root, tmp_path):
    entry = archives.put(root, tmp_path)
    project = Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9 2026-11-22T120000Z"))
    entry.folder.parent.rename(project)
    assert [found.folder.parent for found in archive_index.search(root, "caf", create=True).entries] == [project]
    assert [found.folder.parent for found in archive_index.search(root, "clip").entries] == [project]


def test_the_index_and_a_scan_give_the_same_entries_for_a_hash(root, tmp_path):
    for day in range(3):
        entry = archives.put(root, tmp_path, day=day, content=str(day))
    for digest in (entry.metadata.video_hash, entry.metadata.source_hash):
        without = archive_index.entries_of(root, digest)
        archive_index.rebuild(root)
        assert archive_index.entries_of(root, digest) == without == archive.find(root, digest)
        (root / INDEX).unlink()
