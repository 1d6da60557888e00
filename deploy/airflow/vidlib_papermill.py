"""Convert one video and find its shots: two step notebooks, run by Airflow's PapermillOperator. For Airflow 3.

Trigger it with the path of a video. Where it is not the whole of vidlib that should run, but a few of its steps within
a larger flow, this is how; for whole deliveries see vidlib_cli.py.

Airflow's own environment needs the provider and vidlib's Papermill engine; the notebooks run in vidlib's environment,
which a kernel that is called python3, as the engine wants it, leads to:

    AIRFLOW/bin/pip install apache-airflow-providers-papermill nvidia-ml-py
    AIRFLOW/bin/pip install --no-deps --editable /opt/vidlib
    /opt/vidlib/.venv/bin/python -m ipykernel install --prefix /opt/vidlib/kernel
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.sdk import Context, Param, dag, task
from papermill.engines import papermill_engines

VIDLIB = Path(os.environ.get("VIDLIB_HOME", "/opt/vidlib"))
WORKSPACE = Path(os.environ.get("VIDLIB_WORKSPACE", "/srv/vidlib"))
KERNELS = os.environ.get("VIDLIB_KERNELS", str(VIDLIB / "kernel" / "share" / "jupyter"))
FOLDER = "{{ ti.xcom_pull(task_ids='folder') }}"


class StepNotebook(PapermillOperator):
    """PapermillOperator for a step of vidlib; its parameters are those of the notebook's second cell.

    The provider has no parameter for the engine (3.13); it always takes the one that Papermill knows as None.
    """

    template_fields = (*PapermillOperator.template_fields, "engine_name")

    def __init__(self, *, notebook: str, step: str, engine_name: str, parameters: dict[str, Any], **kwargs: Any):
        super().__init__(
            task_id=step,
            input_nb=str(VIDLIB / "notebooks" / notebook),
            output_nb=f"{FOLDER}/{step}/{notebook}",
            parameters={**parameters, "out_dir": f"{FOLDER}/{step}"},
            kernel_name="python3",
            do_xcom_push=False,
            **kwargs,
        )
        self.engine_name = engine_name

    def execute(self, context: Context) -> None:
        Path(self.output_nb).parent.mkdir(parents=True, exist_ok=True)
        os.environ["JUPYTER_PATH"] = KERNELS  # searched before the kernels of Airflow's environment
        papermill_engines.register(None, papermill_engines.get_engine(self.engine_name))
        super().execute(context)


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    render_template_as_native_obj=True,  # a number of frames arrives as a number
    params={
        "video": Param(type="string", description="the video as it arrived, an absolute path"),
        "engine": Param("vidlib", type="string", description="vidlib, or nbclient: Papermill's own"),
        "device": Param("auto", enum=["auto", "cuda", "cpu"]),
        "threshold": Param(0.5, type="number", minimum=0, maximum=1, description="score from which a boundary counts"),
    },
    tags=["vidlib"],
    doc_md=__doc__,
)
def vidlib_papermill():
    @task
    def folder(dag_run=None) -> str:
        """Where the outputs of this DAG run go."""
        return str(WORKSPACE / "airflow" / dag_run.run_id.replace(":", "-"))

    @task
    def converted(place: str) -> dict[str, Any]:
        """The converted video and how many frames it has, from what the step left."""
        outputs = json.loads((Path(place) / "convert" / "outputs.json").read_text(encoding="utf-8"))["outputs"]
        return {"video": str(Path(place) / "convert" / outputs["video"]), "frames": outputs["frames"]}

    convert = StepNotebook(
        step="convert",
        notebook="03_convert.ipynb",
        engine_name="{{ params.engine }}",
        parameters={"source": "{{ params.video }}", "device": "{{ params.device }}"},
    )
    scenes = StepNotebook(
        step="scenes",
        notebook="04_scenes.ipynb",
        engine_name="{{ params.engine }}",
        parameters={
            "video": "{{ ti.xcom_pull(task_ids='converted')['video'] }}",
            "frames": "{{ ti.xcom_pull(task_ids='converted')['frames'] }}",
            "device": "{{ params.device }}",
            "threshold": "{{ params.threshold }}",
        },
    )
    place = folder()
    place >> convert
    found = converted(place)
    convert >> found >> scenes


vidlib_papermill()
