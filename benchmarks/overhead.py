"""Compare the overhead of running notebooks: plain Papermill and our engine, on the real step notebooks.

    python benchmarks/overhead.py [start] [steps] [batch] [memory]

``start``: from the start of `vidlib run`, or of plain Papermill, until its first step lets ffmpeg write a frame.
``steps``: each notebook on a clip of 2 s, with plain Papermill (a new kernel each time) and in a warm kernel.
``batch``: 12 clips of 5 to 10 s, with plain Papermill in a loop and with ``vidlib run`` in two lanes and its start-up.
``memory``: the memory of the driver and its kernels during a run of 210 tasks.
The default is all of them.
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
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import papermill
import psutil

from vidlib import demo
from vidlib.files import TMP_PREFIX, sha256, write_json
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.probe import probe_video
from vidlib.runner.kernels.pool import KernelPool
from vidlib.settings import REPOSITORY
from vidlib.steps import STEPS, VIDEO_STEPS, convert
from vidlib.steps.base import StepOutputs

ROUNDS = 3
CLIPS = [(clip, start_s, length_s) for clip in (0, 1) for start_s, length_s in zip(range(6), range(5, 11), strict=True)]
"""Index of the demo video, start and length: 12 clips of 5 to 10 s with faces, cuts and speech."""

FIRST_OUTPUTS = (convert.SMALL_FILE, f"{TMP_PREFIX}{convert.VIDEO_FILE}")
"""What ffmpeg writes first: the small frames of a video that stays as it is, or the encoded video."""

Execute = Callable[[Path, Path, dict[str, Any]], float]
"""Runs a notebook with parameters, and writes it to a path; returns the seconds of its cells."""


def plain(notebook: Path, out: Path, values: dict[str, Any]) -> float:
    """Plain Papermill: a new kernel for each notebook."""
    return cells_s(papermill.execute_notebook(str(notebook), str(out), parameters=values, progress_bar=False))


def warm(kernels: KernelPool) -> Execute:
    """Papermill with our engine, in a kernel of the pool."""

    def execute(notebook: Path, out: Path, values: dict[str, Any]) -> float:
        with kernels.acquire() as kernel:
            options = {"engine_name": "vidlib", "kernel": kernel, "progress_bar": False}
            return cells_s(papermill.execute_notebook(str(notebook), str(out), parameters=values, **options))

    return execute


def cells_s(notebook: Any) -> float:
    return sum(cell.metadata.papermill["duration"] or 0 for cell in notebook.cells)


def run_chain(video: Path, folder: Path, execute: Execute) -> dict[str, tuple[float, float]]:
    """Run every step of one video and its report: ``{step: (total seconds, seconds of its cells)}``."""
    outputs: dict[str, StepOutputs] = {}
    took = {}
    for name in VIDEO_STEPS:
        step, out = STEPS[name], folder / name
        inputs = step.wire(video, outputs, out_dir=out).model_dump(mode="json")
        took[name] = timed(execute, step.notebook, out, inputs)
        outputs[name] = step.outputs(out)
    steps = [{"name": name, "status": "done", "folder": str(folder / name)} for name in VIDEO_STEPS]
    content = {"video": video.name, "source": str(video), "sha256": sha256(video), "steps": steps}
    evidence = write_json(folder / "evidence.json", content)
    inputs = {"evidence": str(evidence), "report_dir": str(folder), "out_dir": str(folder / "report")}
    took["report"] = timed(execute, STEPS["report"].notebook, folder / "report", inputs)
    return took


def timed(execute: Execute, notebook: str, out: Path, values: dict[str, Any]) -> tuple[float, float]:
    out.mkdir(parents=True)
    started = time.perf_counter()
    cells = execute(REPOSITORY / "notebooks" / notebook, out / notebook, values)
    return time.perf_counter() - started, cells


def compare_start(folder: Path) -> None:
    """Print the time from the start of a process until *convert* lets ffmpeg write: `vidlib run` and Papermill."""
    video = cut(demo_videos(folder)[0], folder / "short.mp4", 7, 2)
    bin_dir = Path(sys.executable).parent
    ours, theirs = [], []
    for n in range(ROUNDS + 1):
        run = [bin_dir / "vidlib", "run", video, "-w", folder / f"run{n}"]
        ours.append(until_first_frame(run, folder / f"run{n}"))
        values = ["-p", "source", video, "-p", "out_dir", folder / f"plain{n}"]
        notebook = REPOSITORY / "notebooks" / convert.NOTEBOOK
        plain = [bin_dir / "papermill", notebook, folder / f"plain{n}.ipynb", *values]
        theirs.append(until_first_frame(plain, folder / f"plain{n}"))
    ours_s, theirs_s = statistics.median(ours[1:]), statistics.median(theirs[1:])
    print(f"start to first frame: vidlib run {ours_s:.2f} s, papermill {theirs_s:.2f} s; ratio {ours_s / theirs_s:.2f}")


def until_first_frame(command: Sequence[str | Path], folder: Path) -> float:
    """Seconds until ffmpeg opens its output below ``folder``; the command is then killed with all that it started."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not any(any(folder.rglob(name)) for name in FIRST_OUTPUTS):
            assert process.poll() is None, "it ended before its first frame"
            time.sleep(0.005)
        seconds = time.perf_counter() - started
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family)
    return seconds


