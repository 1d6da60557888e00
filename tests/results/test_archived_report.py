"""The report of an archived entry: it appears once, and every damage of it is named."""

import pytest

from tests.results import archives
from vidlib.results import archive, archive_check, archived_report
from vidlib.results.archived_report import RECORD

PAGE = "<!doctype html><title>my clip</title>"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "archive"


def damaged(root):
    return [str(damage.folder / damage.file) for damage in archive_check.check(root).damages]


@pytest.mark.parametrize("name", ["my clip", 'Rue du Marché 🎬 "1"'])
def test_the_first_report_of_an_entry_stays_and_the_entry_stays_sound(root, tmp_path, name):
    entry = archives.put(root, tmp_path, name)
    before = (entry.folder / "metadata.json").read_bytes()
    page = archived_report.add(root, entry, PAGE)
    assert archived_report.add(root, entry, "of another run") == page
    assert page.read_text() == PAGE
    assert (entry.folder / "metadata.json").read_bytes() == before
    assert damaged(root) == []
    assert archive_check.check(root).n_bytes == entry.n_bytes + len(PAGE)
    assert archives.put(root, tmp_path, name, day=1).folder == entry.folder  # the same results are not kept twice
    archive.verify(entry)


@pytest.mark.parametrize("name", ["my clip_report.html", RECORD])
def test_every_changed_cut_and_missing_byte_of_a_report_is_named(root, tmp_path, name):
    entry = archives.put(root, tmp_path)
    file = archived_report.add(root, entry, PAGE).with_name(name)
    data = file.read_bytes()
    for place in range(len(data)):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert any(archived_report.damages(entry, lambda _: None)), f"byte {place}"
    file.write_bytes(data[:-1])
    assert str(file) in damaged(root)
    file.unlink()
    assert str(file) in damaged(root)


def test_a_file_that_was_added_to_a_report_is_named(root, tmp_path):
    entry = archives.put(root, tmp_path)
    added = archived_report.add(root, entry, PAGE).with_name("more.html")
    added.touch()
    assert damaged(root) == [str(added)]


def test_a_crash_before_the_report_appears_leaves_a_sound_entry(root, tmp_path, monkeypatch):
    entry = archives.put(root, tmp_path)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as crash, pytest.raises(KeyboardInterrupt):
        crash.setattr(archived_report, "publish_folder", die)
        archived_report.add(root, entry, PAGE)
    assert damaged(root) == []
    assert archived_report.add(root, entry, PAGE).read_text() == PAGE
