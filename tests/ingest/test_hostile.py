"""Archives that want out, or all of the machine: what holds for every format, and tricks that one format knows."""

import gzip
import io
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ingest import crafted
from tests.ingest.test_archives import ALL, Packer
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
from vidlib.errors import ArchiveError
from vidlib.ingest.archives import unpack
from vidlib.ingest.formats import external
from vidlib.ingest.formats.limits import MIB, Limits, Quota
from vidlib.settings import settings

TIB = 1024**4
UNBOUND = Limits(max_unpacked_bytes=TIB, max_ratio=1e9, max_files=1000)

WAYS_OUT = (
    "../../up.mp4",
    "a/../../up.mp4",
    "/absolute.mp4",
    "//server/share.mp4",
    "C:\\drive.mp4",
    "C:relative.mp4",
    "\\\\server\\share\\unc.mp4",
    "\\\\?\\C:\\long.mp4",
    "..\\..\\back.mp4",
    "a/..\\../mixed.mp4",
    "．．／wide.mp4",
    "‥/leader.mp4",
    "a∕..∕division.mp4",
    "﹒﹒＼small.mp4",
    "~/home.mp4",
    "$HOME/variable.mp4",
    "%2e%2e/encoded.mp4",
    "dots/.../....mp4",
    "../" * 200 + "long.mp4",
    "/" + "x" * 300 + "/../" + "y" * 300 + ".mp4",
)


def as_zip(names: tuple[str, ...], path: Path) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as packed:
        warnings.simplefilter("ignore")  # that a name is there twice
        for name in names:
            packed.writestr(name, "x")


def as_tar(kind: int) -> Callable[[tuple[str, ...], Path], None]:
    def pack(names: tuple[str, ...], path: Path) -> None:
        with tarfile.open(path, "w", format=kind) as packed:
            for name in names:
                packed.addfile(tar_info(name, size=1), io.BytesIO(b"x"))

    return pack


def as_rar(names: tuple[str, ...], path: Path) -> None:
    path.write_bytes(crafted.rar(*(crafted.rar_file(name, b"x") for name in names)))


PACKERS = [
    pytest.param(as_zip, id="zip"),
    pytest.param(as_tar(tarfile.PAX_FORMAT), id="pax"),
    pytest.param(as_tar(tarfile.GNU_FORMAT), id="gnu"),
    pytest.param(as_rar, id="rar", marks=needs_unar),
]


@pytest.mark.parametrize("pack", PACKERS)
def test_no_name_leads_out_of_the_folder_whatever_normalizes_it(pack, tmp_path, target):
    pack(WAYS_OUT, tmp_path / "evil")
    unpacked = unpack(tmp_path / "evil", target, GENEROUS)
    assert (unpacked.outcome, len(contents(target))) == ("ok", len(WAYS_OUT))
    assert "renamed because the names led out of the folder: ../../up.mp4 -> up.mp4, " in unpacked.message
    assert set(tmp_path.iterdir()) == {tmp_path / "evil", target}
    for name in contents(target):
        plain = unicodedata.normalize("NFKC", name).replace("\\", "/")
        assert not plain.startswith("/") and ".." not in plain.split("/"), name


@pytest.mark.parametrize("pack", PACKERS)
def test_names_of_one_look_are_all_kept_apart(pack, tmp_path, target):
    names = ("clip.mp4", "CLIP.mp4", "clip.mp4", "cafe\u0301.mp4", "café.mp4", "a/../clip.mp4", "ﬁlm.mp4", "film.mp4")
    pack(names, tmp_path / "twins")
    unpack(tmp_path / "twins", target, GENEROUS)
    found = set(contents(target))
    assert len({name.casefold() for name in found}) == len(names)
    assert {"clip.mp4", "CLIP-2.mp4", "clip-3.mp4", "café.mp4", "café-2.mp4"} < found


