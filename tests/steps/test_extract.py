"""extract: the step around `vidlib.ingest.archives`."""

import os
import zipfile
from pathlib import Path

import pytest

from vidlib.errors import ArchiveError, BrokenOutput
from vidlib.steps import extract
from vidlib.steps.base import Manifest, Step

NOISE = os.urandom(10_000)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "job.zip", "w") as packed:
        packed.writestr("job/first.mp4", NOISE)
        packed.writestr("job/second.mp4", NOISE[::-1])
    return tmp_path / "job.zip"


@pytest.fixture
def inputs(archive: Path, tmp_path: Path) -> extract.Inputs:
    return extract.Inputs(archive=archive, out_dir=tmp_path / "step")


def test_the_files_and_their_record_are_left(inputs):
    outputs = extract.run(inputs, extract.Params())
    folder = inputs.out_dir / "files"
    assert (outputs.outcome, outputs.files) == ("ok", (folder / "first.mp4", folder / "second.mp4"))
    assert (outputs.damaged, outputs.doubts) == ((), ())
    assert set(Manifest.read(inputs.out_dir).files) == {"files/first.mp4", "files/second.mp4"}
    assert Step(extract).outputs(inputs.out_dir) == outputs


def test_damaged_members_are_doubts(archive, inputs):
    archive.write_bytes(archive.read_bytes().replace(NOISE[:50], NOISE[1:51]))
    outputs = extract.run(inputs, extract.Params())
    assert outputs.outcome == "partial" and [path.name for path in outputs.files] == ["second.mp4"]
    assert [doubt.message for doubt in outputs.doubts] == [f"missing: {what}" for what in outputs.damaged]
    assert "job/first.mp4: Bad CRC-32" in outputs.damaged[0]


def test_a_refused_archive_stops_the_step_with_the_reason(inputs, archive):
    archive.write_bytes(b"something else")
    with pytest.raises(ArchiveError, match=r"job\.zip: no archive"):
        extract.run(inputs, extract.Params())
    assert list(inputs.out_dir.iterdir()) == []


def test_running_again_in_the_same_folder_leaves_no_file_of_before(archive, inputs):
    extract.run(inputs, extract.Params())
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("third.mp4", NOISE)
    extract.run(inputs, extract.Params())
    assert [path.name for path in (inputs.out_dir / "files").iterdir()] == ["third.mp4"]


def test_the_limits_are_settings_of_the_machine(inputs, workspace, monkeypatch):
    from vidlib.settings import settings

    monkeypatch.setenv("VIDLIB_MAX_FILES", "1")
    settings.cache_clear()
    with pytest.raises(ArchiveError, match="VIDLIB_MAX_FILES"):
        extract.run(inputs, extract.Params())


def test_a_file_that_is_missing_or_strange_breaks_the_promise(inputs):
    outputs = extract.run(inputs, extract.Params())
    stranger = inputs.out_dir / "files" / "stranger"
    stranger.symlink_to("/etc/passwd")
    with pytest.raises(BrokenOutput, match="stranger"):
        extract.verify(inputs, outputs)
    stranger.unlink()
    outputs.files[0].unlink()
    with pytest.raises(BrokenOutput, match=r"first\.mp4"):
        extract.verify(inputs, outputs)
