"""Every night: one `vidlib run` for each delivery in the inbox, as mapped tasks of one DAG. For Airflow 3.

vidlib stays in an environment of its own; this file needs Airflow and nothing else. Its exit codes become:

| code | task | why |
|---|---|---|
| 0 | success | |
| 1, 2, 3 | failed, not tried again | a video that failed, wrong usage, refused input: the same would come out |
| 130 | skipped | somebody cancelled the run |
| any other, or the worker was stopped | failed, tried again | the next try goes on where this one ended |
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
"""Deliveries that are processed at the same time, each with JOBS lanes."""
JOBS = 1

MEANING = {
    1: "some videos failed, the others are finished",
    2: "wrong usage or a wrong setting",
    3: "refused input",
}
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


class VidlibRun(BaseOperator):
    """Process one archive, video or folder; gives back the run's id, its status and its reports.

    What the run says goes to the task's log. A task that is killed, cleared or out of time ends its run.
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
        """The arguments, as a list: no shell reads the name of a file."""
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
                start_new_session=True,  # it ends in its own way, also when Airflow kills this task
            )
            self._judge(self._follow(self._process))
            document.seek(0)
            return summary(json.load(document))

    def on_kill(self) -> None:
        """Ask the run to stop: it ends its kernels and ffmpeg, and keeps the steps that are finished."""
        self._killed = True
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def _follow(self, process: subprocess.Popen) -> int:
        """Put what the run says into the task's log; its exit code."""
        try:
            for line in process.stderr:
                self.log.info("%s", line.rstrip())
            return process.wait()
        finally:
            if process.poll() is None:  # out of time: it has to be able to say its last words before this task ends
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=30)

    def _judge(self, code: int) -> None:
        if code == 130 and not self._killed:
            raise AirflowSkipException(f"{self.path}: the run was cancelled; what it finished is kept")
        if code in MEANING:
            raise AirflowFailException(f"{self.path}: exit code {code}, {MEANING[code]}; see above")
        if code:
            raise AirflowException(f"{self.path}: exit code {code}; what the run finished is kept")


def environment() -> dict[str, str]:
    """What vidlib sees of Airflow's environment; the rest holds Airflow's secrets."""
    own = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("VIDLIB_")}
    return {"VIDLIB_WORKSPACE": "/srv/vidlib"} | own


def summary(document: dict[str, Any]) -> dict[str, Any]:
    """What later tasks and people want of the JSON of a run: small enough for Airflow's database."""
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
        """What has arrived in the inbox; where that is nothing, the tasks after this one are skipped."""
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
