"""The code of the template: it imports the libraries, and forks a kernel whenever its owner asks for one."""

import gc
import importlib
import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from vidlib.runner.kernels import kernel_main

AHEAD = ("vidlib.steps", "vidlib.demo")
"""What the first step needs, imported before anybody asks for a kernel. A run that finds all results needs no more."""

PRELOAD = (
    *("pandas", "pyarrow.parquet", "scipy.optimize"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "IPython.display"),
    *("PIL.ImageDraw", "PIL.ImageFont", "ffmpeg", "jinja2", "cv2"),
    *("torch", "vidlib.engines.speech.pyannote.engine", "onnxruntime"),
    *("vidlib.engines.runtime.openvino_cpu", "openvino.opset13"),
    *("vidlib.engines.shots.transnet", "vidlib.engines.faces.centerface"),
    *("mediapipe.tasks.python.vision", "vidlib.engines.faces.landmarks", "vidlib.engines.objects.mediapipe"),
    *(f"vidlib.plots.{name}" for name in ("media", "shots", "speech", "tracks", "reduced", "report", "delivery")),
    "vidlib.results.report_html",
)
"""Further modules of the steps and their notebooks, imported once somebody asked for a kernel: 7 s and 560 MB in all,
half of it pyannote.audio. Their import starts no thread but those of numerical libraries, which survive a fork."""


def main() -> None:
    """Serve the owner behind the socket with the number ``sys.argv[1]``, until it closes its end."""
    gc.disable()  # imports leave hardly any garbage
    owner = Connection(int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the kernels, so none stays as a zombie
    os.environ.update(kernel_main.OFFLINE)
    with suppress(OSError, EOFError):
        if arguments := _serve(owner, dict(os.environ)):
            owner.close()
            kernel_main.main(arguments)


def _serve(owner: Connection, inherited: dict[str, str]) -> list[str]:
    """Fork kernels, and import libraries while nobody asks for one. Returns, in each fork, the arguments of the kernel.

    ``inherited`` is the environment of the template before its imports. Raises EOFError when the owner is gone.
    """
    waiting, later = list(AHEAD), list(PRELOAD)
    template = os.getpid()
    while True:
        if waiting and not owner.poll():
            _import(waiting.pop(0))
            if not (waiting or later):
                gc.collect()
                owner.send(True)
            continue
        folder, arguments, env = owner.recv()
        gc.freeze()  # a collection in the kernel would write to, and so copy, the memory of these objects
        if pid := os.fork():
            owner.send(pid)
            waiting, later = [*waiting, *later], []
        else:
            _become_kernel(template, folder, env, inherited)
            return arguments


def _import(name: str) -> None:
    """Import a module. A step that needs a missing one reports it itself."""
    with suppress(ImportError, OSError):
        importlib.import_module(name)


def _become_kernel(template: int, folder: str, env: dict[str, str], inherited: dict[str, str]) -> None:
    """Make this fork a process of its own, with the environment ``env`` and the variables that libraries have set."""
    gc.enable()
    os.setsid()
    kernel_main.die_with(template)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    changed = {name: value for name, value in os.environ.items() if inherited.get(name) != value}
    os.environ.clear()
    os.environ.update(env | kernel_main.OFFLINE | changed)
    os.chdir(folder)
