"""Archives with a few bytes changed, by the thousand: see `tests.ingest.fuzzing`. The limit on memory is kept too."""

import random
from pathlib import Path

from tests.ingest import fuzzing
from tests.ingest.peak import MAX_BYTES, peak_bytes
from tests.soak.verdict import Tally, Verdict

EVERY = 1000


def fuzz(folder: Path, points: int, rng: random.Random) -> Tally:
    """Unpack ``points`` changed archives, and keep each that did something wrong in ``folder``."""
    tally, place = Tally("changed archives"), folder / "fuzz"
    place.mkdir(parents=True)
    seeds = fuzzing.seeds(folder / "seeds")
    for number in range(points):
        seed = rng.choice(seeds)
        content = fuzzing.mutated(seed, rng)
        tally.points += 1
        if found := list(fuzzing.problems_of(content, place)):
            kept = folder / f"{number} {seed.name}"
            kept.write_bytes(content)
            tally.add(f"{kept}", Verdict(other=found))
        elif number % EVERY == 0:
            tally.add(f"so far, with {peak_bytes() >> 20} MiB of memory at most", Verdict())
    if (peak := peak_bytes()) > MAX_BYTES:
        tally.add("all", Verdict(other=[f"it took {peak} bytes of memory, expected at most {MAX_BYTES}"]))
    return tally
