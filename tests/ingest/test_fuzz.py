"""Changed archives do no harm; `python -m tests.soak fuzz` tries many more of them."""

import random

import pytest

from tests.ingest import fuzzing

ROUNDS = {"7z": 5, "summed 7z": 15, "rar": 5}  # programs take long to start
MANY_ROUNDS = 40


@pytest.fixture(scope="module")
def seeds(tmp_path_factory) -> dict[str, fuzzing.Seed]:
    return {seed.name: seed for seed in fuzzing.seeds(tmp_path_factory.mktemp("seeds"))}


def test_every_seed_is_sound(seeds, tmp_path):
    for seed in seeds.values():
        assert list(fuzzing.problems_of(seed.close(bytearray(seed.content)), tmp_path)) == []


@pytest.mark.parametrize(
    "name",
    [
        *("zip", "stored zip", "tar", "summed tar", "summed gnu tar", "tar in gzip", "gzip", "xz", "zstd"),
        *("rar", "7z", "summed 7z"),
    ],
)
def test_a_changed_archive_gives_sound_files_or_a_reason_and_nothing_outside(name, seeds, tmp_path):
    if name not in seeds:
        pytest.skip(f"the programs for {name} are not installed")
    rng = random.Random(f"2026 {name}")
    for number in range(ROUNDS.get(name, MANY_ROUNDS)):
        content = fuzzing.mutated(seeds[name], rng)
        problems = list(fuzzing.problems_of(content, tmp_path))
        assert not problems, f"{name} {number}: {problems}"
