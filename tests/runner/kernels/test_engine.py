"""The Papermill engine ``vidlib``: harmless until it runs, and honest about Papermill's options."""

import ast
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import nbformat
import pytest

from vidlib.errors import UsageError
from vidlib.jupyter_import import papermill

pytestmark = pytest.mark.slow

PAPERMILL = str(Path(sys.executable).with_name("papermill"))

IMPORT_PAPERMILL = """
import sys, papermill.iorw
print(sorted(name for name in sys.modules if name.split(".")[0] == "vidlib"))
handlers = [handler for _, handler in papermill.iorw.papermill_io._handlers]
print([type(handler).__module__ for handler in handlers if "papermill" not in getattr(handler, "__module__", "")])
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    """``notebook(*cells, kernel=...)``: a notebook with a parameter ``n`` and these cells."""

    def write(*cells: str, kernel: str = "python3") -> Path:
        kernelspec = {"name": kernel, "display_name": kernel, "language": "python"}
        made = nbformat.v4.new_notebook(metadata={"kernelspec": kernelspec})
        made.cells = [nbformat.v4.new_code_cell(source) for source in ("n: int = 1", *cells)]
        made.cells[0].metadata["tags"] = ["parameters"]
        path = tmp_path / "notebook.ipynb"
        nbformat.write(made, path)
        return path

    return write


def execute(path: Path, **options: object) -> nbformat.NotebookNode:
    out = str(path.with_suffix(".out.ipynb"))
    return papermill.execute_notebook(str(path), out, engine_name="vidlib", progress_bar=False, **options)


def test_an_import_of_papermill_loads_no_runner_and_changes_no_handler():
    code = subprocess.run([sys.executable, "-c", IMPORT_PAPERMILL], capture_output=True, text=True, check=True)
    loaded, handlers = code.stdout.splitlines()
    rooms = {name for name in ast.literal_eval(loaded) if name.count(".") >= 2 or name == "vidlib.settings"}
    assert rooms == {"vidlib.runner.kernels", "vidlib.runner.kernels.engine"}
    assert handlers == "[]"


def test_papermill_finds_the_engine_and_logs_the_output_of_the_notebook(notebook, tmp_path):
    out = tmp_path / "out.ipynb"
    options = ["--engine", "vidlib", "-p", "n", "7", "--log-output", "--autosave-cell-every", "1"]
    command = [PAPERMILL, *options, "--no-progress-bar", "--start-timeout", "120"]
    log = subprocess.run([*command, str(notebook("print('n is', n)")), str(out)], check=True, capture_output=True)
    assert "n is 7" in out.read_text()
    assert b"n is 7" in log.stderr
    assert list(tmp_path.glob("*.tmp")) == []


def test_the_engine_leaves_the_handlers_of_papermill_unchanged(notebook, tmp_path):
    path = notebook("print(n)")
    before = list(papermill.iorw.papermill_io._handlers)
    execute(path)
    assert papermill.iorw.papermill_io._handlers == before


def test_a_relative_output_path_is_relative_to_the_callers_folder(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    path = notebook("from time import sleep; sleep(1.1)", "import os; print(os.getcwd())")
    papermill.execute_notebook(
        str(path), "out.ipynb", engine_name="vidlib", progress_bar=False, cwd=str(tmp_path / "elsewhere")
    )
    assert "elsewhere" in nbformat.read(tmp_path / "out.ipynb", 4).cells[-1].outputs[0].text
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_output_goes_to_the_files_that_papermill_was_given(notebook):
    stdout, stderr = StringIO(), StringIO()
    cell = "import sys; print('to stdout'); print('to stderr', file=sys.stderr)"
    execute(notebook(cell), stdout_file=stdout, stderr_file=stderr)
    assert (stdout.getvalue(), stderr.getvalue()) == ("to stdout\n", "to stderr\n")


def test_a_cell_that_takes_longer_than_the_execution_timeout_fails(notebook):
    with pytest.raises(Exception, match="timed out"):
        execute(notebook("import time; time.sleep(60)"), execution_timeout=1)


def test_without_saves_after_each_cell_the_file_is_written_once_at_the_end(notebook):
    path = notebook("import pathlib; print(list(pathlib.Path(FOLDER).glob('*.out.ipynb')))".replace("FOLDER", "'.'"))
    done = execute(path, request_save_on_cell_execute=False, cwd=str(path.parent))
    assert done.cells[-1].outputs[0].text == "[]\n"
    assert path.with_suffix(".out.ipynb").is_file()


@pytest.mark.parametrize(("option", "value"), [("allow_error", True), ("kernel_manager_class", "x"), ("s3_key", "y")])
def test_an_option_that_the_engine_does_not_support_is_refused_by_name(notebook, option, value):
    with pytest.raises(UsageError, match=f"does not support the option '{option}'"):
        execute(notebook("print(n)"), **{option: value})


def test_a_kernel_of_another_language_or_environment_is_refused(notebook):
    with pytest.raises(UsageError, match="cannot run kernel 'ir'"):
        execute(notebook("print(n)", kernel="ir"))
    with pytest.raises(UsageError, match="cannot run kernel 'other-environment'"):
        execute(notebook("print(n)"), kernel_name="other-environment")


def test_the_notebook_file_is_whole_while_it_is_written(notebook, monkeypatch):
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = notebook("from time import sleep; sleep(1.1)", "print(n)")
    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        execute(path)
    nbformat.read(path.with_suffix(".out.ipynb"), 4)
    assert list(path.parent.glob("*.tmp")) == []


def test_a_cell_that_fails_leaves_no_task_behind(notebook):
    """A task that is pending at the end would be reported as an error of asyncio, which fails a test."""
    for _ in range(2):
        with pytest.raises(papermill.PapermillExecutionError, match="no good"):
            execute(notebook("raise ValueError('no good')"))
