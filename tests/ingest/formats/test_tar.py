"""TARs that are hostile, damaged or unusual."""

import gzip
import tarfile

import pytest

from tests.ingest import crafted
from tests.ingest.unpacking import GENEROUS, NOISE, contents, refusal, tar_info, tar_of
from vidlib.ingest.archives import unpack
from vidlib.ingest.formats.limits import MIB, Limits


def test_devices_pipes_and_links_of_a_tar_are_never_made(tmp_path, target):
    kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, b"?"]
    special = [(tar_info(f"special{n}", type=kind, linkname="/etc/passwd"), b"") for n, kind in enumerate(kinds)]
    files = [(tar_info("special0/inside"), b"1"), (tar_info("clip.mp4"), b"2")]
    unpacked = unpack(tar_of(tmp_path / "special.tar", *special, *files), target, GENEROUS)
    assert unpacked.outcome == "ok" and "special0" in unpacked.message and "1 more" in unpacked.message
    assert contents(target) == {"special0/inside": b"1", "clip.mp4": b"2"}
    assert not (target / "special0").is_symlink()


def test_tar_names_lead_nowhere_else(tmp_path, target):
    names = ["../up.mp4", "/abs.mp4", "a/../../../b.mp4", "x" * 300 + ".mp4", "bell\x07.mp4"]
    archive = tar_of(tmp_path / "evil.tar", *((tar_info(name), b"x") for name in names))
    assert unpack(archive, target, GENEROUS).outcome == "ok"
    assert len(contents(target)) == 5 and {"up.mp4", "abs.mp4", "a/b.mp4", "bell_.mp4"} < set(contents(target))
    assert set(tmp_path.iterdir()) == {archive, target}


def test_a_damaged_tar_header_is_not_the_end(tmp_path, target):
    archive = tar_of(tmp_path / "damaged.tar", *((tar_info(name), NOISE) for name in ("a", "b", "c")))
    content = bytearray(archive.read_bytes())
    content[content.index(b"b" + bytes(99))] ^= 1  # the name in the header, which has 100 bytes
    archive.write_bytes(content)
    unpacked = unpack(archive, target, GENEROUS)
    assert unpacked.outcome == "partial" and "what follows is lost" in unpacked.message
    assert contents(target) == {"a": NOISE}


def test_a_tar_that_ends_between_two_members_is_partial(tmp_path, target):
    archive = tar_of(tmp_path / "cut.tar", (tar_info("a"), bytes(512)), (tar_info("b"), bytes(512)))
    archive.write_bytes(archive.read_bytes()[:1024])
    unpacked = unpack(archive, target, GENEROUS)
    assert unpacked.outcome == "partial" and set(contents(target)) == {"a"}


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_compressed_tar_with_a_wrong_checksum_is_refused(mode, tmp_path, target):
    archive = tar_of(tmp_path / "damaged.tar", (tar_info("a"), NOISE), (tar_info("b"), NOISE[::-1]), mode=mode)
    content = bytearray(archive.read_bytes())
    content[len(content) // 3] ^= 1
    archive.write_bytes(content)
    assert "damaged" in refusal(archive, target)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_tar_header_of_gigabytes_is_refused_before_it_is_read(kind, tmp_path, target):
    (tmp_path / "evil.tar").write_bytes(crafted.tar_header("a", kind, 8 * 1024**3 - 1) + bytes(10_000))
    assert "hostile header" in refusal(tmp_path / "evil.tar", target)


def test_a_tar_of_headers_upon_headers_is_refused(tmp_path, target):
    (tmp_path / "evil.tar").write_bytes(crafted.tar_header("a", tarfile.XHDTYPE, 0) * 5000)
    assert refusal(tmp_path / "evil.tar", target)


def test_a_bomb_in_skipped_members_is_refused(tmp_path, target):
    """A member of a kind that has no bytes may be followed by any number that no file keeps."""
    litter = (tar_info("__MACOSX/bomb"), bytes(30 * MIB))
    archive = tar_of(tmp_path / "hidden.tar.gz", (tar_info("clip.mp4"), b"x"), litter, mode="w:gz")
    assert "VIDLIB_MAX_UNPACKED_BYTES" in refusal(archive, target, Limits(10 * MIB, 10_000, 1000))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_second_archive_after_the_end_is_not_lost_without_a_word(tmp_path, target, compressed):
    parts = [tar_of(tmp_path / name, (tar_info(name), NOISE)).read_bytes() for name in ("a.mp4", "b.mp4")]
    (tmp_path / "both.tar").write_bytes(b"".join(map(gzip.compress, parts) if compressed else parts))
    unpacked = unpack(tmp_path / "both.tar", target, GENEROUS)
    assert (unpacked.outcome, contents(target)) == ("partial", {"a.mp4": NOISE})
    assert "another TAR follows its end" in unpacked.message
