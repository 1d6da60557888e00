"""The index of all shots is only a memory: it may be old, damaged, missing, half made or not writable."""

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.results.finding.conftest import write_entry
from vidlib.errors import BrokenOutput
from vidlib.results import archive_index, index_file
from vidlib.results.finding import facts, index, search
from vidlib.results.finding.index import INDEX
from vidlib.results.finding.query import parse


def stems(root: Path, question: str = "faces=2") -> list[str]:
    return [shot.stem for shot in search.find(root, parse(question)).shots]


def test_new_changed_and_removed_entries_are_noticed(root):
    assert stems(root) == []
    first = write_entry(root, "a")
    assert stems(root) == ["a"]
    write_entry(root, "b")
    assert stems(root) == ["a", "b"]
    shutil.rmtree(first.folder)
    assert stems(root) == ["b"]
    assert stems(root, "says:budget") == ["b"]


def test_only_new_entries_are_read(root, monkeypatch):
    old = write_entry(root, "a")
    os.utime(old.folder / "metadata.json", ns=(1, 1))  # a file of this moment is read again: it may still change
    monkeypatch.setattr(archive_index, "_state", lambda stat: str(stat.st_mtime_ns))
    stems(root)
    write_entry(root, "b")
    read: list[str] = []
    real = facts.read
    monkeypatch.setattr(facts, "read", lambda entry: read.append(entry.metadata.video_stem) or real(entry))
    assert stems(root) == ["a", "b"]
    assert read == ["b"]


def test_the_newest_entry_of_a_video_counts(root):
    write_entry(root, "a", day=1)
    newest = write_entry(root, "a", day=2, captions=None)
    (shot,) = search.find(root, parse("faces=2")).shots
    assert shot.folder == newest.folder
    assert stems(root, "says:budget") == []


@pytest.mark.parametrize("damage", ["header", "middle", "empty", "text", "folder of a table"])
def test_a_damaged_index_is_made_anew_and_said(root, damage, caplog):
    write_entry(root, "a")
    assert stems(root) == ["a"]
    file = root / INDEX
    data = file.read_bytes()
    damaged = {
        "header": b"x" * 200 + data[200:],
        "middle": data[:4096] + b"\xff" * (len(data) - 4096),
        "empty": b"",
        "text": b"no database" * 1000,
    }
    if damage in damaged:
        file.write_bytes(damaged[damage])
    else:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("DROP TABLE seen")
    assert stems(root) == ["a"]
    assert stems(root, "says:budget person:1") == ["a"]
    assert damage == "empty" or "made anew" in caplog.text


def test_an_index_of_another_version_is_made_anew_and_said(root, caplog):
    write_entry(root, "a")
    stems(root)
    with closing(sqlite3.connect(root / INDEX)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert stems(root) == ["a"]
    assert "another version" in caplog.text


def test_a_locked_index_delays_no_answer_for_long(root, monkeypatch):
    write_entry(root, "a")
    stems(root)
    write_entry(root, "b")
    monkeypatch.setattr(index_file, "BUSY_S", 0.05)
    with closing(sqlite3.connect(root / INDEX)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert stems(root) == ["a", "b"]


def test_a_video_with_damaged_results_is_left_out_and_said(root):
    write_entry(root, "a")
    damaged = write_entry(root, "b")
    (damaged.folder / "b_people.json").write_text("{")
    (write_entry(root, "c").folder / "metadata.json").write_text("{")
    answer = search.find(root, parse("faces=2"))
    assert [shot.stem for shot in answer.shots] == ["a"]
    first, second = sorted(answer.unreadable)
    assert "b_people.json" in first + second
    assert "metadata.json is damaged" in first + second


def _die_in_rebuild(root: Path, at: int) -> None:
    calls = []
    real = index.Index._add

    def add(self, *args):
        calls.append(args)
        if len(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, *args)

    index.Index._add = add
    index.VIDEOS_AT_ONCE = 2
    with index.opened(root, anew=True):
        pass


@pytest.mark.parametrize("at", [1, 2, 4])
def test_a_rebuild_that_is_killed_leaves_an_index_that_is_completed(root, at):
    for stem in "abcd":
        write_entry(root, stem)
    assert stems(root) == [*"abcd"]
    process = get_context("fork").Process(target=_die_in_rebuild, args=(root, at))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    with closing(sqlite3.connect(root / INDEX)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert stems(root) == stems(root, "says:budget") == [*"abcd"]


def test_an_index_made_anew_is_that_which_was_kept_up_to_date(root):
    for stem in "ab":
        write_entry(root, stem)
        stems(root)

    def content() -> list[list[tuple]]:
        with closing(sqlite3.connect(root / INDEX)) as connection:
            return [
                sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)
                for table in ("shot", "seen", "transcript")
            ]

    kept = content()
    with index.opened(root, anew=True) as opened:
        assert opened.count() == 6
    assert content() == kept


def test_an_archive_that_cannot_be_written_answers_from_memory(root, monkeypatch):
    write_entry(root, "a")

    def refuse(file: str, schema: index_file.Schema) -> sqlite3.Connection:
        return connect(file if file == index_file.MEMORY else str(root / "no folder" / INDEX), schema)

    connect = index_file.connect
    monkeypatch.setattr(index_file, "connect", refuse)
    assert stems(root) == ["a"]
    assert not (root / INDEX).exists()


def test_an_archive_that_does_not_exist_holds_no_shot(root):
    assert stems(root) == []
    assert not root.exists()


def test_the_archive_keeps_an_existing_index_up_to_date(root):
    write_entry(root, "a")
    index.refresh(root)
    assert not (root / INDEX).exists()
    stems(root)
    write_entry(root, "b")
    index.refresh(root)
    with closing(sqlite3.connect(root / INDEX)) as connection:
        assert connection.execute("SELECT count(*) FROM video").fetchone() == (2,)


def test_a_locked_index_does_not_hold_up_the_archive(root, monkeypatch):
    write_entry(root, "a")
    stems(root)
    write_entry(root, "b")
    monkeypatch.setattr(index_file, "BUSY_S", 0.05)
    monkeypatch.setattr(index_file, "MEMORY", "an index in memory is not needed")
    with closing(sqlite3.connect(root / INDEX)) as other:
        other.execute("BEGIN EXCLUSIVE")
        index.refresh(root)
    assert stems(root) == ["a", "b"]


def test_facts_are_refused_without_shots(root):
    with pytest.raises(BrokenOutput, match="no list of shots"):
        facts.read(write_entry(root, shots_json=None))
