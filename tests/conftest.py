"""Fixtures that many tests share."""

import copy
import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import typer

from tests import distribution, plain_notebooks
from tests.ingest import faulty_server
from vidlib import cli, vault
from vidlib.files import sha256
from vidlib.media import ffprobe
from vidlib.settings import Settings, settings

if TYPE_CHECKING:
    from xdist.remote import Producer

    from vidlib.runner.kernels.launcher import Kernel
    from vidlib.runner.kernels.pool import KernelPool

    Pools = Callable[[int, Mapping[str, str]], KernelPool]

sys.modules.setdefault("rfc3987_syntax", None)  # as in `vidlib.jupyter_import`: it takes three seconds in each process

# How long an example takes says more about the machine than about the code. Other ones are tried in each test run.
hypothesis.settings.register_profile("vidlib", deadline=None, max_examples=50)
hypothesis.settings.load_profile("vidlib")


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty VIDLIB_MODELS_DIR of this test."""
    monkeypatch.setenv("VIDLIB_MODELS_DIR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


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


SITE = """
import os, sys
if any("template_main" in argument for argument in sys.orig_argv) and "PRELOAD" not in os.environ:
    from vidlib.runner.kernels import template_main
    template_main.AHEAD = template_main.PRELOAD = ()
if "UNINSTALLED" in os.environ:
    sys.modules[os.environ["UNINSTALLED"]] = None
"""
"""What every Python that begins in a test run does first: in a short run, a kernel imports only what it needs.

A test may name a module that counts as not installed.
"""


@pytest.fixture(scope="session", autouse=True)
def shared_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All kernels of this process are forks of one template, which imports the libraries once.

    The import takes 7 s of a core, so other processes, which run for a moment, import nothing ahead: the file gives
    them this rule.
    """
    from vidlib.runner.kernels import template

    folder = tmp_path_factory.mktemp("site")
    file = folder / "sitecustomize.py"
    file.write_text(SITE)
    with ExitStack() as closing, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])))
        # libraries set other variables while they are imported; a kernel gets those in any case
        usual = {name: value for name, value in os.environ.items() if not name.startswith(("VIDLIB_", "PYTEST_"))}
        many_tests = "PYTEST_XDIST_WORKER" in os.environ
        templates: dict[object, template.KernelTemplate] = {}

        def shared(env: Mapping[str, str]) -> template.KernelTemplate:
            seen = {name: env.get(name) for name in (*usual, "TEMPLATE")}
            preload = "PRELOAD" in env or (many_tests and seen == {**usual, "TEMPLATE": None})
            key = frozenset(seen.items()), preload
            env = {name: value for name, value in env.items() if not name.startswith("PYTEST_")}
            env |= {"PRELOAD": ""} if preload else {}
            if key not in templates or templates[key].ended:
                templates[key] = template.KernelTemplate(env)
                closing.callback(templates[key].close)
                templates[key].close = lambda: None  # type: ignore[method-assign] # the next pool needs it too
            return templates[key]

        patch.setattr(template, "take", shared)
        patch.setattr(template, "start_ahead", lambda: None)
        yield file


