"""Convert one video and find its shots: two step notebooks, run by Airflow's PapermillOperator. For Airflow 3.

Trigger it with the path of a video. It is a pattern for single steps within a larger flow; vidlib_cli.py processes
whole deliveries.

Airflow's environment needs the provider and vidlib's Papermill engine. The notebooks run in vidlib's environment,
through a kernel of the name python3, which the engine expects:

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

    The provider (3.13) has no parameter for the engine; it always uses the one that Papermill registers as None.
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
        "video": Param(type="string", description="absolute path of the original video"),
        "engine": Param("vidlib", type="string", description="vidlib, or nbclient: Papermill's own"),
        "device": Param("auto", enum=["auto", "cuda", "cpu"]),
        "threshold": Param(0.5, type="number", minimum=0, maximum=1, description="lowest score of a boundary"),
    },
    tags=["vidlib"],
    doc_md=__doc__,
)
def vidlib_papermill():
    @task
    def folder(dag_run=None) -> str:
        """The folder for the outputs of this DAG run."""
        return str(WORKSPACE / "airflow" / dag_run.run_id.replace(":", "-"))

    @task
    def converted(run_folder: str) -> dict[str, Any]:
        """The converted video and its number of frames, from the outputs of the step."""
        outputs = json.loads((Path(run_folder) / "convert" / "outputs.json").read_text(encoding="utf-8"))["outputs"]
        return {"video": str(Path(run_folder) / "convert" / outputs["video"]), "frames": outputs["frames"]}

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
    run_folder = folder()
    run_folder >> convert
    video = converted(run_folder)
    convert >> video >> scenes


vidlib_papermill()
