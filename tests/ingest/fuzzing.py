"""Real archives with a few bytes changed, and what may come out of them: sound files with safe names, or a reason."""

import gzip
import io
import lzma
import random
import shutil
import signal
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ingest import crafted
from tests.ingest.unpacking import SEVEN_ZIP
from vidlib.errors import VidlibError
from vidlib.ingest.archives import Unpacked, unpack
from vidlib.ingest.formats.limits import MIB, Limits
from vidlib.ingest.formats.tar import zstd
from vidlib.ingest.names import safe_name

LIMITS = Limits(max_unpacked_bytes=4 * MIB, max_ratio=200, max_files=200)
HANGS_AFTER_S = 90
CANARY = "canary"

FILES = {"job/clip.mov": bytes(range(256)) * 8, "job/sub/größe.txt": b"text " * 300, "job/empty.txt": b""}
TELLING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
"""Numbers at which sizes and counts go wrong."""


@dataclass(frozen=True)
class Seed:
    """A sound archive; ``close`` puts right what would give a change away: checksums, a compression around it all."""

    name: str
    content: bytes
    close: Callable[[bytearray], bytes] = bytes


def seeds(folder: Path) -> list[Seed]:
    """An archive of every format that can be packed here."""
    tar = _tar(tarfile.PAX_FORMAT)
    found = [
        Seed("zip", _zip(zipfile.ZIP_DEFLATED)),
        Seed("stored zip", _zip(zipfile.ZIP_STORED)),
        Seed("tar", tar),
        Seed("summed tar", tar, _with_sums),
        Seed("summed gnu tar", _tar(tarfile.GNU_FORMAT) + crafted.tar_sparse("hole", 2000) + bytes(1024), _with_sums),
        Seed("tar in gzip", tar, lambda content: gzip.compress(_with_sums(content), 1)),
        Seed("gzip", gzip.compress(tar)),
        Seed("xz", lzma.compress(tar)),
        Seed("zstd", zstd.compress(tar)),
    ]
    if shutil.which("unar"):
        found.append(Seed("rar", crafted.rar(*(crafted.rar_file(name, data) for name, data in FILES.items()))))
    if SEVEN_ZIP:
        found += [Seed("7z", _7z(folder)), Seed("summed 7z", _7z(folder), _with_7z_sums)]
    return found


