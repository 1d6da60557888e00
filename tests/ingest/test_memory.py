"""Unpacking takes little memory, whatever the archive: each in a process of its own that says the most it held."""

import gzip
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.ingest import crafted
from tests.ingest.peak import MAX_BYTES

pytestmark = pytest.mark.slow


def unpacked(archive: Path, target: Path) -> dict:
    """What `tests.ingest.peak` says, with no limit on the ratio; asserts that it kept to its memory."""
    environment = os.environ | {"VIDLIB_MAX_RATIO": "1000000"}
    command = [sys.executable, "-m", "tests.ingest.peak", archive, target]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found = json.loads(done.stdout)
    assert found["peak_bytes"] < MAX_BYTES, found
    return found


def test_10_000_small_files_come_out(tmp_path, target):
    with zipfile.ZipFile(tmp_path / "small.zip", "w") as packed:
        for number in range(10_000):
            packed.writestr(f"{number % 50}/{number:05}{'🎬' * 100}.txt", b"small")
    assert unpacked(tmp_path / "small.zip", target)["message"] == "10000 files"


def test_a_file_of_zeros_is_never_in_memory(tmp_path, target):
    with zipfile.ZipFile(tmp_path / "zeros.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("zeros", bytes(MAX_BYTES))
    assert unpacked(tmp_path / "zeros.zip", target)["outcome"] == "ok"


def test_names_as_long_as_they_may_be(tmp_path, target):
    with gzip.open(tmp_path / "names.tar.gz", "wb", 1) as packed:
        for number in range(5300):
            packed.write(crafted.tar_pax({"path": f"{number:05}" + "🎬" * 800}))
            packed.write(crafted.tar_header("short", tarfile.REGTYPE, 0))
    assert "hostile names" in unpacked(tmp_path / "names.tar.gz", target)["message"]


def test_300_000_entries(tmp_path, target):
    archive = crafted.zip_of_overlaps(tmp_path / "many.zip", 300_000, 1)
    assert "VIDLIB_MAX_FILES" in unpacked(archive, target)["message"]