@pytest.mark.parametrize("name", ["-clip{}", "@clip{}", "*{}", "-si{}", "two\nlines{}", "clip\udcff{}"])
@pytest.mark.parametrize(("pack", "suffix"), [one for one in ALL if one.id in ("7z", "rar")])
def test_the_name_of_an_archive_is_no_option(name, pack: Packer, suffix, delivery, tmp_path, target, monkeypatch):
    pack(delivery, tmp_path / f"plain{suffix}")
    monkeypatch.chdir(tmp_path)
    archive = (tmp_path / f"plain{suffix}").rename(tmp_path / name.format(suffix)).relative_to(tmp_path)
    assert len(unpack(archive, target, GENEROUS).files) == 3


@pytest.mark.parametrize(("pack", "suffix"), ALL)
@pytest.mark.parametrize("junk", [b"junk" * 50, bytes(5000)], ids=["text", "zeros"])
def test_bytes_after_an_archive_do_no_harm(junk, pack: Packer, suffix, delivery, tmp_path, target):
    archive = tmp_path / f"delivery{suffix}"
    pack(delivery, archive)
    archive.write_bytes(archive.read_bytes() + junk)
    unpack(archive, target, GENEROUS)
    assert contents(target) == {"clip one.mov": NOISE, "sub/größe.mp4": NOISE[::-1], "empty.txt": b""}


def test_many_bytes_after_a_zip_are_reported(tmp_path, target):
    archive = zip_of(tmp_path / "job.zip", clip=NOISE)
    archive.write_bytes(archive.read_bytes() + NOISE)
    unpacked = unpack(archive, target, GENEROUS)
    assert unpacked.outcome == "partial" and contents(target) == {"clip": NOISE}


@pytest.mark.parametrize(("pack", "suffix"), ALL)
def test_an_archive_after_other_bytes_is_refused(pack: Packer, suffix, delivery, tmp_path, target):
    archive = tmp_path / f"delivery{suffix}"
    pack(delivery, archive)
    archive.write_bytes(b"MZ" + bytes(510) + archive.read_bytes())
    assert "no archive" in refusal(archive, target)


@pytest.mark.parametrize("promise", [50, 150], ids=["less", "more"])
def test_a_zip_whose_directory_promises_another_size_gives_nothing_for_whole(promise, tmp_path, target):
    archive = zip_with_size(tmp_path / "liar.zip", promise)
    assert "a.mov: " in refusal(archive, target)


