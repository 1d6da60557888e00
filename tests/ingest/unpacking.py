"""What tests of archives share: packing, unpacking, and looking at what came out."""

import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from vidlib.ingest.archives import unpack
from vidlib.ingest.formats import sevenzip
from vidlib.ingest.formats.limits import MIB, Limits

NOISE = os.urandom(300_000)  # as video, it does not pack
GENEROUS = Limits(max_unpacked_bytes=100 * MIB, max_ratio=10_000, max_files=1000)

SEVEN_ZIP = shutil.which("7zz") or shutil.which(sevenzip.DEBIAN_13)

needs_7zip = pytest.mark.skipif(not SEVEN_ZIP, reason="7-Zip is not installed")
needs_unar = pytest.mark.skipif(not shutil.which("unar"), reason="unar is not installed")


def contents(folder: Path) -> dict[str, bytes]:
    """``{relative path: bytes}`` of everything below ``folder`` that is not a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if not path.is_dir()}


def zip_of(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return path


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as packed:
        for info, data in members:
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return path


def tar_info(name: str, **fields) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def refusal(archive: Path, target: Path, limits: Limits = GENEROUS) -> str:
    """Why ``archive`` is refused; asserts that it is, and that nothing is left of it."""
    unpacked = unpack(archive, target, limits)
    assert (unpacked.outcome, unpacked.files) == ("refused", ())
    assert not target.exists()
    assert archive.name in unpacked.message
    return unpacked.message
