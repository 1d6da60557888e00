"""7z archives that are encrypted or damaged."""

import shutil
import subprocess

import pytest

from tests.ingest.unpacking import GENEROUS, NOISE, SEVEN_ZIP, contents, needs_7zip, refusal
from vidlib.errors import EngineUnavailable
from vidlib.ingest.archives import unpack
from vidlib.ingest.formats import sevenzip


@needs_7zip
@pytest.mark.parametrize("options", [["-psecret"], ["-psecret", "-mhe=on"]], ids=["files", "list too"])
def test_an_encrypted_7z_is_refused(options, delivery, tmp_path, target):
    subprocess.run([SEVEN_ZIP, "a", "-bso0", *options, tmp_path / "secret.7z", "."], cwd=delivery, check=True)
    assert "encrypted" in refusal(tmp_path / "secret.7z", target)


@needs_7zip
@pytest.mark.parametrize("solid", ["on", "off"])
def test_damaged_7z_members_are_named_and_the_others_kept(solid, delivery, tmp_path, target):
    archive = tmp_path / "damaged.7z"
    subprocess.run([SEVEN_ZIP, "a", "-bso0", f"-ms={solid}", archive, "Job"], cwd=delivery, check=True)
    content = bytearray(archive.read_bytes())
    content[content.index(NOISE[1000:1050])] ^= 1
    archive.write_bytes(content)
    unpacked = unpack(archive, target, GENEROUS)
    assert unpacked.outcome == "partial"
    assert [what.partition(":")[0] for what in unpacked.damaged] == ["Job/clip one.mov"]
    assert contents(target) == {"sub/größe.mp4": NOISE[::-1], "empty.txt": b""}


@needs_7zip
def test_a_block_of_a_7z_that_cannot_be_unpacked_costs_no_other(tmp_path, target):
    folder = tmp_path / "texts"
    folder.mkdir()
    texts = {f"{n}.txt": b"".join(b"%d line %d\n" % (i * i, n) for i in range(20_000)) for n in range(4)}
    for name, text in texts.items():
        (folder / name).write_bytes(text)
    archive = tmp_path / "damaged.7z"
    subprocess.run([SEVEN_ZIP, "a", "-bso0", "-ms=off", archive, "."], cwd=folder, check=True)
    content = bytearray(archive.read_bytes())
    content[1000:1100] = bytes(100)
    archive.write_bytes(content)
    unpacked = unpack(archive, target, GENEROUS)
    assert [what.partition(":")[0] for what in unpacked.damaged] == ["0.txt"]
    assert contents(target) == {name: text for name, text in texts.items() if name != "0.txt"}


def test_a_program_that_is_missing_is_named_with_its_package(delivery, tmp_path, target, monkeypatch):
    (tmp_path / "job.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sevenzip, "DEBIAN_13", "/nowhere/7z")
    with pytest.raises(EngineUnavailable, match="apt-get install 7zip"):
        unpack(tmp_path / "job.7z", target)
    assert not target.exists()


@needs_7zip
def test_the_program_is_found_where_debian_13_has_it(delivery, tmp_path, target, monkeypatch):
    subprocess.run([SEVEN_ZIP, "a", "-bso0", tmp_path / "job.7z", "."], cwd=delivery, check=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "prlimit").symlink_to(shutil.which("prlimit"))
    (tmp_path / "bin" / "setpriv").symlink_to(shutil.which("setpriv"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sevenzip, "DEBIAN_13", SEVEN_ZIP)
    assert unpack(tmp_path / "job.7z", target, GENEROUS).outcome == "ok"


@needs_7zip
def test_a_7z_without_the_list_at_its_end_is_refused(delivery, tmp_path, target):
    subprocess.run([SEVEN_ZIP, "a", "-bso0", tmp_path / "cut.7z", "."], cwd=delivery, check=True)
    (tmp_path / "cut.7z").write_bytes((tmp_path / "cut.7z").read_bytes()[:400_000])
    assert "Unexpected end of archive" in refusal(tmp_path / "cut.7z", target)
