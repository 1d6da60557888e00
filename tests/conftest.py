"""Fixtures that many tests share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.ingest import faulty_server
from vidlib import cli
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


@pytest.fixture
def allowed(workspace: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that let downloads come from this machine."""
    monkeypatch.setenv("VIDLIB_ALLOW_PRIVATE_HOSTS", faulty_server.HOST)
    monkeypatch.setenv("VIDLIB_MIN_FREE_BYTES", "0")
    settings.cache_clear()
    return settings()


@pytest.fixture
def vidlib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, workspace: Settings):
    """``vidlib(*args)``: exit code, stdout and stderr of one command."""

    def call(*args: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vidlib", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call
