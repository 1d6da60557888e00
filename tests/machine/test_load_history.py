"""The load of the last hour: kept in a small file, and what it says about the disk."""

from pathlib import Path

import pytest

from vidlib.machine import load_history
from vidlib.machine.load import Disk, GpuLoad, Load
from vidlib.machine.load_history import EVERY_S, KEPT_S, MAX_LINES, Sample, full_in_s, read, record

NOW = 1_800_000_000.0
GB = 10**9


def load(used: int = 40 * GB, gpus: tuple[GpuLoad, ...] = ()) -> Load:
    return Load(50.0, 3 * GB, 4 * GB, (Disk(Path("/"), used, 100 * GB),), gpus)


def test_samples_of_the_last_hour_are_kept_and_older_ones_go(tmp_path):
    file = tmp_path / "logs" / "load.jsonl"
    assert read(file, NOW) == []
    for number in range(MAX_LINES + 10):
        record(file, load(), NOW + number * EVERY_S)
    end = NOW + (MAX_LINES + 9) * EVERY_S
    samples = read(file, end)
    assert [samples[0].at, samples[-1].at] == [end - KEPT_S, end]
    assert len(file.read_text().splitlines()) <= MAX_LINES
    assert samples[0] == Sample(end - KEPT_S, 0.5, 0.75, None, 40 * GB, 100 * GB)


def test_a_sample_that_another_process_took_a_moment_ago_is_enough(tmp_path):
    file = tmp_path / "load.jsonl"
    card = GpuLoad("card", 30.0, 0, 1)
    record(file, load(gpus=(card, GpuLoad("other", 80.0, 0, 1))), NOW)
    record(file, load(), NOW + 1)
    assert [sample.gpu for sample in read(file, NOW + 1)] == [0.8]


def test_a_damaged_line_and_a_folder_that_cannot_be_written_stop_nothing(tmp_path):
    file = tmp_path / "load.jsonl"
    file.write_text("[1, 2\n{}\n\n")
    record(file, load(), NOW)
    assert len(read(file, NOW)) == 1
    record(tmp_path / "load.jsonl" / "below a file", load(), NOW)


@pytest.mark.parametrize(
    ("pace", "expected"),
    [(GB, 50.0 * EVERY_S), (0, None), (-GB, None)],
    ids=["fills up", "steady", "empties"],
)
def test_the_disk_forecast_follows_the_pace_of_the_hour(pace, expected):
    samples = [Sample(NOW + n * EVERY_S, 0.0, 0.0, None, (30 * GB) + n * pace, 100 * GB) for n in range(21)]
    assert full_in_s(samples) == (expected and pytest.approx(expected))
    assert full_in_s(samples[:10]) is None  # too short to say
    assert load_history.full_in_s([]) is None
