"""Warm kernels: fresh for every notebook, recycled when needed, ended together with their owner."""

import importlib.util
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import psutil
import pytest

from tests.runner.kernels.notebooks import CORE, execute, write_notebook
from tests.waiting import wait_until
from vidlib.errors import WorkerLost
from vidlib.jupyter_import import papermill
from vidlib.runner.kernels import launcher, template_main
from vidlib.runner.kernels.launcher import Kernel
from vidlib.runner.kernels.pool import KernelPool
from vidlib.runner.kernels.template import KernelTemplate

pytestmark = pytest.mark.slow


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """``write(cell, ...)``: a notebook with a parameter ``n`` and these cells."""
    numbers = count()
    return lambda *cells: write_notebook(tmp_path / f"notebook-{next(numbers)}.ipynb", *cells)


def test_every_notebook_finds_its_kernel_as_new(kernels, write):
    """The second one sees no name, folder, variable or random number of the first, in the same process."""
    show = "import os, random, numpy\nprint(os.getpid(), os.getcwd(), os.environ.get('LEFT'), 'left' in globals())"
    lots = "print(random.random(), numpy.random.random())"
    leave = "left = 1; os.chdir('/'); os.environ['LEFT'] = '1'; os.environ.pop('PATH'); random.seed(7)"
    with kernels.acquire() as kernel:
        first = execute(write(show, lots, leave, "print(n)"), kernel, n=5)
        second = execute(write(show, lots, "print(os.environ['PATH'] != '')"), kernel)
    assert first[-1] == "5"
    assert first[1:3] == second[:2]
    assert first[1] == f"{kernel.pid} {Path.cwd()} None False"
    assert second[2] == "True"


def test_a_notebook_may_use_the_cores_that_it_was_given(kernels, write):
    with kernels.acquire() as kernel:
        seen = execute(write("import os\nprint(os.sched_getaffinity(0))"), kernel)
    assert seen == [str({CORE})]


def test_a_kernel_opens_no_tcp_port(kernels, write):
    with kernels.acquire() as kernel:
        execute(write("print(1)"), kernel)
        assert psutil.Process(kernel.pid).net_connections("tcp") == []


def test_a_kernel_gets_the_keys_of_steps_and_no_other_secret_and_its_programs_get_none(monkeypatch, write):
    monkeypatch.setenv("VIDLIB_DASHBOARD_TOKEN", "secret")
    monkeypatch.setenv("VIDLIB_DATABASE_URL", "postgresql://user:password@host/vidlib")
    monkeypatch.setenv("VIDLIB_LEMONFOX_KEY", "fox-secret")
    asked = "from vidlib.settings import settings; print(settings().lemonfox_key.get_secret_value(), settings())"
    environment = "import os; print(os.environ)"
    started = "import subprocess; print(subprocess.run(['env'], capture_output=True, text=True).stdout)"
    with KernelPool(1) as own, own.acquire() as kernel:
        has, *inherited = execute(write(asked, environment, started), kernel)
    assert has.startswith("fox-secret ")
    assert has.count("fox-secret") == 1
    secrets = ("VIDLIB_DASHBOARD_TOKEN", "VIDLIB_DATABASE_URL", "user:password@", "fox-secret")
    for environ in inherited:
        assert "PATH" in environ
        assert not [secret for secret in secrets if secret in environ]


def test_a_kernel_starts_where_the_name_of_the_temporary_folder_is_too_long_for_sockets(monkeypatch, write, tmp_path):
    deep = tmp_path.joinpath(*["folder"] * 20)
    deep.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with KernelPool(1) as own, own.acquire() as kernel:
        assert execute(write("print(1)"), kernel) == ["1"]


def test_a_kernel_that_failed_is_replaced(kernels, write):
    with kernels.acquire() as first, pytest.raises(papermill.PapermillExecutionError, match="no good"):
        execute(write("raise ValueError('no good')"), first)
    with kernels.acquire() as second:
        assert execute(write("print(2)"), second) == ["2"]
    assert second.pid != first.pid
    assert not psutil.pid_exists(first.pid)


@pytest.mark.parametrize(("name", "limit"), [("MAX_NOTEBOOKS", 1), ("MAX_BYTES", 1)])
def test_a_kernel_is_replaced_after_many_notebooks_or_when_it_holds_much_memory(
    monkeypatch, kernels, write, name, limit
):
    monkeypatch.setattr(launcher, name, limit)
    with kernels.acquire() as first:
        execute(write("print(1)"), first)
    monkeypatch.undo()
    with kernels.acquire() as second:
        assert second.pid != first.pid


def test_a_kernel_that_is_killed_fails_its_notebook_and_no_other(kernels, write):
    with kernels.acquire() as first, pytest.raises(Exception, match="died"):
        execute(write("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"), first)
    with kernels.acquire() as second:
        assert execute(write("print(2)"), second) == ["2"]


