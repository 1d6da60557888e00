"""A history on SQLite and on PostgreSQL; a planned step that runs in a real kernel in a second or two."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import nbformat
import pytest
from sqlalchemy import URL

from tests import postgresql
from tests.runner import counting
from tests.runner.ordered import OrderedExecutor
from vidlib.runner import pipeline
from vidlib.runner.kernels import pool
from vidlib.runner.kernels.pool import KernelPool
from vidlib.runner.scheduling.plan import Planned, plan_step
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, settings


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """A PostgreSQL server; tests that need one are skipped where there is none."""
    try:
        with postgresql.server() as found:
            yield found
    except postgresql.NoServer as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """``new_url()``: the address of a history that does not exist yet; the test runs on each kind of database."""
    if request.param == "sqlite":
        numbers = count()
        yield lambda: f"sqlite:///{tmp_path / 'deep' / str(next(numbers))}.sqlite"
        return
    server = request.getfixturevalue("server")
    with ExitStack() as undo:
        yield lambda: undo.enter_context(postgresql.schema(server))


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    return new_url()


@pytest.fixture
def kernels() -> KernelPool:
    """One warm kernel that all tests share which need none of their own."""
    return pool.default_pool()


@pytest.fixture
def counting_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: Settings) -> Path:
    """The counting step's notebook, in a folder of notebooks of its own."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    literals = 'source: str = ""\nout_dir: str = ""\nn: int = 3\nmode: str = "count"'
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in (literals, *counting.CELLS)]
    notebook.cells[0].metadata["tags"] = ["parameters"]
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(notebook, folder / counting.NOTEBOOK)
    monkeypatch.setenv("VIDLIB_NOTEBOOKS_DIR", str(folder))
    settings.cache_clear()
    return folder / counting.NOTEBOOK


@pytest.fixture
def plan(tmp_path: Path, counting_notebook: Path) -> Callable[..., Planned]:
    """``plan(n=..., mode=...)``: the counting step planned for a small file."""
    source = tmp_path / "source.bin"
    source.write_bytes(b"some bytes")

    def planned(**params) -> Planned:
        return plan_step(counting.STEP, source, {}, counting.Params(**params), tmp_path / "home")

    return planned


@pytest.fixture
def executor(workspace: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[OrderedExecutor]:
    """The executor of every run in this test, whose process never learns anything by a heartbeat."""
    with History(workspace.database) as history:
        ordered = OrderedExecutor(history)

        @contextmanager
        def opened(*_: object) -> Iterator[OrderedExecutor]:
            yield ordered
            ordered.at_close()

        monkeypatch.setattr(pipeline, "open_executor", opened)
        monkeypatch.setattr(pipeline, "HEARTBEAT_S", 10**6)
        yield ordered
