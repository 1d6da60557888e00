"""Pruning an archive: only superseded entries go, and never the last sound one."""

import shutil
from datetime import timedelta

import pytest

from tests.results import archives
from vidlib.results import archive, archive_check, archive_index, archive_prune
from vidlib.results.archive_entry import METADATA

LATER = archives.NOON + timedelta(days=100)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def versions(root, tmp_path):
    """Three results of one video, the oldest first."""
    return [archives.put(root, tmp_path, day=day, content=str(day)) for day in range(3)]


def superseded(root, **options):
    entries = archive_index.search(root, "clip").entries
    return [pair.entry for pair in archive_prune.superseded(entries, LATER, **options)]


def test_all_but_the_newest_entry_of_a_video_are_superseded(root, versions, tmp_path):
    archives.put(root, tmp_path, "other clip")
    archives.put_of_other_tool(root, "foreign clip")
    assert superseded(root) == versions[:2]


@pytest.mark.parametrize(("kept", "n_superseded"), [(0, 2), (1, 2), (2, 1), (3, 0), (9, 0)])
def test_the_newest_is_never_superseded_however_few_are_kept(root, versions, kept, n_superseded):
    assert superseded(root, kept=kept) == versions[:n_superseded]


def test_young_entries_and_those_in_use_stay(root, versions):
    assert superseded(root, older_than=timedelta(days=99.5)) == versions[:1]
    assert superseded(root, in_use=[versions[0].folder]) == [versions[1]]


def test_another_original_and_other_results_are_not_superseded(root, tmp_path):
    archives.put(root, tmp_path, content="0")
    (tmp_path / "my clip" / "my clip arrived.mov").unlink()
    clip = archives.analysed(tmp_path / "my clip", content="1")
    clip.source.write_text("the same pictures in another container")
    archive.put(root, "Spring", clip, LATER)
    assert superseded(root) == []
    fewer = archives.analysed(tmp_path / "my clip", content="2")
    del fewer.results["captions"]
    archive.put(root, "Spring", fewer, LATER)
    assert superseded(root) == []


def test_pruned_entries_disappear_from_the_disk_and_from_the_index(root, versions):
    archive_index.rebuild(root)
    pairs = archive_prune.superseded(archive_index.search(root, "clip").entries, LATER)
    assert [result.problem for result in archive_prune.prune(root, pairs)] == [None, None]
    assert [path.parent for path in root.glob(f"*/*/{METADATA}")] == [versions[2].folder]
    assert [path.name for path in root.iterdir() if not path.name.startswith(".")] == [versions[2].folder.parent.name]
    assert archive_index.search(root, "clip").entries == [versions[2]]
    assert archive_check.check(root).damages == []


def test_nothing_is_removed_while_the_newest_is_damaged(root, versions):
    pairs = archive_prune.superseded(archive_index.search(root, "clip").entries, LATER)
    (versions[2].folder / "my clip.rttm").write_text("bit rot")
    results = list(archive_prune.prune(root, pairs))
    assert ["my clip.rttm" in (result.problem or "") for result in results] == [True, True]
    assert all(entry.folder.is_dir() for entry in versions)


def test_an_entry_that_somebody_else_removed_is_no_error(root, versions):
    pairs = archive_prune.superseded(archive_index.search(root, "clip").entries, LATER)
    shutil.rmtree(versions[0].folder)
    assert len(list(archive_prune.prune(root, pairs))) == 2
    assert archive_index.search(root, "clip").entries == [versions[2]]
