"""Fixtures that many tests share."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from vidlib.settings import Settings, settings

# how long an example takes says more about the machine than about the code
hypothesis.settings.register_profile("vidlib", deadline=None)
hypothesis.settings.load_profile("vidlib")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings whose workspace is an empty folder of this test, for this process and those that it starts."""
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(tmp_path / "workspace"))
    settings.cache_clear()
    yield settings()
    settings.cache_clear()