def test_closing_ends_every_kernel_even_a_busy_one():
    before = set(psutil.Process().children(recursive=True))
    own = KernelPool(2)
    own.start_ahead()
    with own.acquire() as kernel:
        own.close()
        assert not psutil.pid_exists(kernel.pid) or psutil.Process(kernel.pid).status() == psutil.STATUS_ZOMBIE
    assert set(psutil.Process().children(recursive=True)) <= before
    with pytest.raises(WorkerLost, match="closed"), own.acquire():
        pass


OWNER = """
import sys
from vidlib.runner.kernels.pool import KernelPool
from vidlib.runner.kernels.template import KernelTemplate

kernels = KernelPool(1)
with kernels.acquire() as kernel:
    print(kernel.pid, flush=True)
    sys.stdin.read()
"""


def test_a_kernel_ends_with_its_owner_even_if_that_is_killed():
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        kernel = psutil.Process(int(owner.stdout.readline()))
        owner.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE)


def test_a_kernel_that_cannot_be_started_is_reported_and_a_later_one_is_tried(monkeypatch, write):
    def forbidden(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    with KernelPool(1) as own:
        with monkeypatch.context() as patch:
            patch.setattr(launcher, "start_kernel", forbidden)
            with (
                pytest.raises(WorkerLost, match=r"no kernel can be started: .*Operation not permitted"),
                own.acquire(),
            ):
                pass
        with own.acquire() as kernel:
            assert execute(write("print(1)"), kernel) == ["1"]


def test_a_kernel_that_is_released_still_counts_while_others_start(monkeypatch):
    started = []
    start = launcher.start_kernel
    monkeypatch.setattr(launcher, "start_kernel", lambda *given: started.append(given) or start(*given))
    with KernelPool(1) as own:

        def seen_by_another_lane(_: Kernel) -> int:
            own.start_ahead()
            return 0

        with own.acquire():
            # another lane asks while the pool decides whether the kernel needs recycling
            monkeypatch.setattr(Kernel, "bytes_held", seen_by_another_lane)
        with own.acquire():
            pass
    assert len(started) == 1


def test_a_kernel_that_began_before_the_libraries_were_imported_is_replaced_when_they_are(monkeypatch):
    monkeypatch.setattr(KernelTemplate, "ready", False)
    with KernelPool(1) as own:
        with own.acquire() as first:
            pass
        with own.acquire() as again:
            assert again.pid == first.pid
            monkeypatch.setattr(KernelTemplate, "ready", True)
        with own.acquire() as second:
            assert second.pid != first.pid
            assert second.complete


def test_a_kernel_finds_the_libraries_imported(monkeypatch, write):
    monkeypatch.setenv("PRELOAD", "")

    def complete() -> bool:
        with own.acquire() as kernel:
            return kernel.complete

    libraries = ("torch", "pandas", "cv2", "vidlib.engines.speech.pyannote.engine")
    with KernelPool(1) as own:
        assert wait_until(complete)
        with own.acquire() as kernel:
            seen = execute(
                write(f"import sys; print([name for name in {libraries} if name not in sys.modules])"), kernel
            )
    assert seen == ["[]"]


def test_kernels_start_again_after_their_template_was_killed(monkeypatch, write):
    monkeypatch.setenv("TEMPLATE", "one of this test")
    with KernelPool(1) as own:
        with pytest.raises(Exception, match="died"), own.acquire() as first:
            psutil.Process(first.pid).parent().kill()
            execute(write("import time; time.sleep(60)"), first)
        with own.acquire() as second:
            assert execute(write("print(2)"), second) == ["2"]


AHEAD = """
import os
from vidlib.runner.kernels import template
from vidlib.runner.kernels.pool import KernelPool

os.environ["VIDLIB_WORKSPACE"] = "/elsewhere"
template.start_ahead()
os.environ["VIDLIB_WORKSPACE"] = "/here"
ahead = template._started_ahead
with KernelPool(1) as kernels, kernels.acquire():
    print(kernels._template is ahead, ahead.ended)
print(ahead.ended)
"""


def test_a_pool_takes_the_template_that_was_started_ahead():
    done = subprocess.run([sys.executable, "-c", AHEAD], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "True"]


def test_the_modules_of_vidlib_that_a_kernel_imports_ahead_exist():
    """The template ignores those that are missing."""
    own = [name for name in (*template_main.AHEAD, *template_main.PRELOAD) if name.startswith("vidlib.")]
    assert own
    assert [name for name in own if not importlib.util.find_spec(name)] == []


def test_a_wait_for_a_kernel_ends_at_its_limit(kernels):
    with kernels.acquire(), pytest.raises(WorkerLost, match=r"no kernel was ready within 0\.01 s"):
        kernels.acquire(timeout_s=0.01).__enter__()
