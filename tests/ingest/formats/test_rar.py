"""RARs that are hostile, encrypted, damaged or in parts."""

import struct
import zlib

import pytest

from tests.ingest import crafted
from tests.ingest.unpacking import GENEROUS, NOISE, contents, needs_unar, refusal
from vidlib.ingest.archives import unpack


@needs_unar
def test_damaged_rar_members_are_named_and_the_others_kept(tmp_path, target):
    blocks = crafted.rar_file("a.mov", NOISE), crafted.rar_file("b.mov", b"2", crc=1), crafted.rar_file("c.mov", b"3")
    (tmp_path / "damaged.rar").write_bytes(crafted.rar(*blocks))
    unpacked = unpack(tmp_path / "damaged.rar", target, GENEROUS)
    assert unpacked.damaged == ("b.mov: wrong checksum",)
    assert contents(target) == {"a.mov": NOISE, "c.mov": b"3"}


@needs_unar
def test_rar_names_lead_nowhere_else(tmp_path, target):
    names = ["../../up.mp4", "/abs.mp4", "C:\\x.mp4"]
    (tmp_path / "evil.rar").write_bytes(crafted.rar(*(crafted.rar_file(name, b"x") for name in names)))
    assert unpack(tmp_path / "evil.rar", target, GENEROUS).outcome == "ok"
    assert set(contents(target)) == {"up.mp4", "abs.mp4", "x.mp4"}


@needs_unar
def test_an_encrypted_rar_is_refused(tmp_path, target):
    (tmp_path / "secret.rar").write_bytes(crafted.rar(crafted.rar_encrypted("clip.mov", NOISE)))
    assert "encrypted" in refusal(tmp_path / "secret.rar", target)


@needs_unar
def test_of_whole_rars_that_are_named_like_parts_one_is_read_or_refused(tmp_path, target):
    for part in (1, 2):
        content = NOISE if part == 1 else NOISE[::-1]
        (tmp_path / f"job.part{part}.rar").write_bytes(crafted.rar(crafted.rar_file(f"{part}.mov", content)))
    unpacked = unpack(tmp_path / "job.part1.rar", target, GENEROUS)
    if unpacked.outcome == "ok":  # from version 1.10.8 on, unar believes the headers and not the names
        assert contents(target) == {"1.mov": NOISE}
    else:
        assert "several parts" in unpacked.message


def rar_4_volume(name: str, data: bytes, *, is_last: bool = False) -> bytes:
    """The first volume of a RAR 4 archive: its only member goes on in the next one, unless it ``is_last``."""
    main = b"\x73" + struct.pack("<HH", 0x0101, 13) + bytes(6)
    head = b"\x74" + struct.pack(
        "<HHIIBIIBBHI",
        *(0x8000 if is_last else 0x8002, 32 + len(name), len(data), len(data) if is_last else 2 * len(data)),
        *(3, zlib.crc32(data), 0, 20, 0x30, len(name), 0),
    )
    blocks = [main, head + name.encode(), b"\x7b" + struct.pack("<HH", 0x4000, 7)]
    packed = [struct.pack("<H", zlib.crc32(block) & 0xFFFF) + block for block in blocks]
    return b"Rar!\x1a\x07\x00" + packed[0] + packed[1] + data + (packed[2] if is_last else b"")


@needs_unar
@pytest.mark.parametrize("version", [4, 5])
def test_a_first_volume_without_the_others_is_refused(tmp_path, target, version):
    whole, cut = crafted.rar_file("a.mov", NOISE), crafted.rar_file("b.mov", NOISE)
    volume_5 = b"Rar!\x1a\x07\x01\x00" + crafted.rar_block(crafted.RAR_MAIN, crafted.vint(1)) + whole + cut
    (tmp_path / "job.part1.rar").write_bytes(volume_5 if version == 5 else rar_4_volume("a.mov", NOISE))
    assert "several parts" in refusal(tmp_path / "job.part1.rar", target)


@needs_unar
@pytest.mark.parametrize("version", [4, 5])
def test_a_first_volume_that_is_also_the_last_is_complete(tmp_path, target, version):
    main, end = (crafted.rar_block(kind, crafted.vint(n)) for kind, n in ((crafted.RAR_MAIN, 1), (crafted.RAR_END, 0)))
    volume_5 = b"Rar!\x1a\x07\x01\x00" + main + crafted.rar_file("a.mov", NOISE) + end
    volume_4 = rar_4_volume("a.mov", NOISE, is_last=True)
    (tmp_path / "job.part1.rar").write_bytes(volume_5 if version == 5 else volume_4)
    assert unpack(tmp_path / "job.part1.rar", target, GENEROUS).outcome == "ok"
    assert contents(target) == {"a.mov": NOISE}


@needs_unar
def test_a_first_volume_that_announces_another_is_refused(tmp_path, target):
    main, end = (crafted.rar_block(kind, crafted.vint(1)) for kind in (crafted.RAR_MAIN, crafted.RAR_END))
    volume = b"Rar!\x1a\x07\x01\x00" + main + crafted.rar_file("a.mov", NOISE) + end
    (tmp_path / "job.part1.rar").write_bytes(volume)
    assert "several parts" in refusal(tmp_path / "job.part1.rar", target)
