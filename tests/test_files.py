import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.texts import ANY_TEXT
from tests.waiting import wait_until
from vidlib import files
from vidlib.errors import BrokenOutput
from vidlib.files import FileRecord

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=10,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with files.atomic_write(path) as file:
        file.write("half")
        file.flush()
        assert not path.exists()
    assert path.read_text() == "half"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = files.write_text(tmp_path / "a.txt", "old")
    with pytest.raises(KeyError), files.atomic_write(path) as file:
        file.write("new")
        raise KeyError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_text_is_written_byte_for_byte(tmp_path):
    assert files.write_text(tmp_path / "a.csv", "é\r\n").read_bytes() == b"\xc3\xa9\r\n"


@pytest.mark.slow
@given(value=json_values)
def test_json_comes_back_as_it_was(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    assert json.loads(files.write_json(path, value).read_text(encoding="utf-8")) == value
    assert json.loads(files.canonical_json(value)) == value


def test_what_is_no_json_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        files.write_json(tmp_path / "a.json", float("nan"))
    assert names(tmp_path) == []


def test_a_checksum_follows_the_content(tmp_path):
    path = files.write_text(tmp_path / "a", "one")
    assert files.sha256(path) == files.sha256_text("one")
    files.write_text(path, "two")
    assert files.sha256(path) == files.sha256_text("two")


@pytest.fixture
def settled(tmp_path):
    """A file that was written before the present tick of the clock, so that its SHA-256 may be remembered."""
    path = files.write_text(tmp_path / "fresh", "content")
    wait_until(lambda: files.FileState.from_stat(path.stat()).is_settled())
    return path


@pytest.fixture
def n_reads(monkeypatch):
    """Gives how many times a file was read for its SHA-256."""
    calls, file_digest = [], hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *args: calls.append(args) or file_digest(*args))
    return lambda: len(calls)


def test_a_file_is_read_once_for_its_checksum_however_it_is_renamed_and_linked(tmp_path, settled, n_reads):
    record = FileRecord.from_file(settled)
    published = files.publish_folder(folder_with(tmp_path / ".tmp-1", "other"), tmp_path / "final") / "a"
    files.move_file(settled, published)
    second = files.link_or_copy(published, tmp_path / "second")
    third = files.link_or_copy(second, tmp_path / "third")
    for path in (published, second, third):
        record.check(path)
    assert n_reads() == 1


def test_a_verified_copy_is_read_back_and_then_known(tmp_path, settled, n_reads):
    copy = files.copy_verified(settled, tmp_path / "copy")
    assert n_reads() == 2
    assert files.sha256(settled) == files.sha256(copy)
    assert n_reads() <= 3  # a copy that was verified within a tick of the clock is read again


def test_a_change_within_a_tick_of_the_clock_is_seen(tmp_path):
    path = tmp_path / "a"
    for number in range(300):
        text = f"{number:04}"
        path.write_text(text)
        assert files.sha256(path) == files.sha256_text(text)


def test_a_change_is_seen_though_size_and_time_were_restored(settled):
    files.sha256(settled)
    times = settled.stat().st_atime_ns, settled.stat().st_mtime_ns
    settled.write_text("kontent")
    os.utime(settled, ns=times)
    assert files.sha256(settled) == files.sha256_text("kontent")


def test_a_record_tells_the_file_from_a_changed_a_cut_and_a_missing_one(tmp_path):
    path = files.write_text(tmp_path / "a", "content")
    record = FileRecord.from_file(path)
    record.check(path)
    for text in ("kontent", "conte"):
        files.write_text(path, text)
        with pytest.raises(BrokenOutput, match="changed or cut"):
            record.check(path)
    path.unlink()
    with pytest.raises(BrokenOutput, match="missing"):
        record.check(path)


def folder_with(path: Path, text: str) -> Path:
    files.write_text(path / "inner" / "a.txt", text)
    return path


def test_a_folder_appears_whole_and_never_over_another(tmp_path):
    final = files.publish_folder(folder_with(tmp_path / ".tmp-1", "one"), tmp_path / "x" / "final")
    assert (final / "inner/a.txt").read_text() == "one"
    second = folder_with(tmp_path / ".tmp-2", "two")
    with pytest.raises(FileExistsError, match="final exists already"):
        files.publish_folder(second, final)
    assert (final / "inner/a.txt").read_text() == "one"
    assert (second / "inner/a.txt").read_text() == "two"


