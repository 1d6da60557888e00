"""Archives from outside: one contract for every format, whatever they hold and however it ends."""

import bz2
import gzip
import lzma
import os
import resource
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ingest import crafted
from tests.ingest.unpacking import (
    GENEROUS,
    NOISE,
    SEVEN_ZIP,
    contents,
    needs_7zip,
    needs_unar,
    refusal,
    tar_info,
    tar_of,
    zip_of,
)
from vidlib.errors import UsageError
from vidlib.ingest.archives import extract_to, unpack
from vidlib.ingest.formats.limits import MIB, Limits
from vidlib.ingest.formats.tar import zstd

Packer = Callable[[Path, Path], None]
# a bare system has tar, but not the programs that compress
COMPRESS = {".tar": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd.compress}


def pack_zip(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder))


def pack_tar(folder: Path, archive: Path) -> None:
    command = ["tar", "-cf", "-", "--sort=name", "-C", folder, "."]
    plain = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    archive.write_bytes(COMPRESS[archive.suffix](plain))


def pack_7z(folder: Path, archive: Path) -> None:
    subprocess.run([SEVEN_ZIP, "a", "-bso0", "-snl", archive, "."], cwd=folder, check=True)


def pack_rar(folder: Path, archive: Path) -> None:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    blocks = [crafted.rar_file(str(path.relative_to(folder)), path.read_bytes()) for path in files]
    links = [path for path in folder.rglob("*") if path.is_symlink()]
    blocks += [crafted.rar_symlink(str(path.relative_to(folder)), str(path.readlink())) for path in links]
    archive.write_bytes(crafted.rar(*blocks))


STREAMED = [pytest.param(pack_tar, suffix, id=suffix[1:]) for suffix in (".tar", ".tar.gz", ".tar.bz2", ".tar.xz")]
STREAMED.append(pytest.param(pack_tar, ".tar.zst", id="tar.zst"))
ALL = [
    pytest.param(pack_zip, ".zip", id="zip"),
    *STREAMED,
    pytest.param(pack_7z, ".7z", id="7z", marks=needs_7zip),
    pytest.param(pack_rar, ".rar", id="rar", marks=needs_unar),
]
CUTTABLE = [one for one in ALL if one.id not in ("7z", "tar.bz2")]  # a list at the end; blocks larger than the files
WITH_LINKS = [one for one in ALL if one.id != "zip"]


@pytest.mark.parametrize(("pack", "suffix"), ALL)
def test_the_files_come_out_without_root_and_litter_and_the_archive_is_untouched(
    pack: Packer, suffix: str, delivery, tmp_path, target
):
    archive = tmp_path / f"delivery{suffix}"
    pack(delivery, archive)
    before = archive.read_bytes(), archive.stat().st_mtime_ns
    unpacked = unpack(archive, target, GENEROUS)
    assert (unpacked.outcome, unpacked.damaged) == ("ok", ())
    assert contents(target) == {"clip one.mov": NOISE, "sub/größe.mp4": NOISE[::-1], "empty.txt": b""}
    assert sorted(unpacked.files) == sorted(path for path in target.rglob("*") if path.is_file())
    assert (archive.read_bytes(), archive.stat().st_mtime_ns) == before


@pytest.mark.parametrize(("pack", "suffix"), ALL)
def test_the_content_tells_the_format_not_the_name(pack: Packer, suffix: str, delivery, tmp_path, target):
    pack(delivery, tmp_path / f"packed{suffix}")
    renamed = (tmp_path / f"packed{suffix}").rename(tmp_path / "film.mp4")
    assert unpack(renamed, target, GENEROUS).outcome == "ok"


@pytest.mark.parametrize(("pack", "suffix"), ALL)
@pytest.mark.parametrize(
    ("limits", "setting"),
    [
        (Limits(500_000, 10_000, 1000), "VIDLIB_MAX_UNPACKED_BYTES"),
        (Limits(100 * MIB, 10_000, 3), "VIDLIB_MAX_FILES"),
    ],
)
def test_an_archive_over_a_limit_is_refused_and_the_setting_is_named(
    pack: Packer, suffix: str, limits, setting, delivery, tmp_path, target
):
    archive = tmp_path / f"delivery{suffix}"
    pack(delivery, archive)
    assert setting in refusal(archive, target, limits)


@pytest.mark.parametrize(("pack", "suffix"), [one for one in ALL if one.id not in ("tar", "rar")])
def test_a_bomb_is_refused_by_its_ratio(pack: Packer, suffix: str, tmp_path, target):
    folder = tmp_path / "bomb"
    folder.mkdir()
    (folder / "zeros.mov").write_bytes(bytes(20 * MIB))
    archive = tmp_path / f"bomb{suffix}"
    pack(folder, archive)
    assert "VIDLIB_MAX_RATIO" in refusal(archive, target, Limits(100 * MIB, 200, 1000))


@pytest.mark.parametrize(("pack", "suffix"), WITH_LINKS)
def test_links_are_never_made_and_are_named(pack: Packer, suffix: str, delivery, tmp_path, target):
    (delivery / "Job/passwords").symlink_to("/etc/passwd")
    archive = tmp_path / f"delivery{suffix}"
    pack(delivery, archive)
    unpacked = unpack(archive, target, GENEROUS)
    assert unpacked.outcome == "ok" and "Job/passwords" in unpacked.message
    assert set(contents(target)) == {"clip one.mov", "sub/größe.mp4", "empty.txt"}


