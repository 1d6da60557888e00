"""Every night, one `vidlib run` for each delivery in the inbox, as mapped tasks of one DAG. For Airflow 3.

vidlib has an environment of its own; this file needs only Airflow. The exit codes of vidlib become states of tasks:

| code | task | reason |
|---|---|---|
| 0 | success | |
| 1, 2, 3 | failed, no retry | a failed video, wrong usage, refused input: a retry would fail in the same way |
| 130 | skipped | somebody cancelled the run |
| any other, or the worker was stopped | failed, with retries | the next attempt continues |
"""

import json
import os
import subprocess
import tempfile
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, Context, Param, dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

VIDLIB = Path(os.environ.get("VIDLIB_HOME", "/opt/vidlib"))
BIN = VIDLIB / ".venv" / "bin"
AT_ONCE = 2
"""Number of deliveries in parallel, each with JOBS parallel tasks."""
JOBS = 1

MEANING = {
    1: "some videos failed, the others are finished",
    2: "wrong usage or a wrong setting",
    3: "refused input",
}
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


class VidlibRun(BaseOperator):
    """Processes one archive, video or folder, and returns the id, the status and the reports of the run.

    The messages of the run go to the log of the task. A task that is killed, cleared or out of time ends its run.
    """

    template_fields = ("path", "profile")

    def __init__(self, *, path: str, profile: str, jobs: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.profile = profile
        self.jobs = jobs
        self._process: subprocess.Popen | None = None
        self._killed = False

    def command(self) -> list[str]:
        """The arguments as a list, so that no shell interprets the name of a file."""
        options = ["--params", self.profile, "--jobs", str(self.jobs), "--json"]
        return [str(BIN / "vidlib"), "run", *options, "--", self.path]

    def execute(self, context: Context) -> dict[str, Any]:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as document:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=document,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                cwd=VIDLIB,
                env=environment(),
                start_new_session=True,  # Airflow kills only this task, and the run stops in order
            )
            self._judge(self._follow(self._process))
            document.seek(0)
            return summary(json.load(document))

    def on_kill(self) -> None:
        """Ask the run to stop. It stops its kernels and ffmpeg; finished steps keep their results."""
        self._killed = True
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def _follow(self, process: subprocess.Popen) -> int:
        """Copy the messages of the run into the log of the task, and return its exit code."""
        try:
            for line in process.stderr:
                self.log.info("%s", line.rstrip())
            return process.wait()
        finally:
            if process.poll() is None:  # the task is out of time: give the run time to stop in order
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=30)

    def _judge(self, code: int) -> None:
        if code == 130 and not self._killed:
            raise AirflowSkipException(f"{self.path}: the run was cancelled; finished steps keep their results")
        if code in MEANING:
            raise AirflowFailException(f"{self.path}: exit code {code}, {MEANING[code]}; see the messages above")
        if code:
            raise AirflowException(f"{self.path}: exit code {code}; finished steps keep their results")


def environment() -> dict[str, str]:
    """The part of Airflow's environment that vidlib gets; the rest contains secrets of Airflow."""
    own = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("VIDLIB_")}
    return {"VIDLIB_WORKSPACE": "/srv/vidlib"} | own


def summary(document: dict[str, Any]) -> dict[str, Any]:
    """The id, status and reports of a run, from its JSON: small enough for Airflow's database."""
    reports = [video["outputs"]["report"] for video in document["videos"] if video["outputs"]["report"]]
    return {"run": document["run"], "status": document["status"], "reports": reports}


@dag(
    schedule="0 22 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    params={"profile": Param("default", type="string", description="a profile of params/, such as cpu or tv")},
    tags=["vidlib"],
    doc_md=__doc__,
)
def vidlib_cli():
    @task
    def deliveries() -> list[str]:
        """The deliveries in the inbox; Airflow skips the later tasks if there is none."""
        command = [str(BIN / "python"), "deploy/nightly.py", "--list"]
        listed = subprocess.run(command, cwd=VIDLIB, env=environment(), stdout=subprocess.PIPE, check=True)
        return json.loads(listed.stdout)

    VidlibRun.partial(
        task_id="process",
        profile="{{ params.profile }}",
        jobs=JOBS,
        max_active_tis_per_dag=AT_ONCE,
        map_index_template="{{ task.path.rsplit('/')[-1] }}",
    ).expand(path=deliveries())


vidlib_cli()