def zip_with_size(path: Path, size: int) -> Path:
    """A ZIP of a hundred bytes whose directory says ``size``."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.mov", NOISE[:100])
        packed.filelist[0].file_size = size
    return path


@needs_7zip
def test_a_part_of_an_archive_in_parts_is_refused(delivery, tmp_path, target):
    for kind in ("7z", "zip"):
        command = [SEVEN_ZIP, "a", "-bso0", "-mx=0", f"-t{kind}", "-v100k", tmp_path / f"job.{kind}", "Job"]
        subprocess.run(command, cwd=delivery, check=True)
    for part in sorted(tmp_path.glob("job.*.0*")):
        assert refusal(part, target)


@pytest.mark.parametrize("mode", [0o010644, 0o020644, 0o060644, 0o140644, 0o120777], ids=oct)
def test_devices_pipes_and_sockets_of_a_zip_are_never_made(mode, tmp_path, target):
    special = zipfile.ZipInfo("special")
    special.create_system, special.external_attr = 3, mode << 16
    with zipfile.ZipFile(tmp_path / "special.zip", "w") as packed:
        packed.writestr(special, "/etc/passwd")
        packed.writestr("clip.mp4", "x")
    unpacked = unpack(tmp_path / "special.zip", target, GENEROUS)
    assert "special" in unpacked.message and contents(target) == {"clip.mp4": b"x"}


def test_a_link_that_windows_packed_is_never_made(tmp_path, target):
    junction = zipfile.ZipInfo("junction")
    junction.create_system, junction.external_attr = 0, 0x400
    with zipfile.ZipFile(tmp_path / "junction.zip", "w") as packed:
        packed.writestr(junction, "C:\\Windows")
        packed.writestr("clip.mp4", "x")
    assert "junction" in unpack(tmp_path / "junction.zip", target, GENEROUS).message
    assert contents(target) == {"clip.mp4": b"x"}


@needs_unar
@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5], ids=["unix", "windows", "junction", "hard", "copy"])
def test_links_of_every_kind_in_a_rar_are_never_made(kind, tmp_path, target):
    blocks = crafted.rar_link("escape", "/etc", kind), crafted.rar_file("escape/passwd", b"x")
    (tmp_path / "links.rar").write_bytes(crafted.rar(*blocks))
    assert "escape" in unpack(tmp_path / "links.rar", target, GENEROUS).message
    assert contents(target) == {"passwd": b"x"}


def test_a_zip_that_promises_a_terabyte_is_refused_at_once(tmp_path, target):
    assert "VIDLIB_MAX_UNPACKED_BYTES" in refusal(zip_with_size(tmp_path / "huge.zip", TIB), target)


def test_a_tar_that_promises_a_terabyte_and_ends_is_cut(tmp_path, target):
    (tmp_path / "huge.tar").write_bytes(crafted.tar_header("huge.mov", tarfile.REGTYPE, 2**62) + bytes(5000))
    assert "cut" in refusal(tmp_path / "huge.tar", target, UNBOUND)


@pytest.mark.parametrize(
    ("size", "setting"), [(TIB, "VIDLIB_MAX_UNPACKED_BYTES"), (90 * MIB, "VIDLIB_MAX_RATIO")], ids=["TiB", "90 MiB"]
)
def test_a_sparse_file_counts_with_its_full_size(size, setting, tmp_path, target):
    (tmp_path / "sparse.tar").write_bytes(crafted.tar_sparse("hole.mov", size) + bytes(10_000))
    assert setting in refusal(tmp_path / "sparse.tar", target, Limits(100 * MIB, 200, 10))


def test_a_sparse_file_that_is_small_comes_out(tmp_path, target):
    (tmp_path / "sparse.tar").write_bytes(crafted.tar_sparse("hole.mov", 2000) + bytes(10_000))
    assert unpack(tmp_path / "sparse.tar", target, GENEROUS).outcome == "ok"
    assert contents(target) == {"hole.mov": b"x" * 512 + bytes(1488)}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([crafted.tar_pax({"path": "n/" * 2500}), crafted.tar_header("a", b"0", 0)] * 100, id="long names"),
        pytest.param(
            [crafted.tar_pax({"path": "__MACOSX/" + "n" * 4000}), crafted.tar_header("a", b"0", 0)] * 4300,
            id="many long names",
        ),
        pytest.param([crafted.tar_pax({f"k{n}": "v" for n in range(900)}, b"g")], id="fields of all"),
        pytest.param([crafted.tar_sparse_map(5000)], id="map of a sparse file"),
        pytest.param(
            [
                crafted.tar_pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}),
                crafted.tar_header("a", b"0", 2**30),
                b"1000000\n" + b"1\n" * MIB,
            ],
            id="map in the data",
        ),
    ],
)
def test_headers_that_fill_the_memory_are_refused(headers, tmp_path, target):
    with gzip.open(tmp_path / "headers.tar.gz", "wb", 1) as packed:
        packed.writelines([*headers, bytes(10_240)])
    assert "hostile" in refusal(tmp_path / "headers.tar.gz", target, Limits(TIB, 1e9, 20_000))


def test_an_xz_that_asks_for_gigabytes_is_refused(tmp_path, target):
    (tmp_path / "greedy.tar.xz").write_bytes(greedy_xz(tar_of(tmp_path / "a.tar", (tar_info("a"), NOISE)).read_bytes()))
    assert "too much memory" in refusal(tmp_path / "greedy.tar.xz", target)


def greedy_xz(data: bytes) -> bytes:
    """An XZ that says it needs a dictionary of 4 GiB (XZ file format 1.0.4, 3.1 and 5.3.1)."""
    packed = bytearray(lzma.compress(data, preset=0))
    stream_header, block_header = 12, (packed[12] + 1) * 4
    block = packed[stream_header : stream_header + block_header]
    block[block.index(b"\x21\x01") + 2] = 40
    block[-4:] = struct.pack("<I", zlib.crc32(block[:-4]))
    packed[stream_header : stream_header + block_header] = block
    return bytes(packed)


def test_streams_of_xz_one_behind_the_other_are_one(tmp_path, target):
    plain = tar_of(tmp_path / "a.tar", (tar_info("a"), NOISE)).read_bytes()
    parts = lzma.compress(plain[:100_000]) + bytes(8) + lzma.compress(plain[100_000:])
    (tmp_path / "a.tar.xz").write_bytes(parts)
    assert unpack(tmp_path / "a.tar.xz", target, GENEROUS).outcome == "ok"
    assert contents(target) == {"a": NOISE}


def test_gzip_in_gzip_is_no_tar(tmp_path, target):
    nested = gzip.compress(gzip.compress(bytes(30 * MIB)))
    (tmp_path / "nested.tar.gz").write_bytes(nested)
    assert "not contain a readable TAR" in refusal(tmp_path / "nested.tar.gz", target)


def test_programs_are_limited_in_memory_time_and_files():
    ask = "import resource as r; print(*(r.getrlimit(what)[0] for what in (r.RLIMIT_AS, r.RLIMIT_FSIZE, r.RLIMIT_CPU)))"
    said = subprocess.run(external.limited(sys.executable, "-c", ask), capture_output=True, text=True, check=True)
    limits = external.MAX_MEMORY_BYTES, external.MAX_FILE_BYTES, int(settings().step_timeout_s)
    assert said.stdout.split() == [str(limit) for limit in limits]


def test_a_list_of_members_that_never_ends_is_hostile(monkeypatch):
    monkeypatch.setattr(external, "LISTING_TIMEOUT_S", 0.2)
    quota = Quota(GENEROUS, packed_bytes=1)
    with pytest.raises(ArchiveError, match="list of members takes longer than"):
        external.listing(["sh", "-c", "echo '[{'; sleep 3600"], quota, b"{")


@pytest.fixture
def lying_7zip(tmp_path, monkeypatch) -> Callable[[str, bytes], Path]:
    """Put a `7zz` first on PATH that says and writes what it is told; gives an archive for it."""

    def lie(listing: str, stream: bytes) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "list").write_text(listing)
        (folder / "stream").write_bytes(stream)
        (folder / "7zz").write_text(f'#!/bin/sh\n[ "$1" = l ] && exec cat {folder}/list\nexec cat {folder}/stream\n')
        (folder / "7zz").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        (tmp_path / "job.7z").write_bytes(b"7z\xbc\xaf\x27\x1c")
        return tmp_path / "job.7z"

    return lie


def test_the_output_of_a_program_must_match_its_list(lying_7zip, tmp_path, target):
    entry = "Path = ../../up\nSize = 4\nCRC = {:08X}\nAttributes = A\n\n"
    archive = lying_7zip(entry.format(zlib.crc32(b"good")) + entry.format(zlib.crc32(b"evil")), b"goodEVIL and more")
    unpacked = unpack(archive, target, GENEROUS)
    assert contents(target) == {"up": b"good"} and unpacked.damaged == ("up: wrong checksum",)
    assert not (tmp_path.parent / "up").exists()


@pytest.mark.parametrize(
    "listing",
    [
        "Size = 4\n\n",
        "Path = a\nSize = many\n\n",
        "Path = a\nCRC = none\n\n",
        "Path = a\nSize = 1\n\nComment = x\n\n",
        "Path = a\nSize = 99999999999999\n\n",
        "Path = a\nSize = -5\n\n",
    ],
)
def test_a_list_that_makes_no_sense_is_refused(listing, lying_7zip, target):
    assert refusal(lying_7zip(listing, b"data"), target)
