"""Fixtures that the tests of archives and downloads share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest import faulty_server
from tests.ingest.unpacking import NOISE


@pytest.fixture
def server() -> Iterator[faulty_server.Server]:
    with faulty_server.running() as found:
        yield found


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
