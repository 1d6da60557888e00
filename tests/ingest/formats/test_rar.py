"""RARs that are hostile, encrypted, damaged or in parts."""

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
def test_a_rar_in_parts_is_refused(tmp_path, target):
    for part in (1, 2):
        (tmp_path / f"job.part{part}.rar").write_bytes(crafted.rar(crafted.rar_file("clip.mov", NOISE)))
    assert "several parts" in refusal(tmp_path / "job.part1.rar", target)
