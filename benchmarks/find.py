"""Time of questions to the archive: a scan with pandas over the results of every video, and our index.

    python benchmarks/find.py [--videos 1000] [--questions 10]

The videos are made at random. Both sides answer the same questions, and the answers must be equal. The scan is timed on
a part of the videos, because it takes minutes.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from by_hand.find import results, scan
from composing import archive, questions
from composing.questions import Question

from vidlib.results.finding import index, search
from vidlib.results.finding.query import parse

SCANNED = 50
"""Videos that the scan by hand reads."""

QUESTION: Question = (("len", ">", "3s"), ("faces", "=", "2"), ("speaker", ":", "SPEAKER_01"), ("smile", ">", "0.4"))
WORDS: Question = (("says", ":", "le budget"),)


def timed(call: Callable[[], Any]) -> tuple[Any, float, float]:
    """What ``call`` returns, with its seconds on the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def ask(root: Path, question: Question) -> list[search.FoundShot]:
    """The answer of vidlib, with all that a new process would do after its imports."""
    return search.find(root, parse(questions.text(question))).shots


def measure(root: Path, question: Question, name: str, n_videos: int, rounds: int = 5) -> None:
    """Print the time of one question by both sides."""
    ours = [timed(lambda: ask(root, question))[1:] for _ in range(rounds)]
    wall, cpu = (statistics.median(values) for values in zip(*ours, strict=True))
    _, by_hand, by_hand_cpu = timed(lambda: scan(results(root)[:SCANNED], question))
    share = n_videos / min(SCANNED, n_videos)
    print(
        f"{name}: vidlib {wall:.3f} s ({cpu:.3f} CPU), pandas {by_hand * share:.1f} s ({by_hand_cpu * share:.1f} CPU), "
        f"ratio {cpu / (by_hand_cpu * share):.5f}, {os.cpu_count()} cores"
    )


def check(root: Path, n_questions: int) -> None:
    """Raise AssertionError unless both sides give the same answers to questions at random."""
    videos, chance = results(root)[:SCANNED], random.Random(5)
    stems = {video.entry.metadata.video_stem for video in videos}
    for _ in range(n_questions):
        question = questions.question(chance)
        found = {(shot.stem, shot.number) for shot in ask(root, question) if shot.stem in stems}
        assert found == scan(videos, question), questions.text(question)
    print(f"{n_questions} questions at random: equal answers")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=int, default=1000, help="number of videos of two minutes")
    parser.add_argument("--questions", type=int, default=10, help="number of questions whose answers are compared")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "archive"
        archive.compose(root, options.videos, seed=1)

        def rebuild() -> int:
            with index.opened(root, anew=True) as opened:
                return opened.count()

        n_shots, wall, cpu = timed(rebuild)
        print(f"index of {options.videos} videos, {n_shots} shots: {wall:.1f} s ({cpu:.1f} CPU)")
        measure(root, QUESTION, "a question", options.videos)
        measure(root, WORDS, "words", options.videos)
        check(root, options.questions)


if __name__ == "__main__":
    main()
