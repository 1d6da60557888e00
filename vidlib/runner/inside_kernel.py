"""What a warm kernel does between two notebooks. Runs in the kernel; imports what is heavy only when asked to.

The kernel's own process calls these functions by short lines of code that the engine sends (see `kernels`).
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

PR_SET_PDEATHSIG = 1  # linux/prctl.h
SEED = 20261124
"""Any number, always the same one: a notebook that draws lots draws the same ones every time."""

PRELOAD = (
    "pandas",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "cv2",
    "torch",
    "openvino",
    "mediapipe.tasks.python.vision",
    "vidlib.steps",
    "vidlib.engines.speech_pyannote",
    "vidlib.plots.report",
)
"""What the notebooks of the steps import, the slowest: together 6 to 10 s on two cores."""

OFFLINE = {"PYANNOTE_METRICS_ENABLED": "0", "HF_HUB_OFFLINE": "1"}
"""pyannote.audio reads both again after it was imported, so they have to outlast a fresh environment."""

_begun_with: dict[str, str] = {}
"""The environment in which the kernel was started."""

_all_cores = sorted(os.sched_getaffinity(0))


def begin(owner: int) -> None:
    """Called once, when the kernel starts: end with ``owner``, however that ends; keep models for the next notebook."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != owner:  # it was gone before it could be asked for
        os._exit(1)
    os.environ.update(OFFLINE)
    _begun_with.update(os.environ)
    from vidlib.engines.loaded import keep_models

    keep_models()


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
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(SEED)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(SEED)


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
