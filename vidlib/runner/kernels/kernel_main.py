"""The inside of a warm kernel: how it begins, and what it does between two notebooks.

Runs in the kernel's own process. `main` starts it; the other functions are called by short lines of code that the
engine sends (see `kernels`).
"""

import ctypes
import gc
import importlib
import os
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path

import numpy

PR_SET_PDEATHSIG = 1  # linux/prctl.h
SEED = 20261124
"""Any number, always the same one: a notebook that draws lots draws the same ones every time."""

TORCH_SEED = 67280421310721
"""What torch begins with (c10::detail::default_rng_seed_val): the same whether it is imported already or not."""

PRELOAD = (
    *("vidlib.steps", "pandas", "pyarrow.parquet", "scipy.optimize"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "IPython.display"),
    *("PIL.ImageDraw", "PIL.ImageFont", "ffmpeg", "jinja2", "cv2"),
    *("torch", "vidlib.engines.speech.pyannote.engine", "onnxruntime"),
    *("openvino.opset13", "vidlib.engines.shots.transnet", "vidlib.engines.faces.centerface"),
    *("mediapipe.tasks.python.vision", "vidlib.engines.faces.landmarks", "vidlib.engines.objects.mediapipe"),
    *(f"vidlib.plots.{name}" for name in ("media", "shots", "speech", "tracks", "reduced", "report", "delivery")),
    "vidlib.results.report_html",
)
"""What the steps and their notebooks import: 7 s and 560 MB in all, half of it pyannote.audio."""

OFFLINE = {"PYANNOTE_METRICS_ENABLED": "0", "HF_HUB_OFFLINE": "1"}
"""pyannote.audio reads both again after it was imported, so they have to outlast a fresh environment."""

_begun_with: dict[str, str] = {}
"""The environment in which the kernel was started."""

_all_cores = sorted(os.sched_getaffinity(0))


def main() -> None:
    """Be a kernel of the process ``sys.argv[1]``; the other arguments are ipykernel's."""
    _end_with(int(sys.argv.pop(1)))
    from ipykernel import kernelapp

    from vidlib.engines.runtime.model_cache import keep_models
    from vidlib.settings import withhold_secrets

    keep_models()
    withhold_secrets()
    os.environ.update(OFFLINE)
    kernelapp.IOPubThread = _without_port(kernelapp.IOPubThread)
    app = kernelapp.IPKernelApp.instance()
    app.initialize()
    _begun_with.update(os.environ)
    app.start()


def _end_with(owner: int) -> None:
    """Have this process ended together with ``owner``, however that ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != owner:  # it was gone before it could be asked for
        os._exit(1)


def _without_port(thread: type) -> type:
    """ipykernel's output thread without the TCP port that it opens for what forked children print."""

    class WithoutPort(thread):
        def __init__(self, socket: object, pipe: bool = False, session: object = False):
            super().__init__(socket, pipe=False, session=session)

    return WithoutPort


def preload() -> None:
    """Import what the steps need. What is not installed is missed by the step that needs it, which says so."""
    for name in PRELOAD:
        with suppress(ImportError, OSError):
            importlib.import_module(name)
    _begun_with.update(os.environ)  # some libraries leave words to themselves there
    _set_aside()


def enter(folder: str, cores: list[int]) -> None:
    """Called before a notebook: work in ``folder`` on these ``cores``, with fresh environment and random numbers.

    Every thread is moved, also those that libraries started for an earlier notebook.
    """
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(_begun_with)
    _use(cores)
    random.seed(SEED)
    numpy.random.seed(SEED)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(TORCH_SEED)


def leave() -> None:
    """Called after a notebook: forget its names, outputs and figures."""
    from IPython import get_ipython

    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
    get_ipython().reset(new_session=True)
    _use(_all_cores)
    _set_aside()


def _use(cores: list[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), cores)


def _set_aside() -> None:
    """Remove what is not needed any more, and never again look through what is left.

    That are the libraries and the models, a million objects: each collection would take 0.4 s.
    """
    gc.collect()
    gc.freeze()
