"""Compose new films, about which everything is known, out of a film whose truth is known.

    python benchmarks/compose.py films --from film.mp4 film.truth.json --seeds 0 1

writes films/film-0.mp4, film-0.truth.json, film-0.rttm and so on: some 30 s of 1280x720 with sound each. The film that
they are made from shows real people who talk, in panels (docs/evaluate.md has the form of a truth). A seed decides who
is seen when and how; every film has at least once

- a hard cut between two people who are framed alike before the same backdrop, close and medium;
- close, medium, wide and two-shots; two people who take turns without a cut;
- a listener, in a two-shot, whose lips move though nothing of it is heard; somebody dubbed with another's voice;
- footage without faces, with a voice over it and without;
- dissolves, fades through black; a flash, a shaking camera, a whip pan and a crash zoom, which are no boundaries.

Seeds 0 to 3 are for tuning: look at them, and choose parameters by them. Seeds 4 to 7 are untouched: look only at their
figures, and only to report them, else nothing is left that says how good the parameters are elsewhere.
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
    "nothing to compose from; expected a film of real people who talk, and the truth about it: "
    "--from film.mp4 film.truth.json (see --help)"
)


def main() -> int:
    """Compose what is asked for, and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("films"), help="where to (default: films)")
    add_source(parser)
    given = parser.parse_args()
    if not given.source:
        print(f"compose: {NO_SOURCE}")
        return 0
    try:
        made_from = source(given.source)
        for seed in given.seeds or TUNING:
            print(*compose(made_from, seed, given.folder), flush=True)
    except VidlibError as error:
        print(f"compose: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def add_source(parser: argparse.ArgumentParser) -> None:
    """The options that say what films are composed of, and which."""
    parser.add_argument(
        "--from", dest="source", type=Path, nargs=2, metavar=("FILM", "TRUTH"), help="compose from this film"
    )
    parser.add_argument(
        "--seeds", type=int, nargs="+", help="which of them: 0 to 3 are for tuning (default), 4 to 7 untouched"
    )


def source(paths: list[Path]) -> Material:
    """What the film and its truth hold; raises UsageError where that is too little."""
    film, its_truth = paths
    return material(film, ground_truth.read(its_truth))


if __name__ == "__main__":
    sys.exit(main())
