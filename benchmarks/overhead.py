"""What running notebooks costs: plain Papermill beside our engine, on the real step notebooks.

    python benchmarks/overhead.py [steps] [batch] [memory]

``steps``: each notebook on a clip of 2 s, by plain Papermill (a kernel for each) and in a warm kernel.
``batch``: 12 clips of 5 to 10 s, by plain Papermill in a loop and by ``vidlib run`` with two lanes, start-up included.
``memory``: what the runner and its kernels hold while one run does 210 tasks.
Without a word: all three.
"""

import json
import logging
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import papermill
import psutil

from vidlib import demo
from vidlib.files import sha256, write_json
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.probe import probe_video
from vidlib.runner.kernels.pool import KernelPool
from vidlib.settings import REPOSITORY
from vidlib.steps import STEPS, VIDEO_STEPS
from vidlib.steps.base import StepOutputs

ROUNDS = 3
CLIPS = [(clip, start_s, length_s) for clip in (0, 1) for start_s, length_s in zip(range(6), range(5, 11), strict=True)]
"""Which clip of the demo, from where, how long: 12 clips of 5 to 10 s with faces, cuts and voices."""

Execute = Callable[[Path, Path, dict[str, Any]], float]
"""Runs a notebook, to a path, with parameters; the seconds that its cells took."""


def plain(notebook: Path, out: Path, values: dict[str, Any]) -> float:
    """Papermill as it comes: a new kernel for each notebook."""
    return cells_s(papermill.execute_notebook(str(notebook), str(out), parameters=values, progress_bar=False))


def warm(kernels: KernelPool) -> Execute:
    """Papermill with our engine."""

    def execute(notebook: Path, out: Path, values: dict[str, Any]) -> float:
        with kernels.acquire() as kernel:
            options = {"engine_name": "vidlib", "kernel": kernel, "progress_bar": False}
            return cells_s(papermill.execute_notebook(str(notebook), str(out), parameters=values, **options))

    return execute


def cells_s(notebook: Any) -> float:
    return sum(cell.metadata.papermill["duration"] or 0 for cell in notebook.cells)


def run_chain(video: Path, folder: Path, execute: Execute) -> dict[str, tuple[float, float]]:
    """Every step of one video and its report: ``{step: (seconds in all, seconds of its cells)}``."""
    left: dict[str, StepOutputs] = {}
    took = {}
    for name in VIDEO_STEPS:
        step, out = STEPS[name], folder / name
        inputs = step.wire(video, left, out_dir=out).model_dump(mode="json")
        took[name] = timed(execute, step.notebook, out, inputs)
        left[name] = step.outputs(out)
    steps = [{"name": name, "status": "done", "folder": str(folder / name)} for name in VIDEO_STEPS]
    about = {"video": video.name, "source": str(video), "sha256": sha256(video), "steps": steps}
    evidence = write_json(folder / "evidence.json", about)
    inputs = {"evidence": str(evidence), "report_dir": str(folder), "out_dir": str(folder / "report")}
    took["report"] = timed(execute, STEPS["report"].notebook, folder / "report", inputs)
    return took


def timed(execute: Execute, notebook: str, out: Path, values: dict[str, Any]) -> tuple[float, float]:
    out.mkdir(parents=True)
    started = time.perf_counter()
    cells = execute(REPOSITORY / "notebooks" / notebook, out / notebook, values)
    return time.perf_counter() - started, cells


def compare_steps(folder: Path) -> None:
    """Print for each step what plain Papermill and a warm kernel take, and what of it is not the step's own cells."""
    video = cut(rendered(folder)[0], folder / "short.mp4", 7, 2)
    with KernelPool(1) as kernels:
        ours = warm(kernels)
        run_chain(video, folder / "first", ours)  # imports the libraries, loads the models
        rounds = [
            (run_chain(video, folder / f"w{n}", ours), run_chain(video, folder / f"p{n}", plain)) for n in range(ROUNDS)
        ]
    print(f"{'step':10} {'plain':>7} {'warm':>7} {'ratio':>6}   beyond its cells: {'plain':>7} {'warm':>7}")
    for step in rounds[0][0]:
        mine, other = ([found[who][step] for found in rounds] for who in (0, 1))
        mine_s, other_s = (statistics.median(total for total, _ in times) for times in (mine, other))
        mine_more, other_more = (statistics.median(total - cells for total, cells in times) for times in (mine, other))
        print(f"{step:10} {other_s:6.2f}s {mine_s:6.2f}s {mine_s / other_s:6.2f} {other_more:25.2f}s {mine_more:6.2f}s")