@pytest.mark.parametrize(("pack", "suffix"), CUTTABLE)
def test_intact_members_of_a_cut_archive_stay_and_the_others_are_named(
    pack: Packer, suffix: str, delivery, tmp_path, target
):
    archive = tmp_path / f"delivery{suffix}"
    pack(delivery, archive)
    archive.write_bytes(archive.read_bytes()[:400_000])
    unpacked = unpack(archive, target, GENEROUS)
    assert unpacked.outcome == "partial"
    assert any("größe.mp4: " in what for what in unpacked.damaged) and "größe.mp4" in unpacked.message
    assert contents(target).pop("clip one.mov") == NOISE


@pytest.mark.parametrize(("pack", "suffix"), ALL)
def test_progress_counts_bytes_and_ends(pack: Packer, suffix: str, delivery, tmp_path, target):
    archive = tmp_path / f"delivery{suffix}"
    pack(delivery, archive)
    said = []
    unpack(archive, target, GENEROUS, report=lambda done, total: said.append((done, total)))
    assert said == sorted(said) and all(done <= total for done, total in said)
    assert said[-1][0] == 2 * len(NOISE)


@pytest.mark.parametrize(("pack", "suffix"), ALL)
def test_an_interruption_leaves_nothing(pack: Packer, suffix: str, delivery, tmp_path):
    def interrupt(done: float, total: float) -> None:
        raise KeyboardInterrupt

    archive = tmp_path / f"delivery{suffix}"
    pack(delivery, archive)
    with pytest.raises(KeyboardInterrupt):
        extract_to(archive, tmp_path / "out" / "folder", report=interrupt)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("pack", "suffix"), ALL)
def test_a_full_disk_is_an_error_that_leaves_nothing(pack: Packer, suffix: str, delivery, tmp_path, target, file_limit):
    archive = tmp_path / f"delivery{suffix}"
    pack(delivery, archive)
    file_limit(100_000)
    assert "cannot write to" in refusal(archive, target)


@pytest.fixture
def file_limit():
    """Make writing beyond a file size fail, as it does on a full disk; only for this process and this test."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda n_bytes: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "content", [b"", b"no archive", b"PK", bytes(2000), b"\x1f\x8b\x08\x00", b"BZh9", b"7z\xbc\xaf\x27\x1c"]
)
def test_other_files_are_refused_as_archives(content, tmp_path, target):
    path = tmp_path / "delivery.zip"
    path.write_bytes(content)
    assert refusal(path, target)


def test_a_folder_a_pipe_and_nothing_are_refused(tmp_path, target):
    os.mkfifo(tmp_path / "pipe.zip")
    for name in ("pipe.zip", "", "missing.zip"):
        assert "is not a file" in unpack(tmp_path / name, target).message


def test_a_compressed_file_that_holds_no_tar_is_refused(tmp_path, target):
    (tmp_path / "film.mp4").write_bytes(NOISE)
    subprocess.run(["gzip", tmp_path / "film.mp4"], check=True)
    assert "not contain a readable TAR" in refusal(tmp_path / "film.mp4.gz", target)


def test_an_archive_without_files_is_refused(tmp_path, target):
    assert "no usable file" in refusal(zip_of(tmp_path / "empty.zip"), target)
    assert "no usable file" in refusal(
        tar_of(tmp_path / "folders.tar", (tar_info("a", type=tarfile.DIRTYPE), b"")), target
    )


def test_an_archive_in_an_archive_stays_packed(tmp_path, target):
    inner = zip_of(tmp_path / "inner.zip", film=NOISE).read_bytes()
    assert unpack(zip_of(tmp_path / "outer.zip", **{"inner.zip": inner}), target).outcome == "ok"
    assert contents(target) == {"inner.zip": inner}


def test_a_folder_appears_whole(delivery, tmp_path):
    pack_zip(delivery, tmp_path / "job.zip")
    extracted = extract_to(tmp_path / "job.zip", tmp_path / "new" / "job")
    assert extracted["outcome"] == "ok" and {Path(file).name for file in extracted["files"]} == {
        *("clip one.mov", "größe.mp4", "empty.txt")
    }
    assert all(Path(file).is_file() for file in extracted["files"])
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new" / "job"]


def test_of_a_refused_archive_no_folder_appears(tmp_path):
    extracted = extract_to(zip_of(tmp_path / "empty.zip"), tmp_path / "new" / "job")
    assert extracted["outcome"] == "refused" and extracted["files"] == []
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not an empty folder"):
        extract_to(zip_of(tmp_path / "a.zip", clip=b"x"), tmp_path / "job")
    assert contents(tmp_path / "job") == {"mine.txt": b"mine"}


@pytest.mark.parametrize("name", ["job.zip.001", "job.z01", "job.r00", "job.7z.002"])
def test_a_file_that_is_called_a_part_is_refused_as_one(tmp_path, target, name):
    (tmp_path / name).write_bytes(NOISE)
    assert "by its name it is one part of an archive in several parts" in refusal(tmp_path / name, target)