def _zip(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as packed:
        for name, data in FILES.items():
            packed.writestr(name, data)
    return buffer.getvalue()


def _tar(kind: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as packed:
        for name, data in {**FILES, "long/" * 30 + "name.txt": b"deep"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("job/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    return buffer.getvalue()


def _7z(folder: Path) -> bytes:
    """With a list that is not compressed, so that changes meet names and sizes."""
    source, archive = folder / "source", folder / "seed.7z"
    for name, data in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    subprocess.run([SEVEN_ZIP, "a", "-bso0", "-mhc=off", archive, "job"], cwd=source, check=True)
    content = archive.read_bytes()
    shutil.rmtree(source)
    archive.unlink()
    return content


def _with_sums(content: bytearray) -> bytes:
    """Every block of a TAR that might be a header with the checksum of one."""
    for start in range(0, len(content) - 511, 512):
        block = content[start : start + 512]
        if b"ustar" in block[250:270]:
            block[148:156] = b" " * 8
            content[start + 148 : start + 156] = b"%06o\0 " % sum(block)
    return bytes(content)


def _with_7z_sums(content: bytearray) -> bytes:
    """The checksums of the list and of the first header (7zFormat.txt, of 7-Zip)."""
    if len(content) > 32:
        at, size = struct.unpack("<QQ", content[12:28])
        if 32 + at + size <= len(content):
            content[28:32] = struct.pack("<I", zlib.crc32(content[32 + at : 32 + at + size]))
        content[8:12] = struct.pack("<I", zlib.crc32(content[12:32]))
    return bytes(content)


def mutated(seed: Seed, rng: random.Random) -> bytes:
    """``seed`` with one to four things changed."""
    content = bytearray(seed.content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(max(1, len(content)))
        rng.choice((_flip, _flip, _number, _number, _cut, _repeat, _junk, _move))(content, at, rng)
    return seed.close(content)


def _flip(content: bytearray, at: int, rng: random.Random) -> None:
    content[at : at + 1] = bytes([rng.randrange(256)])


def _number(content: bytearray, at: int, rng: random.Random) -> None:
    n_bytes, order = rng.choice((1, 2, 4, 8)), rng.choice(("little", "big"))
    number = rng.choice(TELLING) % 256**n_bytes
    octal = b"%011o" % rng.choice(TELLING)  # as TAR writes them
    content[at : at + n_bytes] = number.to_bytes(n_bytes, order)
    if rng.random() < 0.2:
        content[at : at + len(octal)] = octal


def _cut(content: bytearray, at: int, rng: random.Random) -> None:
    del content[at : at + rng.choice((1, 16, 512, len(content)))]


def _repeat(content: bytearray, at: int, rng: random.Random) -> None:
    piece = content[at : at + rng.choice((4, 64, 512, 2048))]
    content[at:at] = piece * rng.choice((1, 2, 50))


def _junk(content: bytearray, at: int, rng: random.Random) -> None:
    content[at:at] = rng.choice((b"../", b"\0", b"/", b"\xff", rng.randbytes(rng.randint(1, 600))))


def _move(content: bytearray, at: int, rng: random.Random) -> None:
    piece = content[at : at + rng.choice((1, 4, 46, 512))]
    elsewhere = rng.randrange(max(1, len(content)))
    content[elsewhere : elsewhere + len(piece)] = piece


def problems_of(content: bytes, folder: Path) -> Iterator[str]:
    """What is wrong with what became of an archive; ``folder`` is empty, and is so again afterwards."""
    archive, target, canary = folder / "archive", folder / "target", folder / CANARY
    archive.write_bytes(content)
    canary.write_bytes(b"alive")
    try:
        with hanging_after(HANGS_AFTER_S):
            unpacked = unpack(archive, target, LIMITS)
    except VidlibError as error:
        yield f"raised {error!r}, where it was to refuse"
    except Exception as error:  # noqa: BLE001 that there is none is what is tried
        yield f"raised {error!r}"
    else:
        yield from _wrong_in(unpacked, target)
    if archive.read_bytes() != content or canary.read_bytes() != b"alive":
        yield "changed a file that it had no business with"
    if strangers := {path.name for path in folder.iterdir()} - {archive.name, target.name, CANARY}:
        yield f"left {strangers} beside the folder"
    shutil.rmtree(target, ignore_errors=True)
    for path in (archive, canary):
        path.unlink()


def _wrong_in(unpacked: Unpacked, target: Path) -> Iterator[str]:
    if unpacked.outcome == "refused":
        if target.exists() or unpacked.files:
            yield "refused it and left files"
        return
    found = [path for path in target.rglob("*") if path.is_symlink() or not path.is_dir()]
    if sorted(found) != sorted(unpacked.files):
        yield f"said {unpacked.files}, left {found}"
    if any(path.is_symlink() or not path.is_file() for path in found):
        yield "left something that is no file"
    if any(part != safe_name(part) for path in found for part in path.relative_to(target).parts):
        yield f"left names that are not safe: {found}"
    if sum(path.lstat().st_size for path in found) > LIMITS.max_unpacked_bytes or len(found) > LIMITS.max_files:
        yield "left more than it may"
    if not unpacked.message.isprintable():
        yield f"said {unpacked.message!r}"


class Hung(BaseException):
    """Nothing catches this by mistake."""


@contextmanager
def hanging_after(seconds: int) -> Iterator[None]:
    """Raise AssertionError in the block where it takes longer."""

    def ring(*_: object) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    except Hung as error:
        raise AssertionError(f"was not done after {seconds} s") from error
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
