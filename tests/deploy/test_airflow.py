"""The DAGs in a real Airflow, which has an environment of its own (see docs/use/schedulers.md)."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from papermill import inspect_notebook

from tests import sample_media
from vidlib.settings import REPOSITORY

DAGS = REPOSITORY / "deploy" / "airflow"
HOW_TO = (
    "Airflow is not here: python3.11 -m venv /tmp/airflow && /tmp/airflow/bin/pip install apache-airflow "
    "apache-airflow-providers-papermill nvidia-ml-py && /tmp/airflow/bin/pip install --no-deps --editable . "
    "and set AIRFLOW_PYTHON=/tmp/airflow/bin/python"
)
LONG_AGO_S = 3600
LIMIT_S = 200
"""Airflow waits for ever for a DAG that cannot go on."""

VIDLIB = """#!/bin/sh
echo "$@" >>"$0.calls"
env >"$0.environment"
for path; do :; done
case $path in
*slow*) trap 'kill $!; exit 130' TERM; sleep 100 & touch "$0.started"; wait ;;
*killed*) kill -KILL $$ ;;
*code*) code=${path##*code}; code=${code%.*} ;;
esac
echo '{"run": "r1", "status": "done", "videos": [{"outputs": {"report": "/report.html"}}], "projects": []}'
exit "${code:-0}"
"""
PYTHON = f"""#!/bin/sh
exec {sys.executable} "$@"
"""

Ask = Callable[..., dict[str, Any]]


def airflow_python() -> str | None:
    """The interpreter that has Airflow: AIRFLOW_PYTHON, or the one beside the `airflow` on the PATH."""
    if given := os.environ.get("AIRFLOW_PYTHON"):
        return given
    program = shutil.which("airflow")
    return program and str(Path(program).resolve().parent / "python")


pytestmark = pytest.mark.skipif(not airflow_python(), reason=HOW_TO)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vidlib whose command line only says how it was called, and an inbox."""
    home = tmp_path_factory.mktemp("vidlib")
    programs = home / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, content in {"vidlib": VIDLIB, "python": PYTHON}.items():
        (programs / name).write_text(content)
        (programs / name).chmod(0o755)
    (home / "deploy").mkdir()
    shutil.copy(REPOSITORY / "deploy" / "nightly.py", home / "deploy")
    (home / "workspace" / "inbox").mkdir(parents=True)
    return home


@pytest.fixture(scope="module")
def ask(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """``ask(what, ...)``: what `run_dag.py` answers, in an Airflow with a new database."""
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "VIDLIB_HOME": str(home),
        "VIDLIB_WORKSPACE": str(home / "workspace"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    migrate = [airflow_python(), "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=settings, capture_output=True, check=True, timeout=LIMIT_S)

    def answer(what: str, *arguments: str | Path, **others: str) -> dict[str, Any]:
        command = [airflow_python(), Path(__file__).with_name("run_dag.py"), what, DAGS, *arguments]
        done = subprocess.run(
            command, env=settings | others, capture_output=True, text=True, check=False, timeout=LIMIT_S
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return answer


def put(home: Path, *names: str) -> None:
    """Let the inbox hold just these files, for an hour already."""
    inbox = home / "workspace" / "inbox"
    for path in inbox.iterdir():
        path.unlink()
    for name in names:
        (inbox / name).write_text("a video, by its name")
        os.utime(inbox / name, (time.time() - LONG_AGO_S,) * 2)


def test_airflow_reads_both_dags(ask):
    assert ask("errors") == {"dags": ["vidlib_cli", "vidlib_papermill"], "errors": {}}


def test_each_exit_code_becomes_what_airflow_should_do(ask, home):
    put(home, "a b.mp4", "code1.mp4", "code2.mp4", "code3.mp4", "code130.mp4", "killed.mp4", "late.mp4.part")
    found = {
        row["name"]: (row["state"], row["tries"]) for row in ask("test", "vidlib_cli", "{}")["tasks"] if row["name"]
    }
    assert found == {
        "a b.mp4": ("success", 1),
        "code1.mp4": ("failed", 1),
        "code2.mp4": ("failed", 1),
        "code3.mp4": ("failed", 1),
        "code130.mp4": ("skipped", 1),
        "killed.mp4": ("failed", 3),
    }


def test_an_empty_inbox_is_a_skipped_task_and_a_good_night(ask, home):
    put(home)
    done = ask("test", "vidlib_cli", "{}")
    assert done["state"] == "success"
    assert {row["task"]: row["state"] for row in done["tasks"]} == {"deliveries": "success", "process": "skipped"}


def test_vidlib_is_told_the_profile_and_none_of_airflows_secrets(ask, home):
    put(home, "a b.mp4")
    calls = home / ".venv" / "bin" / "vidlib.calls"
    calls.unlink(missing_ok=True)
    ask("test", "vidlib_cli", '{"profile": "tv"}', AIRFLOW__CORE__FERNET_KEY="", SECRET_OF_AIRFLOW="1")
    assert calls.read_text() == f"run --params tv --jobs 1 --json -- {home / 'workspace' / 'inbox' / 'a b.mp4'}\n"
    environment = calls.with_name("vidlib.environment").read_text()
    assert "SECRET_OF_AIRFLOW" not in environment
    assert "AIRFLOW__" not in environment
    assert f"VIDLIB_WORKSPACE={home / 'workspace'}" in environment


def test_a_task_that_airflow_stops_ends_its_run_and_is_tried_again(ask, home):
    started = home / ".venv" / "bin" / "vidlib.started"
    assert ask("kill", started) == {"raised": "AirflowException", "code": 130}


def test_what_the_notebooks_are_given_are_their_parameters(ask):
    found = ask("tasks", "vidlib_papermill", VIDLIB_HOME=str(REPOSITORY))
    assert found["scenes"]["needs"] == ["converted"]
    for task in found.values():
        assert task["parameters"].keys() <= inspect_notebook(task["notebook"]).keys()


@pytest.mark.parametrize("engine", ["vidlib", "nbclient"])
def test_papermill_converts_a_video_and_finds_its_shots(ask, home, tmp_path, engine):
    kernel = [sys.executable, "-m", "ipykernel", "install", "--prefix", tmp_path / "kernel"]
    subprocess.run(kernel, capture_output=True, check=True)
    clip = sample_media.clip(tmp_path / "a b.mp4")
    done = ask(
        "test",
        "vidlib_papermill",
        json.dumps({"video": str(clip), "engine": engine, "device": "cpu", "threshold": 0.4}),
        VIDLIB_HOME=str(REPOSITORY),
        VIDLIB_WORKSPACE=str(tmp_path),
        VIDLIB_KERNELS=str(tmp_path / "kernel" / "share" / "jupyter"),
    )
    assert {row["task"]: row["state"] for row in done["tasks"]} == dict.fromkeys(
        ("folder", "convert", "converted", "scenes"), "success"
    )
    (manifest,) = tmp_path.glob("airflow/*/scenes/outputs.json")
    assert json.loads(manifest.read_text())["params"]["threshold"] == 0.4
    assert (manifest.parent / "shots.csv").is_file()
