"""The shape of the package: imports point down, and what is heavy is imported where it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from vidlib.settings import REPOSITORY

HEAVY = {
    "torch",
    "cv2",
    "mediapipe",
    "openvino",
    "pyannote",
    "pandas",
    "matplotlib",
    "papermill",
    "scipy",
    "duckdb",
    "pyarrow",
    "distributed",
    "IPython",
    "httpx",
}


def test_imports_point_down():
    """The contracts stand in pyproject.toml; ARCHITECTURE.md draws them."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_papermill_is_imported_without_a_grammar_that_takes_three_seconds():
    code = "import sys, vidlib.jupyter_import; print('papermill' in sys.modules, 'lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.slow
@pytest.mark.parametrize("module", ["vidlib", "vidlib.api", "vidlib.cli.console", "vidlib.runner.pipeline"])
def test_importing_loads_no_heavy_library(module):
    """The last one is all that a run imports before it plans its first step."""
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {HEAVY}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.slow
@pytest.mark.parametrize("command", ["--help", "run --help"])
def test_help_loads_neither_the_history_nor_the_steps(command):
    code = f"import sys; from vidlib.cli import app; app({command.split()}, standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "vidlib.cli" in loaded
    unneeded = HEAVY | {"numpy", "sqlalchemy", "vidlib.settings", "vidlib.steps", "vidlib.runner.pipeline"}
    assert loaded & unneeded == set()
