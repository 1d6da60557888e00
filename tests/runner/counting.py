"""A tiny step for the tests of the runner: counts to ``n``, and can be told to fail, lie, wait or die."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Literal

from vidlib.errors import BrokenOutput, MediaError
from vidlib.files import write_json, write_text
from vidlib.params import Frozen
from vidlib.progress import PROGRESS_FILE
from vidlib.steps.base import OutFile, Step, StepOutputs, from_source, location, with_manifest

NAME = "counting"
VERSION = 1
NOTEBOOK = "99_counting.ipynb"
TOOLS = ()

CELLS = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\nfrom tests.runner import counting",
    "outputs = counting.run(counting.Inputs(source=source, out_dir=out_dir), counting.Params(n=n, mode=mode))",
)


class Inputs(Frozen):
    source: Path = from_source("any file")
    out_dir: Path = location("where to write")


class Params(Frozen):
    n: int = 3
    mode: Literal["count", "refuse", "lie", "wait", "die", "link", "shout", "print"] = "count"


class Outputs(StepOutputs):
    numbers: OutFile


def verify(inputs: Inputs, outputs: Outputs) -> None:
    if not json.loads(outputs.numbers.read_text()):
        raise BrokenOutput("no numbers")


@with_manifest
def run(inputs: Inputs, params: Params, *, report=lambda done, total: None) -> Outputs:
    if params.mode == "refuse":
        raise MediaError("'clip.mp4' is no readable video")
    if params.mode == "shout":
        raise RuntimeError("\x1b[31mno luck\x1b[0m\n  in the second line")
    if params.mode == "print":
        print("\x1b[32mgreen\x1b[0m\n  0%\r 50%\r100%\nno line end", end="", flush=True)
        print("caf\xe9\x1b[2J", file=sys.stderr, flush=True)
    if params.mode == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if params.mode == "wait":
        write_json(inputs.out_dir / PROGRESS_FILE, {"done": 1, "total": 4})
        write_text(inputs.out_dir / "started", str(os.getpid()))
        threading.Event().wait()
    if params.mode == "link":
        os.link(inputs.source, inputs.out_dir / "source.bin")
    numbers = [] if params.mode == "lie" else list(range(params.n))
    return Outputs(numbers=write_json(inputs.out_dir / "numbers.json", numbers))


STEP = Step(sys.modules[__name__])
