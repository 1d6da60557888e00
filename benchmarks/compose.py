"""Compose new videos with exact ground truth from a video with ground truth.

    python benchmarks/compose.py films --from film.mp4 film.truth.json --seeds 0 1

This writes films/film-0.mp4, film-0.truth.json, film-0.rttm and so on: about 30 s of 1280x720 each, with sound. The
source video shows real talking people in panels (docs/use/evaluate.md describes ground truth). A seed draws the people
and shots. Every video has each of these at least once:

- a hard cut between two people framed alike before the same backdrop, close and medium;
- close, medium, wide and two-shots; two people who take turns without a cut;
- a two-shot with a listener whose lips move unheard; a face dubbed with another speaker;
- footage without faces, with and without a voice-over;
- dissolves and fades through black; a flash, a shaking camera, a whip pan and a crash zoom, which are no boundaries.

Seeds 0 to 3 are for tuning: watch them, and choose parameters by them. Seeds 4 to 7 are for reports: use only their
figures, and never choose anything by them. Otherwise no figures tell how good the parameters are on other material.
"""

import argparse
import sys
from pathlib import Path

from composing.film import compose
from composing.material import Material, material

from vidlib.errors import VidlibError
from vidlib.evaluation import ground_truth

TUNING, UNTOUCHED = (0, 1, 2, 3), (4, 5, 6, 7)

NO_SOURCE = (
    "no source video was given; expected a video of talking people and its ground truth: "
    "--from film.mp4 film.truth.json (see --help)"
)


def main() -> int:
    """Compose the videos of the command line and print their paths; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("films"), help="output folder (default: films)")
    add_source(parser)
    options = parser.parse_args()
    if not options.source:
        print(f"compose: {NO_SOURCE}")
        return 0
    try:
        source_material = source(options.source)
        for seed in options.seeds or TUNING:
            print(*compose(source_material, seed, options.folder), flush=True)
    except VidlibError as error:
        print(f"compose: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the options for the source video and the seeds."""
    parser.add_argument(
        "--from", dest="source", type=Path, nargs=2, metavar=("FILM", "TRUTH"), help="source video and its ground truth"
    )
    parser.add_argument(
        "--seeds", type=int, nargs="+", help="videos to compose: 0 to 3 for tuning (default), 4 to 7 for reports"
    )


def source(paths: list[Path]) -> Material:
    """The material of a video and its ground truth; raises UsageError if it is too little."""
    film, truth = paths
    return material(film, ground_truth.read(truth))


if __name__ == "__main__":
    sys.exit(main())
