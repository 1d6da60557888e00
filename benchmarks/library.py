"""Time of the page *Library*: the first page and searches with 10,000 videos, and of a page with a run of 300 videos.

    python benchmarks/library.py [--videos 10000] [--workspace FOLDER]

History and archive are made at random, by the writers of vidlib. The page is asked as a browser asks it, without the
browser: the time is that of the kernel behind it. A ``--workspace`` is made once and used again.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from composing import archive
from composing import history as runs

from vidlib.dashboard.library import Library
from vidlib.dashboard.pages import Context
from vidlib.dashboard.work import Work
from vidlib.results.finding import index
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, load

FRAMES = 500
"""Frames of each video of the archive."""

SEARCHES = ("clip 12", "budget", 'says:"le budget"', "person:SPEAKER_01 says:budget", "project:3 date:2026-05 -clip")
RUN_SIZES = (30, 300)
ROUNDS = 5


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """The seconds of ``call`` on the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def made(folder: Path, n_videos: int) -> Settings:
    """A workspace with this many videos in history and archive, with the index of the archive."""
    settings = load(workspace=folder)
    if not settings.archive.is_dir():
        with History(settings.database) as history:
            runs.compose(history, n_videos)
        archive.compose(settings.archive, n_videos, seed=1, n_frames=FRAMES)
        wall, cpu = timed(lambda: index.opened(settings.archive).__enter__().close())
        print(f"index of {n_videos} videos of {FRAMES / 25:.0f} s: {wall:.1f} s ({cpu:.1f} CPU)")
    return settings


def measure_library(settings: Settings) -> None:
    """Print the time of the first page, and of searches in an open page."""
    with History(settings.database) as history:

        def first() -> None:
            page = Library(Context(settings))
            page.view(history, {})
            page.wait_for_index()

        wall, cpu = timed(first)
        print(f"first page, with a look at every entry of the archive: {wall:.2f} s ({cpu:.2f} CPU)")
        page = Library(Context(settings))
        page.view(history, {})
        for text in SEARCHES:
            queries = [{"text": text, "from": str(n)} for n in range(ROUNDS)]  # none is the one on display
            times = [timed(partial(page.view, history, query)) for query in queries]
            wall, cpu = (statistics.median(values) for values in zip(*times, strict=True))
            print(f"search {text!r}: {wall:.3f} s ({cpu:.3f} CPU)")


def measure_run(folder: Path) -> None:
    """Print how the time of a page depends on the size of the run on display."""
    times = {}
    for size in RUN_SIZES:
        settings = load(workspace=folder / str(size))
        with History(settings.database) as history:
            runs.compose(history, size, per_run=size)
            page = Work(Context(settings))
            view = partial(page.view, history, {})
            view()
            times[size] = statistics.median(timed(view)[1] for _ in range(ROUNDS))
    small, large = (times[size] for size in RUN_SIZES)
    print(
        f"a refresh of the page Work: {small:.3f} CPU s with a run of {RUN_SIZES[0]} videos, {large:.3f} with "
        f"{RUN_SIZES[1]}, ratio {large / small:.1f}, {os.cpu_count()} cores"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=int, default=10_000, help="number of videos in history and archive")
    parser.add_argument("--workspace", type=Path, help="folder that keeps what is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure_library(made(options.workspace or Path(folder) / "library", options.videos))
        measure_run(Path(folder))


if __name__ == "__main__":
    main()