def compare_steps(folder: Path) -> None:
    """Print the seconds of each step with plain Papermill and in a warm kernel, and those outside of its cells."""
    video = cut(demo_videos(folder)[0], folder / "short.mp4", 7, 2)
    with KernelPool(1) as kernels:
        execute = warm(kernels)
        run_chain(video, folder / "first", execute)  # imports the libraries, loads the models
        rounds = [
            (run_chain(video, folder / f"w{n}", execute), run_chain(video, folder / f"p{n}", plain))
            for n in range(ROUNDS)
        ]
    print(f"{'step':10} {'plain':>7} {'warm':>7} {'ratio':>6}   beyond its cells: {'plain':>7} {'warm':>7}")
    for step in rounds[0][0]:
        ours, theirs = ([sides[side][step] for sides in rounds] for side in (0, 1))
        ours_s, theirs_s = (statistics.median(total for total, _ in times) for times in (ours, theirs))
        ours_more, theirs_more = (
            statistics.median(total - cells for total, cells in times) for times in (ours, theirs)
        )
        ratio = f"{theirs_s:6.2f}s {ours_s:6.2f}s {ours_s / theirs_s:6.2f}"
        print(f"{step:10} {ratio} {theirs_more:25.2f}s {ours_more:6.2f}s")


def compare_batch(folder: Path) -> None:
    """Print the time of 12 clips with two of our lanes, and then with plain Papermill in a loop."""
    videos = demo_videos(folder)
    clips = [
        cut(videos[index], folder / f"clip{n:02}.mp4", start_s, length_s)
        for n, (index, start_s, length_s) in enumerate(CLIPS)
    ]
    started = time.perf_counter()
    vidlib(["run", *map(str, clips), "--jobs", "2", "--json"], folder / "workspace")
    ours_s = time.perf_counter() - started
    print(f"12 clips of 5-10 s: {ours_s:.0f} s with 2 lanes; now with plain Papermill", flush=True)
    started = time.perf_counter()
    for clip in clips:
        run_chain(clip, folder / f"plain-{clip.stem}", plain)
    plain_s = time.perf_counter() - started
    print(
        f"12 clips of 5-10 s: {ours_s:.0f} s with 2 lanes, {plain_s:.0f} s with plain Papermill: {ours_s / plain_s:.2f}"
    )


def measure_memory(folder: Path) -> None:
    """Print the memory of the driver and its kernels after some numbers of tasks."""
    video = demo_videos(folder)[0]
    clips = [cut(video, folder / f"tiny{n:02}.mp4", n / 10, 1, scale=64) for n in range(70)]
    command = ["run", *map(str, clips), "--steps", "convert,finalize", "--jobs", "2", "--json"]
    rows: list[tuple[int, float, float]] = []
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(1.0):
            driver = next((p for p in psutil.process_iter() if "tiny00.mp4" in " ".join(p.cmdline())), None)
            done = len(list((folder / "workspace" / "work").glob("*/*/outputs.json")))
            if driver:
                kernels = sum(child.memory_info().rss for child in driver.children())
                rows.append((done, driver.memory_info().rss / 1e6, kernels / 1e6))

    thread = threading.Thread(target=sample)
    thread.start()
    vidlib(command, folder / "workspace")
    ended.set()
    thread.join()
    for wanted in (50, 100, 150, 200):
        done, driver, kernels = min(rows, key=lambda row: abs(row[0] - wanted))
        print(f"after {done:3} tasks: driver {driver:.0f} MB, its kernels {kernels:.0f} MB")


def vidlib(args: list[str], workspace: Path) -> dict[str, Any]:
    """The JSON document of ``vidlib ARGS``, which must include ``--json``; raises CalledProcessError if it fails."""
    program = str(Path(sys.executable).with_name("vidlib"))
    process = subprocess.run([program, *args, "--workspace", str(workspace)], stdout=subprocess.PIPE, check=True)
    return json.loads(process.stdout)


def demo_videos(folder: Path) -> list[Path]:
    """The two videos of the demo."""
    speech = Path(str(metadata.distribution("pyannote-audio").locate_file(demo.SPEECH[1])))
    paths = [folder / "films" / clip.name for clip in demo.VIDEOS]
    for clip, path in zip(demo.VIDEOS, paths, strict=True):
        if not path.is_file():
            content = demo.encode(clip, demo.source_folder(), speech, path.parent)
            path.write_bytes(content)
    return paths


def cut(video: Path, target: Path, start_s: float, length_s: float, scale: int | None = None) -> Path:
    """Write a part of a video to ``target``; ``scale`` is its width in pixels."""
    size = ["-vf", f"scale={scale}:-2"] if scale else []
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac"]
    span = ["-ss", str(start_s), "-t", str(length_s)]
    commands.run(ffmpeg.command(*ffmpeg.input_args(video, *span), *size, *codec, f"file:{target}"), timeout_s=60)
    assert probe_video(target).duration_s > 0
    return target


PARTS = {"start": compare_start, "steps": compare_steps, "batch": compare_batch, "memory": measure_memory}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    for part in sys.argv[1:] or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[part](Path(folder))
