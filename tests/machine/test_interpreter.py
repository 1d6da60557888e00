"""Child Python processes, in a folder whose files have the names of modules."""

import subprocess
from pathlib import Path

import pytest

from tests.runner.kernels.notebooks import execute, write_notebook
from tests.shadows import NAMES, write_shadows
from tests.waiting import LIMIT_S
from vidlib.dashboard import actions
from vidlib.dashboard.before_run import Choice
from vidlib.machine.interpreter import PACKAGE_ROOT, python_code, vidlib_command
from vidlib.runner.kernels.pool import KernelPool


@pytest.fixture
def shadowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of this test: each import of a module from it fails."""
    write_shadows(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_child_imports_the_modules_of_python_and_this_vidlib(shadowed, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    code = f"import {', '.join(NAMES)}, vidlib; print(vidlib.__file__)"
    child = subprocess.run(python_code(code), capture_output=True, text=True, check=True)
    assert Path(child.stdout.strip()).is_file()
    assert subprocess.run(vidlib_command("--version"), capture_output=True, check=True).stdout.startswith(b"vidlib ")


def test_vidlib_is_found_where_it_is_not_installed(shadowed):
    python, *command = python_code("import vidlib; print(vidlib.__file__)")
    without_packages = [python, "-S", "-E", *command]
    child = subprocess.run(without_packages, capture_output=True, text=True, check=True)
    assert child.stdout.strip() == f"{PACKAGE_ROOT}/vidlib/__init__.py"


@pytest.mark.slow
def test_a_kernel_imports_nothing_from_the_working_folder(shadowed, workspace, monkeypatch):
    monkeypatch.setenv("TEMPLATE", "a new one, which starts in this folder")
    cells = f"import {', '.join(NAMES)}", "import sys; print('' in sys.path, sys.flags.safe_path)"
    with KernelPool(1) as pool, pool.acquire() as kernel:
        assert execute(write_notebook(shadowed / "notebook.ipynb", *cells), kernel)[-1] == "False True"


@pytest.mark.slow
def test_the_dashboard_starts_runs(shadowed, workspace):
    started = actions.start(workspace, ["nothing.mp4"], Choice())
    started.process.wait(timeout=LIMIT_S)
    assert f"{workspace.inbox / 'nothing.mp4'} does not exist" in started.last_log_line()