@pytest.mark.parametrize("exchange_in_one_step", [True, False])
def test_a_folder_that_is_replaced_is_kept(tmp_path, monkeypatch, exchange_in_one_step):
    def cannot(*_: Path) -> None:
        raise OSError(errno.EINVAL, "this file system cannot")

    if not exchange_in_one_step:
        monkeypatch.setattr(files, "_rename_exchange", cannot)
    new, final = folder_with(tmp_path / ".tmp-new", "new"), folder_with(tmp_path / "final", "old")
    files.replace_folder(new, final, tmp_path / "kept")
    assert (final / "inner/a.txt").read_text() == "new"
    assert (tmp_path / "kept/inner/a.txt").read_text() == "old"
    assert names(tmp_path) == ["final", "kept"]


def test_what_a_crash_left_is_removed_by_the_next_writer(tmp_path):
    folder_with(tmp_path / ".tmp-crashed", "half")
    files.write_text(tmp_path / "whole", "stays")
    with files.sole_writer(tmp_path):
        assert not (tmp_path / ".tmp-crashed").exists()
        files.write_text(tmp_path / ".tmp-mine", "half")
    assert [name for name in names(tmp_path) if name != ".lock"] == ["whole"]


def test_a_copy_that_does_not_come_back_as_it_was_is_not_published(tmp_path, monkeypatch):
    source = files.write_text(tmp_path / "source", "content")
    target = files.write_text(tmp_path / "target", "old")
    monkeypatch.setattr(files.shutil, "copyfile", lambda _, to: Path(to).write_text("contemt"))
    with pytest.raises(BrokenOutput, match="changed or cut"):
        files.copy_verified(source, target)
    assert target.read_text() == "old"
    assert names(tmp_path) == ["source", "target"]


def test_a_verified_copy_is_a_file_of_its_own(tmp_path):
    source = files.write_text(tmp_path / "source", "content")
    target = files.copy_verified(source, tmp_path / "to" / "target")
    assert target.read_text() == "content"
    assert not target.samefile(source)


def test_a_second_name_costs_no_space_and_may_replace_the_first_of_its_kind(tmp_path):
    source = files.write_text(tmp_path / "source", "content")
    for _ in range(2):
        assert files.link_or_copy(source, tmp_path / "target").samefile(source)
    assert names(tmp_path) == ["source", "target"]


def test_a_second_name_of_a_symbolic_link_is_one_of_the_file(tmp_path):
    source = files.write_text(tmp_path / "source", "content")
    (tmp_path / "link").symlink_to("source")
    target = files.link_or_copy(tmp_path / "link", tmp_path / "elsewhere" / "target")
    assert not target.is_symlink()
    assert target.samefile(source)


def test_a_file_system_without_links_gets_a_copy(tmp_path, monkeypatch):
    def cannot(*_: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", cannot)
    source = files.write_text(tmp_path / "source", "content")
    target = files.link_or_copy(source, tmp_path / "target")
    assert target.read_text() == "content"
    assert names(tmp_path) == ["source", "target"]


def test_a_file_is_moved_also_to_another_disk(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("here")
    assert files.move_file(tmp_path / "a", tmp_path / "b").read_text() == "here"
    rename = os.replace

    def replace(source, target):
        if Path(source).name == "b":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    assert files.move_file(tmp_path / "b", tmp_path / "c").read_text() == "here"
    assert names(tmp_path) == ["c"]
    with pytest.raises(FileNotFoundError):
        files.move_file(tmp_path / "nothing", tmp_path / "d")


@pytest.mark.slow
def test_the_umask_decides_who_may_read_a_written_file_and_private_ones_are_for_their_owner(tmp_path):
    code = "import os, sys; from pathlib import Path; from vidlib import files; os.umask(int(sys.argv[2], 8))\n"
    code += (
        "files.write_text(Path(sys.argv[1]) / 'a', 'x'); files.write_text(Path(sys.argv[1]) / 'b', 'x', private=True)"
    )
    for umask, modes in (("077", (0o600, 0o600)), ("027", (0o640, 0o600)), ("002", (0o664, 0o600))):
        subprocess.run([sys.executable, "-c", code, str(tmp_path), umask], check=True)
        assert tuple((tmp_path / name).stat().st_mode & 0o777 for name in "ab") == modes