def compare_batch(folder: Path) -> None:
    """Print how long 12 clips take by plain Papermill in a loop and by two lanes of ours, one after the other."""
    films = rendered(folder)
    clips = [cut(films[film], folder / f"clip{n:02}.mp4", start, long) for n, (film, start, long) in enumerate(CLIPS)]
    started = time.perf_counter()
    vidlib(["run", *map(str, clips), "--jobs", "2", "--json"], folder / "workspace")
    ours_s = time.perf_counter() - started
    print(f"12 clips of 5-10 s: {ours_s:.0f} s with 2 lanes; now by plain papermill", flush=True)
    started = time.perf_counter()
    for clip in clips:
        run_chain(clip, folder / f"plain-{clip.stem}", plain)
    plain_s = time.perf_counter() - started
    print(
        f"12 clips of 5-10 s: {ours_s:.0f} s with 2 lanes, {plain_s:.0f} s by plain papermill: {ours_s / plain_s:.2f}"
    )


def watch_memory(folder: Path) -> None:
    """Print what the runner and its kernels hold as the number of tasks that are done grows."""
    film = rendered(folder)[0]
    clips = [cut(film, folder / f"tiny{n:02}.mp4", n / 10, 1, scale=64) for n in range(70)]
    command = ["run", *map(str, clips), "--steps", "convert,finalize", "--jobs", "2", "--json"]
    rows: list[tuple[int, float, float]] = []
    over = threading.Event()

    def sample() -> None:
        while not over.wait(1.0):
            runner = next((p for p in psutil.process_iter() if "tiny00.mp4" in " ".join(p.cmdline())), None)
            done = len(list((folder / "workspace" / "work").glob("*/*/outputs.json")))
            if runner:
                held = sum(child.memory_info().rss for child in runner.children())
                rows.append((done, runner.memory_info().rss / 1e6, held / 1e6))

    thread = threading.Thread(target=sample)
    thread.start()
    vidlib(command, folder / "workspace")
    over.set()
    thread.join()
    for wanted in (50, 100, 150, 200):
        done, runner, kernels = min(rows, key=lambda row: abs(row[0] - wanted))
        print(f"after {done:3} tasks: runner {runner:.0f} MB, its kernels {kernels:.0f} MB")


def vidlib(args: list[str], workspace: Path) -> dict[str, Any]:
    """What ``vidlib ARGS --json`` says; it has to end well."""
    program = str(Path(sys.executable).with_name("vidlib"))
    done = subprocess.run([program, *args, "--workspace", str(workspace)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def rendered(folder: Path) -> list[Path]:
    """The two clips of the demo."""
    voices = Path(str(metadata.distribution("pyannote-audio").locate_file(demo.SPEECH[1])))
    found = [folder / "films" / clip.name for clip in demo.VIDEOS]
    for clip, path in zip(demo.VIDEOS, found, strict=True):
        if not path.is_file():
            content = demo.encode(clip, demo.source_folder(), voices, path.parent)
            path.write_bytes(content)
    return found


def cut(film: Path, target: Path, start_s: float, length_s: float, scale: int | None = None) -> Path:
    """A part of a film as a file of its own."""
    size = ["-vf", f"scale={scale}:-2"] if scale else []
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac"]
    span = ["-ss", str(start_s), "-t", str(length_s)]
    commands.run(ffmpeg.command(*ffmpeg.input_args(film, *span), *size, *codec, f"file:{target}"), timeout_s=60)
    assert probe_video(target).duration_s > 0
    return target


PARTS = {"steps": compare_steps, "batch": compare_batch, "memory": watch_memory}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    for part in sys.argv[1:] or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[part](Path(folder))
