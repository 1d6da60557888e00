"""Fixtures that many tests share."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
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


@pytest.fixture(scope="session")
def without_preload() -> Iterator[None]:
    """The kernels of this process import what their notebooks need. An import of all libraries takes 7 s of a core."""
    from vidlib.runner.kernels import pool

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "KERNEL_MAIN", "__import__('types').SimpleNamespace(preload=lambda: None)")
        yield


@pytest.fixture(scope="module")
def lasting_kernels(without_preload: None) -> Iterator[None]:
    """Kernels outlive a run and serve the later runs of this module with the same settings."""
    from vidlib.runner.execution import worker
    from vidlib.runner.kernels.pool import KernelPool

    pools: dict[object, KernelPool] = {}
    with ExitStack() as closing, pytest.MonkeyPatch.context() as patch:

        def reopen(size: int, env: Mapping[str, str]) -> AbstractContextManager[KernelPool]:
            key = size, frozenset((name, value) for name, value in env.items() if name != "PYTEST_CURRENT_TEST")
            if key not in pools:
                pools[key] = closing.enter_context(KernelPool(size, env))
            return nullcontext(pools[key])

        patch.setattr(worker, "KernelPool", reopen)
        yield