@pytest.fixture(scope="session", autouse=True)
def remembered_answers() -> Iterator[None]:
    """ffprobe is asked once about equal files: its start takes a tenth of a second of a core."""
    ask, answers = ffprobe._ask, {}

    def remembered(path: Path, *options: str) -> ffprobe.Description:
        key = sha256(path), path.suffix, options
        if key not in answers:
            answers[key] = ask(path, *options)
        return copy.deepcopy(answers[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ffprobe, "_ask", remembered)
        yield


@pytest.fixture(scope="session", autouse=True)
def built_commands() -> Iterator[None]:
    """The command line is built once, which takes as long as many a command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture(scope="module")
def forked_notebooks() -> Iterator[None]:
    """Plain Papermill, whose kernels have imported the libraries already: forks of the template of this process."""
    from nbclient import NotebookClient

    from vidlib.runner.kernels import launcher, template

    class WarmManager(launcher.ForkingManager):
        def __init__(self, **options: Any):
            super().__init__(kernel_spec_manager=launcher.OwnKernelSpecs(), **options)
            self.template = template.take(dict(os.environ))

    create = NotebookClient.create_kernel_manager

    def create_warm(client: NotebookClient) -> Any:
        client.kernel_manager_class = WarmManager
        return create(client)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NotebookClient, "create_kernel_manager", create_warm)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_words(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test transcribes but those that ask for it (see `words`): the vault has all weights but those for words.

    Gives the folder of the real vault.
    """
    real = settings().vault_dir
    folder = tmp_path_factory.mktemp("vault")
    for entry in real.iterdir() if real.is_dir() else ():
        if not entry.name.startswith("whisper"):
            (folder / entry.name).symlink_to(entry)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDLIB_VAULT_DIR", str(folder))
        settings.cache_clear()
        yield real
    settings.cache_clear()


@pytest.fixture
def words(no_words: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The real vault, with the weights for words; skips without them."""
    monkeypatch.setenv("VIDLIB_VAULT_DIR", str(no_words))
    settings.cache_clear()
    if vault.has("whisper_base"):
        yield
    else:
        pytest.skip("the weights for words are not on this machine: vidlib models fetch")
    settings.cache_clear()


@pytest.fixture(scope="session")
def open_pools() -> Iterator["Pools"]:
    """``open_pools(size, env)``: a pool of kernels that stays open for all who ask for the same.

    In which workspace they work is in the parameters of their notebooks, and so may differ. A kernel whose notebook
    failed, as that of a file that is no video, serves the next one.
    """
    from vidlib.jupyter_import import papermill
    from vidlib.runner.kernels.pool import KernelPool

    class LastingPool(KernelPool):
        @contextmanager
        def acquire(self, *args: Any, **options: Any) -> "Iterator[Kernel]":
            failed = None
            with super().acquire(*args, **options) as kernel:
                try:
                    yield kernel
                except papermill.PapermillExecutionError as error:
                    failed, kernel.failed = error, False
            if failed:
                raise failed

    pools: dict[object, LastingPool] = {}
    with ExitStack() as closing_all:

        def opened(size: int, env: Mapping[str, str]) -> LastingPool:
            changing = ("PYTEST_CURRENT_TEST", "VIDLIB_WORKSPACE")
            key = size, frozenset((name, value) for name, value in env.items() if name not in changing)
            if key not in pools:
                pools[key] = closing_all.enter_context(LastingPool(size, env))
            return pools[key]

        yield opened


@pytest.fixture(scope="module")
def lasting_kernels(open_pools: "Pools") -> Iterator[None]:
    """Kernels outlive a run of this module and serve the later runs with the same settings, also in other modules."""
    from vidlib.runner.execution import worker

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "KernelPool", lambda size, env: nullcontext(open_pools(size, env)))
        yield


@pytest.fixture(scope="session")
def plain_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebooks of the steps without their figures."""
    return plain_notebooks.write(tmp_path_factory.mktemp("plain") / "notebooks")


@pytest.fixture(scope="module")
def plain_step_notebooks(plain_folder: Path) -> Iterator[None]:
    """Runs of this module, also in processes that it starts, draw no figures."""
    with plain_notebooks.used(plain_folder):
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Let each of several processes begin to collect elsewhere, so that they share what pytest compiles and caches."""
    if (number := int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])) and config.args == config.getini("testpaths"):
        tests = Path(__file__).parent
        parts = sorted(str(path) for path in (*tests.glob("test_*.py"), *tests.glob("[a-z]*/")) if path.name != "soak")
        start = len(parts) * number // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        config.args = parts[start:] + parts[:start]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, then those that have slow tests: none is left when all other tests are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    long = {Path(__file__).parent / name: number for number, name in enumerate(distribution.LONG)}
    items.sort(key=lambda item: (long.get(item.path, len(long)), item.path not in slow, item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> distribution.ByNeed | None:
    """Give each process of `make test` the files that fit what it has."""
    return distribution.ByNeed(config, log) if config.getoption("dist") == "loadfile" else None
