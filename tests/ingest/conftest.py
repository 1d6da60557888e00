"""Fixtures that the tests of archives share."""

from pathlib import Path

import pytest

from tests.ingest.unpacking import NOISE


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """A folder as an editor packs it: one root, a sub-folder, an empty file, and what macOS leaves."""
    root = tmp_path / "delivery"
    files = {
        "Job/clip one.mov": NOISE,
        "Job/sub/größe.mp4": NOISE[::-1],
        "Job/empty.txt": b"",
        "__MACOSX/Job/._clip one.mov": b"fork",
        "Job/.DS_Store": b"view",
    }
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"
