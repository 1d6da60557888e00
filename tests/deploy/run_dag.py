"""For Airflow's own interpreter: does one thing with a DAG, and prints what came of it as a line of JSON.

`python run_dag.py errors FOLDER`, `... tasks FOLDER DAG`, `... test FOLDER DAG CONF`, `... kill FOLDER STARTED`.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

LIMIT_S = 60


def errors(folder: str) -> dict[str, Any]:
    """The DAGs in a folder, and the files in it that cannot be imported."""
    bag = _bag(folder)
    return {"dags": sorted(bag.dags), "errors": bag.import_errors}


def tasks(folder: str, dag_id: str) -> dict[str, Any]:
    """The parameters and the notebook of every task that has some."""
    found = {task.task_id: task for task in _bag(folder).dags[dag_id].tasks}
    return {
        name: {"notebook": task.input_nb, "parameters": task.parameters, "needs": sorted(task.upstream_task_ids)}
        for name, task in found.items()
        if hasattr(task, "input_nb")
    }


def test(folder: str, dag_id: str, conf: str) -> dict[str, Any]:
    """Run a DAG once, with tries that follow each other at once."""
    from datetime import timedelta

    dag = _bag(folder).dags[dag_id]
    for task in dag.tasks:
        task.retry_delay = timedelta()
    run = dag.test(run_conf=json.loads(conf))
    rows = [
        {"task": ti.task_id, "name": ti.rendered_map_index, "state": ti.state, "tries": ti.try_number}
        for ti in run.get_task_instances()
    ]
    return {"state": run.state, "tasks": rows}


def kill(folder: str, started: str) -> dict[str, Any]:
    """Start a run by its operator, stop the task once the file ``started`` is there, and say what is raised."""
    _bag(folder)
    module = next(module for name, module in sys.modules.items() if name.endswith("vidlib_cli"))
    operator = module.VidlibRun(task_id="kill", path="slow.zip", profile="default")

    def stop_once_started() -> None:
        end = time.monotonic() + LIMIT_S
        while not Path(started).exists() and time.monotonic() < end:
            threading.Event().wait(0.05)
        operator.on_kill()

    threading.Thread(target=stop_once_started).start()
    try:
        type(operator).execute.__wrapped__(operator, {})
    except Exception as error:  # noqa: BLE001  which one it is, is the answer
        return {"raised": type(error).__name__, "code": operator._process.returncode}
    return {"raised": None}


def _bag(folder: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(folder)


if __name__ == "__main__":
    print(f"\n{json.dumps(globals()[sys.argv[1]](*sys.argv[2:]))}")
