"""The code inside a warm kernel: how it starts, and how it is reset between two notebooks.

It runs in the kernel's own process, a fork of the template. `main` starts the kernel; `client` sends short lines of
code that call the other functions.
"""

import ctypes
import gc
import os
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path

# The debugger of Python 3.13, which ipykernel imports, would load libreadline, which is GPL; no kernel reads lines.
sys.modules.setdefault("readline", None)  # type: ignore[arg-type]

import numpy  # noqa: E402
from ipykernel import kernelapp  # noqa: E402

from vidlib.child_environment import withhold_secrets  # noqa: E402
from vidlib.engines.runtime.model_cache import keep_models  # noqa: E402
from vidlib.settings import settings  # noqa: E402

PR_SET_PDEATHSIG = 1  # linux/prctl.h
SEED = 20261124
"""Seed of Python's and NumPy's random numbers: a notebook gets the same ones in every run. Any number would do."""

TORCH_SEED = 67280421310721
"""torch's own default (c10::detail::default_rng_seed_val), so that an early import of torch changes nothing."""

OFFLINE = {"PYANNOTE_METRICS_ENABLED": "0", "HF_HUB_OFFLINE": "1"}
"""pyannote.audio reads both variables again after its import, so they belong to the environment of every notebook."""

_initial_environment: dict[str, str] = {}
"""The environment that every notebook starts with."""

_all_cores = sorted(os.sched_getaffinity(0))


def main(arguments: list[str]) -> None:
    """Run a kernel in this process; ``arguments`` are ipykernel's."""
    keep_models()
    settings.cache_clear()
    withhold_secrets()
    kernelapp.IOPubThread = _without_port(kernelapp.IOPubThread)  # type: ignore[misc, assignment]
    app = kernelapp.IPKernelApp.instance()
    app.initialize(arguments)
    _initial_environment.update(os.environ)
    app.start()


def die_with(owner: int) -> None:
    """Ask Linux to kill this process when ``owner`` ends, for whatever reason."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != owner:  # the owner ended before the call above
        os._exit(1)


def _without_port(thread: type) -> type:
    """ipykernel's output thread without the TCP port on which it collects the output of forked children."""

    class WithoutPort(thread):
        def __init__(self, socket: object, pipe: bool = False, session: object = False):
            super().__init__(socket, pipe=False, session=session)

    return WithoutPort


def before_notebook(folder: str, cores: list[int]) -> None:
    """Prepare the kernel for a notebook: its working folder, its cores, a fresh environment, seeded random numbers.

    All threads move to ``cores`` (indices of CPUs), including those that libraries started for an earlier notebook.
    """
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(_initial_environment)
    _pin_threads(cores)
    random.seed(SEED)
    numpy.random.seed(SEED)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(TORCH_SEED)


def after_notebook() -> None:
    """Forget the names, outputs and figures of the notebook that ended."""
    from IPython import get_ipython

    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
    get_ipython().reset(new_session=True)
    _pin_threads(_all_cores)
    _freeze_objects()


def _pin_threads(cores: list[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), cores)


def _freeze_objects() -> None:
    """Collect garbage once, then exclude the remaining objects from later collections.

    The libraries and models are a million objects; each collection would take 0.4 s.
    """
    gc.collect()
    gc.freeze()
