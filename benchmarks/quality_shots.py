"""Measure what each part of the detection of shots is worth, on real footage and on edits of it.

    python benchmarks/quality_shots.py sources/ cache/ --reported beads cnn --also composed/

Each .mp4 of the folder SOURCES, at 25 frames per second, has a ground truth beside it: NAME.truth.json as in
docs/use/evaluate.md, or NAME.json with ``cuts`` (frames from 0), ``gradual`` ([first, last, kind]) and ``optional``
([first, last], where a boundary is neither right nor wrong). It is measured as it is, and its shots are edited:
benchmarks/composing/edits.py makes jump cuts, splices and dissolves, and what looks like a cut and is none.

Constants are chosen on all sources but those --reported. A folder --also is one source: its videos are measured as they
are. The network runs once: the folder CACHE keeps thumbnails and scores. Delete it after a change of the network or of
an edit.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from vidlib.errors import UsageError, VidlibError


def main() -> int:
    """Print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="?", help="folder of videos with ground truth")
    parser.add_argument("cache", type=Path, nargs="?", help="folder that keeps thumbnails and scores")
    parser.add_argument("--reported", nargs="*", default=[], metavar="NAME", help="sources that choose nothing")
    parser.add_argument("--also", type=Path, nargs="*", default=[], metavar="FOLDER", help="videos, not to be edited")
    options = parser.parse_args()
    if not options.cache:
        print("quality_shots: no sources were given; expected SOURCES CACHE (see --help)")
        return 0
    try:
        measure(options)
    except VidlibError as error:
        print(f"quality_shots: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def measure(options: argparse.Namespace) -> None:
    """Print what the options ask for. Raises UsageError where no video has a truth."""
    from ablation.boundaries import ablation
    from ablation.footage import Footage, footage

    made: list[Footage] = []
    for folder, source in [(options.sources, ""), *((folder, folder.name) for folder in options.also)]:
        for video, truth in pairs(folder):
            made += footage(video, truth, options.cache, source=source)
    print(ablation(made, options.reported))


def pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Each video of a folder and its ground truth; raises UsageError if there is none."""
    found = False
    for video in sorted(folder.glob("*.mp4")):
        truth = next((t for t in (video.with_suffix(".truth.json"), video.with_suffix(".json")) if t.exists()), None)
        if truth:
            found = True
            yield video, truth
    if not found:
        raise UsageError(f"{folder} has no video with ground truth; expected NAME.mp4 and NAME.truth.json or NAME.json")


if __name__ == "__main__":
    sys.exit(main())
