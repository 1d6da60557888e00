"""ZIPs that are hostile, damaged or unusual."""

import os
import struct
import subprocess
import zipfile
import zlib

import pytest

from tests.ingest import crafted
from tests.ingest.unpacking import GENEROUS, NOISE, SEVEN_ZIP, contents, needs_7zip, refusal, zip_of
from vidlib.ingest.archives import unpack
from vidlib.ingest.formats.limits import MIB


def test_zip_names_lead_nowhere_else(tmp_path, target):
    names = ["../up.mp4", "/abs.mp4", "C:\\win\\x.mp4", "a/../../b.mp4", "back\\slash.mp4", "nul\x00byte.mp4"]
    archive = crafted.zip_with_raw_names(tmp_path / "evil.zip", {name.encode().ljust(12): b"x" for name in names})
    assert unpack(archive, target, GENEROUS).outcome == "ok"
    assert set(contents(target)) == {
        *("up.mp4", "abs.mp4", "win/x.mp4", "a/b.mp4", "back/slash.mp4", "nul_byte.mp4"),
    }
    assert set(tmp_path.iterdir()) == {archive, target}


def test_zip_names_of_windows_and_japan_are_read(tmp_path, target):
    names = ["größer.mov".encode("cp437"), "動画テスト.mp4".encode("cp932"), "présenté.mp4".encode()]
    archive = crafted.zip_with_raw_names(tmp_path / "names.zip", dict.fromkeys(names, b"x"))
    unpack(archive, target, GENEROUS)
    assert set(contents(target)) == {"größer.mov", "動画テスト.mp4", "présenté.mp4"}


@needs_7zip
def test_a_zip_whose_names_are_not_the_utf8_they_claim_is_still_read(tmp_path, target):
    archive = crafted.zip_with_raw_names(tmp_path / "names.zip", {b"clip-\xff\xfe.mp4": NOISE}, flags=0x800)
    assert unpack(archive, target, GENEROUS).files
    assert list(contents(target).values()) == [NOISE]


def test_zip_members_of_one_name_are_all_kept(tmp_path, target):
    with zipfile.ZipFile(tmp_path / "same.zip", "w") as packed, pytest.warns(UserWarning, match="Duplicate"):
        for data in (b"1", b"2"):
            packed.writestr("clip.mp4", data)
    unpack(tmp_path / "same.zip", target, GENEROUS)
    assert contents(target) == {"clip.mp4": b"1", "clip-2.mp4": b"2"}


def test_an_encrypted_zip_is_refused(tmp_path, target):
    archive = zip_of(tmp_path / "secret.zip", clip=NOISE)
    archive.write_bytes(crafted.set_zip_flags(archive.read_bytes(), 0x1))
    assert "encrypted" in refusal(archive, target)


def test_zip_members_that_share_bytes_are_refused(tmp_path, target):
    assert "overlap" in refusal(crafted.zip_of_overlaps(tmp_path / "bomb.zip", 50, 10_000), target)


def test_a_zip_with_a_directory_of_gigabytes_is_refused_before_it_is_read(tmp_path, target):
    archive = zip_of(tmp_path / "huge.zip", clip=b"x")
    with open(archive, "r+b") as file:
        content = file.read()
        file.seek(0)
        file.truncate(3 * 1024**3)  # sparse
        file.write(content[:4])
        file.seek(0, os.SEEK_END)
        end = bytearray(content[-22:])
        end[12:20] = (2 * 1024**3).to_bytes(4, "little") + (MIB).to_bytes(4, "little")
        file.write(end)
    assert "hostile directory" in refusal(archive, target)


def test_damaged_zip_members_are_named_and_the_others_kept(tmp_path, target):
    archive = zip_of(tmp_path / "damaged.zip", first=NOISE, second=b"whole", third=NOISE)
    content = bytearray(archive.read_bytes())
    content[1000] ^= 1
    archive.write_bytes(content)
    unpacked = unpack(archive, target, GENEROUS)
    assert unpacked.outcome == "partial" and "first" in unpacked.message
    assert [what.partition(":")[0] for what in unpacked.damaged] == ["first"]
    assert contents(target) == {"second": b"whole", "third": NOISE}


def test_a_zip_member_whose_header_names_another_file_is_left_out(tmp_path, target):
    archive = zip_of(tmp_path / "two-faced.zip", first=b"1", second=b"2")
    archive.write_bytes(archive.read_bytes().replace(b"first", b"other", 1))
    unpacked = unpack(archive, target, GENEROUS)
    assert unpacked.outcome == "partial" and contents(target) == {"second": b"2"}


def test_links_in_a_zip_are_never_made(tmp_path, target):
    link = zipfile.ZipInfo("escape")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as packed:
        packed.writestr(link, "/etc")
        packed.writestr("escape/passwd", "x")
    unpacked = unpack(tmp_path / "link.zip", target, GENEROUS)
    assert "escape" in unpacked.message and contents(target) == {"passwd": b"x"}


@needs_7zip
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_of_zip_are_read(method, tmp_path, target):
    with zipfile.ZipFile(tmp_path / "other.zip", "w", method) as packed:
        packed.writestr("clip.mov", NOISE)
    assert unpack(tmp_path / "other.zip", target, GENEROUS).outcome == "ok"
    assert contents(target) == {"clip.mov": NOISE}


@needs_7zip
def test_deflate64_which_windows_writes_for_large_files_is_read(delivery, tmp_path, target):
    (delivery / "Job/text.txt").write_bytes(b"text " * 10_000)
    archive = tmp_path / "windows.zip"
    subprocess.run([SEVEN_ZIP, "a", "-bso0", "-mm=Deflate64", archive, "Job"], cwd=delivery, check=True)
    assert unpack(archive, target, GENEROUS).outcome == "ok"
    assert contents(target)["text.txt"] == b"text " * 10_000


def with_unicode_path(raw: bytes, name: str, *, crc: int | None = None) -> bytes:
    """Info-ZIP's extra field with the name of a member in UTF-8."""
    body = struct.pack("<BL", 1, zlib.crc32(raw) if crc is None else crc) + name.encode()
    return struct.pack("<HH", 0x5455, 5) + bytes(5) + struct.pack("<HH", 0x7075, len(body)) + body


@pytest.mark.parametrize(("crc", "expected"), [(None, "Съёмка 1.mp4"), (1, "?????? 1.mp4")])
def test_a_zip_name_in_the_unicode_path_field_is_read_if_it_belongs_to_the_name(crc, expected, tmp_path, target):
    info = zipfile.ZipInfo("?????? 1.mp4")
    info.extra = with_unicode_path(b"?????? 1.mp4", "Съёмка 1.mp4", crc=crc)
    with zipfile.ZipFile(tmp_path / "russian.zip", "w") as packed:
        packed.writestr(info, b"1")
    unpack(tmp_path / "russian.zip", target, GENEROUS)
    assert set(contents(target)) == {expected.replace("?", "_")}


def test_a_unicode_path_leads_nowhere_else(tmp_path, target):
    info = zipfile.ZipInfo("x.mp4")
    info.extra = with_unicode_path(b"x.mp4", "../../up.mp4")
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        packed.writestr(info, b"1")
    assert (
        "renamed because the names led out of the folder: ../../up.mp4 -> up.mp4"
        in unpack(tmp_path / "evil.zip", target, GENEROUS).message
    )
    assert set(contents(target)) == {"up.mp4"}
