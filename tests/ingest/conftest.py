"""Fixtures that the tests of archives and downloads share."""

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ingest import faulty_server
from tests.ingest.fetching import RULES, Time
from tests.ingest.unpacking import NOISE
from vidlib.ingest.fetch import DownloadedFile, DownloadRules, RemoteFile, fetch


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


@pytest.fixture(scope="module")
def archive() -> bytes:
    """A ZIP of 300 kB that does not shrink."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("film.mp4", os.urandom(300_000))
    return packed.getvalue()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


@pytest.fixture
def get(inbox: Path) -> Callable[..., DownloadedFile]:
    """``get(url)`` with small limits, in time that costs nothing."""

    def got(url: str, rules: DownloadRules = RULES, time: Time | None = None, **others) -> DownloadedFile:
        return fetch(RemoteFile(url), inbox, rules, timing=(time or Time()).timing, **others)

    return got
